// What is trained: weights by name, and the way from inputs to logits. Private: torch's header
// stays inside this module.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "wakebuilder/core/result.h"
#include "wakebuilder/model/classifier.h"
#include "wakebuilder/model/compact.h"
#include "wakebuilder/model/head.h"

#include "train/autograd.h"

namespace wakebuilder::train {

struct NamedWeight {
  std::string name;
  torch::Tensor tensor;
  bool is_learned = true;  ///< false: running statistics
};

/// A network in training. The forward passes are those that are exported.
class Learner {
 public:
  /// What windows are mixed up in, between the part that hears and the part that judges.
  struct Heard {
    torch::Tensor values;  ///< [batch, ...]
    torch::Tensor mask;  ///< [batch, 1, N], 1 where a token is real; undefined where there is none
  };

  virtual ~Learner() = default;

  virtual Heard hear(Autograd& op, const torch::Tensor& inputs) const = 0;
  virtual torch::Tensor logits(Autograd& op, const Heard& heard) const = 0;  ///< [batch, 2]

  /// In the order of the network's visit; the tensors are the network's own.
  const std::vector<NamedWeight>& weights() const { return weights_; }

  /// Sets all weights whose names begin so. Errors: kMismatch for one that is missing, of another
  /// shape or type.
  Result<void> load(const model::NamedTensors& tensors, const std::string& prefix = "");

 protected:
  std::vector<NamedWeight> weights_;
};

/// float32, as torch has it. The tensor must stay alive: no copy.
torch::Tensor borrow(const core::Tensor& tensor);
core::Tensor to_core(const torch::Tensor& tensor);

// Weights begin with torch's random numbers, as PyTorch's layers do.

/// The head of a compact network; inputs are tokens [batch, 96, N].
std::unique_ptr<Learner> make_compact_head(const model::CompactConfig& config);

/// WakeBuilder's head, not folded; inputs are embeddings [batch, embedding_dim].
std::unique_ptr<Learner> make_head_learner(const model::HeadConfig& config);

/// Backbone and head of a compact network; inputs are features [batch, frames, 128]. The bridge
/// does not learn.
std::unique_ptr<Learner> make_whole_compact(
    const model::CompactConfig& config, const core::Tensor& bridge,
    const model::SpeechEmbedding<model::Parameter>& backbone);

}  // namespace wakebuilder::train
