#include "train/learner.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace wakebuilder::train {
namespace {

constexpr double kPlaceWidth = 0.5;  ///< of a head's place in the window, see set_positions

// ---- first weights ----

/// PyTorch's defaults: of a matrix by what it sees, of its bias the same; norms 1 and 0; the
/// attention's projections as nn.MultiheadAttention has them.
class Initialiser {
 public:
  void operator()(const std::string& name, torch::Tensor& weight, const core::Shape& shape) {
    weight = torch::zeros(shape);
    if (shape.size() > 1) {
      inputs_ = 1;
      for (std::size_t i = 1; i < shape.size(); ++i) inputs_ *= shape[i];
      has_random_bias_ = name.find("attention.attention.") == std::string::npos;
      fill(weight, name.ends_with("in_proj_weight")
                       ? std::sqrt(6.0 / static_cast<double>(shape[0] + shape[1]))
                       : bound());
    } else if (name.ends_with(".weight") || name.ends_with(".running_var")) {
      weight.fill_(1);
      has_random_bias_ = false;
    } else if (name.ends_with("bias") && has_random_bias_) {
      fill(weight, bound());
    }
  }

 private:
  double bound() const { return 1 / std::sqrt(static_cast<double>(inputs_)); }
  static void fill(torch::Tensor& weight, double bound) { weight.uniform_(-bound, bound); }

  std::int64_t inputs_ = 1;  ///< of the layer whose matrix came last: its bias comes next
  bool has_random_bias_ = false;
};

/// Each head of the attention begins with its own part of the window.
void set_positions(torch::Tensor& position) {
  const std::int64_t window = position.size(0);
  const std::int64_t heads = position.size(1);
  const double part = static_cast<double>(window) / static_cast<double>(heads);
  for (std::int64_t j = 0; j < window; ++j)
    for (std::int64_t head = 0; head < heads; ++head) {
      const double centre = (static_cast<double>(head) + 0.5) * part - 0.5;
      const double distance = (static_cast<double>(j) - centre) / (part * kPlaceWidth);
      position.index_put_({j, head}, -0.5 * distance * distance);
    }
}

bool is_statistic(const std::string& name) { return name.find(".running_") != std::string::npos; }

// ---- the networks ----

class CompactHead : public Learner {
 public:
  explicit CompactHead(const model::CompactConfig& config)
      : config_(config), network_(model::make_compact<torch::Tensor>(config)) {
    Initialiser initialise;
    model::visit(network_, config_,
                 [&](const std::string& name, torch::Tensor& weight, const core::Shape& shape) {
                   if (name.starts_with("head.")) initialise(name, weight, shape);
                 });
    set_positions(network_.attention.position);
    collect("head.");
  }

  Heard hear(Autograd& /*op*/, const torch::Tensor& inputs) const override {
    return {inputs, torch::ones({inputs.size(0), 1, inputs.size(2)})};
  }

  torch::Tensor logits(Autograd& op, const Heard& heard) const override {
    return model::classify(op, network_, config_, heard.values, heard.mask);
  }

 protected:
  /// The weights whose names begin so are what learns.
  void collect(const std::string& prefix) {
    model::visit(network_, config_,
                 [&](const std::string& name, torch::Tensor& weight, const core::Shape&) {
                   if (name.starts_with(prefix))
                     weights_.push_back({name, weight, !is_statistic(name)});
                 });
  }

  model::CompactConfig config_;
  model::Compact<torch::Tensor> network_;
};

class WholeCompact : public CompactHead {
 public:
  WholeCompact(const model::CompactConfig& config, const core::Tensor& bridge,
               const model::SpeechEmbedding<model::Parameter>& backbone)
      : CompactHead(config) {
    network_.bridge = borrow(bridge).clone();
    std::vector<torch::Tensor> tensors;
    model::visit(backbone, "", [&](const auto&, const model::Parameter& weight, const auto&) {
      tensors.push_back(borrow(weight.tensor).clone());
    });
    std::size_t next = 0;
    model::visit(network_.backbone, "", [&](const auto&, torch::Tensor& weight, const auto&) {
      weight = tensors[next++];
    });
    collect("backbone.");
  }

  Heard hear(Autograd& op, const torch::Tensor& inputs) const override {
    model::Timeline time(model::kHopFrames);  // of no account for whole windows
    const auto hop = model::tokens_of_features(op, network_, config_, inputs, time, 0);
    return {hop.fresh.values, hop.fresh.mask};
  }
};

class HeadLearner : public Learner {
 public:
  explicit HeadLearner(const model::HeadConfig& config)
      : config_(config), network_(model::make_head<torch::Tensor>(config)) {
    Initialiser initialise;
    model::visit(network_, config_,
                 [&](const std::string& name, torch::Tensor& weight, const core::Shape& shape) {
                   initialise(name, weight, shape);
                   weights_.push_back({name, weight});
                 });
  }

  Heard hear(Autograd& /*op*/, const torch::Tensor& inputs) const override { return {inputs, {}}; }

  torch::Tensor logits(Autograd& op, const Heard& heard) const override {
    return model::forward(op, network_, config_, heard.values);
  }

 private:
  model::HeadConfig config_;
  model::Head<torch::Tensor> network_;
};

Result<torch::Tensor> find_weight(const model::NamedTensors& tensors, const NamedWeight& weight) {
  const core::Shape shape(weight.tensor.sizes().begin(), weight.tensor.sizes().end());
  const auto found =
      std::ranges::find_if(tensors, [&](const auto& item) { return item.first == weight.name; });
  const std::string expected = weight.name + ": expected float32 " + core::to_string(shape);
  if (found == tensors.end())
    return fail(ErrorCode::kMismatch, expected + ", found no such tensor");
  const core::Tensor& tensor = found->second;
  if (tensor.dtype() == core::DType::kFloat32 && tensor.shape() == shape) return borrow(tensor);
  return fail(ErrorCode::kMismatch, expected + ", found " +
                                        std::string(core::to_string(tensor.dtype())) + " " +
                                        core::to_string(tensor.shape()));
}

}  // namespace

Result<void> Learner::load(const model::NamedTensors& tensors, const std::string& prefix) {
  const torch::NoGradGuard no_gradient;
  for (NamedWeight& weight : weights_) {
    if (!weight.name.starts_with(prefix)) continue;
    WAKEBUILDER_TRY(const auto values, find_weight(tensors, weight));
    weight.tensor.copy_(values);
  }
  return {};
}

torch::Tensor borrow(const core::Tensor& tensor) {
  return torch::from_blob(const_cast<float*>(tensor.as<float>().data()), tensor.shape());
}

core::Tensor to_core(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().contiguous();
  const auto* begin = flat.data_ptr<float>();
  return core::Tensor::from(std::vector<float>(begin, begin + flat.numel()),
                            core::Shape(flat.sizes().begin(), flat.sizes().end()));
}

std::unique_ptr<Learner> make_compact_head(const model::CompactConfig& config) {
  return std::make_unique<CompactHead>(config);
}

std::unique_ptr<Learner> make_head_learner(const model::HeadConfig& config) {
  return std::make_unique<HeadLearner>(config);
}

std::unique_ptr<Learner> make_whole_compact(
    const model::CompactConfig& config, const core::Tensor& bridge,
    const model::SpeechEmbedding<model::Parameter>& backbone) {
  return std::make_unique<WholeCompact>(config, bridge, backbone);
}

}  // namespace wakebuilder::train
