#include "wakebuilder/speech/synthesiser.h"

#include <string>

#include "wakebuilder/speech/installed_voices.h"

#include "speech/programs.h"
#include "support/matchers.h"

namespace wakebuilder::speech {
namespace {

using std::chrono::milliseconds;
using test::HasError;
using test::IsOk;
using test::Programs;

VoicePointer voice(const std::string& name) {
  auto found = find_voice(name);
  EXPECT_THAT(found, IsOk()) << name;
  return found.value_or(nullptr);
}

std::vector<Job> words(const VoicePointer& speaker, std::initializer_list<const char*> texts) {
  std::vector<Job> jobs;
  for (const char* text : texts) jobs.push_back({speaker, {.text = text}});
  return jobs;
}

TEST(Synthesiser, GivesTheSameForAnyNumberOfThreads) {
  std::vector<Job> jobs;
  const std::vector<VoicePointer> voices = {voice("en-us+f1"), voice("slt"), voice("kal16")};
  for (int i = 0; i < 12; ++i) {
    const double factor = 1 + 0.02 * i;
    jobs.push_back({voices[static_cast<std::size_t>(i) % 3],
                    {.text = "number " + std::to_string(i), .pitch = factor, .speed = factor}});
  }
  const auto one = synthesise(jobs, {.threads = 1});
  const auto four = synthesise(jobs, {.threads = 4});
  ASSERT_EQ(four.size(), 12U);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_THAT(one[i], IsOk());
    EXPECT_TRUE(four[i] == one[i]) << jobs[i].voice->name() << ": " << jobs[i].utterance.text;
  }
}

TEST(Synthesiser, LosesOnlyWhatItsChildDoesNotSay) {
  const Programs programs;
  // A voice whose engine hangs, is killed or babbles, as its text says.
  const std::string real = "espeak-ng -v en-us --stdin --stdout";
  programs.add("fake", R"sh(
read text
case "$text" in
  hang) kill -STOP $$ ;;
  die) kill -KILL $$ ;;
  babble) echo sound ;;
  *) echo "$text" | )sh" + real +
                           " ;;\nesac");
  const auto fake = command_voice("fake");
  ASSERT_THAT(fake, IsOk());
  const auto jobs = words(*fake, {"one", "hang", "two", "die", "babble", "three"});
  const auto said = synthesise(jobs, {.threads = 3, .utterance_limit = milliseconds(2000)});
  for (const std::size_t i : {0U, 2U, 5U}) EXPECT_THAT(said[i], IsOk()) << i;
  EXPECT_THAT(said[1], HasError(ErrorCode::kIo, "fake: fake: did not finish in 2 s"));
  EXPECT_THAT(said[3], HasError(ErrorCode::kIo, "fake: fake: was killed by signal 9"));
  EXPECT_THAT(said[4], HasError(ErrorCode::kUnsupported, "fake: fake: "));
}

TEST(Synthesiser, DeliversInOrderAndCounts) {
  const VoicePointer kal = voice("kal16");
  const auto jobs = words(kal, {"one", "two", "three", "four", "five"});
  std::vector<std::size_t> order;
  std::vector<std::size_t> counts;
  std::optional<double> left;
  SynthesisOptions options{.threads = 3};
  options.on_progress = [&](const SynthesisProgress& progress) {
    EXPECT_EQ(progress.all, 5U);
    counts.push_back(progress.done);
    left = progress.seconds_left;
  };
  synthesise_each(jobs, options, [&](std::size_t i, const Rendering& rendering) {
    order.push_back(i);
    EXPECT_THAT(rendering, IsOk());
  });
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(counts, testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(left, 0.0);
}

TEST(Synthesiser, StopsBetweenUtterances) {
  const VoicePointer kal = voice("kal16");
  const auto jobs = words(kal, {"one", "two", "three"});
  int asked = 0;
  SynthesisOptions options{.threads = 1};
  options.is_stopped = [&] { return ++asked > 1; };
  const auto said = synthesise(jobs, options);
  EXPECT_THAT(said[0], IsOk());
  EXPECT_THAT(said[2], HasError(ErrorCode::kIo, "stopped"));
}

TEST(Synthesiser, DoesNothingForNoJobs) { EXPECT_TRUE(synthesise({}).empty()); }

}  // namespace
}  // namespace wakebuilder::speech
