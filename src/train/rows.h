// What is learned from: inputs and labels, one row for each window.
#pragma once

#include <cstdint>
#include <string>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"

namespace wakebuilder::train {

/// Windows, as a network hears them.
struct Rows {
  core::Tensor inputs;  ///< float32 [n, ...]
  core::Tensor labels;  ///< [n] uint8: 1 where the wake word is in the window, else 0
};

/// How inputs look.
struct InputForm {
  std::string name;     ///< "tokens"
  core::Shape shape;    ///< -1: any length of at least 1
  std::string written;  ///< "[n, 96, N]"
};

InputForm tokens_form();                                ///< [n, 96, N]
InputForm windows_form();                               ///< [n, frames, 128]
InputForm embeddings_form(std::int64_t embedding_dim);  ///< `tokens` [n, embedding_dim]

/// Rows to learn from. Errors: kMismatch for other shapes or element types, fewer than two rows,
/// only one class; kCorrupt for inputs that are NaN or infinite, or labels beyond 1.
Result<void> check_training(const Rows& rows, const InputForm& form);

/// Rows to judge by: the same, but one will do, of one class.
Result<void> check_validation(const Rows& rows, const InputForm& form);

}  // namespace wakebuilder::train
