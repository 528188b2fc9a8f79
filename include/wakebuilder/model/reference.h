// The oracle: evaluates a forward pass in double precision.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/tensor.h"
#include "wakebuilder/model/layers.h"

namespace wakebuilder::model {

/// A dense array of doubles in row-major order.
struct Array {
  core::Shape shape;
  std::vector<double> data;
};

/// A float32 or float64 tensor as Array. @pre the dtype is one of these, else std::logic_error
Array to_array(const core::Tensor& tensor);

/// The operations interface, evaluated. Weights are float32, all arithmetic is double; plain loops
/// and matrix products, written for clarity, so that the exported graph has something to be
/// compared with. Shapes that do not fit each other throw std::logic_error: loaders check weights
/// before they get here.
class Reference {
 public:
  using Weight = Parameter;
  using Value = std::shared_ptr<const Array>;

  /// Names what happens inside it; its result is kept in outputs().
  class Scope {
   public:
    Scope(Reference& op, const std::string& name) : op_(op), length_(op.path_.size()) {
      op.path_ += (op.path_.empty() ? "" : "/") + name;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { op_.path_.resize(length_); }
    Value result(Value value) const {
      op_.outputs_.emplace_back(op_.path_, value);
      return value;
    }

   private:
    Reference& op_;
    std::size_t length_;
  };

  Scope scope(const std::string& name) { return {*this, name}; }

  /// What each scope gave, in the order of evaluation: {"se_block", [batch, 768]}.
  const std::vector<std::pair<std::string, Value>>& outputs() const { return outputs_; }

  static Value input(Array array) { return std::make_shared<const Array>(std::move(array)); }

  /// From now on values arrive hop by hop: past() keeps what the next hop needs, and begins with
  /// zeros. Without this call every value is a whole window.
  void begin_stream();

  // Names are for interpreters that build graphs; here they only keep the interface the same.

  // Products.
  Value linear(const std::string& name, const Value& x,
               const Linear<Parameter>& w);  ///< x [rows, in]
  Value conv(
      const std::string& name, const Value& x, const Conv<Parameter>& w,
      const ConvGeometry& geometry);  ///< x [batch, in, length] or [batch, in, height, width]
  Value matmul(const std::string& name, const Value& a,
               const Value& b);  ///< over the last two axes; b may have these two alone
  Value power_spectrum(
      const std::string& name, const Value& x, std::int64_t length,
      std::int64_t fft_size);  ///< x [batch, frames, length] -> |DFT|² of each
                               ///< frame with zeros behind it, [.., fft_size/2 + 1]

  // Norms and reductions.
  Value layer_norm(const std::string& name, const Value& x, const Norm<Parameter>& w,
                   double epsilon);
  Value group_norm(const std::string& name, const Value& x, const Norm<Parameter>& w,
                   std::int64_t groups,
                   double epsilon);  ///< x [batch, channels, length]
  Value batch_norm(const std::string& name, const Value& x, const BatchNorm<Parameter>& w,
                   double epsilon);  ///< x [batch, channels, ...]
  /// What training leaves out now and then is all there.
  Value dropout(const std::string& /*name*/, const Value& x) const { return x; }
  Value drop_channels(const std::string& /*name*/, const Value& x) const { return x; }
  Value softmax(const std::string& name, const Value& x);  ///< over the last axis
  Value max_pool(const std::string& name, const Value& x, const std::vector<std::int64_t>& kernel,
                 const std::vector<std::int64_t>& stride);  ///< x as for conv; no padding
  Value reduce(const std::string& name, const Value& x, Reduction reduction,
               std::int64_t axis);  ///< the axis stays, with length 1

  // Element by element. Two values are broadcast as in numpy.
  Value add(const std::string& name, const Value& a, const Value& b);
  Value sub(const std::string& name, const Value& a, const Value& b);
  Value mul(const std::string& name, const Value& a, const Value& b);
  Value div(const std::string& name, const Value& a, const Value& b);
  Value scale(const std::string& name, const Value& x, double factor);
  Value shift(const std::string& name, const Value& x, double term);
  Value at_least(const std::string& name, const Value& x, double least);  ///< max(x, least)
  Value relu(const std::string& name, const Value& x);
  Value leaky_relu(const std::string& name, const Value& x, double slope);
  Value sigmoid(const std::string& name, const Value& x);
  Value gelu(const std::string& name, const Value& x);  ///< exact: x/2 (1 + erf(x/√2))
  Value abs(const std::string& name, const Value& x);
  Value exp(const std::string& name, const Value& x);
  Value log(const std::string& name, const Value& x);
  Value greater(const std::string& name, const Value& x, double than);  ///< a condition: 1 or 0
  Value choose(const std::string& name, const Value& condition, const Value& x,
               double otherwise);  ///< x where the condition holds; broadcast
  Value to_float(const std::string& name, const Value& x);   ///< of a condition or a double
  Value to_double(const std::string& name, const Value& x);  ///< what follows is double in graphs

  // Shapes. Axes count from 0.
  Value value(const Parameter& parameter);  ///< a weight as it is
  Value value(const Parameter& parameter,
              const core::Shape& shape);  ///< the same numbers in another shape
  Value repeat_for_batch(const std::string& name, const Parameter& parameter,
                         const Value& x);  ///< [1, ...] as often as x has rows
  Value reshape(const std::string& name, const Value& x,
                const core::Shape& shape);  ///< 0 keeps, -1 infers
  Value transpose(const std::string& name, const Value& x, const std::vector<std::int64_t>& order);
  Value unsqueeze(const std::string& name, const Value& x, std::int64_t axis);
  Value squeeze(const std::string& name, const Value& x, std::int64_t axis);
  Value concat(const std::string& name, const std::vector<Value>& values, std::int64_t axis);
  Value slice(const std::string& name, const Value& x, std::int64_t axis, std::int64_t begin,
              std::int64_t end, std::int64_t step = 1);  ///< as x[begin:end:step] in Python
  Value pad(const std::string& name, const Value& x, const std::vector<std::int64_t>& before,
            const std::vector<std::int64_t>& after, double number);  ///< for each axis
  std::vector<Value> split(const std::string& name, const Value& x, std::int64_t parts,
                           std::int64_t axis);
  Value frames(const std::string& name, const Value& x, std::int64_t length,
               std::int64_t shift);  ///< [batch, samples] -> [batch, frames, length]: frame i is
                                     ///< x[:, shift i : shift i + length]; a rest is left out

  // Streams (model/timeline.h).
  Value past(const std::string& name, const Value& x, std::int64_t axis,
             const core::Shape& state);  ///< puts the last state[axis] steps in front; state [0,
                                         ///< ...] with 0 for the batch

 private:
  std::string path_;
  std::vector<std::pair<std::string, Value>> outputs_;
  std::optional<std::map<std::string, Value>> stream_;  ///< by path and name: the past
};

}  // namespace wakebuilder::model
