#include "pipeline/training_windows.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/parallel.h"
#include "wakebuilder/corpus/window.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/write.h"

namespace wakebuilder::pipeline {
namespace {

using Runtime = std::shared_ptr<const runtime::OnnxRuntime>;

constexpr std::int64_t kFrames = model::kStreamFrames;
const std::int64_t kTokens = model::tokens_of(kFrames);
const auto kNumbers = static_cast<std::size_t>(model::kEmbeddingDim * kTokens);
constexpr std::size_t kFeatures = static_cast<std::size_t>(kFrames) * corpus::kBins;
constexpr std::size_t kWindowsOfATurn = 64;

corpus::AugmentOptions everyday() { return {}; }

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
        everyday_(noises, everyday()),
        noisy_(noises, noisy()),
        seed_(seed) {}

  Window make(std::size_t index) const {
    corpus::Random random(seed_ * 0x9e3779b97f4a7c15U + index);
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

/// The windows of one call, worked on by several threads.
class Windows {
 public:
  Windows(const WindowMaker& maker, const WindowsOptions& options)
      : maker_(maker),
        options_(options),
        tokens_(options.count * kNumbers),
        labels_(options.count),
        features_(options.keeps_features ? options.count * kFeatures : 0) {}

  /// What one thread does until nothing is left.
  void work(Result<TokenRunner> runner) {
    if (!runner) return give_up(runner.error());
    while (!is_over_) {
      const std::size_t begin = next_.fetch_add(kWindowsOfATurn);
      if (begin >= options_.count) return;
      const std::size_t end = std::min(options_.count, begin + kWindowsOfATurn);
      for (std::size_t i = begin; i < end && !is_over_; ++i) make(i, *runner);
      tell(end - begin);
    }
  }

  Result<LabelledTokens> finish() {
    if (error_) return fail(*error_);
    const auto count = static_cast<std::int64_t>(options_.count);
    return LabelledTokens{
        .tokens = core::Tensor::from(std::move(tokens_), {count, model::kEmbeddingDim, kTokens}),
        .labels = core::Tensor::from(std::move(labels_), {count}),
        .features = features_.empty() ? core::Tensor()
                                      : core::Tensor::from(std::move(features_),
                                                           {count, kFrames, corpus::kBins})};
  }

 private:
  void make(std::size_t index, TokenRunner& runner) {
    const Window window = maker_.make(index);
    const auto tokens = runner.run(window.frames);
    if (!tokens) return give_up(tokens.error());
    std::ranges::copy(*tokens, tokens_.begin() + static_cast<std::ptrdiff_t>(index * kNumbers));
    labels_[index] = static_cast<std::uint8_t>(window.what.label);
    if (features_.empty()) return;
    std::ranges::copy(runner.features(),
                      features_.begin() + static_cast<std::ptrdiff_t>(index * kFeatures));
  }

  void tell(std::size_t more) {
    const std::scoped_lock lock(mutex_);
    done_ += more;
    if (is_over_ || !options_.on_progress || options_.on_progress(done_, options_.count)) return;
    error_ = Error{ErrorCode::kIo, "stopped"};
    is_over_ = true;
  }

  void give_up(const Error& error) {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = error;
    is_over_ = true;
  }

  const WindowMaker& maker_;
  const WindowsOptions& options_;
  std::vector<float> tokens_;
  std::vector<std::uint8_t> labels_;
  std::vector<float> features_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> is_over_ = false;
  std::mutex mutex_;  ///< guards what is below
  std::size_t done_ = 0;
  std::optional<Error> error_;
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
  Windows windows(maker, options);
  core::for_each_job(options.threads, options.threads, [&](std::size_t) {
    windows.work(TokenRunner::create(runtime, network, kFrames));
  });
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
