// Small models that listen, whose answers are known: for tests of the detector.
#pragma once

#include <cstdint>
#include <string>

#include "wakebuilder/onnx/emitter.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/runtime/wake_model.h"

#include "support/matchers.h"

namespace wakebuilder::test {

using Metadata = std::vector<std::pair<std::string, std::string>>;

inline onnx::Dimension batch() { return {.value = {}, .param = "batch"}; }
inline onnx::Dimension fixed(std::int64_t size) { return {.value = size, .param = ""}; }
inline onnx::Dimension dynamic(const std::string& name) { return {.value = {}, .param = name}; }

/// logits [batch, 2] = (0, 8 x - 4) for x [batch, 1]: the probability is above a half when x is.
inline void answer(onnx::Emitter& op, const onnx::Emitter::Value& x) {
  const auto wake = op.shift("wake", op.scale("slope", x, 8.0), -4.0);
  const auto logits = op.concat("both", {op.scale("other", x, 0.0), wake}, 1);
  op.output("logits", logits, {batch(), fixed(2)});
}

inline std::string finish(onnx::Emitter& op, const Metadata& metadata) {
  auto model = op.finish("listening");
  model.metadata_props = metadata;
  return onnx::serialize(model);
}

/// Hears the loudest sample of a window: `waveform` [batch, samples].
inline std::string loudest_sample(const Metadata& metadata = {},
                                  onnx::Dimension samples = dynamic("samples")) {
  onnx::Emitter op(17);
  const auto x = op.input("waveform", {batch(), std::move(samples)});
  const auto most = op.reduce("most", op.abs("loudness", x), model::Reduction::kMax, 1);
  answer(op, most);
  return finish(op, metadata);
}

/// Hears the largest feature of a window: `input_values` [batch, frames, 128].
inline std::string largest_feature(const Metadata& metadata = {}, std::int64_t frames = 160) {
  onnx::Emitter op(17);
  const auto x = op.input("input_values", {batch(), fixed(frames), fixed(128)});
  const auto row = op.reduce("row", x, model::Reduction::kMax, 2);
  const auto most = op.reduce("most", op.squeeze("rows", row, 2), model::Reduction::kMax, 1);
  answer(op, most);
  return finish(op, metadata);
}

/// The features of a stream, 16 a hop, and the largest of the hop before as its state: hears both.
inline std::string largest_of_two_hops() {
  onnx::Emitter op(17);
  op.begin_stream();
  const auto x = op.input("input_values", {batch(), fixed(16), fixed(128)});
  const auto row = op.reduce("row", x, model::Reduction::kMax, 2);
  const auto hop = op.reduce("hop", op.squeeze("rows", row, 2), model::Reduction::kMax, 1);
  const auto both = op.past("both", hop, 1, {0, 1});
  answer(op, op.reduce("most", both, model::Reduction::kMax, 1));
  return finish(
      op, {{"stream", "true"}, {"frames", "32"}, {"hop_frames", "16"}, {"warm_up_hops", "1"}});
}

inline Result<runtime::Session> open(const std::string& model) {
  auto runtime = runtime::OnnxRuntime::load();
  if (!runtime) return fail(std::move(runtime).error());
  return runtime::Session::open(*runtime, std::as_bytes(std::span(model)));
}

inline Result<runtime::WakeModel> listening(const std::string& model, const std::string& name = "m",
                                            const runtime::WakeOverrides& overrides = {}) {
  auto session = open(model);
  if (!session) return fail(std::move(session).error());
  return runtime::understand(*std::move(session), name, overrides);
}

}  // namespace wakebuilder::test
