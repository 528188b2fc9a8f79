#include <array>
#include <utility>

#include "wakebuilder/core/text.h"
#include "wakebuilder/onnx/external_data.h"

namespace wakebuilder::onnx {
namespace {

bool is_file_name(const std::string& location) {
  return !location.empty() && location != "." && location != ".." &&
         location.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

/// Appends weights, each at a multiple of kExternalAlignment.
class WeightFile {
 public:
  explicit WeightFile(core::StagedFile& file) : file_(&file) {}

  /// @return the offset of `bytes` in the file
  Result<std::uint64_t> append(std::span<const std::byte> bytes) {
    static constexpr std::array<std::byte, kExternalAlignment> kZeros{};
    const std::uint64_t beyond = size_ % kExternalAlignment;
    const auto gap = std::span(kZeros).first(beyond == 0 ? 0 : kExternalAlignment - beyond);
    WAKEBUILDER_CHECK(file_->write(gap));
    WAKEBUILDER_CHECK(file_->write(bytes));
    const std::uint64_t offset = size_ + gap.size();
    size_ = offset + bytes.size();
    return offset;
  }

 private:
  core::StagedFile* file_;
  std::uint64_t size_ = 0;
};

Result<void> move_out(TensorProto& tensor, WeightFile& file, const std::string& location) {
  const std::size_t length = tensor.raw_data->bytes.size();
  WAKEBUILDER_TRY(const auto offset, file.append(tensor.raw_data->bytes));
  tensor.raw_data.reset();
  tensor.data_location = 1;
  tensor.external_data = {{"location", location},
                          {"offset", std::to_string(offset)},
                          {"length", std::to_string(length)}};
  return {};
}

}  // namespace

Result<ModelProto> move_weights_out(ModelProto model, core::StagedFile& data,
                                    const std::string& location, std::size_t min_bytes) {
  if (!is_file_name(location)) {
    return fail(ErrorCode::kInvalidArgument,
                "external data: expected a file name beside the model, found \"" +
                    core::quote(location) + "\"");
  }
  WeightFile file(data);
  if (!model.graph) return model;
  for (TensorProto& tensor : model.graph->initializers) {
    if (!tensor.raw_data || tensor.raw_data->bytes.size() < min_bytes) continue;
    WAKEBUILDER_CHECK(move_out(tensor, file, location));
  }
  return model;
}

}  // namespace wakebuilder::onnx
