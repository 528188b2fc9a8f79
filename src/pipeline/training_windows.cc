#include "pipeline/training_windows.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/corpus/window.h"

#include "pipeline/shared_work.h"

namespace wakebuilder::pipeline {
namespace {

using Runtime = std::shared_ptr<const runtime::OnnxRuntime>;

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
              std::int64_t frames, std::uint64_t seed)
      : composer_(bank, {.frames = frames}),
        everyday_(noises, {}),
        noisy_(noises, noisy()),
        numbers_(static_cast<std::size_t>(frames) * corpus::kBins),
        seed_(seed) {}

  Window make(std::size_t index) const {
    corpus::Random random(seed_, index);
    Window window{.frames = std::vector<float>(numbers_, static_cast<float>(audio::kLogMelFloor)),
                  .what = {}};
    window.what = composer_.compose(window.frames, random);
    (index % 2 == 0 ? everyday_ : noisy_).augment(window.frames, random, window.what.before);
    return window;
  }

 private:
  corpus::WindowComposer composer_;
  corpus::Augmenter everyday_, noisy_;
  std::size_t numbers_;  ///< of a window
  std::uint64_t seed_;
};

/// The windows of one call; threads fill in different ones.
class Windows {
 public:
  Windows(const FrozenEncoder& encoder, const WindowsOptions& options)
      : row_(encoder.row),
        window_({encoder.frames, corpus::kBins}),
        tokens_(options.count * core::numel(row_)),
        labels_(options.count),
        features_(options.keeps_features ? options.count * core::numel(window_) : 0) {}

  Result<void> fill_in(std::size_t index, const Window& window, EncoderRun& encoder) {
    WAKEBUILDER_TRY(const auto tokens, encoder.run(window.frames));
    put(tokens, index, tokens_);
    labels_[index] = static_cast<std::uint8_t>(window.what.label);
    if (!features_.empty()) put(encoder.features(), index, features_);
    return {};
  }

  LabelledTokens finish() {
    const auto count = static_cast<std::int64_t>(labels_.size());
    const auto tensor = [count](std::vector<float> values, core::Shape shape) {
      shape.insert(shape.begin(), count);
      return core::Tensor::from(std::move(values), std::move(shape));
    };
    return {.tokens = tensor(std::move(tokens_), row_),
            .labels = core::Tensor::from(std::move(labels_), {count}),
            .features = features_.empty() ? core::Tensor() : tensor(std::move(features_), window_)};
  }

 private:
  static void put(std::span<const float> row, std::size_t index, std::vector<float>& rows) {
    std::ranges::copy(row, rows.begin() + static_cast<std::ptrdiff_t>(index * row.size()));
  }

  core::Shape row_, window_;
  std::vector<float> tokens_;
  std::vector<std::uint8_t> labels_;
  std::vector<float> features_;
};

/// A part that was kept, if it is one of this size.
std::optional<LabelledTokens> kept_part(const std::filesystem::path& file, std::size_t count) {
  const auto data = checkpoint::read(file);
  if (!data) return std::nullopt;
  const core::Value* tokens = data->root.find("tokens");
  const core::Value* labels = data->root.find("labels");
  if (tokens == nullptr || labels == nullptr) return std::nullopt;
  LabelledTokens part{.tokens = *tokens->get_if<core::Tensor>(),
                      .labels = *labels->get_if<core::Tensor>(),
                      .features = {}};
  if (part.labels.size() != count) return std::nullopt;
  std::error_code error;  // what was used last is removed last
  std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now(), error);
  return part;
}

template <class T>
core::Tensor joined(const std::vector<core::Tensor>& parts, std::size_t count) {
  std::vector<T> values;
  for (const core::Tensor& part : parts) {
    const auto more = part.as<T>();
    values.insert(values.end(), more.begin(), more.end());
  }
  core::Shape shape = parts.at(0).shape();
  const std::size_t row = parts[0].size() / static_cast<std::size_t>(shape[0]);
  shape[0] = static_cast<std::int64_t>(count);
  values.resize(count * row);
  return core::Tensor::from(std::move(values), std::move(shape));
}

}  // namespace

Result<LabelledTokens> make_windows(const corpus::Bank& bank,
                                    const std::vector<corpus::Frames>& noises,
                                    const FrozenEncoder& encoder, const Runtime& runtime,
                                    const WindowsOptions& options) {
  const WindowMaker maker(bank, noises, encoder.frames, options.seed);
  Windows windows(encoder, options);
  WAKEBUILDER_CHECK(share_work(
      {.pieces = options.count,
       .turn = encoder.is_large ? 1 : kWindowsOfATurn,
       .threads = encoder.is_large ? 1 : options.threads,
       .on_progress = options.on_progress},
      [&] { return EncoderRun::create(runtime, encoder, encoder.is_large ? options.threads : 1); },
      [&](EncoderRun& run, std::size_t index) {
        return windows.fill_in(index, maker.make(options.first + index), run);
      }));
  return windows.finish();
}

Result<LabelledTokens> cached_windows(
    const std::filesystem::path& prefix, std::size_t count, std::size_t part,
    const std::function<Result<LabelledTokens>(std::size_t first, std::size_t count)>& make) {
  std::vector<core::Tensor> tokens, labels;
  for (std::size_t first = 0; first < count; first += part) {
    // The last part is whole, too, so that a later call for more windows has it.
    const std::filesystem::path file =
        prefix.string() + "-" + std::to_string(first / part) + ".safetensors";
    auto windows = kept_part(file, part);
    if (!windows) {
      WAKEBUILDER_TRY(windows, make(first, part));
      static_cast<void>(checkpoint::save_safetensors(
          file, core::Dict{{"tokens", windows->tokens}, {"labels", windows->labels}}));
    }
    tokens.push_back(windows->tokens);
    labels.push_back(windows->labels);
  }
  return LabelledTokens{.tokens = joined<float>(tokens, count),
                        .labels = joined<std::uint8_t>(labels, count),
                        .features = {}};
}

std::vector<Window> first_windows(const corpus::Bank& bank,
                                  const std::vector<corpus::Frames>& noises, std::int64_t frames,
                                  std::uint64_t seed, std::size_t count) {
  const WindowMaker maker(bank, noises, frames, seed);
  std::vector<Window> windows;
  for (std::size_t i = 0; i < count; ++i) windows.push_back(maker.make(i));
  return windows;
}

std::vector<corpus::Composition> first_compositions(const corpus::Bank& bank,
                                                    const std::vector<corpus::Frames>& noises,
                                                    std::int64_t frames, std::uint64_t seed,
                                                    std::size_t count) {
  const WindowMaker maker(bank, noises, frames, seed);
  std::vector<corpus::Composition> compositions;
  for (std::size_t i = 0; i < count; ++i) compositions.push_back(maker.make(i).what);
  return compositions;
}

}  // namespace wakebuilder::pipeline
