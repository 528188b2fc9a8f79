// How well logits tell windows with the wake word.
#pragma once

#include <cstdint>
#include <span>

namespace wakebuilder::train {

struct Scores {
  double loss = 0;  ///< mean cross entropy, labels not smoothed
  double accuracy = 0;
  double f1 = 0;      ///< of the class with the wake word; 0 where none is right
  double recall = 0;  ///< share of the windows with the wake word that are told; 0 without any
  std::int64_t false_accepts = 0;  ///< windows without it that are taken for it
};

/// How it went since the validation before, and how well what would be the result now does.
struct Validation {
  std::int64_t step = 0;  ///< done
  std::int64_t steps = 0;
  double rate = 0;  ///< of the last step
  double train_loss = 0;
  double train_accuracy = 0;  ///< by the label of the larger share
  Scores scores{};
};

/// Of logits as they will be once calibrated (model::fit_calibration): the loss says how well the
/// windows can be told, not where the network happens to put its threshold.
/// @param logits  [n, 2]; the second is the wake word's. A window is taken where that is larger.
/// @param labels  [n], 0 or 1
/// @pre both hold n rows, n at least 1, else std::logic_error
Scores score(std::span<const float> logits, std::span<const std::uint8_t> labels);

}  // namespace wakebuilder::train
