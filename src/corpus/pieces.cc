#include "wakebuilder/corpus/pieces.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/core/expect.h"
#include "wakebuilder/core/file.h"

namespace wakebuilder::corpus {
namespace {

using core::Value;

constexpr float kSteps = 1024;
constexpr std::array<std::string_view, kKinds> kKindNames = {"word",     "phrase",  "near",
                                                             "isolated", "running", "jumbled"};

std::int16_t pack(float value) {
  return static_cast<std::int16_t>(std::lround(std::clamp(value * kSteps, -32768.0F, 32767.0F)));
}

std::optional<Kind> to_kind(const Value& value) {
  const auto* name = value.get_if<std::string>();
  if (name == nullptr) return std::nullopt;
  const auto* const found = std::ranges::find(kKindNames, *name);
  if (found == kKindNames.end()) return std::nullopt;
  return static_cast<Kind>(found - kKindNames.begin());
}

const core::List* list_of(const Value& root, std::string_view name, std::size_t count) {
  const Value* value = root.find(name);
  const auto* list = value != nullptr ? value->get_if<core::List>() : nullptr;
  return list != nullptr && list->size() == count ? list : nullptr;
}

const core::Tensor* tensor_of(const Value& root, std::string_view name, core::DType dtype) {
  const Value* value = root.find(name);
  const auto* tensor = value != nullptr ? value->get_if<core::Tensor>() : nullptr;
  return tensor != nullptr && tensor->dtype() == dtype ? tensor : nullptr;
}

std::optional<std::vector<Piece>> pieces_of(const Value& root, std::size_t count) {
  const auto* kinds = list_of(root, "kinds", count);
  const auto* groups = list_of(root, "groups", count);
  const auto* texts = list_of(root, "texts", count);
  if (kinds == nullptr || groups == nullptr || texts == nullptr) return std::nullopt;
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < count; ++i) {
    const auto kind = to_kind((*kinds)[i]);
    const auto* group = (*groups)[i].get_if<std::string>();
    const auto* text = (*texts)[i].get_if<std::string>();
    if (!kind || group == nullptr || text == nullptr) return std::nullopt;
    pieces.push_back({*kind, *group, *text});
  }
  return pieces;
}

/// From 0, each above the one before, to `frames`.
std::optional<std::vector<std::size_t>> ends_of(const core::Tensor& tensor, std::int64_t frames) {
  const auto values = tensor.as<std::int64_t>();
  if (values.empty() || values.front() != 0 || values.back() != frames) return std::nullopt;
  const auto falls = [](std::int64_t a, std::int64_t b) { return a >= b; };
  if (std::ranges::adjacent_find(values, falls) != values.end()) return std::nullopt;
  return std::vector<std::size_t>(values.begin(), values.end());
}

}  // namespace

std::string_view to_string(Kind kind) { return kKindNames.at(static_cast<std::size_t>(kind)); }

std::span<const std::int16_t> Pieces::packed() const {
  if (!is_mapped_) return values_;
  const auto bytes = mapped_.bytes();
  return {reinterpret_cast<const std::int16_t*>(bytes.data()), bytes.size() / sizeof(std::int16_t)};
}

void Pieces::add(Piece piece, std::span<const float> frames) {
  WAKEBUILDER_EXPECT(!is_mapped_ && !frames.empty() && frames.size() % kBins == 0);
  std::ranges::transform(frames, std::back_inserter(values_), pack);
  pieces_.push_back(std::move(piece));
  ends_.push_back(values_.size() / kBins);
}

Frames Pieces::unpack(std::size_t index) const {
  Frames result(frames(index) * kBins);
  const auto values = packed().subspan(ends_[index] * kBins, result.size());
  std::ranges::transform(values, result.begin(),
                         [](std::int16_t value) { return static_cast<float>(value) / kSteps; });
  return result;
}

Result<void> Pieces::save(const std::filesystem::path& path) const {
  core::List kinds;
  core::List groups;
  core::List texts;
  for (const Piece& piece : pieces_) {
    kinds.emplace_back(to_string(piece.kind));
    groups.emplace_back(piece.group);
    texts.emplace_back(piece.text);
  }
  const auto bytes = std::as_bytes(packed());
  const auto shape = core::Shape{static_cast<std::int64_t>(frames()), kBins};
  const Value root =
      core::Dict{{"frames", core::Tensor::view(core::DType::kInt16, shape, bytes, nullptr)},
                 {"ends", core::Tensor::from(std::vector<std::int64_t>(ends_.begin(), ends_.end()),
                                             {static_cast<std::int64_t>(ends_.size())})},
                 {"kinds", std::move(kinds)},
                 {"groups", std::move(groups)},
                 {"texts", std::move(texts)}};
  return checkpoint::save_safetensors(path, root);
}

Result<Pieces> Pieces::load(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(const auto file, checkpoint::read(path));
  const auto* frames = tensor_of(file.root, "frames", core::DType::kInt16);
  const auto* ends = tensor_of(file.root, "ends", core::DType::kInt64);
  const bool has_tensors = frames != nullptr && ends != nullptr && frames->shape().size() == 2 &&
                           frames->shape()[1] == kBins && !ends->shape().empty();
  auto offsets = has_tensors ? ends_of(*ends, frames->shape()[0]) : std::nullopt;
  auto pieces = offsets ? pieces_of(file.root, offsets->size() - 1) : std::nullopt;
  if (!pieces) {
    return fail(ErrorCode::kCorrupt,
                core::shown(path) + ": expected frames of pieces of speech, found other contents");
  }
  Pieces result;
  result.pieces_ = *std::move(pieces);
  result.ends_ = *std::move(offsets);
  result.mapped_ = *frames;
  result.is_mapped_ = true;
  return result;
}

}  // namespace wakebuilder::corpus
