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
#include "wakebuilder/runtime/provider.h"

namespace wakebuilder::runtime {

struct SessionOptions {
  /// Threads inside an operator. One is right for models of this size: more only wake the other
  /// cores.
  int threads = 1;
  /// Of a model in memory: the folder that its external data is looked for in. The weights are then
  /// mapped and used where they are, so that a model of hundreds of megabytes takes its size once;
  /// "" is the working directory, and weights are packed for speed.
  std::filesystem::path weights_folder{};
  /// What computes the operators, the preferred provider first; what none of them takes is computed
  /// by cpu. Empty: cpu alone. A provider that cannot be had is left out: see Session::fallbacks.
  std::vector<Provider> providers{};
  /// No fallback: a provider that cannot be had, or, unless cpu is in the list, a model of which
  /// some node would run on cpu is an error.
  bool strict_providers = false;
  /// Records for Session::placements() which provider runs which node, until that is called.
  bool record_placements = false;
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
  /// Errors: kUnsupported with ONNX Runtime's reason when it does not take the model; kUnavailable
  /// for a provider that `strict_providers` wants and that cannot be had; kInvalidArgument for
  /// options that a provider does not know, and for providers behind cpu.
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
  /// The providers that were wanted and are not used, a sentence for each: "cuda: not used: ...".
  const std::vector<std::string>& fallbacks() const;

  /// Runs the model once, on these inputs and on zeros for all others (dynamic dimensions are 1),
  /// and tells which provider ran how many nodes since the session was opened, most nodes first. It
  /// ends the recording; later calls give the same answer.
  /// @pre opened with `record_placements`, else std::logic_error
  /// Errors: kUnsupported for other inputs than float32 tensors, when the run fails, and for a
  /// quote in a node's name, which spoils ONNX Runtime's profile; kIo.
  Result<std::vector<Placement>> placements(
      std::span<const std::pair<std::string, core::Tensor>> inputs = {});

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
