#include "train/rows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "wakebuilder/model/front_end.h"
#include "wakebuilder/model/speech_embedding.h"

namespace wakebuilder::train {
namespace {

std::string kind_of(const core::Tensor& tensor) {
  return std::string(core::to_string(tensor.dtype())) + " " + core::to_string(tensor.shape());
}

bool fits(const core::Shape& found, const core::Shape& wanted) {
  return std::ranges::equal(found, wanted, [](std::int64_t length, std::int64_t expected) {
    return expected < 0 ? length >= 1 : length == expected;
  });
}

Result<void> check_inputs(const std::string& name, const core::Tensor& inputs,
                          const InputForm& form, std::int64_t least) {
  const bool has_form = inputs.dtype() == core::DType::kFloat32 &&
                        fits(inputs.shape(), form.shape) && inputs.shape()[0] >= least;
  if (!has_form) {
    return fail(ErrorCode::kMismatch, name + ": expected float32 " + form.written +
                                          " with n of at least " + std::to_string(least) +
                                          ", found " + kind_of(inputs));
  }
  const auto values = inputs.as<float>();
  if (std::ranges::all_of(values, [](float x) { return std::isfinite(x); })) return {};
  return fail(ErrorCode::kCorrupt, name + ": expected finite numbers, found NaN or infinity");
}

Result<void> check_labels(const std::string& name, const core::Tensor& labels, std::int64_t count) {
  if (labels.dtype() != core::DType::kUInt8 || labels.shape() != core::Shape{count})
    return fail(ErrorCode::kMismatch, name + ": expected uint8 [" + std::to_string(count) +
                                          "], found " + kind_of(labels));
  const auto values = labels.as<std::uint8_t>();
  if (std::ranges::all_of(values, [](std::uint8_t label) { return label <= 1; })) return {};
  return fail(ErrorCode::kCorrupt, name + ": expected 0 and 1, found another number");
}

}  // namespace

InputForm tokens_form() { return {"tokens", {-1, model::kEmbeddingDim, -1}, "[n, 96, N]"}; }

InputForm windows_form() { return {"windows", {-1, -1, model::kFeatureBins}, "[n, frames, 128]"}; }

InputForm embeddings_form(std::int64_t embedding_dim) {
  return {"tokens", {-1, embedding_dim}, "[n, " + std::to_string(embedding_dim) + "]"};
}

Result<void> check_training(const Rows& rows, const InputForm& form) {
  WAKEBUILDER_CHECK(check_inputs(form.name, rows.inputs, form, 2));
  WAKEBUILDER_CHECK(check_labels("labels", rows.labels, rows.inputs.shape()[0]));
  const auto values = rows.labels.as<std::uint8_t>();
  const auto positives = std::ranges::count(values, 1);
  const auto negatives = std::ranges::count(values, 0);
  if (positives > 0 && negatives > 0) return {};
  return fail(ErrorCode::kMismatch,
              "labels: expected windows with and without the wake word, found " +
                  std::to_string(positives) + " and " + std::to_string(negatives));
}

Result<void> check_validation(const Rows& rows, const InputForm& form) {
  WAKEBUILDER_CHECK(check_inputs("validation_" + form.name, rows.inputs, form, 1));
  return check_labels("validation_labels", rows.labels, rows.inputs.shape()[0]);
}

}  // namespace wakebuilder::train
