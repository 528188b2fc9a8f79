// Sessions on providers that this machine does not have, with an ONNX Runtime that pretends.

#include <cstdlib>
#include <dlfcn.h>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wakebuilder/onnx/emitter.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/runtime/session.h"

#include "support/matchers.h"

namespace wakebuilder::runtime {
namespace {

using test::HasError;
using test::IsOk;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kLevel = "LevelExecutionProvider";

std::string doubled() {
  onnx::Emitter op(17);
  const std::vector<onnx::Dimension> shape = {{.value = {}, .param = "batch"},
                                              {.value = 2, .param = ""}};
  const auto x = op.input("x", shape);
  op.output("y", op.add("y", x, x), shape);
  return onnx::serialize(op.finish("doubled"));
}

class PretendedTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto real = OnnxRuntime::load();
    if (!real) GTEST_SKIP() << real.error().message;
    ::setenv("WAKEBUILDER_REAL_ONNXRUNTIME", (*real)->library().c_str(), 1);
    ::unsetenv("WAKEBUILDER_PRETEND_VERSION");
    load();
  }

  void TearDown() override { ::unsetenv("WAKEBUILDER_PRETEND_VERSION"); }

  void load() {
    auto loaded = OnnxRuntime::load(WAKEBUILDER_PRETEND_ONNXRUNTIME);
    ASSERT_THAT(loaded, IsOk());
    runtime_ = *std::move(loaded);
    appended();
  }

  void pass_for(const char* version) {
    ::setenv("WAKEBUILDER_PRETEND_VERSION", version, 1);
    load();
  }

  Result<Session> open(const std::string& providers, bool strict = false) {
    model_ = doubled();
    auto read = parse_providers(providers);
    EXPECT_THAT(read, IsOk());
    return Session::open(runtime_, std::as_bytes(std::span(model_)),
                         {.providers = *read, .strict_providers = strict});
  }

  /// What the library was told to append since the last call.
  static std::string appended() {
    void* library = ::dlopen(WAKEBUILDER_PRETEND_ONNXRUNTIME, RTLD_NOW | RTLD_NOLOAD);
    using Appended = const char* (*)();
    return reinterpret_cast<Appended>(::dlsym(library, "wakebuilder_pretend_appended"))();
  }

  std::shared_ptr<const OnnxRuntime> runtime_;
  std::string model_;
};

TEST_F(PretendedTest, ProvidersAreAppendedInOrderWithTheirOptions) {
  const auto session = open("cuda:level=2,LevelExecutionProvider:level=7,cpu");
  ASSERT_THAT(session, IsOk());
  EXPECT_EQ(appended(), "CUDA(level=2) LevelExecutionProvider(level=7) ");
  EXPECT_THAT(session->fallbacks(), IsEmpty());
  ASSERT_THAT(open("LevelExecutionProvider;cuda"), IsOk());
  EXPECT_EQ(appended(), "LevelExecutionProvider() CUDA() ");
}

TEST_F(PretendedTest, CpuAloneAppendsNothing) {
  ASSERT_THAT(open("cpu"), IsOk());
  EXPECT_EQ(appended(), "");
}

TEST_F(PretendedTest, OptionsThatAProviderDoesNotKnowAreWrongUsageAlsoWithFallback) {
  EXPECT_THAT(open("cuda:frob=1,cpu"),
              HasError(ErrorCode::kInvalidArgument,
                       R"(cuda: does not take its options: Unknown provider option: "frob".)"));
  EXPECT_THAT(open("LevelExecutionProvider:frob=1,cpu"),
              HasError(ErrorCode::kInvalidArgument,
                       "LevelExecutionProvider: does not take its options: It has no such option"));
}

TEST_F(PretendedTest, OptionsOfAProviderThatCannotBeUsedAreNotToBlame) {
  const auto session = open("GoneExecutionProvider:frob=1,cpu");
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->fallbacks(),
              ElementsAre("GoneExecutionProvider: not used: the device is gone"));
}

TEST_F(PretendedTest, AProviderWithoutADeviceIsLeftOutAndTheOthersStay) {
  auto session = open("GoneExecutionProvider,LevelExecutionProvider:level=3,cpu");
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->fallbacks(),
              ElementsAre("GoneExecutionProvider: not used: the device is gone"));
  EXPECT_THAT(appended(), testing::EndsWith(") LevelExecutionProvider(level=3) "));
  const std::vector<std::pair<std::string, core::Tensor>> inputs = {
      {"x", core::Tensor::from<float>({1, 2}, {1, 2})}};
  EXPECT_THAT(session->run(inputs, std::vector<std::string>{"y"}), IsOk());
}

TEST_F(PretendedTest, AProviderThatDoesNotTakeThisModelIsLeftOutAndTheOthersStay) {
  const auto session = open("cuda:level=1,PickyExecutionProvider");
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->fallbacks(),
              ElementsAre("PickyExecutionProvider: not used: this model is too large"));
  EXPECT_THAT(appended(), testing::EndsWith(") CUDA(level=1) "));
}

TEST_F(PretendedTest, TheOneWithoutADeviceIsToBlameWhereverItStands) {
  const auto session = open("LevelExecutionProvider,GoneExecutionProvider,cpu");
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->fallbacks(),
              ElementsAre("GoneExecutionProvider: not used: the device is gone"));
}

TEST_F(PretendedTest, StrictTakesNoExcuse) {
  EXPECT_THAT(open("GoneExecutionProvider,cpu", true),
              HasError(ErrorCode::kUnavailable,
                       "GoneExecutionProvider: cannot be used: the device is gone"));
  EXPECT_THAT(open("TensorrtExecutionProvider,cpu", true),
              HasError(ErrorCode::kUnavailable, "tensorrt: cannot be used: this ONNX Runtime "));
  EXPECT_THAT(open("cuda,PickyExecutionProvider", true),
              HasError(ErrorCode::kUnsupported, "ONNX Runtime: this model is too large"));
}

TEST_F(PretendedTest, StrictLeavesNothingToCpuUnlessItIsInTheList) {
  // The pretended providers leave every node to cpu.
  EXPECT_THAT(open(std::string(kLevel), true),
              HasError(ErrorCode::kUnsupported, "fallback to CPU EP has been explicitly disabled"));
  EXPECT_THAT(open(std::string(kLevel) + ",cpu", true), IsOk());
  EXPECT_THAT(open(std::string(kLevel), false), IsOk());
  EXPECT_THAT(open("cpu", true), IsOk());
}

TEST_F(PretendedTest, AProviderThatIsNotBuiltInIsNamedWithThoseThatAre) {
  const auto session = open("tensorrt,cpu");
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->fallbacks(),
              ElementsAre("tensorrt: not used: this ONNX Runtime " + runtime_->version() +
                          " is built without it; it has cuda, LevelExecutionProvider, "
                          "GoneExecutionProvider, PickyExecutionProvider, cpu"));
}

TEST_F(PretendedTest, AModelThatIsNoneIsNotTheFaultOfAProvider) {
  const std::string model = "no model";
  const auto session = Session::open(runtime_, std::as_bytes(std::span(model)),
                                     {.providers = {{"cuda"}, {std::string(kLevel)}}});
  EXPECT_THAT(session, HasError(ErrorCode::kUnsupported, "ONNX Runtime: "));
}

TEST_F(PretendedTest, ProvidersBehindCpuAreRefusedInTheListAndInTheSession) {
  const std::string model = doubled();
  for (const std::vector<Provider>& providers :
       {std::vector<Provider>{{"cpu"}, {"cuda"}}, std::vector<Provider>{{"cpu", {{"a", "1"}}}}}) {
    EXPECT_THAT(Session::open(runtime_, std::as_bytes(std::span(model)), {.providers = providers}),
                HasError(ErrorCode::kInvalidArgument, "expected cpu as the last provider"));
  }
}

TEST_F(PretendedTest, StatusesTellWhoHasNoDevice) {
  const auto statuses = provider_statuses(*runtime_);
  ASSERT_EQ(statuses.size(), 6U);
  EXPECT_TRUE(statuses[1].available);
  EXPECT_EQ(statuses[2].name, "tensorrt");
  EXPECT_THAT(statuses[2].reason, HasSubstr("is built without it"));
  EXPECT_EQ(statuses[3].name, kLevel);
  EXPECT_TRUE(statuses[3].available);
  EXPECT_EQ(statuses[4].name, "GoneExecutionProvider");
  EXPECT_EQ(statuses[4].reason, "the device is gone");
  EXPECT_TRUE(statuses[5].available) << "picky, but not of tiny models";
}

TEST_F(PretendedTest, TheOldestLibraryHasCudaAndNoOthers) {
  pass_for("1.11.1");
  EXPECT_EQ(runtime_->api_version(), 11);
  const auto session = open("LevelExecutionProvider,cuda:level=1,cpu");
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->fallbacks(),
              ElementsAre("LevelExecutionProvider: not used: expected ONNX Runtime 1.12 or newer, "
                          "found 1.11.1"));
  EXPECT_EQ(appended(), "CUDA(level=1) ");
}

TEST_F(PretendedTest, AnOldLibraryCannotBeStrictWithoutCpu) {
  pass_for("1.15.1");  // it would ignore session.disable_cpu_ep_fallback
  EXPECT_THAT(open("cuda", true),
              HasError(ErrorCode::kUnavailable,
                       "strict providers: expected ONNX Runtime 1.16 or newer, found 1.15.1"));
  EXPECT_THAT(open("cuda,cpu", true), IsOk());
}

TEST_F(PretendedTest, ALibraryThatIsTooOldIsRefused) {
  ::setenv("WAKEBUILDER_PRETEND_VERSION", "1.10.0", 1);
  EXPECT_THAT(
      OnnxRuntime::load(WAKEBUILDER_PRETEND_ONNXRUNTIME),
      HasError(ErrorCode::kUnavailable, "expected ONNX Runtime 1.11 or newer, found 1.10.0"));
}

}  // namespace
}  // namespace wakebuilder::runtime
