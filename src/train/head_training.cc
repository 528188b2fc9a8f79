#include "train/head_training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include "wakebuilder/core/range.h"
#include "wakebuilder/core/text.h"

#include "train/autograd.h"

namespace wakebuilder::train {
namespace {

using Clock = std::chrono::steady_clock;
using Network = model::Compact<torch::Tensor>;

constexpr double kLastRate = 0.02;          ///< share of the rate at the end of the cosine
constexpr double kHardFrom = 0.2;           ///< share of the steps
constexpr double kAverageFrom = 1.0 / 3.0;  ///< share of the steps
constexpr double kPlaceWidth = 0.5;         ///< of a head's place in the window, see set_positions
constexpr std::int64_t kLossSteps = 20;     ///< in the mean that is told

// ---- checks ----

Result<void> check_labels(const core::Tensor& labels) {
  const auto values = labels.as<std::uint8_t>();
  const auto positives = std::ranges::count(values, 1);
  const auto negatives = std::ranges::count(values, 0);
  if (positives + negatives != static_cast<std::ptrdiff_t>(values.size()))
    return fail(ErrorCode::kCorrupt, "labels: expected 0 and 1, found another number");
  if (positives > 0 && negatives > 0) return {};
  return fail(ErrorCode::kMismatch,
              "labels: expected windows with and without the wake word, found " +
                  std::to_string(positives) + " and " + std::to_string(negatives));
}

// ---- weights ----

bool is_of_head(const std::string& name) { return name.starts_with("head."); }

/// PyTorch's defaults for layers; each head of the attention begins with its own part of the
/// window.
void initialise(const std::string& name, const core::Shape& shape, std::int64_t inputs,
                torch::Tensor& weight) {
  weight = torch::zeros(shape);
  if (name.find("norm") != std::string::npos) {
    if (name.ends_with(".weight") || name.ends_with(".running_var")) weight.fill_(1);
    return;
  }
  const double bound = 1 / std::sqrt(static_cast<double>(inputs));
  weight.uniform_(-bound, bound);
}

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

Network make_network(const model::CompactConfig& config) {
  Network network = model::make_compact<torch::Tensor>(config);
  std::int64_t inputs = 1;  // of the layer whose weight came last: its bias comes next
  model::visit(network, config,
               [&](const std::string& name, torch::Tensor& weight, const core::Shape& shape) {
                 if (!is_of_head(name)) return;
                 if (shape.size() > 1) {
                   inputs = 1;
                   for (std::size_t i = 1; i < shape.size(); ++i) inputs *= shape[i];
                 }
                 initialise(name, shape, inputs, weight);
               });
  set_positions(network.attention.position);
  return network;
}

struct NamedWeight {
  std::string name;
  torch::Tensor tensor;
  bool is_learned = true;  ///< false: running statistics
};

std::vector<NamedWeight> weights_of(Network& network, const model::CompactConfig& config) {
  std::vector<NamedWeight> weights;
  model::visit(
      network, config, [&](const std::string& name, torch::Tensor& weight, const core::Shape&) {
        if (is_of_head(name))
          weights.push_back(
              {name, weight, !name.find("running_") || name.find("running_") == std::string::npos});
      });
  return weights;
}

core::Tensor to_core(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().contiguous();
  const auto* begin = flat.data_ptr<float>();
  return core::Tensor::from(std::vector<float>(begin, begin + flat.numel()),
                            core::Shape(flat.sizes().begin(), flat.sizes().end()));
}

// ---- one training ----

class Training {
 public:
  Training(const HeadData& data, const model::CompactConfig& config, const HeadOptions& options)
      : config_(config), options_(options), network_(make_network(config)) {
    tokens_ =
        torch::from_blob(const_cast<float*>(data.tokens.as<float>().data()), data.tokens.shape());
    const auto labels = data.labels.as<std::uint8_t>();
    labels_ = torch::from_blob(const_cast<std::uint8_t*>(labels.data()),
                               {static_cast<std::int64_t>(labels.size())}, torch::kUInt8)
                  .to(torch::kLong);
    weights_ = weights_of(network_, config_);
    make_optimiser();
  }

  /// One step; the loss.
  double step(std::int64_t number) {
    set_rate(number);
    const auto pick = torch::randint(tokens_.size(0), {options_.batch}, torch::kLong);
    const auto losses = losses_of(pick);
    const auto loss = number > hard_from() ? of_the_hardest(losses, labels_.index_select(0, pick))
                                           : losses.mean();
    optimiser_->zero_grad();
    loss.backward();
    torch::nn::utils::clip_grad_norm_(learned(), options_.gradient_norm);
    optimiser_->step();
    if (number >= average_from()) average();
    return loss.item<double>();
  }

  /// The mean of all weights, or, before there is one, the weights.
  model::NamedTensors result() const {
    model::NamedTensors tensors;
    for (std::size_t i = 0; i < weights_.size(); ++i)
      tensors.emplace_back(weights_[i].name,
                           to_core(mean_.empty() ? weights_[i].tensor : mean_[i]));
    return tensors;
  }

 private:
  std::int64_t hard_from() const { return share_of_steps(kHardFrom); }
  std::int64_t average_from() const { return share_of_steps(kAverageFrom); }
  std::int64_t share_of_steps(double share) const {
    return static_cast<std::int64_t>(share * static_cast<double>(options_.steps));
  }

  std::vector<torch::Tensor> learned() const {
    std::vector<torch::Tensor> tensors;
    for (const NamedWeight& weight : weights_)
      if (weight.is_learned) tensors.push_back(weight.tensor);
    return tensors;
  }

  void make_optimiser() {
    std::vector<torch::Tensor> matrices;
    std::vector<torch::Tensor> vectors;
    for (const torch::Tensor& tensor : learned()) {
      tensor.requires_grad_(true);
      (tensor.dim() > 1 ? matrices : vectors).push_back(tensor);
    }
    const auto group = [&](const std::vector<torch::Tensor>& tensors, double decay) {
      return torch::optim::OptimizerParamGroup(
          tensors, std::make_unique<torch::optim::AdamWOptions>(
                       torch::optim::AdamWOptions(options_.rate).weight_decay(decay)));
    };
    optimiser_ = std::make_unique<torch::optim::AdamW>(
        std::vector<torch::optim::OptimizerParamGroup>{group(matrices, options_.decay),
                                                       group(vectors, 0)},
        torch::optim::AdamWOptions(options_.rate));
  }

  void set_rate(std::int64_t number) {
    const double done = static_cast<double>(number) / static_cast<double>(options_.steps);
    const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * done));
    const double warm = static_cast<double>(number + 1) / static_cast<double>(options_.warm_up);
    const double rate =
        options_.rate * std::min(1.0, warm) * (kLastRate + (1 - kLastRate) * cosine);
    for (auto& group : optimiser_->param_groups())
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
  }

  /// Shares of at least a half, so that the first window of a pair gives its label.
  torch::Tensor shares() const {
    if (options_.mixup <= 0) return torch::ones({options_.batch});
    const auto alpha = torch::full({options_.batch, 2}, options_.mixup);
    const auto first = torch::_sample_dirichlet(alpha).select(1, 0);
    return torch::maximum(first, 1 - first);
  }

  torch::Tensor losses_of(const torch::Tensor& pick) {
    auto x = tokens_.index_select(0, pick);
    auto y = torch::one_hot(labels_.index_select(0, pick), 2).to(torch::kFloat);
    const auto share = shares();
    const auto other = torch::randperm(options_.batch, torch::kLong);
    const auto wide = share.view({-1, 1, 1});
    x = x * wide + x.index_select(0, other) * (1 - wide);
    const auto narrow = share.view({-1, 1});
    y = y * narrow + y.index_select(0, other) * (1 - narrow);
    y = y * (1 - options_.label_smoothing) + options_.label_smoothing / 2;
    Autograd op({.dropout = options_.dropout, .channel_dropout = options_.channel_dropout});
    const auto mask = torch::ones({x.size(0), 1, x.size(2)});
    const auto logits = model::classify(op, network_, config_, x, mask);
    return -(y * torch::log_softmax(logits, 1)).sum(1);
  }

  /// All positives, and of the negatives those with the highest losses.
  torch::Tensor of_the_hardest(const torch::Tensor& losses, const torch::Tensor& labels) const {
    const auto positive = losses.masked_select(labels == 1);
    const auto negative = losses.masked_select(labels == 0);
    const auto count =
        static_cast<std::int64_t>(options_.hardest * static_cast<double>(negative.size(0)));
    const auto hardest = std::get<0>(negative.topk(count));
    return (positive.sum() + hardest.sum()) / options_.batch;
  }

  void average() {
    const torch::NoGradGuard no_gradient;
    if (mean_.empty())
      for (const NamedWeight& weight : weights_) mean_.push_back(weight.tensor.detach().clone());
    for (std::size_t i = 0; i < weights_.size(); ++i)
      mean_[i].lerp_(weights_[i].tensor.detach(), options_.average);
  }

  model::CompactConfig config_;
  HeadOptions options_;
  Network network_;
  std::vector<NamedWeight> weights_;
  torch::Tensor tokens_, labels_;
  std::unique_ptr<torch::optim::AdamW> optimiser_;
  std::vector<torch::Tensor> mean_;
};

/// Tells how far it is, not too often.
class Reporter {
 public:
  Reporter(const HeadObserver& observer, std::int64_t steps) : observer_(observer), steps_(steps) {}

  /// False: stop.
  bool tell(std::int64_t done, double loss) {
    losses_.push_back(loss);
    if (static_cast<std::int64_t>(losses_.size()) > kLossSteps) losses_.erase(losses_.begin());
    const auto now = Clock::now();
    if (!observer_ || (done < steps_ && now - told_ < std::chrono::milliseconds(100))) return true;
    told_ = now;
    double sum = 0;
    for (const double value : losses_) sum += value;
    const std::chrono::duration<double> taken = now - began_;
    return observer_({.step = done,
                      .steps = steps_,
                      .loss = sum / static_cast<double>(losses_.size()),
                      .remaining_s = taken.count() * static_cast<double>(steps_ - done) /
                                     static_cast<double>(done)});
  }

 private:
  const HeadObserver& observer_;
  std::int64_t steps_;
  Clock::time_point began_ = Clock::now();
  Clock::time_point told_ = began_ - std::chrono::seconds(1);
  std::vector<double> losses_;
};

Result<model::NamedTensors> run(const HeadData& data, const model::CompactConfig& config,
                                const HeadOptions& options, const HeadObserver& observer) {
  torch::manual_seed(options.seed);
  at::set_num_threads(options.threads);
  at::globalContext().setFlushDenormal(true);
  Training training(data, config, options);
  Reporter reporter(observer, options.steps);
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const double loss = training.step(step);
    if (!std::isfinite(loss)) {
      return fail(ErrorCode::kCheckFailed,
                  "the loss is no number any more, at step " + std::to_string(step));
    }
    if (!reporter.tell(step + 1, loss)) break;
  }
  return training.result();
}

}  // namespace

Result<void> check(const HeadData& data) {
  const core::Shape& shape = data.tokens.shape();
  const bool has_tokens = data.tokens.dtype() == core::DType::kFloat32 && shape.size() == 3 &&
                          shape[1] == model::kEmbeddingDim && shape[0] >= 2 && shape[2] >= 1;
  if (!has_tokens) {
    return fail(ErrorCode::kMismatch,
                "tokens: expected float32 [n, 96, N] with n of at least 2, found " +
                    std::string(core::to_string(data.tokens.dtype())) + " " +
                    core::to_string(shape));
  }
  const bool has_labels =
      data.labels.dtype() == core::DType::kUInt8 && data.labels.shape() == core::Shape{shape[0]};
  if (!has_labels) {
    return fail(ErrorCode::kMismatch, "labels: expected uint8 [" + std::to_string(shape[0]) +
                                          "], found " +
                                          std::string(core::to_string(data.labels.dtype())) + " " +
                                          core::to_string(data.labels.shape()));
  }
  const auto values = data.tokens.as<float>();
  if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); }))
    return fail(ErrorCode::kCorrupt, "tokens: expected finite numbers, found NaN or infinity");
  return check_labels(data.labels);
}

Result<void> check(const HeadOptions& options) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  WAKEBUILDER_CHECK(core::check_range("steps", number(options.steps), 1, 1e6));
  WAKEBUILDER_CHECK(core::check_range("batch", number(options.batch), 8, 65536));
  WAKEBUILDER_CHECK(core::check_range("warm-up", number(options.warm_up), 1, 1e6));
  WAKEBUILDER_CHECK(core::check_range("rate", options.rate, 1e-8, 1));
  WAKEBUILDER_CHECK(core::check_range("decay", options.decay, 0, 10));
  WAKEBUILDER_CHECK(core::check_range("mixup", options.mixup, 0, 100));
  WAKEBUILDER_CHECK(core::check_range("label smoothing", options.label_smoothing, 0, 0.5));
  WAKEBUILDER_CHECK(core::check_range("hardest", options.hardest, 0.01, 1));
  WAKEBUILDER_CHECK(core::check_range("dropout", options.dropout, 0, 0.95));
  WAKEBUILDER_CHECK(core::check_range("channel dropout", options.channel_dropout, 0, 0.95));
  WAKEBUILDER_CHECK(core::check_range("average", options.average, 1e-5, 1));
  WAKEBUILDER_CHECK(core::check_range("gradient norm", options.gradient_norm, 1e-3, 1e3));
  return core::check_range("threads", options.threads, 1, 256);
}

Result<model::NamedTensors> train_head(const HeadData& data, const model::CompactConfig& config,
                                       const HeadOptions& options, const HeadObserver& observer) {
  WAKEBUILDER_CHECK(check(data));
  WAKEBUILDER_CHECK(check(options));
  try {
    return run(data, config, options, observer);
  } catch (const c10::Error& error) {
    return fail(ErrorCode::kUnsupported,
                "libtorch: " + core::quote(error.what_without_backtrace(), 400));
  }
}

}  // namespace wakebuilder::train
