#include "cli/command_line.h"

#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "wakebuilder/core/version.h"

#include "support/matchers.h"

namespace wakebuilder::cli {
namespace {

using test::HasError;
using test::IsOk;
using testing::ElementsAre;
using testing::HasSubstr;

class CommandLineTest : public testing::Test {
 protected:
  void SetUp() override { ::unsetenv("WAKEBUILDER_MODELS"); }

  Result<void> parse(const std::vector<std::string>& arguments) {
    std::vector<const char*> argv = {"wakebuilder"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    line_ = {};
    return cli::parse(static_cast<int>(argv.size()), argv.data(), line_);
  }

  template <class Command>
  const Command& command() const {
    return std::get<Command>(line_.command);
  }

  CommandLine line_;
};

TEST_F(CommandLineTest, ExportsByDefaultAsThePageOfContractsSays) {
  ASSERT_THAT(parse({"export", "jarvis"}), IsOk());
  EXPECT_EQ(line_.verb, "export");
  EXPECT_FALSE(line_.json);
  EXPECT_EQ(line_.models, "models");
  const auto& command = this->command<ExportCommand>();
  EXPECT_EQ(command.target, "jarvis");
  EXPECT_EQ(command.checkpoint, "");
  EXPECT_EQ(command.output, "");
  EXPECT_EQ(command.options.opset, 17);
  EXPECT_TRUE(command.options.fold);
  EXPECT_EQ(command.options.atol, std::nullopt);
  EXPECT_EQ(command.options.external_data, "");
  EXPECT_FALSE(command.options.force);
  EXPECT_EQ(command.options.onnxruntime, "");
}

TEST_F(CommandLineTest, EvaluateTakesModelsAndFolders) {
  ASSERT_THAT(parse({"evaluate",
                     "a.onnx",
                     "b.onnx",
                     "--positive",
                     "said",
                     "more",
                     "--negative",
                     "other",
                     "--snr",
                     "10",
                     "--seed",
                     "7",
                     "--threads",
                     "2",
                     "--plot",
                     "p.svg",
                     "--false-accepts-per-hour",
                     "1",
                     "3",
                     "--json"}),
              IsOk());
  EXPECT_TRUE(line_.json);
  const auto& command = this->command<EvaluateCommand>();
  EXPECT_THAT(command.targets, ElementsAre("a.onnx", "b.onnx"));
  EXPECT_THAT(command.options.positive, ElementsAre("said", "more"));
  EXPECT_THAT(command.options.negative, ElementsAre("other"));
  EXPECT_THAT(command.options.false_accepts_per_hour, ElementsAre(1, 3));
  EXPECT_EQ(command.options.snr_db, 10);
  EXPECT_EQ(command.options.seed, 7U);
  EXPECT_EQ(command.options.threads, 2U);
  EXPECT_EQ(command.plot, "p.svg");
}

TEST_F(CommandLineTest, EvaluatesAtFiveRatesWithoutNoiseByDefault) {
  ASSERT_THAT(parse({"evaluate", "jarvis"}), IsOk());
  const auto& options = command<EvaluateCommand>().options;
  EXPECT_THAT(options.false_accepts_per_hour, ElementsAre(0.5, 1, 2, 5, 10));
  EXPECT_EQ(options.snr_db, std::nullopt);
}

TEST_F(CommandLineTest, ExportTakesEachOfItsOptions) {
  ASSERT_THAT(parse({"export",
                     "--checkpoint",
                     "a.pt",
                     "--output",
                     "b.onnx",
                     "--opset",
                     "13",
                     "--graph",
                     "head",
                     "--no-fold",
                     "--atol",
                     "1e-3",
                     "--external-data",
                     "b.data",
                     "--force",
                     "--onnxruntime",
                     "/lib/ort.so",
                     "--models",
                     "zoo",
                     "--json"}),
              IsOk());
  EXPECT_TRUE(line_.json);
  EXPECT_EQ(line_.models, "zoo");
  const auto& command = this->command<ExportCommand>();
  EXPECT_EQ(command.target, "");
  EXPECT_EQ(command.checkpoint, "a.pt");
  EXPECT_EQ(command.output, "b.onnx");
  EXPECT_EQ(command.options.opset, 13);
  EXPECT_FALSE(command.options.fold);
  EXPECT_EQ(command.options.atol, 1e-3);
  EXPECT_EQ(command.options.external_data, "b.data");
  EXPECT_TRUE(command.options.force);
  EXPECT_EQ(command.options.onnxruntime, "/lib/ort.so");
}

TEST_F(CommandLineTest, ModelIsAnotherWayToGiveTheName) {
  ASSERT_THAT(parse({"export", "--model", "jarvis"}), IsOk());
  EXPECT_EQ(command<ExportCommand>().model, "jarvis");
  ASSERT_THAT(parse({"validate", "--model", "jarvis"}), IsOk());
  EXPECT_EQ(command<ValidateCommand>().model, "jarvis");
  ASSERT_THAT(parse({"inspect", "--model", "jarvis"}), IsOk());
  EXPECT_EQ(command<InspectCommand>().model, "jarvis");
}

TEST_F(CommandLineTest, ValidateTakesACheckpointAndAModel) {
  ASSERT_THAT(parse({"validate", "a.pt", "a.onnx", "--compare", "a.safetensors", "--atol", "0.5"}),
              IsOk());
  const auto& command = this->command<ValidateCommand>();
  EXPECT_THAT(command.targets, ElementsAre("a.pt", "a.onnx"));
  EXPECT_EQ(command.activations, "a.safetensors");
  EXPECT_EQ(command.atol, 0.5);
  ASSERT_THAT(parse({"validate", "a.onnx", "--checkpoint", "a.pt"}), IsOk());
  EXPECT_EQ(this->command<ValidateCommand>().checkpoint, "a.pt");
  EXPECT_EQ(this->command<ValidateCommand>().atol, std::nullopt);
}

TEST_F(CommandLineTest, InspectTakesAFileAndWhatToMakeOfIt) {
  ASSERT_THAT(parse({"inspect", "a.onnx", "--svg", "a.svg", "--graph"}), IsOk());
  const auto& command = this->command<InspectCommand>();
  EXPECT_EQ(command.target, "a.onnx");
  EXPECT_EQ(command.svg, "a.svg");
  EXPECT_TRUE(command.graph);
}

TEST_F(CommandLineTest, ConvertTakesTwoFiles) {
  ASSERT_THAT(parse({"convert", "a.pt", "a.safetensors", "--force"}), IsOk());
  const auto& command = this->command<ConvertCommand>();
  EXPECT_EQ(command.input, "a.pt");
  EXPECT_EQ(command.output, "a.safetensors");
  EXPECT_TRUE(command.force);
}

TEST_F(CommandLineTest, BenchMeasuresByDefaultWhatFitsTheModel) {
  ASSERT_THAT(parse({"bench", "jarvis"}), IsOk());
  const auto& command = this->command<BenchCommand>();
  EXPECT_EQ(command.target, "jarvis");
  EXPECT_THAT(command.options.threads, ElementsAre());
  EXPECT_THAT(command.options.batches, ElementsAre());
  EXPECT_EQ(command.options.seconds, 2);
  EXPECT_FALSE(command.options.session.strict_providers);
}

TEST_F(CommandLineTest, BenchTakesEachOfItsOptions) {
  ASSERT_THAT(
      parse({"bench", "--threads", "1,4", "--batch", "1,2,8", "jarvis.onnx", "--seconds", "0.5",
             "--provider", "cuda,cpu", "--strict-provider", "--json", "--onnxruntime", "lib.so"}),
      IsOk());
  const auto& command = this->command<BenchCommand>();
  EXPECT_EQ(command.target, "jarvis.onnx");
  EXPECT_THAT(command.options.threads, ElementsAre(1, 4));
  EXPECT_THAT(command.options.batches, ElementsAre(1, 2, 8));
  EXPECT_EQ(command.options.seconds, 0.5);
  ASSERT_EQ(command.options.session.providers.size(), 2U);
  EXPECT_EQ(command.options.session.providers[0].name, "cuda");
  EXPECT_TRUE(command.options.session.strict_providers);
  EXPECT_EQ(command.options.onnxruntime, "lib.so");
  EXPECT_TRUE(line_.json);
}

TEST_F(CommandLineTest, ProvidersTakesALibrary) {
  ASSERT_THAT(parse({"providers"}), IsOk());
  EXPECT_EQ(command<ProvidersCommand>().onnxruntime, "");
  ASSERT_THAT(parse({"providers", "--onnxruntime", "lib.so", "--json"}), IsOk());
  EXPECT_EQ(command<ProvidersCommand>().onnxruntime, "lib.so");
  EXPECT_TRUE(line_.json);
  EXPECT_EQ(line_.verb, "providers");
}

TEST_F(CommandLineTest, TheRegistryIsTheOptionElseTheEnvironment) {
  ::setenv("WAKEBUILDER_MODELS", "/from/environment", 1);
  ASSERT_THAT(parse({"models"}), IsOk());
  EXPECT_EQ(line_.models, "/from/environment");
  EXPECT_TRUE(std::holds_alternative<ModelsCommand>(line_.command));
  ASSERT_THAT(parse({"models", "--models", "/from/option"}), IsOk());
  EXPECT_EQ(line_.models, "/from/option");
  ::setenv("WAKEBUILDER_MODELS", "", 1);
  ASSERT_THAT(parse({"models"}), IsOk());
  EXPECT_EQ(line_.models, "models");
  ::unsetenv("WAKEBUILDER_MODELS");
}

TEST_F(CommandLineTest, HelpIsTextOfTheProgramOrOfAVerb) {
  ASSERT_THAT(parse({"--help"}), IsOk());
  EXPECT_THAT(command<ShowText>().text, HasSubstr("Exit status: 0 done"));
  for (const std::string verb :
       {"export", "validate", "inspect", "convert", "models", "providers"}) {
    EXPECT_THAT(command<ShowText>().text, HasSubstr("\n  " + verb + " "));
  }
  for (const std::string verb :
       {"export", "validate", "inspect", "convert", "models", "providers"}) {
    ASSERT_THAT(parse({verb, "--help"}), IsOk());
    EXPECT_THAT(command<ShowText>().text, HasSubstr("Example:\n  wakebuilder " + verb + " "));
  }
}

TEST_F(CommandLineTest, VersionIsTheLibrarys) {
  ASSERT_THAT(parse({"--version"}), IsOk());
  EXPECT_EQ(command<ShowText>().text, "wakebuilder " + std::string(version()) + "\n");
}

TEST_F(CommandLineTest, RefusesWrongUsageInASentence) {
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{}, "A subcommand is required; see wakebuilder --help"},
      {{"frobnicate"}, "A subcommand is required; see wakebuilder --help"},
      {{"export", "a", "b"}, "The following argument was not expected: b; see wakebuilder --help"},
      {{"export", "--opset", "new"}, "Could not convert: --opset = new"},
      {{"export", "--opset"}, "--opset: 1 required"},
      {{"export", "--graph", "tree"}, "--graph: tree not in {head,compact,ast}"},
      {{"export", "--fold"}, "The following argument was not expected: --fold"},
      {{"validate", "a", "b", "c"}, "At Most 2 required but received 3"},
      {{"validate", "a", "--atol", "little"}, "Could not convert: --atol = little"},
      {{"convert", "a.pt"}, "output is required"},
      {{"bench", "a", "--threads", "many"}, "Could not convert: --threads = many"},
      {{"bench", "a", "--batch", "1,x"}, "Could not convert: --batch = 1,x"},
      {{"models", "extra"}, "The following argument was not expected: extra"},
      {{"completion", "--json"}, "The following argument was not expected: --json"},
      {{"export", "a", "b\x1b[31m"}, R"(not expected: b\x1b[31m; see wakebuilder --help)"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(parse(c.arguments), HasError(ErrorCode::kInvalidArgument, c.message));
  }
}

TEST_F(CommandLineTest, KnowsVerbAndFormEvenWhenTheRestIsWrong) {
  EXPECT_FALSE(parse({"validate", "--json", "--frobnicate"}).has_value());
  EXPECT_EQ(line_.verb, "validate");
  EXPECT_TRUE(line_.json);
  EXPECT_FALSE(parse({"--frobnicate", "models"}).has_value());
  EXPECT_EQ(line_.verb, "models");
  EXPECT_FALSE(line_.json);
  EXPECT_FALSE(parse({"--frobnicate"}).has_value());
  EXPECT_EQ(line_.verb, "");
}

}  // namespace
}  // namespace wakebuilder::cli
