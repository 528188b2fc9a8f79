#include "capi/failure.h"

#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/wakebuilder.h"

namespace wakebuilder::capi {
namespace {

template <class Exception>
int throwing(Exception exception) {
  return guarded(-1, [&]() -> Result<int> { throw std::move(exception); });
}

TEST(Guarded, GivesTheValueAndLeavesTheOlderFailure) {
  keep_failure(WAKEBUILDER_IO, "older");
  EXPECT_EQ(guarded(-1, []() -> Result<int> { return 7; }), 7);
  EXPECT_STREQ(failure_sentence(), "older");
  EXPECT_EQ(failure_code(), WAKEBUILDER_IO);
}

TEST(Guarded, TurnsAnErrorIntoItsCodeAndSentence) {
  const auto failing = []() -> Result<int> { return fail(ErrorCode::kCorrupt, "x.onnx: torn"); };
  EXPECT_EQ(guarded(-1, failing), -1);
  EXPECT_STREQ(failure_sentence(), "x.onnx: torn");
  EXPECT_EQ(failure_code(), WAKEBUILDER_CORRUPT);
}

TEST(Guarded, SaysThatMemoryRanOut) {
  EXPECT_EQ(throwing(std::bad_alloc()), -1);
  EXPECT_STREQ(failure_sentence(), "out of memory");
  EXPECT_EQ(failure_code(), WAKEBUILDER_OUT_OF_MEMORY);
}

TEST(Guarded, StopsEveryOtherException) {
  EXPECT_EQ(throwing(std::logic_error("broken contract")), -1);
  EXPECT_STREQ(failure_sentence(), "broken contract");
  EXPECT_EQ(failure_code(), WAKEBUILDER_INTERNAL);
  EXPECT_EQ(throwing(42), -1);
  EXPECT_STREQ(failure_sentence(), "an exception of an unknown kind");
}

TEST(Failure, IsOfOneThread) {
  keep_failure(WAKEBUILDER_IO, "mine");
  std::thread([] {
    EXPECT_STREQ(failure_sentence(), "");
    EXPECT_EQ(failure_code(), WAKEBUILDER_OK);
    keep_failure(WAKEBUILDER_CORRUPT, "another's");
  }).join();
  EXPECT_STREQ(failure_sentence(), "mine");
}

TEST(Failure, IsCutBetweenCharacters) {
  keep_failure(WAKEBUILDER_IO, std::string(1999, 'x') + "ä and more");
  EXPECT_EQ(failure_sentence(), std::string(1999, 'x'));
  keep_failure(WAKEBUILDER_IO, std::string(1998, 'x') + "ä and more");
  EXPECT_EQ(failure_sentence(), std::string(1998, 'x') + "ä");
}

TEST(Failure, HasACodeForEveryErrorCode) {
  const auto code_of = [](ErrorCode code) {
    keep_failure(Error{code, ""});
    return failure_code();
  };
  EXPECT_EQ(code_of(ErrorCode::kInvalidArgument), WAKEBUILDER_INVALID_ARGUMENT);
  EXPECT_EQ(code_of(ErrorCode::kNotFound), WAKEBUILDER_NOT_FOUND);
  EXPECT_EQ(code_of(ErrorCode::kUnsupported), WAKEBUILDER_UNSUPPORTED);
  EXPECT_EQ(code_of(ErrorCode::kMismatch), WAKEBUILDER_MISMATCH);
  EXPECT_EQ(code_of(ErrorCode::kCheckFailed), WAKEBUILDER_CHECK_FAILED);
  EXPECT_EQ(code_of(ErrorCode::kIo), WAKEBUILDER_IO);
  EXPECT_EQ(code_of(ErrorCode::kUnavailable), WAKEBUILDER_UNAVAILABLE);
}

}  // namespace
}  // namespace wakebuilder::capi
