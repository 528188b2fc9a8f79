#include "pipeline/training_windows.h"

#include <algorithm>
#include <utility>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/corpus/window.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/write.h"

#include "pipeline/shared_work.h"

namespace wakebuilder::pipeline {
namespace {

using Runtime = std::shared_ptr<const runtime::OnnxRuntime>;

constexpr std::int64_t kFrames = model::kStreamFrames;
const std::int64_t kTokens = model::tokens_of(kFrames);
const auto kNumbers = static_cast<std::size_t>(model::kEmbeddingDim * kTokens);
constexpr std::size_t kFeatures = static_cast<std::size_t>(kFrames) * corpus::kBins;
constexpr std::size_t kWindowsOfATurn = 64;

corpus::AugmentOptions noisy() {
  corpus::AugmentOptions options;
  options.noisy = 0.85;
  options.noise_db = {-2, 25};
  return options;
}

/// Composes and augments; the same window for a seed and a number.
class WindowMaker {
 public:
  WindowMaker(const corpus::Bank& bank, const std::vector<corpus::Frames>& noises,
              std::uint64_t seed)
      : composer_(bank, {.frames = kFrames}),
        everyday_(noises, {}),
        noisy_(noises, noisy()),
        seed_(seed) {}

  Window make(std::size_t index) const {
    corpus::Random random(seed_, index);
    Window window{.frames = std::vector<float>(static_cast<std::size_t>(kFrames) * corpus::kBins,
                                               static_cast<float>(audio::kLogMelFloor)),
                  .what = {}};
    window.what = composer_.compose(window.frames, random);
    (index % 2 == 0 ? everyday_ : noisy_).augment(window.frames, random, window.what.before);
    return window;
  }

 private:
  corpus::WindowComposer composer_;
  corpus::Augmenter everyday_, noisy_;
  std::uint64_t seed_;
};

/// The windows of one call; threads fill in different ones.
class Windows {
 public:
  explicit Windows(const WindowsOptions& options)
      : tokens_(options.count * kNumbers),
        labels_(options.count),
        features_(options.keeps_features ? options.count * kFeatures : 0) {}

  Result<void> fill_in(std::size_t index, const Window& window, TokenRunner& runner) {
    WAKEBUILDER_TRY(const auto tokens, runner.run(window.frames));
    std::ranges::copy(tokens, tokens_.begin() + static_cast<std::ptrdiff_t>(index * kNumbers));
    labels_[index] = static_cast<std::uint8_t>(window.what.label);
    if (features_.empty()) return {};
    std::ranges::copy(runner.features(),
                      features_.begin() + static_cast<std::ptrdiff_t>(index * kFeatures));
    return {};
  }

  LabelledTokens finish() {
    const auto count = static_cast<std::int64_t>(labels_.size());
    return {
        .tokens = core::Tensor::from(std::move(tokens_), {count, model::kEmbeddingDim, kTokens}),
        .labels = core::Tensor::from(std::move(labels_), {count}),
        .features = features_.empty() ? core::Tensor()
                                      : core::Tensor::from(std::move(features_),
                                                           {count, kFrames, corpus::kBins})};
  }

 private:
  std::vector<float> tokens_;
  std::vector<std::uint8_t> labels_;
  std::vector<float> features_;
};

}  // namespace

Result<TokenRunner> TokenRunner::create(const Runtime& runtime,
                                        const model::CompactClassifier& network,
                                        std::int64_t frames) {
  const std::string bytes =
      onnx::serialize(onnx::build_tokens(network, frames, onnx::kDefaultOpset));
  WAKEBUILDER_TRY(auto session, runtime::Session::open(runtime, std::as_bytes(std::span(bytes))));
  WAKEBUILDER_TRY(
      auto run,
      runtime::BoundRun::create(
          std::move(session), {{.name = "input_values", .shape = {1, frames, corpus::kBins}}},
          {{.name = "tokens", .shape = {1, model::kEmbeddingDim, model::tokens_of(frames)}}}));
  return TokenRunner(std::move(run), network.config.feature_mean, network.config.feature_std);
}

Result<std::span<const float>> TokenRunner::run(std::span<const float> log_mel) {
  const auto input = run_.input(0);
  std::ranges::transform(log_mel, input.begin(), [this](float value) {
    return static_cast<float>((static_cast<double>(value) - mean_) / (2 * std_));
  });
  WAKEBUILDER_CHECK(run_.run());
  return run_.output(0);
}

Result<LabelledTokens> make_windows(const corpus::Bank& bank,
                                    const std::vector<corpus::Frames>& noises,
                                    const model::CompactClassifier& network, const Runtime& runtime,
                                    const WindowsOptions& options) {
  const WindowMaker maker(bank, noises, options.seed);
  Windows windows(options);
  WAKEBUILDER_CHECK(share_work(
      {.pieces = options.count,
       .turn = kWindowsOfATurn,
       .threads = options.threads,
       .on_progress = options.on_progress},
      [&] { return TokenRunner::create(runtime, network, kFrames); },
      [&](TokenRunner& runner, std::size_t index) {
        return windows.fill_in(index, maker.make(index), runner);
      }));
  return windows.finish();
}

std::vector<Window> first_windows(const corpus::Bank& bank,
                                  const std::vector<corpus::Frames>& noises, std::uint64_t seed,
                                  std::size_t count) {
  const WindowMaker maker(bank, noises, seed);
  std::vector<Window> windows;
  for (std::size_t i = 0; i < count; ++i) windows.push_back(maker.make(i));
  return windows;
}

}  // namespace wakebuilder::pipeline
