// A person's recording of the wake word, made ready for the bank.
#pragma once

#include <cstddef>

#include "wakebuilder/corpus/pieces.h"

namespace wakebuilder::corpus {

struct FoundWord {
  Frames frames;              ///< the word, its room subtracted
  std::size_t loud_span = 0;  ///< frames from the first loud one of the recording to the last
};

/// Finds the one word in a recording with a room around it, and subtracts the room. Otherwise a
/// head learns the room and the microphone of the few recordings in place of the word.
///
/// The room is the mean of the quietest fifth of the frames. Loud is what stands 6 dB above it, and
/// no more than 44 dB below the loudest frame; gaps of less than 0.25 s are part of a word, and
/// where there are several stretches, a click before the word, the one with the most energy is it.
/// Of one that is longer than 1.8 s only what is louder counts, in steps of 3 dB.
/// Of each bin 1.5 times the room's power is subtracted; a hundredth of what was there stays (Boll
/// 1979, "Suppression of acoustic noise in speech using spectral subtraction").
///
/// @param recording  log-mel frames [n, 128], natural logarithm. @pre n >= 1, else std::logic_error
FoundWord find_word(const Frames& recording);

}  // namespace wakebuilder::corpus
