// One model, run again and again on the same memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/runtime/session.h"

namespace wakebuilder::runtime {

/// A session with float32 tensors bound to its inputs and outputs: what is written to input() is
/// read by run(), which leaves its results in output(). Only ONNX Runtime's own scratch memory is
/// allocated. Not to be used by two threads at once.
class BoundRun {
 public:
  /// A named input or output and its whole shape, without dynamic dimensions.
  struct Binding {
    std::string name;
    core::Shape shape;
  };

  /// All inputs begin with zeros. Errors: kUnsupported with ONNX Runtime's reason.
  static Result<BoundRun> create(Session session, std::vector<Binding> inputs,
                                 std::vector<Binding> outputs);

  BoundRun(BoundRun&&) noexcept;
  BoundRun& operator=(BoundRun&&) noexcept;
  ~BoundRun();

  const Session& session() const;

  std::span<float> input(std::size_t index);
  std::span<const float> output(std::size_t index) const;

  /// From now on what a run leaves in an output is the input of the next one: the two swap their
  /// memory. @pre same shape, else std::logic_error
  void feed_back(std::size_t output, std::size_t input);

  /// Errors: kUnsupported with ONNX Runtime's reason: unknown name, wrong shape, other type.
  Result<void> run();

 private:
  struct Impl;
  explicit BoundRun(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wakebuilder::runtime
