// One training, step by step; what it knows can be written down and taken up again. Private:
// torch's header stays inside this module.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <torch/torch.h>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/value.h"
#include "wakebuilder/model/classifier.h"

#include "train/adamw.h"
#include "train/learner.h"
#include "train/options.h"
#include "train/rows.h"
#include "train/scores.h"

namespace wakebuilder::train {

class Training {
 public:
  /// @param learner, data, validation  must outlive it; no validation: no rows to judge by
  /// @pre the rows fit the learner and are checked (train/rows.h)
  Training(Learner& learner, const Rows& data, const Rows* validation, const HeadOptions& options);

  std::int64_t steps_done() const { return done_; }
  std::int64_t steps() const { return options_.steps; }

  /// All steps are done, or validations have not become better for too long.
  bool is_over() const;

  /// One step. Errors: kCheckFailed when the loss is no number any more.
  Result<double> step();

  /// What is due after the step: at the end and every so many steps, where there are rows for it.
  bool must_validate() const;
  bool must_save() const { return done_ % options_.save_every == 0; }
  Validation validate();

  /// The mean of all weights, or, before there is one, the weights; with patience the best of these
  /// that were validated.
  model::NamedTensors result() const;

  /// All that the next steps depend on but data, options and torch's random numbers.
  core::Value state();

  /// Takes up where state() was. Errors: kCorrupt for what is missing or of another shape.
  Result<void> restore(const core::Value& state);

 private:
  /// Of the steps since the last validation.
  struct Sums {
    double loss = 0;
    std::int64_t steps = 0;
    std::int64_t right = 0;
    std::int64_t rows = 0;
  };

  std::int64_t share_of_steps(double share) const;
  double rate() const;
  torch::Tensor shares() const;
  torch::Tensor losses_of(const torch::Tensor& pick);
  torch::Tensor of_the_hardest(const torch::Tensor& losses, const torch::Tensor& labels) const;
  void average();
  void remember(const Scores& scores);
  std::vector<torch::Tensor> current() const;
  model::NamedTensors named(const std::vector<torch::Tensor>& values) const;
  torch::Tensor judge(const Rows& rows) const;

  Learner& learner_;
  const Rows* validation_;
  HeadOptions options_;
  torch::Tensor inputs_, labels_;
  AdamW optimiser_;
  std::int64_t done_ = 0;
  double rate_ = 0;
  Sums sums_;
  std::vector<torch::Tensor> mean_;  ///< of all weights; empty before there is one
  std::vector<torch::Tensor> best_;  ///< as validated; empty without patience
  double best_loss_ = 0;
  std::int64_t since_best_ = 0;  ///< validations
};

}  // namespace wakebuilder::train
