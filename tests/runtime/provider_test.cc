#include "wakebuilder/runtime/provider.h"

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/provider_session.h"
#include "support/matchers.h"

namespace wakebuilder::runtime {

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest looks for this name
void PrintTo(const Provider& provider, std::ostream* out) {
  *out << provider.name;
  for (const auto& [key, value] : provider.options) *out << " [" << key << "]=[" << value << "]";
}

namespace {

using test::HasError;
using test::IsOk;
using testing::HasSubstr;
using testing::Not;

struct Case {
  std::string text;
  std::vector<Provider> providers;
};

TEST(Provider, ListsAreReadWithTheirOptions) {
  const std::vector<Case> cases = {
      {"cpu", {{"cpu"}}},
      {"cuda,cpu", {{"cuda"}, {"cpu"}}},
      {"cuda;cpu", {{"cuda"}, {"cpu"}}},
      {" tensorrt , cuda ;cpu ", {{"tensorrt"}, {"cuda"}, {"cpu"}}},
      {"CUDA,TensorRT,CPU", {{"cuda"}, {"tensorrt"}, {"cpu"}}},
      {"CUDAExecutionProvider,TensorrtExecutionProvider,CPUExecutionProvider",
       {{"cuda"}, {"tensorrt"}, {"cpu"}}},
      {"WebGpuExecutionProvider", {{"WebGpuExecutionProvider"}}},
      {"cuda:device_id=1,use_tf32=0,cpu",
       {{"cuda", {{"device_id", "1"}, {"use_tf32", "0"}}}, {"cpu"}}},
      {"tensorrt:trt_fp16_enable=1;cuda:device_id=0,tensorrt_none=1;cpu",
       {{"tensorrt", {{"trt_fp16_enable", "1"}}},
        {"cuda", {{"device_id", "0"}, {"tensorrt_none", "1"}}},
        {"cpu"}}},
      {"tensorrt:a=1,cuda:b=2", {{"tensorrt", {{"a", "1"}}}, {"cuda", {{"b", "2"}}}}},
      {"tensorrt: trt_profile_min_shapes = x:1x160x128\\,state:1x64 ,cpu",
       {{"tensorrt", {{"trt_profile_min_shapes", "x:1x160x128,state:1x64"}}}, {"cpu"}}},
      {R"(cuda:path=C:\\a\;b=c)", {{"cuda", {{"path", R"(C:\a;b=c)"}}}}},
  };
  for (const Case& c : cases) {
    const auto read = parse_providers(c.text);
    ASSERT_THAT(read, IsOk()) << c.text;
    EXPECT_EQ(*read, c.providers) << c.text;
  }
}

TEST(Provider, WrongListsAreRefusedInASentence) {
  const std::string names =
      "expected cpu, cuda, tensorrt or a name that ends in ExecutionProvider, found ";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", names + R"("")"},
      {" ", names + R"("")"},
      {"cuda,,cpu", names + R"("")"},
      {"cuda,", names + R"("")"},
      {"cudaa", names + R"("cudaa")"},
      {"gpu,cpu", names + R"("gpu")"},
      {"device_id=0", names + R"("device_id=0")"},
      {"cuda;device_id=0", names + R"("device_id=0")"},
      {"ExecutionProvider", names + R"("ExecutionProvider")"},
      {"../ExecutionProvider", names + R"("../ExecutionProvider")"},
      {"cuda:device_id=0,frob",
       "a name that ends in ExecutionProvider, or KEY=VALUE, found \"frob\""},
      {"tensorrt:shapes=x:1x2,state:1x3", "or KEY=VALUE, found \"state\""},
      {"cuda:", R"(expected KEY=VALUE as option of cuda, found "")"},
      {"cuda:device_id", R"(expected KEY=VALUE as option of cuda, found "device_id")"},
      {"cuda:=0", R"(expected KEY=VALUE as option of cuda, found "=0")"},
      {"cuda:device_id=", R"(expected KEY=VALUE as option of cuda, found "device_id=")"},
      {"cuda:a=1,=2", R"(expected KEY=VALUE as option of cuda, found "=2")"},
      {"cuda:a=1,a=2", R"(expected each option of cuda once, found "a=2")"},
      {"cuda,CUDA", R"(expected each provider once, found "cuda")"},
      {"cpu,cuda", R"(expected cpu as the last provider, since it runs whatever is left, found)"},
      {"cpu:arena=0", R"(expected cpu without options, found "arena=0")"},
      {"cu\nda", R"(found "cu\nda")"},
  };
  for (const auto& [text, sentence] : cases) {
    EXPECT_THAT(parse_providers(text), HasError(ErrorCode::kInvalidArgument, sentence)) << text;
  }
}

TEST(Provider, OneIsReadAlone) {
  const auto read = parse_provider("tensorrt:trt_fp16_enable=1,device_id=0");
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(*read, (Provider{"tensorrt", {{"trt_fp16_enable", "1"}, {"device_id", "0"}}}));
  EXPECT_THAT(parse_provider("cuda,cpu"),
              HasError(ErrorCode::kInvalidArgument, R"(expected one provider, found "cuda,cpu")"));
  EXPECT_THAT(parse_provider(""), HasError(ErrorCode::kInvalidArgument, R"(found "")"));
}

TEST(Provider, NamesAreTranslatedBothWays) {
  for (const std::string name : {"cpu", "cuda", "tensorrt", "WebGpuExecutionProvider"})
    EXPECT_EQ(provider_name(ort_provider_name(name)), name);
  EXPECT_EQ(ort_provider_name("tensorrt"), "TensorrtExecutionProvider");
  EXPECT_EQ(provider_name("CPUExecutionProvider"), "cpu");
}

TEST(PlainReason, LeavesOutPlacesInTheSource) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      // ONNX Runtime 1.30.0, CPU build
      {"/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1988 "
       "onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : "
       "Failed to load library /lib/libonnxruntime_providers_shared.so with error: "
       "/lib/libonnxruntime_providers_shared.so: cannot open shared object file: No such file or "
       "directory\n",
       "Failed to load library /lib/libonnxruntime_providers_shared.so: cannot open shared object "
       "file: No such file or directory"},
      {"/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 "
       "onnxruntime::webgpu::WebGpuContext::Initialize(const "
       "onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == "
       "wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No "
       "supported adapters\n",
       "Failed to get a WebGPU adapter: No supported adapters"},
      {"/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_provider_factory.cc:50 "
       "onnxruntime::WebGpuExecutionProviderConfig onnxruntime::{anonymous}::ParseEpConfig(const "
       "onnxruntime::ConfigOptions&) Invalid preferred layout: UGH\n",
       "Invalid preferred layout: UGH"},
      // onnxruntime-gpu 1.31.1 with CUDA's libraries and without a driver
      {"/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:151 "
       "std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, "
       "const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = "
       "cudaError; bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, "
       "common::Status> = void] /onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:146 "
       "std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, "
       "const char*) [with ERRTYPE = cudaError; bool THRW = true] CUDA failure 35: CUDA driver "
       "version is insufficient for CUDA runtime version ; GPU=-1 ; hostname=vm ; file=/a.cc ; "
       "line=279 ; expr=cudaSetDevice(info_.device_id); \n",
       "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version"},
      {"provider_options_utils.h:182 Parse Unknown provider option: \"frob\".\n",
       "Unknown provider option: \"frob\"."},
      {"a sentence of its own", "a sentence of its own"},
      {"", ""},
      {"bell\a", "bell\\x07"},
  };
  for (const auto& [message, reason] : cases) EXPECT_EQ(plain_reason(message), reason);
  EXPECT_LT(plain_reason(std::string(100000, '/')).size(), 500U);
}

class ProviderStatusTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded = OnnxRuntime::load();
    if (!loaded) GTEST_SKIP() << loaded.error().message;
    runtime_ = *std::move(loaded);
    statuses_ = provider_statuses(*runtime_);
  }

  const ProviderStatus& status(const std::string& name) const {
    const auto found = std::ranges::find(statuses_, name, &ProviderStatus::name);
    EXPECT_NE(found, statuses_.end()) << name;
    return *found;
  }

  std::shared_ptr<const OnnxRuntime> runtime_;
  std::vector<ProviderStatus> statuses_;
};

TEST_F(ProviderStatusTest, CpuIsAlwaysThereAndFirst) {
  ASSERT_GE(statuses_.size(), 3U);
  EXPECT_EQ(statuses_[0].name, "cpu");
  EXPECT_EQ(statuses_[0].ort_name, "CPUExecutionProvider");
  EXPECT_TRUE(statuses_[0].available) << statuses_[0].reason;
  EXPECT_EQ(statuses_[0].reason, "");
  EXPECT_EQ(statuses_[1].name, "cuda");
  EXPECT_EQ(statuses_[2].name, "tensorrt");
}

TEST_F(ProviderStatusTest, EachIsListedOnce) {
  std::vector<std::string> names;
  for (const ProviderStatus& status : statuses_) names.push_back(status.ort_name);
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end()) << testing::PrintToString(names);
}

TEST_F(ProviderStatusTest, WhatIsMissingHasAReasonInOneLine) {
  for (const ProviderStatus& status : statuses_) {
    EXPECT_EQ(status.available, status.reason.empty()) << status.name << ": " << status.reason;
    EXPECT_THAT(status.reason, Not(HasSubstr("\n")));
    EXPECT_THAT(status.reason, Not(HasSubstr("onnxruntime_src")));
  }
}

/// The library that set-up installs has the interface to CUDA, and not the libraries behind it.
TEST_F(ProviderStatusTest, TheCpuBuildSaysWhatCudaLacks) {
  const auto folder = runtime_->library().parent_path();
  if (std::filesystem::exists(folder / "libonnxruntime_providers_cuda.so"))
    GTEST_SKIP() << "this ONNX Runtime has CUDA: " << runtime_->library();
  for (const std::string name : {"cuda", "tensorrt"}) {
    EXPECT_FALSE(status(name).available);
    EXPECT_THAT(
        status(name).reason,
        testing::AnyOf(testing::ContainsRegex("libonnxruntime_providers_[a-z]+\\.so: cannot"),
                       HasSubstr("is built without it")));
  }
}

}  // namespace
}  // namespace wakebuilder::runtime
