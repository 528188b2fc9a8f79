// One function per message of onnx.proto: its field numbers, in their order.

#include "wakebuilder/onnx/read.h"

#include <algorithm>

#include "wakebuilder/core/file.h"

#include "onnx/message_reader.h"
#include "onnx/other_format.h"

namespace wakebuilder::onnx {
namespace {

constexpr std::uint64_t kMemoryPerByte = 8;
constexpr std::uint64_t kMemoryAlways = std::uint64_t{64} << 20U;

using StringPair = std::pair<std::string, std::string>;
using OpsetImport = std::pair<std::string, std::int64_t>;

void read(MessageReader in, StringPair& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        in.get(out.first);
        break;
      case 2:
        in.get(out.second);
        break;
      default:
        break;
    }
  }
}

void read(MessageReader in, OpsetImport& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        in.get(out.first);
        break;
      case 2:
        in.get(out.second);
        break;
      default:
        break;
    }
  }
}

void read(MessageReader in, TensorProto& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        in.add(out.dims);
        break;
      case 2:
        in.get(out.data_type);
        break;
      case 4:
        in.add(out.float_data);
        break;
      case 5:
        in.add(out.int32_data);
        break;
      case 6:
        in.add(out.string_data);
        break;
      case 7:
        in.add(out.int64_data);
        break;
      case 8:
        in.get(out.name);
        break;
      case 9:
        in.get(out.raw_data);
        break;
      case 10:
        in.add(out.double_data);
        break;
      case 11:
        in.add(out.uint64_data);
        break;
      case 12:
        in.get(out.doc_string);
        break;
      case 13:
        read(in.child("StringStringEntryProto"), in.append(out.external_data));
        break;
      case 14:
        in.get(out.data_location);
        break;
      default:
        in.keep(out.other_fields);
        break;
    }
  }
}

void read(MessageReader in, SparseTensorProto& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        read(in.child("TensorProto"), out.values);
        break;
      case 2:
        read(in.child("TensorProto"), out.indices);
        break;
      case 3:
        in.add(out.dims);
        break;
      default:
        break;
    }
  }
}

void read(MessageReader in, Dimension& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        out.param.clear();
        in.get(out.value.emplace());
        break;
      case 2:
        out.value.reset();
        in.get(out.param);
        break;
      default:
        break;
    }
  }
}

void read_shape(MessageReader in, std::vector<Dimension>& out) {
  while (in.next()) {
    if (in.field() == 1) read(in.child("Dimension"), in.append(out));
  }
}

void read_tensor_type(MessageReader in, TypeProto& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        in.get(out.elem_type);
        break;
      case 2:
        read_shape(in.child("TensorShapeProto"), out.shape ? *out.shape : out.shape.emplace());
        break;
      default:
        break;
    }
  }
}

/// One of the kinds of a type, which exclude each other.
void read_kind(MessageReader& in, TypeProto& out, const char* kind) {
  if (!out.kind.empty()) return in.reject("a type has two kinds, " + out.kind + " and " + kind);
  out.kind = kind;
  if (in.field() == 1 || in.field() == 8) {
    read_tensor_type(in.child("TypeProto.Tensor"), out);
  } else {
    in.keep(out.other_fields);
  }
}

void read(MessageReader in, TypeProto& out) {
  out.kind.clear();
  while (in.next()) {
    switch (in.field()) {
      case 1:
        read_kind(in, out, "tensor");
        break;
      case 4:
        read_kind(in, out, "sequence");
        break;
      case 5:
        read_kind(in, out, "map");
        break;
      case 7:
        read_kind(in, out, "opaque");
        break;
      case 8:
        read_kind(in, out, "sparse_tensor");
        break;
      case 9:
        read_kind(in, out, "optional");
        break;
      default:
        in.keep(out.other_fields);
        break;
    }
  }
}

void read(MessageReader in, ValueInfoProto& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        in.get(out.name);
        break;
      case 2:
        read(in.child("TypeProto"), out.type.emplace());
        break;
      case 3:
        in.get(out.doc_string);
        break;
      default:
        in.keep(out.other_fields);
        break;
    }
  }
}

void read(MessageReader in, GraphProto& out);

/// A field that is not repeated, read into the list that it shares with its repeated sister: at the
/// front.
template <class T>
void read_single(MessageReader& in, const char* message, std::vector<T>& list) {
  in.append(list);
  std::rotate(list.begin(), list.end() - 1, list.end());
  read(in.child(message), list.front());
}

void read(MessageReader in, AttributeProto& out) {
  while (in.next()) {
    const std::uint32_t bit = in.field() < 32 ? 1U << in.field() : 0;
    const bool again = (out.present & bit) != 0;
    out.present |= bit;
    switch (in.field()) {
      case 1:
        in.get(out.name);
        break;
      case 2:
        in.get(out.f);
        break;
      case 3:
        in.get(out.i);
        break;
      case 4:
        in.get(out.s);
        break;
      case 5:
        again ? in.reject("is given twice") : read_single(in, "TensorProto", out.tensors);
        break;
      case 6:
        again ? in.reject("is given twice") : read_single(in, "GraphProto", out.graphs);
        break;
      case 7:
        in.add(out.floats);
        break;
      case 8:
        in.add(out.ints);
        break;
      case 9:
        in.add(out.strings);
        break;
      case 10:
        read(in.child("TensorProto"), in.append(out.tensors));
        break;
      case 11:
        read(in.child("GraphProto"), in.append(out.graphs));
        break;
      case 13:
        in.get(out.doc_string);
        break;
      case 20:
        in.get(out.type);
        break;
      case 21:
        in.get(out.ref_attr_name);
        break;
      case 22:
        again ? in.reject("is given twice")
              : read_single(in, "SparseTensorProto", out.sparse_tensors);
        break;
      case 23:
        read(in.child("SparseTensorProto"), in.append(out.sparse_tensors));
        break;
      default:
        in.keep(out.other_fields);
        break;
    }
  }
}

void read(MessageReader in, NodeProto& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        in.add(out.inputs);
        break;
      case 2:
        in.add(out.outputs);
        break;
      case 3:
        in.get(out.name);
        break;
      case 4:
        in.get(out.op_type);
        break;
      case 5:
        read(in.child("AttributeProto"), in.append(out.attributes));
        break;
      case 6:
        in.get(out.doc_string);
        break;
      case 7:
        in.get(out.domain);
        break;
      case 8:
        in.get(out.overload);
        break;
      default:
        in.keep(out.other_fields);
        break;
    }
  }
}

void read(MessageReader in, GraphProto& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        read(in.child("NodeProto"), in.append(out.nodes));
        break;
      case 2:
        in.get(out.name);
        break;
      case 5:
        read(in.child("TensorProto"), in.append(out.initializers));
        break;
      case 10:
        in.get(out.doc_string);
        break;
      case 11:
        read(in.child("ValueInfoProto"), in.append(out.inputs));
        break;
      case 12:
        read(in.child("ValueInfoProto"), in.append(out.outputs));
        break;
      case 13:
        read(in.child("ValueInfoProto"), in.append(out.value_infos));
        break;
      case 15:
        read(in.child("SparseTensorProto"), in.append(out.sparse_initializers));
        break;
      default:
        in.keep(out.other_fields);
        break;
    }
  }
}

void read(MessageReader in, FunctionProto& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        in.get(out.name);
        break;
      case 4:
        in.add(out.inputs);
        break;
      case 5:
        in.add(out.outputs);
        break;
      case 6:
        in.add(out.attributes);
        break;
      case 7:
        read(in.child("NodeProto"), in.append(out.nodes));
        break;
      case 8:
        in.get(out.doc_string);
        break;
      case 9:
        read(in.child("OperatorSetIdProto"), in.append(out.opset_imports));
        break;
      case 10:
        in.get(out.domain);
        break;
      case 11:
        read(in.child("AttributeProto"), in.append(out.attribute_defaults));
        break;
      case 13:
        in.get(out.overload);
        break;
      default:
        in.keep(out.other_fields);
        break;
    }
  }
}

void read(MessageReader in, ModelProto& out) {
  while (in.next()) {
    switch (in.field()) {
      case 1:
        in.get(out.ir_version);
        break;
      case 2:
        in.get(out.producer_name);
        break;
      case 3:
        in.get(out.producer_version);
        break;
      case 4:
        in.get(out.domain);
        break;
      case 5:
        in.get(out.model_version);
        break;
      case 6:
        in.get(out.doc_string);
        break;
      case 7:
        read(in.child("GraphProto"), out.graph ? *out.graph : out.graph.emplace());
        break;
      case 8:
        read(in.child("OperatorSetIdProto"), in.append(out.opset_imports));
        break;
      case 14:
        read(in.child("StringStringEntryProto"), in.append(out.metadata_props));
        break;
      case 25:
        read(in.child("FunctionProto"), in.append(out.functions));
        break;
      default:
        in.keep(out.other_fields);
        break;
    }
  }
}

/// Random bytes may be well-formed protobuf by chance, but then they say nothing of a model.
bool says_nothing(const ModelProto& model) {
  return model.ir_version == 0 && !model.graph && model.opset_imports.empty();
}

/// Why bytes that could not be read could not. Only now are other formats thought of: a sound model
/// may happen to have their marks (a producer called ORTModule).
tl::unexpected<Error> refusal(std::span<const std::byte> bytes, std::optional<Error> error) {
  if (const auto what = other_format(bytes)) {
    return fail(ErrorCode::kUnsupported, "is not an ONNX model: " + *what);
  }
  if (error) return fail(*std::move(error));
  return fail(ErrorCode::kCorrupt,
              "is not an ONNX model: it has no IR version, no opset and no graph");
}

}  // namespace

Result<ModelProto> parse_model(std::span<const std::byte> bytes,
                               std::shared_ptr<const void> owner) {
  if (bytes.empty()) return fail(ErrorCode::kCorrupt, "is empty");
  ReadState state{.file = bytes,
                  .owner = std::move(owner),
                  .memory_left = kMemoryPerByte * bytes.size() + kMemoryAlways,
                  .error = std::nullopt};
  ModelProto model;
  read(MessageReader(state, "ModelProto", bytes), model);
  if (state.error || says_nothing(model)) return refusal(bytes, std::move(state.error));
  return model;
}

Result<ModelProto> read_model(const std::filesystem::path& path) {
  WAKEBUILDER_TRY(const auto file, core::MappedFile::open(path));
  auto model = parse_model(file->bytes(), file);
  if (!model) return fail_in(core::shown(path), std::move(model).error());
  return model;
}

}  // namespace wakebuilder::onnx
