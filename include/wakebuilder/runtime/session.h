// A model in ONNX Runtime, ready to run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"
#include "wakebuilder/runtime/onnxruntime.h"

namespace wakebuilder::runtime {

struct SessionOptions {
  /// Threads inside an operator. One is right for models of this size: more only wake the other
  /// cores.
  int threads = 1;
  /// Of a model in memory: the folder that its external data is looked for in. The weights are then
  /// mapped and used where they are, so that a model of hundreds of megabytes takes its size once;
  /// "" is the working directory, and weights are packed for speed.
  std::filesystem::path weights_folder{};
};

/// An input or output of a model.
struct Port {
  std::string name;
  bool is_tensor = true;
  std::int32_t element_type = 0;       ///< as in ONNX's TensorProto.DataType (1 = float)
  std::vector<std::int64_t> shape;     ///< -1 for a dynamic dimension
  std::vector<std::string> dim_names;  ///< "batch", or "" where the dimension has no name
};

/// A loaded model. Runs one thread, without spinning, quietly. Not to be used by two threads at
/// once.
class Session {
 public:
  /// Loads a model file; external data is looked for in its folder.
  /// Errors: kUnsupported with ONNX Runtime's reason when it does not take the model.
  static Result<Session> open(std::shared_ptr<const OnnxRuntime> runtime,
                              const std::filesystem::path& model,
                              const SessionOptions& options = {});

  /// Loads a model from memory, with its weights in it or in `options.weights_folder`.
  static Result<Session> open(std::shared_ptr<const OnnxRuntime> runtime,
                              std::span<const std::byte> model, const SessionOptions& options = {});

  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;
  /// What the model says about itself, metadata_props: pairs of key and value.
  const std::vector<std::pair<std::string, std::string>>& metadata() const;

  /// Runs the model on named inputs and returns the named outputs, in that order; float32 in,
  /// float32 out. Errors: kUnsupported with ONNX Runtime's reason (unknown name, wrong shape, other
  /// element type).
  Result<std::vector<core::Tensor>> run(
      std::span<const std::pair<std::string, core::Tensor>> inputs,
      std::span<const std::string> outputs);

 private:
  friend class BoundRun;
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wakebuilder::runtime
