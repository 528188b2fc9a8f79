#include "onnx/check_tensor.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "onnx/element_type.h"
#include "onnx/message_reader.h"
#include "onnx/tensor_size.h"

namespace wakebuilder::onnx {
namespace {

constexpr std::int32_t kExternal = 1;
constexpr std::uint32_t kSegmentField = 3;

std::size_t entries_in(const TensorProto& tensor, DataField field) {
  switch (field) {
    case DataField::kFloat:
      return tensor.float_data.size();
    case DataField::kInt32:
      return tensor.int32_data.size();
    case DataField::kString:
      return tensor.string_data.size();
    case DataField::kInt64:
      return tensor.int64_data.size();
    case DataField::kDouble:
      return tensor.double_data.size();
    case DataField::kUInt64:
      return tensor.uint64_data.size();
  }
  return 0;
}

/// The typed data fields that hold anything.
std::vector<DataField> filled_fields(const TensorProto& tensor) {
  constexpr std::array kFields = {DataField::kFloat, DataField::kInt32,  DataField::kString,
                                  DataField::kInt64, DataField::kDouble, DataField::kUInt64};
  std::vector<DataField> filled;
  std::copy_if(kFields.begin(), kFields.end(), std::back_inserter(filled),
               [&](DataField field) { return entries_in(tensor, field) > 0; });
  return filled;
}

bool has_raw_data(const TensorProto& tensor) {
  return tensor.raw_data && !tensor.raw_data->bytes.empty();
}

std::string listed(const TensorProto& tensor) {
  std::string names = has_raw_data(tensor) ? "raw_data" : "";
  for (const DataField field : filled_fields(tensor)) {
    names += (names.empty() ? "" : " and ") + std::string(to_string(field));
  }
  return names;
}

std::string shape_and_type(const TensorProto& tensor, const ElementTypeInfo& type) {
  return std::string(type.name) + core::to_string(tensor.dims);
}

/// Nothing when all is well.
using Complaint = std::optional<std::string>;

Complaint complain_about_raw(const TensorProto& tensor, const ElementTypeInfo& type,
                             std::uint64_t elements) {
  if (type.bits == 0) return "keeps strings in raw_data; expected string_data";
  const auto needed = raw_size(type, elements);
  const std::size_t found = tensor.raw_data->bytes.size();
  if (needed && *needed == found) return std::nullopt;
  return "expected " + (needed ? std::to_string(*needed) : "more than 2^64") +
         " bytes of raw_data for " + shape_and_type(tensor, type) + ", found " +
         std::to_string(found);
}

Complaint complain_about_typed(const TensorProto& tensor, const ElementTypeInfo& type,
                               std::uint64_t elements, DataField field) {
  if (field != type.field) {
    return "expected " + std::string(type.name) + " in raw_data or " +
           std::string(to_string(type.field)) + ", found " + std::string(to_string(field));
  }
  const auto needed = typed_entries(type, elements);
  const std::size_t found = entries_in(tensor, field);
  if (needed && *needed == found) return std::nullopt;
  return "expected " + (needed ? std::to_string(*needed) : "more than 2^64") + " entries in " +
         std::string(to_string(field)) + " for " + shape_and_type(tensor, type) + ", found " +
         std::to_string(found);
}

Complaint complain_about_data(const TensorProto& tensor, const ElementTypeInfo& type,
                              std::uint64_t elements) {
  const auto filled = filled_fields(tensor);
  const std::size_t fields = filled.size() + (has_raw_data(tensor) ? 1 : 0);
  if (fields > 1) return "expected data in one field, found it in " + listed(tensor);
  if (fields == 0) {
    if (elements == 0) return std::nullopt;
    return "expected data for " + shape_and_type(tensor, type) + ", found none";
  }
  if (has_raw_data(tensor)) return complain_about_raw(tensor, type, elements);
  return complain_about_typed(tensor, type, elements, filled.front());
}

Complaint complain_about_external(CheckContext& context, const TensorProto& tensor) {
  if (!listed(tensor).empty()) return "is stored externally, and has " + listed(tensor) + " too";
  const auto data = context.external.bytes(tensor);
  if (!data) return data.error().message;
  return std::nullopt;
}

bool has_segment(const TensorProto& tensor) {
  ReadState state;
  state.file = std::as_bytes(std::span(tensor.other_fields));
  MessageReader in(state, "TensorProto", state.file);
  while (in.next()) {
    if (in.field() == kSegmentField) return true;
  }
  return false;
}

Complaint complain_about(CheckContext& context, const TensorProto& tensor) {
  if (tensor.data_type == kUndefined) return "has no element type";
  const auto type = element_type_info(tensor.data_type);
  if (!type) {
    return "expected an element type from 1 to 28, found " + std::to_string(tensor.data_type);
  }
  const auto elements = tensor_elements(tensor);
  if (!elements) return elements.error().message;
  if (has_segment(tensor)) return "is a segment of a tensor, which no runtime reads";
  if (tensor.data_location == kExternal) return complain_about_external(context, tensor);
  if (tensor.data_location != 0) {
    return "expected data_location 0 or 1, found " + std::to_string(tensor.data_location);
  }
  return complain_about_data(tensor, *type, *elements);
}

Complaint complain_about_sparse(const SparseTensorProto& tensor) {
  const auto& values = tensor.values;
  const auto& indices = tensor.indices;
  if (tensor.dims.empty() ||
      std::any_of(tensor.dims.begin(), tensor.dims.end(), [](auto d) { return d <= 0; })) {
    return "expected positive dimensions of a sparse tensor, found " + core::to_string(tensor.dims);
  }
  if (values.dims.size() != 1) {
    return "expected the values of a sparse tensor as a vector, found the shape " +
           core::to_string(values.dims);
  }
  if (indices.data_type == kUndefined && values.dims[0] == 0) return std::nullopt;
  if (indices.data_type != kInt64) {
    return "expected int64 indices of a sparse tensor, found " +
           element_type_name(indices.data_type);
  }
  const auto rank = static_cast<std::int64_t>(tensor.dims.size());
  const core::Shape linear = {values.dims[0]};
  const core::Shape coordinates = {values.dims[0], rank};
  if (indices.dims == linear || indices.dims == coordinates) return std::nullopt;
  return "expected indices of the shape " + core::to_string(linear) + " or " +
         core::to_string(coordinates) + ", found " + core::to_string(indices.dims);
}

}  // namespace

void check_tensor(CheckContext& context, const std::string& where, const TensorProto& tensor) {
  if (auto complaint = complain_about(context, tensor))
    context.findings.error(where, *std::move(complaint));
}

void check_sparse_tensor(CheckContext& context, const std::string& where,
                         const SparseTensorProto& tensor) {
  check_tensor(context, where, tensor.values);
  if (tensor.indices.data_type != kUndefined) check_tensor(context, where, tensor.indices);
  if (auto complaint = complain_about_sparse(tensor))
    context.findings.error(where, *std::move(complaint));
}

}  // namespace wakebuilder::onnx
