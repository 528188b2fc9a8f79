#include "wakebuilder/corpus/window.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "wakebuilder/audio/mel_filters.h"

namespace wakebuilder::corpus {
namespace {

constexpr auto kSilence = static_cast<float>(audio::kLogMelFloor);

Frames flat(float value, std::size_t frames) { return Frames(frames * kBins, value); }

/// Pieces whose value says what they are: word 1, phrase 2, sound-alike 3, isolated 4, running 5.
Bank bank() {
  Bank bank;
  bank.add(Kind::kWord, "a", flat(1, 60));
  bank.add(Kind::kPhrase, "a", flat(2, 120));
  bank.add(Kind::kNear, "a", flat(3, 50));
  bank.add(Kind::kIsolated, "a", flat(4, 40));
  bank.add(Kind::kRunning, "a", flat(5, 400));
  return bank;
}

/// One word and nothing else: no context, no change of tempo.
WindowOptions plain() {
  return {
      .with_word = 1, .phrases = 0, .context = 0, .careful = 0, .tempo = {1, 1}, .rhythm_share = 0};
}

std::vector<float> compose(const WindowComposer& composer, Random& random, int* label = nullptr) {
  std::vector<float> window(160 * kBins, kSilence);
  const int found = composer.compose(window, random).label;
  if (label != nullptr) *label = found;
  return window;
}

std::size_t frames_of(const std::vector<float>& window, float value) {
  std::size_t count = 0;
  for (std::size_t t = 0; t < window.size(); t += kBins)
    count += std::abs(window[t] - value) < 0.01F ? 1U : 0U;
  return count;
}

TEST(Window, HoldsTheWholeWordInSilence) {
  const Bank pieces = bank();
  const WindowComposer composer(pieces, plain());
  Random random(1);
  for (int i = 0; i < 50; ++i) {
    int label = 0;
    const auto window = compose(composer, random, &label);
    EXPECT_EQ(label, 1);
    EXPECT_EQ(frames_of(window, 1), 60U);
    EXPECT_EQ(frames_of(window, kSilence), 100U);
  }
}

TEST(Window, HasItsSharesOfWhatIsSaid) {
  const Bank pieces = bank();
  const WindowComposer composer(pieces, {.context = 0, .careful = 0});
  Random random(2);
  int words = 0;
  int phrases = 0;
  int near = 0;
  int isolated = 0;
  int quiet = 0;
  constexpr int kCount = 4000;
  for (int i = 0; i < kCount; ++i) {
    int label = 0;
    const auto window = compose(composer, random, &label);
    words += label;
    if (label == 1 && frames_of(window, 2) > 0) ++phrases;
    if (label == 0 && frames_of(window, kSilence) == 160) ++quiet;
    if (label == 0 && frames_of(window, 3) > 0 && frames_of(window, 5) == 0) ++near;
    if (label == 0 && frames_of(window, 4) > 0) ++isolated;
  }
  EXPECT_NEAR(words, 0.40 * kCount, 100);
  EXPECT_NEAR(phrases, 0.40 * 0.15 * kCount, 50);
  EXPECT_NEAR(near, 0.60 * 0.22 * kCount, 100);  // some running speech is made of sound-alikes
  EXPECT_NEAR(isolated, 0.60 * 0.15 * kCount, 60);
  EXPECT_NEAR(quiet, 0.60 * 0.07 * kCount, 50);
}

TEST(Window, HoldsTheWordInAnotherOrderWhereThereIsSome) {
  Bank pieces = bank();
  const auto share = [&pieces] {
    const WindowComposer composer(pieces, {.context = 0, .careful = 0});
    Random random(5);
    int jumbled = 0;
    for (int i = 0; i < 4000; ++i) {
      int label = 0;
      const bool is_heard = frames_of(compose(composer, random, &label), 6) > 0;
      EXPECT_FALSE(is_heard && label == 1);
      jumbled += is_heard ? 1 : 0;
    }
    return jumbled / 4000.0;
  };
  EXPECT_EQ(share(), 0);
  pieces.add(Kind::kJumbled, "a", flat(6, 50));
  EXPECT_NEAR(share(), 0.60 * 0.08, 0.01);
}

TEST(Window, PutsSpeechAroundWords) {
  const Bank pieces = bank();
  WindowOptions options = plain();
  options.context = 1;
  const WindowComposer composer(pieces, options);
  Random random(3);
  int with_context = 0;
  for (int i = 0; i < 50; ++i) {
    const auto window = compose(composer, random);
    EXPECT_EQ(frames_of(window, 1), 60U);  // the word itself stays whole
    with_context += frames_of(window, kSilence) < 95 ? 1 : 0;
  }
  EXPECT_GT(with_context, 40);
}

TEST(Window, PartsOfTheWordAreNoWord) {
  const Bank pieces = bank();
  WindowOptions options = plain();
  options.with_word = 0;
  options.near = 0;
  options.isolated = 0;
  options.parts = 1;
  const WindowComposer composer(pieces, options);
  Random random(4);
  for (int i = 0; i < 50; ++i) {
    int label = 1;
    const auto window = compose(composer, random, &label);
    EXPECT_EQ(label, 0);
    EXPECT_GE(frames_of(window, 1), 15U);
    EXPECT_LE(frames_of(window, 1), 36U);
  }
}

TEST(Window, IsTheSameForTheSameSeed) {
  const Bank pieces = bank();
  const WindowComposer composer(pieces, {});
  Random first(7);
  Random second(7);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(compose(composer, first), compose(composer, second));
}

TEST(Window, LengthensTheMinimaOfEnergyAndNothingElse) {
  Frames word = flat(0, 40);
  std::fill(word.begin() + 20 * static_cast<std::ptrdiff_t>(kBins),
            word.begin() + 21 * static_cast<std::ptrdiff_t>(kBins), -6.0F);
  Random random(1);
  const Frames longer = with_gaps(word, 1, random);
  const std::size_t added = longer.size() / kBins - 40;
  EXPECT_GE(added, 1U);
  EXPECT_LE(added, 8U);
  EXPECT_EQ(frames_of(longer, -6), 1 + added);
  EXPECT_EQ(with_gaps(flat(0, 40), 1, random).size(), 40 * kBins);
}

TEST(Window, WarpsTimeFromTheFirstToTheLastFrame) {
  Frames ramp;
  for (std::size_t t = 0; t < 50; ++t)
    for (std::size_t bin = 0; bin < kBins; ++bin) ramp.push_back(static_cast<float>(t));
  Random random(6);
  const Frames warped_ramp = warped(ramp, 30, {0.55, 1.7}, random);
  ASSERT_EQ(warped_ramp.size(), 30 * kBins);
  EXPECT_EQ(warped_ramp[0], 0);
  EXPECT_NEAR(warped_ramp[29 * kBins], 49, 0.01);
  for (std::size_t t = 1; t < 30; ++t)
    EXPECT_GT(warped_ramp[t * kBins], warped_ramp[(t - 1) * kBins]);
  const Frames even = warped(ramp, 99, {1, 1}, random);
  EXPECT_NEAR(even[49 * kBins], 24.5, 0.01);
}

}  // namespace
}  // namespace wakebuilder::corpus
