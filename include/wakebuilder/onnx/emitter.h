// The operations interface, written down as an ONNX graph at the wanted opset.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/model/layers.h"
#include "wakebuilder/onnx/graph.h"

namespace wakebuilder::onnx {

inline constexpr std::int64_t kOldestEmittedOpset = 13;
inline constexpr std::int64_t kNewestEmittedOpset = 21;
inline constexpr std::int64_t kDefaultOpset = 17;

/// Interprets a forward pass by adding nodes.
///
/// Each operation has the form that the opset asks for: below 17 LayerNormalization is written in
/// its parts, below 20 Gelu, below 21 GroupNormalization (docs/formats/onnx.md has the table). No
/// version converter. Names follow the scopes: node `tcn_block/conv_0` writes value
/// `tcn_block/conv_0`; an operation that takes several nodes puts its parts below,
/// `tcn_block/gelu_0/erf`. Weights keep their names in the checkpoint and stay where they are
/// (Blob); equal weights and equal constants are written once.
class Emitter {
 public:
  using Weight = model::Parameter;

  /// The name of a value in the graph, and its element type.
  struct Value {
    std::string name;
    ElementType type = kFloat;
  };

  /// What a stream keeps from hop to hop: an input and an output of the same shape, float32. The
  /// first value is zeros.
  struct State {
    std::string input;
    std::string output;
    core::Shape shape;  ///< 0 for the batch
  };

  /// Puts its name in front of the names of what is emitted while it lives.
  class Scope {
   public:
    Scope(Emitter& op, const std::string& name);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();
    Value result(Value value) const { return value; }

   private:
    Emitter& op_;
    std::size_t length_;
  };

  /// @pre kOldestEmittedOpset <= opset <= kNewestEmittedOpset, else std::logic_error
  explicit Emitter(std::int64_t opset);

  /// From now on values are what one hop of a stream brings: past() declares a state. Without this
  /// call every value is a whole window. `NAME` in the scope `backbone` becomes the input
  /// `state/backbone/NAME` and the output `next_state/backbone/NAME`.
  void begin_stream() { is_stream_ = true; }

  Scope scope(const std::string& name) { return {*this, name}; }

  /// Declares an input of the graph; float32, a dimension is a number or a name.
  Value input(const std::string& name, std::vector<Dimension> shape);

  /// Declares `value` an output of the graph and gives it that name. @pre a node wrote it
  void output(const std::string& name, const Value& value, std::vector<Dimension> shape);

  /// The finished model: IR version, opset, graph. The emitter is empty afterwards.
  ModelProto finish(const std::string& graph_name);

  // Shapes and meaning of the operations: model/reference.h.
  Value linear(const std::string& name, const Value& x, const model::Linear<Weight>& w);
  Value conv(const std::string& name, const Value& x, const model::Conv<Weight>& w,
             const model::ConvGeometry& geometry);
  Value matmul(const std::string& name, const Value& a, const Value& b);
  Value power_spectrum(const std::string& name, const Value& x, std::int64_t length,
                       std::int64_t fft_size);
  Value layer_norm(const std::string& name, const Value& x, const model::Norm<Weight>& w,
                   double epsilon);
  Value group_norm(const std::string& name, const Value& x, const model::Norm<Weight>& w,
                   std::int64_t groups, double epsilon);
  Value batch_norm(const std::string& name, const Value& x, const model::BatchNorm<Weight>& w,
                   double epsilon);
  /// What training leaves out now and then is all there.
  Value dropout(const std::string& /*name*/, const Value& x) const { return x; }
  Value drop_channels(const std::string& /*name*/, const Value& x) const { return x; }
  Value softmax(const std::string& name, const Value& x);
  Value max_pool(const std::string& name, const Value& x, const std::vector<std::int64_t>& kernel,
                 const std::vector<std::int64_t>& stride);
  Value reduce(const std::string& name, const Value& x, model::Reduction reduction,
               std::int64_t axis);
  Value add(const std::string& name, const Value& a, const Value& b);
  Value sub(const std::string& name, const Value& a, const Value& b);
  Value mul(const std::string& name, const Value& a, const Value& b);
  Value div(const std::string& name, const Value& a, const Value& b);
  Value scale(const std::string& name, const Value& x, double factor);
  Value shift(const std::string& name, const Value& x, double term);
  Value at_least(const std::string& name, const Value& x, double least);
  Value relu(const std::string& name, const Value& x);
  Value leaky_relu(const std::string& name, const Value& x, double slope);
  Value sigmoid(const std::string& name, const Value& x);
  Value gelu(const std::string& name, const Value& x);
  Value abs(const std::string& name, const Value& x);
  Value exp(const std::string& name, const Value& x);
  Value log(const std::string& name, const Value& x);
  Value greater(const std::string& name, const Value& x, double than);
  Value choose(const std::string& name, const Value& condition, const Value& x, double otherwise);
  Value to_float(const std::string& name, const Value& x);
  Value to_double(const std::string& name, const Value& x);
  Value value(const Weight& parameter);
  Value value(const Weight& parameter, const core::Shape& shape);
  Value repeat_for_batch(const std::string& name, const Weight& parameter, const Value& x);
  Value reshape(const std::string& name, const Value& x, const core::Shape& shape);
  Value transpose(const std::string& name, const Value& x, const std::vector<std::int64_t>& order);
  Value unsqueeze(const std::string& name, const Value& x, std::int64_t axis);
  Value squeeze(const std::string& name, const Value& x, std::int64_t axis);
  Value concat(const std::string& name, const std::vector<Value>& values, std::int64_t axis);
  Value slice(const std::string& name, const Value& x, std::int64_t axis, std::int64_t begin,
              std::int64_t end, std::int64_t step = 1);
  Value pad(const std::string& name, const Value& x, const std::vector<std::int64_t>& before,
            const std::vector<std::int64_t>& after, double number);
  std::vector<Value> split(const std::string& name, const Value& x, std::int64_t parts,
                           std::int64_t axis);
  Value frames(const std::string& name, const Value& x, std::int64_t length, std::int64_t shift);
  Value past(const std::string& name, const Value& x, std::int64_t axis, const core::Shape& state);

 private:
  std::string full_name(const std::string& name) const;
  NodeProto& add_node(const std::string& op_type, const std::string& name,
                      std::vector<Value> inputs);
  Value emit(const std::string& op_type, const std::string& name, std::vector<Value> inputs,
             std::vector<AttributeProto> attributes = {});
  Value initializer(TensorProto tensor);
  Value constant(double number, ElementType type = kFloat);
  Value constant(const std::string& prefix, const std::vector<std::int64_t>& numbers);
  Value counting(const std::string& name, std::int64_t count, const core::Shape& shape);
  Value sine_table(std::int64_t size);
  Value cast(const std::string& name, const Value& x, ElementType type);
  Value filled(const std::string& prefix, float number, std::int64_t size);
  Value centred_over_deviation(const Value& x, double epsilon);

  std::int64_t opset_;
  std::string path_;
  GraphProto graph_;
  bool is_stream_ = false;
};

/// A float attribute, an integer attribute, a list of integers.
AttributeProto attribute(std::string name, float value);
AttributeProto attribute(std::string name, std::int64_t value);
AttributeProto attribute(std::string name, std::vector<std::int64_t> values);

/// A float32 value of the graph; without a shape its rank is unknown.
ValueInfoProto float_value(std::string name, std::optional<std::vector<Dimension>> shape);

/// A tensor that looks at the data of `tensor`. @pre element_type_of knows its dtype
TensorProto to_proto(std::string name, const core::Tensor& tensor);

}  // namespace wakebuilder::onnx
