// A script, said and made ready for the bank.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/corpus/pieces.h"
#include "wakebuilder/corpus/script.h"
#include "wakebuilder/speech/synthesiser.h"

namespace wakebuilder::corpus {

struct RenderOptions {
  std::size_t threads = core::usual_threads();
  /// Where parts of scripts are kept from run to run, and looked for; "": nowhere.
  std::filesystem::path cache{};
  /// Called with what was said by one thread at a time.
  std::function<void(const speech::SynthesisProgress&)> on_progress{};
  /// Looked at between utterances; true stops.
  std::function<bool()> is_stopped{};
  /// Called with each clip that was said just now, in order: what comes from the cache is frames
  /// only.
  std::function<void(const Piece&, std::span<const float> samples)> on_clip{};
};

struct Rendered {
  std::vector<std::shared_ptr<const Pieces>> parts;
  std::size_t failed = 0;     ///< lines that no voice said
  std::string first_failure;  ///< why
};

/// Says all lines; each becomes a trimmed, levelled clip and then frames. Scripts are worked on in
/// parts of kLinesOfAPart lines; a part that is in the cache is not said again, and each is kept as
/// soon as it is done. A cache that cannot be written is as none.
///
/// Errors: kUnavailable when all lines of a script fail, with the first reason; kIo, "stopped".
Result<Rendered> render(const Script& script, const RenderOptions& options = {});

inline constexpr std::size_t kLinesOfAPart = 1000;

}  // namespace wakebuilder::corpus
