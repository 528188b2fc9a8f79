// One function per message of onnx.proto: its fields, by their number. See read.cc for the way
// back.

#include "wakebuilder/onnx/write.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "onnx/attribute_type.h"
#include "onnx/message_writer.h"

namespace wakebuilder::onnx {
namespace {

using StringPair = std::pair<std::string, std::string>;
using OpsetImport = std::pair<std::string, std::int64_t>;

// Messages hold each other; templates see only what is declared before them.
void encode(MessageWriter& out, const StringPair& message);
void encode(MessageWriter& out, const OpsetImport& message);
void encode(MessageWriter& out, const TensorProto& message);
void encode(MessageWriter& out, const SparseTensorProto& message);
void encode(MessageWriter& out, const Dimension& message);
void encode(MessageWriter& out, const TypeProto& message);
void encode(MessageWriter& out, const ValueInfoProto& message);
void encode(MessageWriter& out, const AttributeProto& message);
void encode(MessageWriter& out, const NodeProto& message);
void encode(MessageWriter& out, const GraphProto& message);
void encode(MessageWriter& out, const FunctionProto& message);

template <class T>
void write_all(MessageWriter& out, std::uint32_t field, std::span<const T> list) {
  for (const T& item : list) {
    out.message(field, [&] { encode(out, item); });
  }
}

template <class T>
void write_all(MessageWriter& out, std::uint32_t field, const std::vector<T>& list) {
  write_all(out, field, std::span<const T>(list));
}

void write_texts(MessageWriter& out, std::uint32_t field, const std::vector<std::string>& list) {
  for (const std::string& item : list) out.text(field, item);
}

void write_integers(MessageWriter& out, std::uint32_t field,
                    const std::vector<std::int64_t>& list) {
  for (const std::int64_t item : list) out.integer(field, item);
}

void encode(MessageWriter& out, const StringPair& entry) {
  out.text(1, entry.first);
  out.text(2, entry.second);
}

void encode(MessageWriter& out, const OpsetImport& import) {
  out.text_unless_empty(1, import.first);
  out.integer(2, import.second);
}

void encode(MessageWriter& out, const TensorProto& tensor) {
  write_integers(out, 1, tensor.dims);
  out.integer_unless_zero(2, tensor.data_type);
  out.packed_numbers(4, tensor.float_data);
  out.packed_integers(5, tensor.int32_data);
  write_texts(out, 6, tensor.string_data);
  out.packed_integers(7, tensor.int64_data);
  out.text_unless_empty(8, tensor.name);
  if (tensor.raw_data) out.bytes(9, tensor.raw_data->bytes);
  out.packed_numbers(10, tensor.double_data);
  out.packed_integers(11, tensor.uint64_data);
  out.text_unless_empty(12, tensor.doc_string);
  write_all(out, 13, tensor.external_data);
  out.integer_unless_zero(14, tensor.data_location);
  out.raw(tensor.other_fields);
}

void encode(MessageWriter& out, const SparseTensorProto& tensor) {
  out.message(1, [&] { encode(out, tensor.values); });
  out.message(2, [&] { encode(out, tensor.indices); });
  write_integers(out, 3, tensor.dims);
}

void encode(MessageWriter& out, const Dimension& dimension) {
  if (dimension.value) {
    out.integer(1, *dimension.value);
  } else {
    out.text_unless_empty(2, dimension.param);
  }
}

void encode(MessageWriter& out, const TypeProto& type) {
  const auto tensor = [&] {
    out.integer_unless_zero(1, type.elem_type);
    if (type.shape) {
      out.message(2, [&] { write_all(out, 1, *type.shape); });
    }
  };
  if (type.kind == "tensor") out.message(1, tensor);
  if (type.kind == "sparse_tensor") out.message(8, tensor);
  out.raw(type.other_fields);
}

void encode(MessageWriter& out, const ValueInfoProto& value) {
  out.text_unless_empty(1, value.name);
  if (value.type) {
    out.message(2, [&] { encode(out, *value.type); });
  }
  out.text_unless_empty(3, value.doc_string);
  out.raw(value.other_fields);
}

/// The first of a list in the field for one (`t`), the rest in the field for many (`tensors`).
template <class T>
std::span<const T> write_single(MessageWriter& out, bool single, std::uint32_t field,
                                const std::vector<T>& list) {
  if (!single || list.empty()) return list;
  out.message(field, [&] { encode(out, list.front()); });
  return std::span(list).subspan(1);
}

void encode(MessageWriter& out, const AttributeProto& attribute) {
  const auto had = [&](std::uint32_t field) { return ((attribute.present >> field) & 1U) != 0; };
  const auto is = [&](AttributeType type) {
    return attribute.type == static_cast<std::int32_t>(type);
  };
  out.text_unless_empty(1, attribute.name);
  if (is(AttributeType::kFloat) || had(2)) out.number(2, attribute.f);
  if (is(AttributeType::kInt) || had(3)) out.integer(3, attribute.i);
  if (is(AttributeType::kString) || had(4)) out.text(4, attribute.s);
  const auto tensors =
      write_single(out, is(AttributeType::kTensor) || had(5), 5, attribute.tensors);
  const auto graphs = write_single(out, is(AttributeType::kGraph) || had(6), 6, attribute.graphs);
  for (const float number : attribute.floats) out.number(7, number);
  write_integers(out, 8, attribute.ints);
  write_texts(out, 9, attribute.strings);
  write_all(out, 10, tensors);
  write_all(out, 11, graphs);
  out.text_unless_empty(13, attribute.doc_string);
  out.integer_unless_zero(20, attribute.type);
  out.text_unless_empty(21, attribute.ref_attr_name);
  write_all(
      out, 23,
      write_single(out, is(AttributeType::kSparseTensor) || had(22), 22, attribute.sparse_tensors));
  out.raw(attribute.other_fields);
}

void encode(MessageWriter& out, const NodeProto& node) {
  write_texts(out, 1, node.inputs);
  write_texts(out, 2, node.outputs);
  out.text_unless_empty(3, node.name);
  out.text_unless_empty(4, node.op_type);
  write_all(out, 5, node.attributes);
  out.text_unless_empty(6, node.doc_string);
  out.text_unless_empty(7, node.domain);
  out.text_unless_empty(8, node.overload);
  out.raw(node.other_fields);
}

void encode(MessageWriter& out, const GraphProto& graph) {
  write_all(out, 1, graph.nodes);
  out.text_unless_empty(2, graph.name);
  write_all(out, 5, graph.initializers);
  out.text_unless_empty(10, graph.doc_string);
  write_all(out, 11, graph.inputs);
  write_all(out, 12, graph.outputs);
  write_all(out, 13, graph.value_infos);
  write_all(out, 15, graph.sparse_initializers);
  out.raw(graph.other_fields);
}

void encode(MessageWriter& out, const FunctionProto& function) {
  out.text_unless_empty(1, function.name);
  write_texts(out, 4, function.inputs);
  write_texts(out, 5, function.outputs);
  write_texts(out, 6, function.attributes);
  write_all(out, 7, function.nodes);
  out.text_unless_empty(8, function.doc_string);
  write_all(out, 9, function.opset_imports);
  out.text_unless_empty(10, function.domain);
  write_all(out, 11, function.attribute_defaults);
  out.text_unless_empty(13, function.overload);
  out.raw(function.other_fields);
}

void encode(MessageWriter& out, const ModelProto& model) {
  out.integer_unless_zero(1, model.ir_version);
  out.text_unless_empty(2, model.producer_name);
  out.text_unless_empty(3, model.producer_version);
  out.text_unless_empty(4, model.domain);
  out.integer_unless_zero(5, model.model_version);
  out.text_unless_empty(6, model.doc_string);
  if (model.graph) {
    out.message(7, [&] { encode(out, *model.graph); });
  }
  write_all(out, 8, model.opset_imports);
  write_all(out, 14, model.metadata_props);
  write_all(out, 25, model.functions);
  out.raw(model.other_fields);
}

class StringSink : public ByteSink {
 public:
  explicit StringSink(std::size_t size) { text_.reserve(size); }
  void append(std::span<const std::byte> bytes) override {
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// Gathers small parts; passes large ones, the weights, straight on.
class FileSink : public ByteSink {
 public:
  explicit FileSink(core::StagedFile& file) : file_(&file) { buffer_.reserve(kBufferSize); }

  void append(std::span<const std::byte> bytes) override {
    if (buffer_.size() + bytes.size() > kBufferSize) flush();
    if (bytes.size() > kBufferSize) {
      if (status_) status_ = file_->write(bytes);
    } else {
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    }
  }

  Result<void> finish() {
    flush();
    return status_;
  }

 private:
  static constexpr std::size_t kBufferSize = std::size_t{64} << 10U;

  void flush() {
    if (status_) status_ = file_->write(buffer_);
    buffer_.clear();
  }

  core::StagedFile* file_;
  std::vector<std::byte> buffer_;
  Result<void> status_;
};

}  // namespace

std::size_t serialized_size(const ModelProto& model) {
  MessageWriter counter;
  encode(counter, model);
  return counter.size();
}

std::string serialize(const ModelProto& model) {
  MessageWriter writer;
  encode(writer, model);
  StringSink sink(writer.size());
  writer.start_writing(sink);
  encode(writer, model);
  return sink.take();
}

Result<void> write_model(core::StagedFile& file, const ModelProto& model) {
  MessageWriter writer;
  encode(writer, model);
  if (writer.size() > kMaxModelBytes) {
    return fail(
        ErrorCode::kUnsupported,
        "the model takes " + std::to_string(writer.size()) +
            " bytes, and a protobuf file at most 2147483647: keep its weights in a file beside it "
            "(external data)");
  }
  FileSink sink(file);
  writer.start_writing(sink);
  encode(writer, model);
  return sink.finish();
}

}  // namespace wakebuilder::onnx
