#include "capi/options.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/matchers.h"

namespace wakebuilder::capi {
namespace {

using test::HasError;
using test::IsOk;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Options of a version with one member more.
struct Newer {
  wakebuilder_options known = WAKEBUILDER_OPTIONS_INIT;
  std::uint64_t later = 0;

  Newer() { known.size = sizeof(Newer); }
};

void expect_defaults(const wakebuilder_options* options) {
  const auto listen = listen_options(options);
  ASSERT_THAT(listen, IsOk());
  EXPECT_EQ(listen->overrides.threshold, std::nullopt);
  EXPECT_EQ(listen->overrides.smoothing, std::nullopt);
  EXPECT_EQ(listen->overrides.refractory_s, std::nullopt);
  EXPECT_EQ(listen->detector.gate_dbfs, std::nullopt);
  EXPECT_FALSE(listen->session.strict_providers);
  EXPECT_THAT(listen->session.providers, testing::IsEmpty());
  EXPECT_EQ(listen->onnxruntime, "");
}

TEST(Options, AreDefaultsWithoutAny) { expect_defaults(nullptr); }

TEST(Options, OfZerosAreDefaults) {
  const wakebuilder_options options = WAKEBUILDER_OPTIONS_INIT;
  expect_defaults(&options);
}

TEST(Options, OfEmptyTextsAndNoNumbersAreDefaults) {
  wakebuilder_options options = WAKEBUILDER_OPTIONS_INIT;
  options.threshold = -1;
  options.refractory_s = kNan;
  options.gate_dbfs = kNan;
  options.providers = "";
  options.onnxruntime = "";
  expect_defaults(&options);
}

TEST(Options, ArePassedOn) {
  wakebuilder_options options = WAKEBUILDER_OPTIONS_INIT;
  options.threshold = 0.75;
  options.refractory_s = 2.5;
  options.gate_dbfs = -55;
  options.smoothing = 4;
  options.strict_provider = 1;
  options.providers = "cuda:device_id=1,cpu";
  options.onnxruntime = "/opt/libonnxruntime.so";
  const auto listen = listen_options(&options);
  ASSERT_THAT(listen, IsOk());
  EXPECT_EQ(listen->overrides.threshold, 0.75);
  EXPECT_EQ(listen->overrides.smoothing, 4);
  EXPECT_EQ(listen->overrides.refractory_s, 2.5);
  EXPECT_EQ(listen->detector.gate_dbfs, -55);
  EXPECT_TRUE(listen->session.strict_providers);
  ASSERT_EQ(listen->session.providers.size(), 2);
  EXPECT_EQ(listen->session.providers[0],
            (runtime::Provider{.name = "cuda", .options = {{"device_id", "1"}}}));
  EXPECT_EQ(listen->onnxruntime, "/opt/libonnxruntime.so");
}

TEST(Options, RefuseProvidersThatAreNone) {
  wakebuilder_options options = WAKEBUILDER_OPTIONS_INIT;
  options.providers = "abacus";
  EXPECT_THAT(listen_options(&options), HasError(ErrorCode::kInvalidArgument, "abacus"));
}

TEST(Options, RefuseASizeThatIsNone) {
  wakebuilder_options options = WAKEBUILDER_OPTIONS_INIT;
  for (const std::size_t size :
       {std::size_t{0}, sizeof options - 1, std::size_t{4097}, std::size_t{SIZE_MAX}}) {
    options.size = size;
    EXPECT_THAT(listen_options(&options),
                HasError(ErrorCode::kInvalidArgument, "wakebuilder_options.size: expected " +
                                                          std::to_string(sizeof options) +
                                                          ", found " + std::to_string(size)));
  }
}

TEST(Options, OfANewerVersionAreTakenWhileNewMembersAreDefaults) {
  Newer newer;
  newer.known.threshold = 0.25;
  const auto listen = listen_options(&newer.known);
  ASSERT_THAT(listen, IsOk());
  EXPECT_EQ(listen->overrides.threshold, 0.25);
}

TEST(Options, OfANewerVersionAreRefusedWhenNewMembersAreSet) {
  Newer newer;
  newer.later = 1;
  EXPECT_THAT(listen_options(&newer.known), HasError(ErrorCode::kUnsupported, "newer ones set"));
}

}  // namespace
}  // namespace wakebuilder::capi
