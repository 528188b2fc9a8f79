#include "cli/completion.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace wakebuilder::cli {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;

std::string script() {
  return bash_completion({{.name = "export", .options = {"--opset", "--output", "--model"}},
                          {.name = "models", .options = {"--models"}},
                          {.name = "inspect", .options = {"--svg"}}});
}

/// What bash prints for a script in `folder`, and "status N" when it fails.
std::string bash(const TemporaryFolder& folder, const std::string& text) {
  test::write(folder / "test.sh", "cd '" + (folder / "home").string() + "'\n" + text);
  const std::string command = "bash --norc '" + (folder / "test.sh").string() + "' 2>&1";
  // NOLINTNEXTLINE(cert-env33-c): the shell is what is tested
  std::FILE* pipe = ::popen(command.c_str(), "r");
  std::string output;
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
  const int status = ::pclose(pipe);
  return status == 0 ? output : output + "status " + std::to_string(status);
}

class CompletionTest : public testing::Test {
 protected:
  void SetUp() override {
    if (bash(folder_, "[ ${BASH_VERSINFO[0]} -ge 4 ] && echo usable") != "usable\n") {
      GTEST_SKIP() << "bash 4 or newer is not installed";
    }
    test::write(folder_ / "wakebuilder.bash", script());
  }

  CompletionTest() { fs::create_directory(folder_ / "home"); }

  /// What TAB offers behind these words; the last one is not finished. One line each.
  std::string offers(const std::vector<std::string>& words, const std::string& before = "") const {
    std::string quoted;
    for (const std::string& word : words) quoted += " '" + word + "'";
    return bash(folder_, "source ../wakebuilder.bash\n" + before + "\nCOMP_WORDS=(" + quoted +
                             ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) +
                             "\n_wakebuilder\n"
                             "[ ${#COMPREPLY[@]} = 0 ] || printf '%s\\n' \"${COMPREPLY[@]}\"\n");
  }

  fs::path home() const { return folder_ / "home"; }

  TemporaryFolder folder_;
};

TEST_F(CompletionTest, IsAScriptThatBashUnderstands) {
  EXPECT_EQ(bash(folder_, "bash -n ../wakebuilder.bash"), "");
  EXPECT_EQ(bash(folder_, "source ../wakebuilder.bash && complete -p wakebuilder"),
            "complete -F _wakebuilder wakebuilder\n");
}

TEST_F(CompletionTest, OffersTheVerbsFirst) {
  EXPECT_EQ(offers({"wakebuilder", ""}), "export\nmodels\ninspect\n--help\n--version\n");
  EXPECT_EQ(offers({"wakebuilder", "ex"}), "export\n");
  EXPECT_EQ(offers({"wakebuilder", "--v"}), "--version\n");
  EXPECT_EQ(offers({"wakebuilder", "x"}), "");
}

TEST_F(CompletionTest, OffersTheOptionsOfTheVerb) {
  EXPECT_EQ(offers({"wakebuilder", "export", "--o"}), "--opset\n--output\n");
  EXPECT_EQ(offers({"wakebuilder", "models", "-"}), "--models\n");
  EXPECT_EQ(offers({"wakebuilder", "frobnicate", "-"}), "");
}

TEST_F(CompletionTest, OffersFilesWithBlanksInTheirNames) {
  test::write(home() / "hey jarvis.pt", "");
  test::write(home() / "hey you.pt", "");
  test::write(home() / "other.pt", "");
  EXPECT_EQ(offers({"wakebuilder", "export", "hey"}), "hey jarvis.pt\nhey you.pt\n");
}

TEST_F(CompletionTest, OffersTheModelsOfTheRegistryAfterModel) {
  fs::create_directories(home() / "models" / "custom" / "jarvis");
  fs::create_directories(home() / "models" / "default" / "jumbo");
  fs::create_directories(home() / "models" / "default" / "computer");
  test::write(home() / "models" / "custom" / "just a file", "");
  EXPECT_EQ(offers({"wakebuilder", "export", "--model", "j"}), "jarvis\njumbo\n");
  EXPECT_EQ(offers({"wakebuilder", "export", "--model", ""}), "jarvis\ncomputer\njumbo\n");
  EXPECT_EQ(offers({"wakebuilder", "export", "--model", "x"}), "");
}

TEST_F(CompletionTest, LooksForModelsWhereTheEnvironmentSays) {
  fs::create_directories(home() / "my zoo" / "custom" / "hey jarvis");
  EXPECT_EQ(offers({"wakebuilder", "export", "--model", "h"}, "WAKEBUILDER_MODELS='my zoo'"),
            "hey\\ jarvis\n");
  EXPECT_EQ(offers({"wakebuilder", "export", "--model", "h"}, "WAKEBUILDER_MODELS=missing"), "");
}

TEST_F(CompletionTest, RunsNothingThatANameSays) {
  fs::create_directories(home() / "models" / "custom" / "$(touch ran-by-model)");
  fs::create_directories(home() / "models" / "custom" / "`touch ran-by-backticks`");
  test::write(home() / "$(touch ran-by-file).pt", "");
  offers({"wakebuilder", "export", "--model", ""});
  EXPECT_EQ(offers({"wakebuilder", "export", "$"}), "$(touch ran-by-file).pt\n");
  for (const auto& entry : fs::directory_iterator(home())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("ran-by")) << entry.path();
  }
}

}  // namespace
}  // namespace wakebuilder::cli
