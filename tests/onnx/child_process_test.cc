#include "onnx/child_process.h"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include <gtest/gtest.h>
#include <signal.h>

#include "support/matchers.h"

namespace wakebuilder::onnx {
namespace {

using test::HasError;
using test::IsOk;

TEST(RunInChild, ReturnsTheTextOfTheChild) {
  const auto text = run_in_child([] { return std::string("answer\0.", 8); });
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(*text, std::string("answer\0.", 8));
}

TEST(RunInChild, TakesLongAnswers) {
  const auto text = run_in_child([] { return std::string(3'000'000, 'x'); });
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(text->size(), 3'000'000U);
}

TEST(RunInChild, RunsInAnotherProcess) {
  const auto text = run_in_child([] { return std::to_string(::getpid()); });
  ASSERT_THAT(text, IsOk());
  EXPECT_NE(*text, std::to_string(::getpid()));
}

TEST(RunInChild, SaysThatTheChildCrashed) {
  const auto crash = run_in_child([]() -> std::string {
    ::raise(SIGSEGV);
    return "";
  });
  EXPECT_THAT(crash, HasError(ErrorCode::kUnavailable, "crashed (signal 11)"));
  const auto leave = run_in_child([]() -> std::string { ::_exit(3); });
  EXPECT_THAT(leave, HasError(ErrorCode::kUnavailable, "ended without an answer"));
}

TEST(RunInChild, LetsTheChildPrintNothing) {
  ::testing::internal::CaptureStdout();
  EXPECT_THAT(run_in_child([] {
                std::puts("noise");
                std::fflush(stdout);
                return std::string("quiet");
              }),
              IsOk());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

}  // namespace
}  // namespace wakebuilder::onnx
