// The inputs that exports are compared on, and what the reference makes of them.

#include <algorithm>
#include <array>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/parallel.h"
#include "wakebuilder/model/front_end.h"
#include "wakebuilder/model/reference.h"
#include "wakebuilder/pipeline/compare.h"

#include "pipeline/normal.h"
#include "pipeline/test_sound.h"

namespace wakebuilder::pipeline {
namespace {

using core::Shape;
using core::Tensor;
using model::Array;
using model::Reference;

constexpr std::size_t kRows = 7;
constexpr std::size_t kClipSamples = 32000;  ///< of a clip that is shorter than its window
constexpr std::size_t kStreamRows = 2;
constexpr std::int64_t kScores = 5;  ///< of a stream, behind the hops of its warm-up

Tensor test_embeddings(std::int64_t embedding_dim) {
  const auto width = static_cast<std::size_t>(embedding_dim);
  std::vector<float> values(kRows * width);
  Normal normal;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double number = normal.next();
    constexpr std::array kScales = {1.0, 0.4, 1.7, 30.0, 1e-3, 0.0, 0.0};
    constexpr std::array kShifts = {0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.75};
    values[i] = static_cast<float>(kScales.at(i / width) * number + kShifts.at(i / width));
  }
  return Tensor::from(std::move(values), {static_cast<std::int64_t>(kRows), embedding_dim});
}

Tensor stacked(const std::vector<std::vector<float>>& rows, Shape row) {
  std::vector<float> values;
  for (const auto& part : rows) values.insert(values.end(), part.begin(), part.end());
  row.insert(row.begin(), static_cast<std::int64_t>(rows.size()));
  return Tensor::from(std::move(values), row);
}

std::size_t samples_of(std::int64_t frames) {
  return static_cast<std::size_t>((frames - 1) * model::kFrameShift + model::kFrameLength);
}

/// Features of sounds [rows, samples] in double, [rows, m, 128].
Reference::Value features_of(Array sounds, const model::FrontEndConfig& front) {
  Reference op;
  model::Timeline time(model::kFrameShift * model::kHopFrames);
  return model::log_mel_features(op, model::make_front_end(), front,
                                 Reference::input(std::move(sounds)), time);
}

/// Features as a host gives them: float32, padded to `frames` rows.
std::vector<float> padded_features(const std::vector<float>& sound,
                                   const model::FrontEndConfig& front) {
  const auto features = features_of(
      {{1, static_cast<std::int64_t>(sound.size())}, {sound.begin(), sound.end()}}, front);
  const auto padding = static_cast<float>((0.0 - front.mean) / (2.0 * front.std));
  const auto size = static_cast<std::size_t>(front.frames * model::kFeatureBins);
  std::vector<float> values(
      features->data.begin(),
      features->data.begin() + static_cast<std::ptrdiff_t>(std::min(size, features->data.size())));
  values.resize(size, padding);
  return values;
}

/// Row 1 fills its window; the others are clips of two seconds, if the window is longer.
Tensor window_rows(const model::GraphOptions& options, const model::FrontEndConfig& front,
                   std::size_t count) {
  std::vector<std::vector<float>> rows;
  for (std::size_t row = 0; row < count; ++row) {
    const std::size_t whole = samples_of(options.frames);
    if (options.waveform) {
      rows.push_back(test_sound(row, std::min(whole, kClipSamples)));
    } else {
      const std::size_t samples = row == 1 ? whole : std::min(whole, kClipSamples);
      rows.push_back(padded_features(test_sound(row, samples), front));
    }
  }
  if (options.waveform) return stacked(rows, {static_cast<std::int64_t>(rows[0].size())});
  return stacked(rows, {options.frames, model::kFeatureBins});
}

Tensor stream_rows(const model::GraphOptions& options, model::FrontEndConfig front) {
  const std::int64_t hops = model::warm_up_hops(options) + kScores;
  std::vector<std::vector<float>> rows;
  front.frames = hops * model::kHopFrames;
  const auto samples = static_cast<std::size_t>(front.frames * model::kFrameShift);
  for (std::size_t row = 0; row < kStreamRows; ++row) {
    rows.push_back(options.waveform
                       ? test_sound(row, samples)
                       : padded_features(test_sound(row, samples_of(front.frames)), front));
  }
  if (options.waveform) return stacked(rows, {static_cast<std::int64_t>(samples)});
  return stacked(rows, {front.frames, model::kFeatureBins});
}

model::FrontEndConfig front_of(const model::CompactClassifier& network,
                               const model::GraphOptions& options) {
  return {.mean = network.config.feature_mean,
          .std = network.config.feature_std,
          .frames = options.frames,
          .padding = 0};
}

Tensor rows_for(const model::Classifier& network, const model::GraphOptions& /*options*/) {
  return test_embeddings(network.config.embedding_dim);
}

Tensor rows_for(const model::CompactClassifier& network, const model::GraphOptions& options) {
  const auto front = front_of(network, options);
  return options.stream ? stream_rows(options, front) : window_rows(options, front, kRows);
}

/// Multiply-adds of one window.
double work_of(const model::AstConfig& config) {
  const auto tokens = static_cast<double>(config.tokens());
  const auto width = static_cast<double>(config.hidden_size);
  const double per_token =
      width * (4 * width + 2 * static_cast<double>(config.intermediate_size)) + 2 * tokens * width;
  return static_cast<double>(config.num_hidden_layers) * tokens * per_token;
}

/// A large AST is compared on one window: double precision takes seconds for each.
Tensor rows_for(const model::AstClassifier& network, const model::GraphOptions& options) {
  const model::FrontEndConfig front = {.mean = network.feature_mean.value_or(-4.2677393),
                                       .std = network.feature_std.value_or(4.5689974),
                                       .frames = options.frames,
                                       .padding = 0};
  constexpr double kMuch = 1e9;
  return window_rows(options, front, work_of(network.config) > kMuch ? 1 : kRows);
}

/// The features of each row of a stream, [rows, frames, 128], in double.
Reference::Value stream_features(const model::CompactClassifier& network,
                                 const model::GraphOptions& options, const Tensor& rows) {
  if (!options.waveform) return Reference::input(model::to_array(rows));
  return features_of(model::to_array(rows), front_of(network, options));
}

/// Logits [rows, kScores, 2]: score k is that of the window of frames from 16 k on.
Array stream_logits(const model::CompactClassifier& network, const model::GraphOptions& options,
                    const Tensor& rows) {
  const auto features = stream_features(network, options, rows);
  // Frames behind the last token of a window belong to it, but nothing sees them.
  const std::int64_t seen = (model::tokens_of(options.frames) - 1) * model::kEmbeddingFrameStride +
                            model::kEmbeddingFrames;
  Reference op;
  std::vector<Reference::Value> scores;
  for (std::int64_t k = 0; k < kScores; ++k) {
    const auto window =
        op.slice({}, features, 1, k * model::kHopFrames, k * model::kHopFrames + seen);
    const auto logits = model::forward(op, network, {.frames = options.frames}, window);
    scores.push_back(op.unsqueeze({}, logits, 1));
  }
  return *op.concat({}, scores, 1);
}

/// Row by row, some at a time: what one row needs fits the caches better than all of them.
Array logits_of(const model::Network& network, const model::GraphOptions& options,
                const Reference::Value& rows) {
  std::vector<Reference::Value> logits(static_cast<std::size_t>(rows->shape[0]));
  core::for_each_job(logits.size(), core::usual_threads(), [&](std::size_t job) {
    Reference op;
    const auto row = static_cast<std::int64_t>(job);
    logits[job] = model::forward(op, network, options, op.slice({}, rows, 0, row, row + 1));
  });
  return *Reference().concat({}, logits, 0);
}

}  // namespace

Tensor test_rows(const model::Network& network, const model::GraphOptions& options) {
  return std::visit([&](const auto& known) { return rows_for(known, options); }, network);
}

Trial make_trial(const model::Network& network, const model::GraphOptions& options) {
  Trial trial{.input = model::input_of(network, options).name,
              .rows = test_rows(network, options),
              .logits = {}};
  if (options.stream) {
    trial.logits = stream_logits(std::get<model::CompactClassifier>(network), options, trial.rows);
    return trial;
  }
  trial.logits = logits_of(network, options, Reference::input(model::to_array(trial.rows)));
  return trial;
}

}  // namespace wakebuilder::pipeline
