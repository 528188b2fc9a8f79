#include "pipeline/frozen_encoder.h"

#include <algorithm>
#include <cstddef>

#include "wakebuilder/model/front_end.h"
#include "wakebuilder/onnx/build.h"
#include "wakebuilder/onnx/write.h"

namespace wakebuilder::pipeline {

FrozenEncoder tokens_encoder(const model::CompactClassifier& network, std::int64_t frames) {
  return {.model = onnx::serialize(onnx::build_tokens(network, frames, onnx::kDefaultOpset)),
          .output = "tokens",
          .row = {model::kEmbeddingDim, model::tokens_of(frames)},
          .frames = frames,
          .features = {.mean = network.config.feature_mean, .std = network.config.feature_std},
          .is_large = false};
}

FrozenEncoder embeddings_encoder(const LoadedBase& base) {
  const auto& [config, backbone, others] = base.ast;
  return {.model = onnx::serialize(onnx::build_embeddings(backbone, config, onnx::kDefaultOpset)),
          .output = "embeddings",
          .row = {config.hidden_size},
          .frames = config.max_length,
          .features = base.features.value(),
          .is_large = true};
}

Result<EncoderRun> EncoderRun::create(const std::shared_ptr<const runtime::OnnxRuntime>& runtime,
                                      const FrozenEncoder& encoder, std::size_t threads) {
  WAKEBUILDER_TRY(auto session,
                  runtime::Session::open(runtime, std::as_bytes(std::span(encoder.model)),
                                         {.threads = static_cast<int>(threads)}));
  core::Shape shape = {1};
  shape.insert(shape.end(), encoder.row.begin(), encoder.row.end());
  WAKEBUILDER_TRY(auto run,
                  runtime::BoundRun::create(
                      std::move(session),
                      {{.name = "input_values", .shape = {1, encoder.frames, model::kFeatureBins}}},
                      {{.name = encoder.output, .shape = std::move(shape)}}));
  return EncoderRun(std::move(run), encoder.features);
}

Result<std::span<const float>> EncoderRun::run(std::span<const float> log_mel) {
  const auto input = run_.input(0);
  std::ranges::transform(log_mel, input.begin(), [this](float value) {
    return static_cast<float>((static_cast<double>(value) - features_.mean) / (2 * features_.std));
  });
  WAKEBUILDER_CHECK(run_.run());
  return run_.output(0);
}

}  // namespace wakebuilder::pipeline
