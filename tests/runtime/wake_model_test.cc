#include "wakebuilder/runtime/wake_model.h"

#include <gtest/gtest.h>

#include "runtime/listening_models.h"

namespace wakebuilder::runtime {
namespace {

using test::HasError;
using test::IsOk;
using test::largest_feature;
using test::listening;
using test::loudest_sample;

TEST(WakeModel, HasDefaultsWhereTheModelSaysNothing) {
  const auto model = listening(largest_feature(), "jarvis");
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->hearing, Hearing{});
  ASSERT_EQ(model->words.size(), 1U);
  EXPECT_EQ(model->words[0].model, "jarvis");
  EXPECT_EQ(model->words[0].wake_word, "jarvis");
  EXPECT_EQ(model->words[0].decision, Decision{});
}

TEST(WakeModel, ReadsItsMetadata) {
  const auto model = listening(largest_feature({{"wake_word", "hey jarvis"},
                                                {"threshold", "0.7"},
                                                {"smoothing", "5"},
                                                {"refractory_s", "2.5"},
                                                {"window_frames", "100"},
                                                {"hop_frames", "8"},
                                                {"feature_mean", "-6.5"},
                                                {"feature_std", "5.5"}}));
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->words[0].wake_word, "hey jarvis");
  EXPECT_EQ(model->words[0].decision,
            (Decision{.threshold = 0.7, .smoothing = 5, .refractory_s = 2.5}));
  EXPECT_EQ(model->hearing, (Hearing{.waveform = false,
                                     .stream = false,
                                     .window_frames = 100,
                                     .hop_frames = 8,
                                     .declared_rows = 160,
                                     .warm_up_hops = 0,
                                     .feature_mean = -6.5,
                                     .feature_std = 5.5}));
}

TEST(WakeModel, LetsTheUserOverrideIt) {
  const auto model = listening(
      largest_feature({{"threshold", "0.7"}}), "m",
      {.threshold = 0.2, .smoothing = 1, .refractory_s = 0, .window_frames = 80, .hop_frames = 4});
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->words[0].decision,
            (Decision{.threshold = 0.2, .smoothing = 1, .refractory_s = 0}));
  EXPECT_EQ(model->hearing.window_frames, 80);
  EXPECT_EQ(model->hearing.hop_frames, 4);
}

TEST(WakeModel, TakesAShortInputAsTheWindow) {
  const auto model = listening(largest_feature({}, 128));
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(model->hearing.window_frames, 128);
  const auto wave = listening(loudest_sample());
  ASSERT_THAT(wave, IsOk());
  EXPECT_TRUE(wave->hearing.waveform);
  EXPECT_EQ(wave->hearing.declared_rows, 159 * 160 + 400);
  const auto fixed = listening(loudest_sample({}, test::fixed(16'000)));
  ASSERT_THAT(fixed, IsOk());
  EXPECT_EQ(fixed->hearing.window_frames, 98);
  EXPECT_EQ(fixed->hearing.declared_rows, 16'000);
}

TEST(WakeModel, KnowsAStream) {
  const auto model = listening(test::largest_of_two_hops());
  ASSERT_THAT(model, IsOk());
  EXPECT_TRUE(model->hearing.stream);
  EXPECT_EQ(model->hearing.window_frames, 32);
  EXPECT_EQ(model->hearing.warm_up_hops, 1);
  EXPECT_THAT(listening(test::largest_of_two_hops(), "m", {.window_frames = 160}),
              HasError(ErrorCode::kMismatch,
                       "expected a window of 32 frames every 16, as this stream was exported, "
                       "found 160 every 16"));
}

/// A model with one input of this name and shape, and one output.
std::string odd_model(const std::string& input, std::vector<onnx::Dimension> shape,
                      const std::string& output, std::int64_t classes) {
  onnx::Emitter op(17);
  const auto x = op.input(input, std::move(shape));
  op.output(output, op.relu("y", x), {test::batch(), test::fixed(classes)});
  return onnx::serialize(op.finish("odd"));
}

TEST(WakeModel, RefusesWhatDoesNotHear) {
  EXPECT_THAT(listening(odd_model("embeddings", {test::batch(), test::fixed(768)}, "logits", 768)),
              HasError(ErrorCode::kUnsupported, "is a head, which hears embeddings"));
  EXPECT_THAT(listening(odd_model("x", {test::batch(), test::fixed(2)}, "logits", 2)),
              HasError(ErrorCode::kUnsupported,
                       "expected a model that hears, with the input input_values [batch, frames, "
                       "128] or waveform [batch, samples], found x [batch, 2]"));
}

TEST(WakeModel, RefusesOtherOutputs) {
  EXPECT_THAT(
      listening(odd_model("waveform", {test::batch(), test::dynamic("samples")}, "scores", 5)),
      HasError(ErrorCode::kUnsupported,
               "expected the output logits [batch, 2], found scores [batch, 5]"));
}

TEST(WakeModel, RefusesMetadataThatCannotBe) {
  EXPECT_THAT(
      listening(largest_feature({{"threshold", "high"}})),
      HasError(ErrorCode::kMismatch, "metadata threshold: expected a number, found \"high\""));
  EXPECT_THAT(
      listening(largest_feature({{"threshold", "1.5"}})),
      HasError(ErrorCode::kMismatch, "threshold: expected a number from 0 to 1, found 1.5"));
  EXPECT_THAT(listening(largest_feature({{"smoothing", "2.5"}})),
              HasError(ErrorCode::kMismatch, "expected a whole number, found 2.5"));
  EXPECT_THAT(listening(largest_feature({{"window_frames", "161"}})),
              HasError(ErrorCode::kMismatch,
                       "expected a window of at most 160 frames, which the model hears"));
}

TEST(WakeModel, RefusesOverridesThatCannotBe) {
  EXPECT_THAT(check({.threshold = -0.1}),
              HasError(ErrorCode::kInvalidArgument,
                       "threshold: expected a number from 0 to 1, found -0.1"));
  EXPECT_THAT(check({.smoothing = 0}), HasError(ErrorCode::kInvalidArgument, "smoothing"));
  EXPECT_THAT(check({.refractory_s = -1}), HasError(ErrorCode::kInvalidArgument, "refractory_s"));
  EXPECT_THAT(check({.hop_frames = 0}), HasError(ErrorCode::kInvalidArgument, "hop_frames"));
}

}  // namespace
}  // namespace wakebuilder::runtime
