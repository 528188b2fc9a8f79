#include "wakebuilder/audio/microphone.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>
#include <ostream>
#include <string>
#include <sys/time.h>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audio/sound.h"
#include "support/matchers.h"
#include "support/virtual_microphone.h"

namespace wakebuilder::audio {

void PrintTo(const MicrophoneInfo& info, std::ostream* out) {
  *out << info.name << " (" << info.host << "), " << info.channels << " channels, "
       << info.sample_rate_hz << " Hz" << (info.is_default ? ", default" : "");
}

namespace {

using std::chrono::milliseconds;
using wakebuilder::test::HasError;
using wakebuilder::test::IsOk;
using wakebuilder::test::VirtualMicrophones;

constexpr milliseconds kPatience{10'000};  // nothing waits that long unless it is broken

std::vector<std::int16_t> speech(std::size_t count, std::uint32_t seed = 1) {
  std::vector<std::int16_t> samples;
  for (const float value : test::noise(count, seed))
    samples.push_back(static_cast<std::int16_t>(value * 65535));
  return samples;
}

std::vector<float> as_floats(std::span<const std::int16_t> samples) {
  std::vector<float> values;
  for (const std::int16_t sample : samples) values.push_back(static_cast<float>(sample) / 32768.0F);
  return values;
}

/// The next `count` samples, in pieces as they come.
Result<std::vector<float>> record(Microphone& microphone, std::size_t count) {
  std::vector<float> samples;
  std::vector<float> piece(1000);
  while (samples.size() < count) {
    const auto room = std::span(piece).first(std::min(piece.size(), count - samples.size()));
    WAKEBUILDER_TRY(const std::size_t got, microphone.read(room, kPatience));
    if (got == 0) return fail(ErrorCode::kCheckFailed, "nothing came");
    samples.insert(samples.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(got));
  }
  return samples;
}

// ---- what is recorded

TEST(Microphone, RecordsEverySampleOfADeviceAt16kHz) {
  VirtualMicrophones devices({{.name = "kitchen"}});
  auto microphone = Microphone::open();
  ASSERT_THAT(microphone, IsOk());
  const auto said = speech(40'000);
  devices.speak("kitchen", said);
  EXPECT_EQ(record(*microphone, said.size()), as_floats(said));
  EXPECT_EQ(microphone->dropped(), 0U);
}

TEST(Microphone, RecordsTheMeanOfTwoChannels) {
  VirtualMicrophones devices({{.name = "desk", .channels = 2}});
  auto microphone = Microphone::open();
  ASSERT_THAT(microphone, IsOk());
  devices.speak("desk", std::vector<std::int16_t>{100, 300, -32768, 32766, 0, 1});
  EXPECT_EQ(record(*microphone, 3),
            (std::vector<float>{200.0F / 32768.0F, -1.0F / 32768.0F, 0.5F / 32768.0F}));
}

TEST(Microphone, ResamplesADeviceThatDoesNotTake16kHz) {
  VirtualMicrophones devices({{.name = "desk", .rate_hz = 48'000, .channels = 2}});
  auto microphone = Microphone::open();
  ASSERT_THAT(microphone, IsOk());
  const std::string wav = wakebuilder::test::read(test::data("rate_48000_stereo.wav"));
  std::vector<std::int16_t> said(96'000);
  std::memcpy(said.data(), wav.data() + wav.size() - 2 * said.size(), 2 * said.size());
  devices.speak("desk", said);

  const auto want = test::numbers<float>("rate_48000_stereo.wav.f32");
  constexpr std::size_t kCount = 15'000;  // the rest waits in the resampler for what comes next
  const auto got = record(*microphone, kCount);
  ASSERT_THAT(got, IsOk());
  for (std::size_t i = 0; i < kCount; ++i) {
    // soxr on other processors may differ in the last bit of a float near 1.
    ASSERT_NEAR((*got)[i], want[i], 2e-7) << i;
  }
}

TEST(Microphone, CountsWhatDidNotFitIntoItsBuffer) {
  VirtualMicrophones devices({{.name = "kitchen"}});
  auto microphone = Microphone::open({.buffer_s = 0.1});
  ASSERT_THAT(microphone, IsOk());
  const auto said = speech(32'000);
  devices.speak("kitchen", said);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (microphone->dropped() < 30'400 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(microphone->dropped(), 30'400U);
  EXPECT_EQ(record(*microphone, 1600), as_floats(std::span(said).first(1600)));

  const auto later = speech(500, 2);
  devices.speak("kitchen", later);
  EXPECT_EQ(record(*microphone, 500), as_floats(later));
  EXPECT_EQ(microphone->dropped(), 30'400U);
}

TEST(Microphone, RecordsBesideAnother) {
  VirtualMicrophones devices({{.name = "kitchen"}, {.name = "desk"}});
  auto kitchen = Microphone::open({.device = "kitchen"});
  auto desk = Microphone::open({.device = "desk"});
  ASSERT_THAT(kitchen, IsOk());
  ASSERT_THAT(desk, IsOk());
  devices.speak("kitchen", speech(2000, 1));
  devices.speak("desk", speech(2000, 2));
  EXPECT_EQ(record(*desk, 2000), as_floats(speech(2000, 2)));
  EXPECT_EQ(record(*kitchen, 2000), as_floats(speech(2000, 1)));
}

TEST(Microphone, GivesNothingWhenNothingCame) {
  VirtualMicrophones devices({{.name = "kitchen"}});
  auto microphone = Microphone::open();
  ASSERT_THAT(microphone, IsOk());
  std::vector<float> samples(10);
  EXPECT_EQ(microphone->read(samples, milliseconds(0)), 0U);
  EXPECT_EQ(microphone->read(samples, milliseconds(20)), 0U);
  EXPECT_EQ(microphone->read({}, kPatience), 0U);
}

TEST(Microphone, StopsWaitingWhenASignalComes) {
  VirtualMicrophones devices({{.name = "kitchen"}});
  auto microphone = Microphone::open({.lost_after = kPatience});
  ASSERT_THAT(microphone, IsOk());
  struct sigaction old {};
  struct sigaction ignoring {};
  ignoring.sa_handler = [](int) {};
  ::sigaction(SIGALRM, &ignoring, &old);
  const itimerval often{.it_interval = {0, 10'000}, .it_value = {0, 10'000}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  std::vector<float> samples(10);
  EXPECT_EQ(microphone->read(samples, 2 * kPatience), 0U);  // else it would be lost before
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &old, nullptr);
}

// ---- which device

TEST(Microphones, AreListedWithTheirRatesAndChannels) {
  const VirtualMicrophones devices(
      {{.name = "kitchen"}, {.name = "desk", .rate_hz = 48'000, .channels = 2}});
  EXPECT_EQ(microphones(), (std::vector<MicrophoneInfo>{{"kitchen", "ALSA", 1, 16'000, true},
                                                        {"desk", "ALSA", 2, 48'000, false}}));
}

TEST(Microphones, AreLookedForAnewEachTime) {
  VirtualMicrophones devices({{.name = "kitchen"}});
  ASSERT_THAT(microphones(), IsOk());
  EXPECT_EQ(microphones()->size(), 1U);
  devices.configure({{.name = "kitchen"}, {.name = "desk"}});
  EXPECT_EQ(microphones()->size(), 2U);
}

TEST(Microphone, IsFoundByItsNameOrByAPartThatOnlyOneHas) {
  const VirtualMicrophones devices(
      {{.name = "kitchen_usb"}, {.name = "Kitchen"}, {.name = "desk_usb"}});
  const auto opened = [](const std::string& device) {
    return Microphone::open({.device = device}).map([](const Microphone& microphone) {
      return microphone.info().name;
    });
  };
  EXPECT_EQ(opened(""), "kitchen_usb");
  EXPECT_EQ(opened("desk_usb"), "desk_usb");
  EXPECT_EQ(opened("Kitchen"), "Kitchen");  // also a part of the first, in another case
  EXPECT_EQ(opened("DESK"), "desk_usb");
}

TEST(Microphone, IsNotGuessedWhereSeveralHaveThePart) {
  const VirtualMicrophones devices(
      {{.name = "kitchen_usb"}, {.name = "window"}, {.name = "desk_usb"}});
  EXPECT_THAT(Microphone::open({.device = "USB"}),
              HasError(ErrorCode::kInvalidArgument,
                       "\"USB\" is a part of the names of 2 microphones: \"kitchen_usb\", "
                       "\"desk_usb\""));
}

TEST(Microphone, SaysWhichThereAreWhereNoneHasTheName) {
  const VirtualMicrophones devices({{.name = "kitchen"}, {.name = "desk"}});
  EXPECT_THAT(
      Microphone::open({.device = "garden"}),
      HasError(ErrorCode::kNotFound,
               "no microphone has \"garden\" in its name; there are \"kitchen\", \"desk\""));
}

TEST(Microphone, IsUnavailableWhereThereIsNoDevice) {
  VirtualMicrophones devices({});
  EXPECT_EQ(microphones(), std::vector<MicrophoneInfo>());
  EXPECT_THAT(Microphone::open({.device = "kitchen"}),
              HasError(ErrorCode::kUnavailable, "no microphone: no device here can record"));
  devices.configure_as("");
  EXPECT_THAT(microphones(),
              HasError(ErrorCode::kUnavailable,
                       "no microphone: ALSA's configuration has no device \"default\""));
  std::filesystem::remove(devices.folder() / "asound.conf");
  EXPECT_THAT(microphones(), HasError(ErrorCode::kUnavailable, "ALSA's configuration"));
}

TEST(Microphone, RefusesOptionsOutOfRange) {
  EXPECT_THAT(Microphone::open({.buffer_s = 0}),
              HasError(ErrorCode::kInvalidArgument,
                       "expected a buffer above 0 and of at most 600 s, found 0"));
  EXPECT_THAT(Microphone::open({.buffer_s = std::nan("")}),
              HasError(ErrorCode::kInvalidArgument, "found nan"));
  EXPECT_THAT(Microphone::open({.lost_after = milliseconds(0)}),
              HasError(ErrorCode::kInvalidArgument, "more than 0 ms, found 0"));
}

TEST(Microphone, SaysWhichDeviceCannotBeOpened) {
  VirtualMicrophones devices({{.name = "kitchen"}});
  auto first = Microphone::open();  // while it is open, devices are not looked for anew
  ASSERT_THAT(first, IsOk());
  std::filesystem::remove(devices.folder() / "kitchen");
  EXPECT_THAT(Microphone::open(),
              HasError(ErrorCode::kIo, "microphone \"kitchen\": cannot be opened: "));
}

// ---- a device that goes away

class MicrophoneThatGoesAway : public testing::TestWithParam<std::string> {
 protected:
  ~MicrophoneThatGoesAway() override { wait_until_all_are_closed(); }

  /// A stream that hangs is closed when its device is back, and only then are devices looked for
  /// anew, which the next test needs.
  void wait_until_all_are_closed() {
    devices_.plug_in("kitchen");
    devices_.configure({});
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!microphones()->empty() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
  }

  VirtualMicrophones devices_{{{.name = "kitchen", .end = GetParam()}}};
};

TEST_P(MicrophoneThatGoesAway, GivesWhatItHeardAndThenSaysSo) {
  auto microphone = Microphone::open({.lost_after = milliseconds(300)});
  ASSERT_THAT(microphone, IsOk());
  const auto said = speech(3000);
  devices_.speak("kitchen", said);
  devices_.pull_out("kitchen");
  EXPECT_EQ(record(*microphone, said.size()), as_floats(said));
  const std::string sentence = GetParam() == "error" ? "has stopped" : "gives no sound any more";
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(
        record(*microphone, 1),
        HasError(ErrorCode::kIo, "microphone \"kitchen\": " + sentence + "; was it pulled out?"));
  }
}

TEST_P(MicrophoneThatGoesAway, IsHeardAgainWhenItComesBack) {
  std::optional<Result<Microphone>> microphone(Microphone::open({.lost_after = milliseconds(50)}));
  ASSERT_THAT(*microphone, IsOk());
  // PortAudio 19.6 looks at a number that it has not set when a device fails before its first
  // sample.
  devices_.speak("kitchen", speech(1000));
  ASSERT_THAT(record(**microphone, 1000), IsOk());
  devices_.pull_out("kitchen");
  ASSERT_THAT(record(**microphone, 1), HasError(ErrorCode::kIo, "pulled out"));
  microphone.reset();
  devices_.plug_in("kitchen");
  microphone.emplace(Microphone::open());
  ASSERT_THAT(*microphone, IsOk());
  const auto said = speech(3000);
  devices_.speak("kitchen", said);
  EXPECT_EQ(record(**microphone, said.size()), as_floats(said));
}

INSTANTIATE_TEST_SUITE_P(All, MicrophoneThatGoesAway, testing::Values("hangup", "error", "stuck"),
                         [](const auto& instance) { return instance.param; });

// ---- quiet

TEST(Microphone, KeepsLibrariesFromPrinting) {
  std::FILE* const before = stderr;
  testing::internal::CaptureStderr();
  {
    VirtualMicrophones devices({{.name = "kitchen", .end = std::string("stuck")}});
    auto microphone = Microphone::open({.lost_after = milliseconds(50)});
    ASSERT_THAT(microphone, IsOk());
    devices.pull_out("kitchen");
    EXPECT_THAT(record(*microphone, 1), HasError(ErrorCode::kIo, "pulled out"));
    std::cerr << "ours";
    devices.plug_in("kitchen");  // so that PortAudio's thread finds its way out
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "ours");
  EXPECT_EQ(stderr, before);
}

}  // namespace
}  // namespace wakebuilder::audio
