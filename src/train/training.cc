#include "train/training.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

namespace wakebuilder::train {
namespace {

using core::Dict;
using core::Value;

constexpr double kLastRate = 0.02;            ///< share of the rate at the end of the cosine
constexpr double kHardFrom = 0.2;             ///< share of the steps
constexpr double kAverageFrom = 1.0 / 3.0;    ///< share of the steps
constexpr std::int64_t kValidationRows = 64;  ///< at a time

torch::Tensor labels_of(const Rows& rows) {
  const auto labels = rows.labels.as<std::uint8_t>();
  return torch::from_blob(const_cast<std::uint8_t*>(labels.data()),
                          {static_cast<std::int64_t>(labels.size())}, torch::kUInt8)
      .to(torch::kLong);
}

std::vector<torch::Tensor> learned(const Learner& learner) {
  std::vector<torch::Tensor> tensors;
  for (const NamedWeight& weight : learner.weights())
    if (weight.is_learned) tensors.push_back(weight.tensor);
  return tensors;
}

std::vector<torch::Tensor> copies(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> result;
  for (const torch::Tensor& tensor : tensors) result.push_back(tensor.detach().clone());
  return result;
}

/// Puts other values into the network's weights for as long as it lives.
class Exchanged {
 public:
  Exchanged(const Learner& learner, const std::vector<torch::Tensor>& values) {
    const torch::NoGradGuard no_gradient;
    for (const NamedWeight& weight : learner.weights()) weights_.push_back(weight.tensor);
    own_ = copies(weights_);
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i].copy_(values[i]);
  }
  Exchanged(const Exchanged&) = delete;
  Exchanged& operator=(const Exchanged&) = delete;
  ~Exchanged() {
    const torch::NoGradGuard no_gradient;
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i].copy_(own_[i]);
  }

 private:
  std::vector<torch::Tensor> weights_, own_;
};

// ---- what is written down ----

/// A dict of numbers and lists of tensors, read with care.
class StateReader {
 public:
  explicit StateReader(const Value& state) : state_(state) {}

  Result<std::int64_t> whole(const std::string& key) const {
    const Value* value = state_.find(key);
    const auto* number = value != nullptr ? value->get_if<std::int64_t>() : nullptr;
    if (number == nullptr || *number < 0)
      return fail(ErrorCode::kCorrupt, key + ": expected a whole number of at least 0");
    return *number;
  }

  Result<double> number(const std::string& key) const {
    const Value* value = state_.find(key);
    const auto number = value != nullptr ? value->number() : std::nullopt;
    if (number) return *number;
    return fail(ErrorCode::kCorrupt, key + ": expected a number");
  }

  bool has(const std::string& key) const { return state_.find(key) != nullptr; }

  /// Into tensors of the same shapes.
  Result<void> tensors(const std::string& key, std::vector<torch::Tensor>& into) const {
    const torch::NoGradGuard no_gradient;
    for (std::size_t i = 0; i < into.size(); ++i) {
      const core::Shape shape(into[i].sizes().begin(), into[i].sizes().end());
      const Value* value = state_.find(key, std::to_string(i));
      const auto* tensor = value != nullptr ? value->get_if<core::Tensor>() : nullptr;
      if (tensor == nullptr || tensor->dtype() != core::DType::kFloat32 ||
          tensor->shape() != shape) {
        return fail(ErrorCode::kCorrupt, key + "." + std::to_string(i) + ": expected float32 " +
                                             core::to_string(shape) + ", found something else");
      }
      into[i].copy_(borrow(*tensor));
    }
    return {};
  }

 private:
  const Value& state_;
};

Value tensors_by_number(const std::vector<torch::Tensor>& tensors) {
  Dict dict;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    dict.emplace_back(std::to_string(i), to_core(tensors[i]));
  return dict;
}

}  // namespace

Training::Training(Learner& learner, const Rows& data, const Rows* validation,
                   const HeadOptions& options)
    : learner_(learner),
      validation_(validation),
      options_(options),
      inputs_(borrow(data.inputs)),
      labels_(labels_of(data)),
      optimiser_(learned(learner), options.decay) {}

bool Training::is_over() const {
  return done_ >= options_.steps || (options_.patience > 0 && since_best_ >= options_.patience);
}

std::int64_t Training::share_of_steps(double share) const {
  return static_cast<std::int64_t>(share * static_cast<double>(options_.steps));
}

double Training::rate() const {
  const double done = static_cast<double>(done_) / static_cast<double>(options_.steps);
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * done));
  const double warm = static_cast<double>(done_ + 1) / static_cast<double>(options_.warm_up);
  return options_.rate * std::min(1.0, warm) * (kLastRate + (1 - kLastRate) * cosine);
}

Result<double> Training::step() {
  rate_ = rate();
  const auto pick = torch::randint(inputs_.size(0), {options_.batch}, torch::kLong);
  const auto losses = losses_of(pick);
  const auto loss = done_ > share_of_steps(kHardFrom)
                        ? of_the_hardest(losses, labels_.index_select(0, pick))
                        : losses.mean();
  optimiser_.zero_grad();
  loss.backward();
  torch::nn::utils::clip_grad_norm_(optimiser_.weights(), options_.gradient_norm);
  optimiser_.step(rate_);
  if (done_ >= share_of_steps(kAverageFrom)) average();
  ++done_;
  const double value = loss.item<double>();
  sums_.loss += value;
  ++sums_.steps;
  if (std::isfinite(value)) return value;
  return fail(ErrorCode::kCheckFailed,
              "the loss is no number any more, at step " + std::to_string(done_));
}

/// Shares of at least a half, so that the first window of a pair gives its label.
torch::Tensor Training::shares() const {
  if (options_.mixup <= 0) return torch::ones({options_.batch});
  const auto alpha = torch::full({options_.batch, 2}, options_.mixup);
  const auto first = torch::_sample_dirichlet(alpha).select(1, 0);
  return torch::maximum(first, 1 - first);
}

torch::Tensor Training::losses_of(const torch::Tensor& pick) {
  Autograd op(
      Autograd::Training{.dropout = options_.dropout, .channel_dropout = options_.channel_dropout});
  const auto labels = labels_.index_select(0, pick);
  auto heard = learner_.hear(op, inputs_.index_select(0, pick));
  auto y = torch::one_hot(labels, 2).to(torch::kFloat);
  const auto share = shares();
  const auto other = torch::randperm(options_.batch, torch::kLong);
  std::vector<std::int64_t> wide(static_cast<std::size_t>(heard.values.dim()), 1);
  wide[0] = -1;
  const auto mix = [&](const torch::Tensor& x, const torch::Tensor& part) {
    return x * part + x.index_select(0, other) * (1 - part);
  };
  heard.values = mix(heard.values, share.view(wide));
  if (heard.mask.defined())
    heard.mask = torch::maximum(heard.mask, heard.mask.index_select(0, other));
  y = mix(y, share.view({-1, 1}));
  y = y * (1 - options_.label_smoothing) + options_.label_smoothing / 2;
  const auto logits = learner_.logits(op, heard);
  sums_.right += (logits.detach().argmax(1) == labels).sum().item<std::int64_t>();
  sums_.rows += options_.batch;
  return -(y * torch::log_softmax(logits, 1)).sum(1);
}

/// All positives, and of the negatives those with the highest losses.
torch::Tensor Training::of_the_hardest(const torch::Tensor& losses,
                                       const torch::Tensor& labels) const {
  const auto positive = losses.masked_select(labels == 1);
  const auto negative = losses.masked_select(labels == 0);
  const auto count =
      static_cast<std::int64_t>(options_.hardest * static_cast<double>(negative.size(0)));
  const auto hardest = std::get<0>(negative.topk(count));
  return (positive.sum() + hardest.sum()) / options_.batch;
}

void Training::average() {
  const torch::NoGradGuard no_gradient;
  const auto& weights = learner_.weights();
  if (mean_.empty()) {
    for (const NamedWeight& weight : weights) mean_.push_back(weight.tensor.detach().clone());
  }
  for (std::size_t i = 0; i < weights.size(); ++i)
    mean_[i].lerp_(weights[i].tensor.detach(), options_.average);
}

// ---- validation ----

bool Training::must_validate() const {
  return validation_ != nullptr &&
         (done_ % options_.validate_every == 0 || done_ >= options_.steps);
}

/// The logits [n, 2] of the network as it is.
torch::Tensor Training::judge(const Rows& rows) const {
  const torch::NoGradGuard no_gradient;
  const auto inputs = borrow(rows.inputs);
  Autograd op;
  std::vector<torch::Tensor> logits;
  for (std::int64_t begin = 0; begin < inputs.size(0); begin += kValidationRows) {
    const auto part = inputs.slice(0, begin, std::min(begin + kValidationRows, inputs.size(0)));
    logits.push_back(learner_.logits(op, learner_.hear(op, part)));
  }
  return torch::cat(logits, 0).contiguous();
}

Validation Training::validate() {
  Validation found = {.step = done_, .steps = options_.steps, .rate = rate_};
  if (sums_.steps > 0) {
    found.train_loss = sums_.loss / static_cast<double>(sums_.steps);
    found.train_accuracy = static_cast<double>(sums_.right) / static_cast<double>(sums_.rows);
  }
  sums_ = {};
  const Exchanged shown(learner_, current());
  const auto logits = judge(*validation_);
  const auto labels = validation_->labels.as<std::uint8_t>();
  found.scores = score({logits.data_ptr<float>(), 2 * labels.size()}, labels);
  remember(found.scores);
  return found;
}

/// Of what is in the network now.
void Training::remember(const Scores& scores) {
  if (options_.patience == 0) return;
  ++since_best_;
  if (!best_.empty() && !(scores.loss < best_loss_)) return;
  since_best_ = 0;
  best_loss_ = scores.loss;
  best_ = copies(current());
}

// ---- results ----

std::vector<torch::Tensor> Training::current() const {
  if (!mean_.empty()) return mean_;
  std::vector<torch::Tensor> tensors;
  for (const NamedWeight& weight : learner_.weights()) tensors.push_back(weight.tensor.detach());
  return tensors;
}

model::NamedTensors Training::named(const std::vector<torch::Tensor>& values) const {
  model::NamedTensors tensors;
  for (std::size_t i = 0; i < values.size(); ++i)
    tensors.emplace_back(learner_.weights()[i].name, to_core(values[i]));
  return tensors;
}

model::NamedTensors Training::result() const { return named(best_.empty() ? current() : best_); }

Value Training::state() {
  std::vector<torch::Tensor> weights;
  for (const NamedWeight& weight : learner_.weights()) weights.push_back(weight.tensor);
  Value state = Dict{{"step", done_},
                     {"rate", rate_},
                     {"optimiser_steps", optimiser_.steps()},
                     {"sum_loss", sums_.loss},
                     {"sum_steps", sums_.steps},
                     {"sum_right", sums_.right},
                     {"sum_rows", sums_.rows},
                     {"weights", tensors_by_number(weights)},
                     {"means", tensors_by_number(optimiser_.means())},
                     {"squares", tensors_by_number(optimiser_.squares())}};
  if (!mean_.empty()) state.set("mean", tensors_by_number(mean_));
  if (!best_.empty()) {
    state.set("best", tensors_by_number(best_));
    state.set("best_loss", best_loss_);
    state.set("since_best", since_best_);
  }
  return state;
}

Result<void> Training::restore(const Value& state) {
  const StateReader read(state);
  std::vector<torch::Tensor> weights;
  for (const NamedWeight& weight : learner_.weights()) weights.push_back(weight.tensor);
  WAKEBUILDER_CHECK(read.tensors("weights", weights));
  WAKEBUILDER_CHECK(read.tensors("means", optimiser_.means()));
  WAKEBUILDER_CHECK(read.tensors("squares", optimiser_.squares()));
  WAKEBUILDER_TRY(const auto optimiser_steps, read.whole("optimiser_steps"));
  optimiser_.set_steps(optimiser_steps);
  WAKEBUILDER_TRY(done_, read.whole("step"));
  WAKEBUILDER_TRY(rate_, read.number("rate"));
  WAKEBUILDER_TRY(sums_.loss, read.number("sum_loss"));
  WAKEBUILDER_TRY(sums_.steps, read.whole("sum_steps"));
  WAKEBUILDER_TRY(sums_.right, read.whole("sum_right"));
  WAKEBUILDER_TRY(sums_.rows, read.whole("sum_rows"));
  mean_ = read.has("mean") ? copies(weights) : std::vector<torch::Tensor>{};
  WAKEBUILDER_CHECK(read.tensors("mean", mean_));
  if (!read.has("best")) return {};
  best_ = copies(weights);
  WAKEBUILDER_CHECK(read.tensors("best", best_));
  WAKEBUILDER_TRY(best_loss_, read.number("best_loss"));
  WAKEBUILDER_TRY(since_best_, read.whole("since_best"));
  return {};
}

}  // namespace wakebuilder::train
