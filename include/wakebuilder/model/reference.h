// The oracle: evaluates a forward pass in double precision.
#pragma once

#include <memory>
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

  // Names are for interpreters that build graphs; here they only keep the interface the same.
  Value linear(const std::string& name, const Value& x,
               const Linear<Parameter>& w);  ///< x [rows, in]
  Value conv1d(const std::string& name, const Value& x, const Conv1d<Parameter>& w,
               std::int64_t padding);  ///< x [batch, in, length], stride 1, zeros on both sides
  Value layer_norm(const std::string& name, const Value& x, const Norm<Parameter>& w,
                   double epsilon);
  Value group_norm(const std::string& name, const Value& x, const Norm<Parameter>& w,
                   std::int64_t groups,
                   double epsilon);  ///< x [batch, channels, length]
  Value matmul(const std::string& name, const Value& a,
               const Value& b);                                        ///< over the last two axes
  Value softmax(const std::string& name, const Value& x);              ///< over the last axis
  Value add(const std::string& name, const Value& a, const Value& b);  ///< same shapes
  Value mul(const std::string& name, const Value& a, const Value& b);  ///< same shapes
  Value scale(const std::string& name, const Value& x, double factor);
  Value relu(const std::string& name, const Value& x);
  Value sigmoid(const std::string& name, const Value& x);
  Value gelu(const std::string& name, const Value& x);  ///< exact: x/2 (1 + erf(x/√2))
  Value reshape(const std::string& name, const Value& x,
                const core::Shape& shape);  ///< 0 keeps, -1 infers
  Value transpose(const std::string& name, const Value& x, const std::vector<std::int64_t>& order);
  Value unsqueeze(const std::string& name, const Value& x, std::int64_t axis);
  Value squeeze(const std::string& name, const Value& x, std::int64_t axis);
  std::vector<Value> split(const std::string& name, const Value& x, std::int64_t parts,
                           std::int64_t axis);

 private:
  std::string path_;
  std::vector<std::pair<std::string, Value>> outputs_;
};

}  // namespace wakebuilder::model
