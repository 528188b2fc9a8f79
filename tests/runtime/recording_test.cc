#include "runtime/recording.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/matchers.h"

namespace wakebuilder::runtime {
namespace {

using test::HasError;
using test::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;

std::string event(const std::string& name, const std::string& index, const std::string& provider) {
  return R"({"cat" : "Node","pid" :7,"tid" :7,"dur" :810,"ts" :12891,"ph" : "X","name" :")" + name +
         R"(_kernel_time","args" : {"provider" : ")" + provider +
         R"(","op_name" : "Add","node_index" : ")" + index +
         R"(","output_type_shape" : [{"float":[]}]}},)";
}

// The form of ONNX Runtime 1.30.0's profiles.
std::string profile(const std::string& events) {
  return R"([
{"cat" : "Session","pid" :7,"tid" :7,"dur" :2172,"ts" :3,"ph" : "X","name" :"model_loading_array","args" : {}},
)" + events +
         R"(
{"cat" : "Api","pid" :-1,"tid" :-1,"dur" :37,"ts" :17233,"ph" : "X","name" :"&Add&Add","args" : {"shapes" : "inputs[0] = {1}","cache_key" : "Add[E11]:1|1:2;|2;:2;"}}
])";
}

TEST(Profile, CountsNodesByProviderMostNodesFirst) {
  const auto read = read_profile(profile(
      event("a", "0", "CPUExecutionProvider") + event("b", "1", "CUDAExecutionProvider") +
      event("c", "2", "CUDAExecutionProvider") + event("d", "3", "WebGpuExecutionProvider")));
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(*read, ElementsAre(Placement{"cuda", 2}, Placement{"cpu", 1},
                                 Placement{"WebGpuExecutionProvider", 1}));
}

TEST(Profile, ANodeThatRanTwiceIsOne) {
  const auto read = read_profile(
      profile(event("a", "0", "CPUExecutionProvider") + event("a", "0", "CPUExecutionProvider") +
              event("", "1", "CPUExecutionProvider") + event("", "2", "CPUExecutionProvider")));
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(*read, ElementsAre(Placement{"cpu", 3}));
}

TEST(Profile, OnlyComputingCounts) {
  // Older versions record the waiting before and after a node as well.
  const auto read = read_profile(profile(
      R"({"cat" : "Node","name" :"a_fence_before","args" : {"op_name" : "Add"}},)"
      R"({"cat" : "Kernel","name" :"a","args" : {"provider" : "CUDAExecutionProvider"}},)"));
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(*read, IsEmpty());
}

TEST(Profile, RefusesWhatIsNone) {
  for (const std::string text : {"", "[{", "{}", R"([{"name": "a "quoted" name"}])"})
    EXPECT_THAT(read_profile(text),
                HasError(ErrorCode::kUnsupported, "expected ONNX Runtime's profile"));
  EXPECT_THAT(read_profile("[{"), HasError(ErrorCode::kUnsupported, "found not valid JSON"));
  EXPECT_THAT(*read_profile(R"([1, "a", {"cat": 2}, {"args": []}])"), IsEmpty());
}

}  // namespace
}  // namespace wakebuilder::runtime
