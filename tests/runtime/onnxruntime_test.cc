#include "wakebuilder/runtime/onnxruntime.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::runtime {
namespace {

namespace fs = std::filesystem;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;

/// Sets a variable of the environment for one test; each test is a process of its own under ctest.
class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) {
    const char* before = std::getenv(name);
    if (before != nullptr) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;
  ~EnvironmentVariable() {
    if (before_.empty()) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, before_.c_str(), 1);
    }
  }

 private:
  const char* name_;
  std::string before_;
};

/// A library that every system has and that is not ONNX Runtime.
std::string other_library() { return "libm.so.6"; }

TEST(OnnxRuntime, RefusesAPathThatIsNotThere) {
  EXPECT_THAT(OnnxRuntime::load("/nowhere/libonnxruntime.so"),
              HasError(ErrorCode::kUnavailable,
                       "tried: /nowhere/libonnxruntime.so: cannot open shared object file"));
}

TEST(OnnxRuntime, SaysHowToGetIt) {
  const auto loaded = OnnxRuntime::load("/nowhere/libonnxruntime.so");
  EXPECT_THAT(loaded, HasError(ErrorCode::kUnavailable, "scripts/setup.sh"));
  EXPECT_THAT(loaded, HasError(ErrorCode::kUnavailable, "--onnxruntime"));
  EXPECT_THAT(loaded, HasError(ErrorCode::kUnavailable, "WAKEBUILDER_ONNXRUNTIME"));
}

TEST(OnnxRuntime, RefusesAFileThatIsNoLibrary) {
  const TemporaryFolder folder;
  test::write(folder / "libonnxruntime.so", "these are no machine instructions");
  EXPECT_THAT(OnnxRuntime::load(folder / "libonnxruntime.so"),
              HasError(ErrorCode::kUnavailable, "libonnxruntime.so: "));
  test::write(folder / "empty.so", "");
  EXPECT_THAT(OnnxRuntime::load(folder / "empty.so"),
              HasError(ErrorCode::kUnavailable, "file too short"));
  EXPECT_THAT(OnnxRuntime::load(folder.path()), HasError(ErrorCode::kUnavailable, "tried: "));
}

TEST(OnnxRuntime, RefusesALibraryThatIsSomethingElse) {
  EXPECT_THAT(OnnxRuntime::load(other_library()),
              HasError(ErrorCode::kUnavailable,
                       other_library() + ": is not ONNX Runtime (no OrtGetApiBase)"));
}

TEST(OnnxRuntime, TakesThePathFromTheEnvironment) {
  const EnvironmentVariable variable("WAKEBUILDER_ONNXRUNTIME", "/nowhere/of/the/environment.so");
  EXPECT_THAT(OnnxRuntime::load(),
              HasError(ErrorCode::kUnavailable, "/nowhere/of/the/environment.so: cannot open"));
}

TEST(OnnxRuntime, PrefersThePathOfTheCallerToTheEnvironment) {
  const EnvironmentVariable variable("WAKEBUILDER_ONNXRUNTIME", "/nowhere/of/the/environment.so");
  const auto loaded = OnnxRuntime::load("/nowhere/of/the/caller.so");
  EXPECT_THAT(loaded, HasError(ErrorCode::kUnavailable, "/nowhere/of/the/caller.so: cannot open"));
  EXPECT_EQ(loaded.error().message.find("environment.so"), std::string::npos);
}

TEST(OnnxRuntime, IsToldNotToReportToMicrosoft) {
  const EnvironmentVariable variable("ORT_DISABLE_TELEMETRY", "0");
  EXPECT_THAT(OnnxRuntime::load("/nowhere/libonnxruntime.so"),
              HasError(ErrorCode::kUnavailable, ""));
  EXPECT_STREQ(std::getenv("ORT_DISABLE_TELEMETRY"), "1");
}

TEST(OnnxRuntime, SaysWhichVersionWasLoadedFromWhere) {
  const auto loaded = OnnxRuntime::load();
  if (!loaded) GTEST_SKIP() << loaded.error().message;
  const OnnxRuntime& runtime = **loaded;
  EXPECT_THAT(runtime.version(), testing::MatchesRegex("1\\.[0-9]+\\.[0-9]+.*"));
  EXPECT_TRUE(fs::exists(runtime.library())) << runtime.library();
  EXPECT_GE(runtime.api_version(), 11);
  EXPECT_LE(runtime.api_version(), std::stoi(runtime.version().substr(2)));
}

TEST(OnnxRuntime, LoadsAgainFromWhereItWasLoaded) {
  const auto first = OnnxRuntime::load();
  if (!first) GTEST_SKIP() << first.error().message;
  const auto second = OnnxRuntime::load((*first)->library());
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ((*second)->version(), (*first)->version());
  const EnvironmentVariable variable("WAKEBUILDER_ONNXRUNTIME", (*first)->library());
  EXPECT_THAT(OnnxRuntime::load(), IsOk());
}

}  // namespace
}  // namespace wakebuilder::runtime
