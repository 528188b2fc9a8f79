#include "audio/capture.h"

#include <cmath>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/audio/reader.h"

#include "audio/sound.h"
#include "support/matchers.h"

namespace wakebuilder::audio {
namespace {

using std::chrono::milliseconds;
using wakebuilder::test::HasError;
using wakebuilder::test::IsOk;

std::unique_ptr<Capture> made(const Capture::Format& format) {
  auto capture = Capture::make(format);
  EXPECT_THAT(capture, IsOk());
  return *std::move(capture);
}

std::vector<float> take_all(Capture& capture) {
  std::vector<float> all;
  std::vector<float> piece(77);
  while (const std::size_t count = capture.take(piece).value())
    all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
  return all;
}

TEST(Capture, GivesTheMeanOfTheChannels) {
  const auto capture = made({.channels = 2});
  capture->put(std::vector<float>{0.5F, 0.25F, -1.0F, 1.0F}, 0, false);
  EXPECT_THAT(take_all(*capture), testing::ElementsAre(0.375F, 0.0F));
}

TEST(Capture, ResamplesInPiecesAsInOne) {
  const auto samples = test::noise(44'100);
  const auto whole = made({.rate_hz = 44'100});
  whole->put(samples, 0, false);
  const auto want = take_all(*whole);
  EXPECT_GT(want.size(), 15'000U);

  const auto parts = made({.rate_hz = 44'100, .buffer_s = 0.02});
  std::vector<float> got;
  for (std::size_t done = 0; done < samples.size(); done += 441) {
    parts->put(std::span(samples).subspan(done, 441), 0, false);
    const auto some = take_all(*parts);
    got.insert(got.end(), some.begin(), some.end());
  }
  EXPECT_EQ(got, want);
  EXPECT_EQ(parts->dropped(), 0U);
}

TEST(Capture, CountsWhatFindsNoRoom) {
  const auto capture = made({.buffer_s = 0.1});
  const auto samples = test::noise(2000);
  capture->put(samples, 0, false);
  EXPECT_EQ(capture->dropped(), 400U);
  EXPECT_THAT(take_all(*capture), testing::ElementsAreArray(samples.data(), 1600));
}

TEST(Capture, CountsInSamplesOf16kHz) {
  const auto capture = made({.rate_hz = 48'000, .channels = 2, .buffer_s = 0.1});
  capture->put(std::vector<float>(2 * 6000), 0, false);
  EXPECT_EQ(capture->dropped(), 400U);  // 1200 of the device's
}

TEST(Capture, CountsWhatTheDeviceLostByItsClock) {
  const auto capture = made({});
  capture->put(std::vector<float>(1600), 100.0, false);
  capture->put(std::vector<float>(1600), 100.35, true);  // due at 100.1
  EXPECT_EQ(capture->dropped(), 4000U);
  capture->put(std::vector<float>(1600), 100.55, false);  // nothing was lost, it says
  EXPECT_EQ(capture->dropped(), 4000U);
}

TEST(Capture, DoesNotCountByAClockThatMakesNoSense) {
  const auto capture = made({});
  capture->put(std::vector<float>(160), 5.0, true);  // nothing came before
  capture->put(std::vector<float>(160), 4.0, true);
  capture->put(std::vector<float>(160), 1e9, true);
  capture->put(std::vector<float>(160), std::nan(""), true);
  EXPECT_EQ(capture->dropped(), 0U);
}

TEST(Capture, WaitsUntilSomethingWasPut) {
  const auto capture = made({});
  EXPECT_EQ(capture->wait(milliseconds(0)), Capture::Wake::kNothing);
  std::thread device([&capture] { capture->put(std::vector<float>(10), 0, false); });
  EXPECT_EQ(capture->wait(milliseconds(10'000)), Capture::Wake::kCame);
  device.join();
  EXPECT_EQ(take_all(*capture).size(), 10U);
  EXPECT_EQ(capture->wait(milliseconds(-5)), Capture::Wake::kNothing);
}

TEST(Capture, WakesAtTheEnd) {
  const auto capture = made({});
  EXPECT_FALSE(capture->has_ended());
  capture->end();
  EXPECT_TRUE(capture->has_ended());
  EXPECT_EQ(capture->wait(milliseconds(10'000)), Capture::Wake::kCame);
}

}  // namespace
}  // namespace wakebuilder::audio
