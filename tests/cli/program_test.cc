// The program as scripts see it: exit statuses, stdout and stderr, files. docs/architecture.md has
// the contracts.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/json.h"
#include "wakebuilder/core/sha256.h"
#include "wakebuilder/onnx/read.h"
#include "wakebuilder/onnx/write.h"

#include "cli/process.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::test {
namespace {

namespace fs = std::filesystem;
using core::Value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string text_at(const Value& value, const char* key) {
  const Value* found = value.find(key);
  const auto* text = found != nullptr ? found->get_if<std::string>() : nullptr;
  return text != nullptr ? *text : std::string("no ") + key;
}

double number_at(const Value& value, const char* key) {
  const Value* found = value.find(key);
  return found != nullptr ? found->number().value_or(-1) : -1;
}

bool is_true(const Value* value) {
  const auto* flag = value != nullptr ? value->get_if<bool>() : nullptr;
  return flag != nullptr && *flag;
}

std::size_t length_at(const Value& value, const char* key) {
  const Value* found = value.find(key);
  const auto* list = found != nullptr ? found->get_if<core::List>() : nullptr;
  return list != nullptr ? list->size() : 0;
}

/// Exactly one line on stderr, of the form that the contract says, and nothing on stdout.
void expect_error(const Outcome& outcome, int status, const std::string& verb,
                  const std::string& text) {
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err,
              StartsWith(verb.empty() ? "wakebuilder: " : "wakebuilder: " + verb + ": "));
  EXPECT_THAT(outcome.err, HasSubstr(text));
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  EXPECT_TRUE(outcome.err.ends_with('\n'));
}

class ProgramTest : public testing::Test {
 protected:
  Outcome run(const std::vector<std::string>& arguments) const {
    return test::run(
        arguments,
        {.folder = folder_.path(), .environment = {}, .largest_file = {}, .output_to = {}});
  }

  std::string checkpoint() const { return data("checkpoints/combos/attention-se-tcn.pt"); }

  std::string bytes_of(const std::string& name) const { return read(folder_ / name); }

  /// Breaks a model's graph: its first node reads a value that nobody writes.
  void break_graph(const std::string& name) const {
    auto model = onnx::read_model(folder_ / name);
    ASSERT_THAT(model, IsOk());
    model->graph->nodes.front().inputs.front() = "nobody_writes_this";
    write(folder_ / name, onnx::serialize(*model));
  }

  TemporaryFolder folder_;
};

// ---- usage

TEST_F(ProgramTest, HelpAndVersionAreOnStdout) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--help"}, {"--version"}, {"export", "--help"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_NE(outcome.out, "");
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(ProgramTest, WrongUsageIsOneSentenceAndStatus2) {
  expect_error(run({}), 2, "", "see wakebuilder --help");
  expect_error(run({"frobnicate"}), 2, "", "see wakebuilder --help");
  expect_error(run({"export"}), 2, "export", "expected a model's name or --checkpoint FILE");
  expect_error(run({"export", "a", "--checkpoint", "a.pt"}), 2, "export", "found both");
  expect_error(run({"export", "a", "--model", "b"}), 2, "export", "found both");
  expect_error(run({"validate", "a.onnx", "--model", "b"}), 2, "validate", "found both");
  expect_error(run({"validate", "a.pt", "a.onnx", "--model", "b"}), 2, "validate", "found both");
  expect_error(run({"inspect", "a.onnx", "--model", "b"}), 2, "inspect", "found both");
  expect_error(run({"export", "--model", "../b.pt"}), 2, "export", "expected the name of a model");
  expect_error(run({"validate"}), 2, "validate", "expected a model's name or an .onnx file");
  expect_error(run({"inspect"}), 2, "inspect", "expected a file or a model's name");
  expect_error(run({"convert", "a.pt"}), 2, "convert", "output is required");
  expect_error(run({"models", "a"}), 2, "models", "not expected: a");
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(ProgramTest, OptionsOutOfRangeAreWrongUsage) {
  for (const std::string opset : {"12", "22", "-1"}) {
    expect_error(run({"export", checkpoint(), "--output", "a.onnx", "--opset", opset}), 2, "export",
                 "opset: expected 13 to 21, found " + opset);
  }
  for (const std::string atol : {"-1", "nan", "inf"}) {
    expect_error(run({"export", checkpoint(), "--output", "a.onnx", "--atol", atol}), 2, "export",
                 "atol: expected a finite number from 0 on, found " + atol);
    expect_error(run({"validate", "a.onnx", "--atol", atol}), 2, "validate",
                 "atol: expected a finite number from 0 on, found " + atol);
  }
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(ProgramTest, JsonPutsTheErrorOnStdoutToo) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"export", "--json"},
           {"export", "missing.pt", "--json"},
           {"validate", "missing.onnx", "--json"},
           {"inspect", "missing.onnx", "--json"},
           {"convert", "missing.pt", "b.pt", "--json"},
           {"models", "--json", "--frobnicate"},
       }) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 1);
    const Value answer = json_of(outcome);
    EXPECT_THAT(text_at(answer, "error"), testing::AnyOf("invalid_argument", "not_found"));
    EXPECT_EQ(outcome.err,
              "wakebuilder: " + arguments[0] + ": " + text_at(answer, "message") + "\n");
  }
}

TEST_F(ProgramTest, SentencesAboutStrangeNamesStayOneHarmlessLine) {
  const std::string name = "no\nsuch\x1b[31m.pt";
  for (const std::string verb : {"export", "inspect"}) {
    expect_error(run({verb, name}), 2, verb, R"(no\nsuch\x1b[31m.pt: no such file)");
  }
  expect_error(run({"convert", name, "b.pt"}), 2, "convert", R"(no\nsuch\x1b[31m.pt)");
  expect_error(run({"models", "--models", "zoo\x1b[2J"}), 2, "models", R"(zoo\x1b[2J)");
}

TEST_F(ProgramTest, ProvidersAreListedWithTheReasonOfEachThatIsMissing) {
  const Outcome outcome = run({"providers", "--json"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  const Value answer = json_of(outcome);
  const Value* library = answer.find("onnxruntime");
  ASSERT_NE(library, nullptr);
  EXPECT_THAT(text_at(*library, "version"), StartsWith("1."));
  EXPECT_TRUE(fs::exists(text_at(*library, "library")));
  ASSERT_GE(length_at(answer, "providers"), 3U);
  const std::string heading = "ONNX Runtime " + text_at(*library, "version") + ", ";
  const std::string text = run({"providers"}).out;
  EXPECT_THAT(text, StartsWith(heading));
  for (const Value& provider : *answer.find("providers")->get_if<core::List>()) {
    EXPECT_EQ(is_true(provider.find("available")), text_at(provider, "reason").empty());
    EXPECT_THAT(text, HasSubstr("\n  " + text_at(provider, "name") + " "));
  }
  const auto& first = answer.find("providers")->get_if<core::List>()->front();
  EXPECT_EQ(text_at(first, "name"), "cpu");
  EXPECT_TRUE(is_true(first.find("available")));
}

TEST_F(ProgramTest, ProvidersOfALibraryThatIsNotThereAreAnError) {
  expect_error(run({"providers", "--onnxruntime", "/nowhere/libonnxruntime.so"}), 3, "providers",
               "/nowhere/libonnxruntime.so: cannot open");
}

TEST_F(ProgramTest, CompletionKnowsTheVerbProviders) {
  EXPECT_THAT(run({"completion"}).out,
              testing::ContainsRegex("providers\\) options=.*--onnxruntime"));
}

TEST_F(ProgramTest, StdoutThatCannotBeWrittenIsTheMachinesFailure) {
  const Outcome outcome = test::run(
      {"--help"}, {.folder = {}, .environment = {}, .largest_file = {}, .output_to = "/dev/full"});
  expect_error(outcome, 3, "", "standard output: cannot be written");
}

// ---- export

TEST_F(ProgramTest, ExportAnswersWithTheContractsFields) {
  const Outcome outcome =
      run({"export", "--checkpoint", checkpoint(), "--output", "a.onnx", "--json"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 1);
  const Value answer = json_of(outcome);
  const std::string model = bytes_of("a.onnx");
  EXPECT_EQ(text_at(answer, "output"), "a.onnx");
  EXPECT_EQ(text_at(answer, "graph"), "head");
  EXPECT_EQ(number_at(answer, "opset"), 17);
  EXPECT_EQ(number_at(answer, "bytes"), static_cast<double>(model.size()));
  EXPECT_TRUE(is_true(answer.find("folded")));
  EXPECT_EQ(text_at(answer, "sha256"), core::sha256_hex(std::as_bytes(std::span(model))));
  const Value* validation = answer.find("validation");
  ASSERT_NE(validation, nullptr);
  EXPECT_TRUE(is_true(validation->find("passed")));
  EXPECT_GE(number_at(*validation, "max_abs_diff"), 0);
  EXPECT_LE(number_at(*validation, "max_abs_diff"), 1e-4);
  EXPECT_GE(number_at(*validation, "max_rel_diff"), 0);
  EXPECT_EQ(number_at(*validation, "decision_flips"), 0);
  EXPECT_EQ(number_at(*validation, "atol"), 1e-5);
  EXPECT_EQ(length_at(*validation, "batches"), 3U);
  EXPECT_THAT(folder_.names(), ElementsAre("a.onnx"));
}

TEST_F(ProgramTest, ExportTellsPeopleOnStdout) {
  const Outcome outcome = run({"export", checkpoint(), "--output", "a.onnx"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("a.onnx\n  graph         head, opset 17, folded, "));
  EXPECT_THAT(outcome.out, HasSubstr("atol 1e-05: passed\n"));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(ProgramTest, ExportWritesBesideTheCheckpointUnlessToldOtherwise) {
  fs::copy_file(checkpoint(), folder_ / "jarvis.pt");
  const std::string before = bytes_of("jarvis.pt");
  const Outcome outcome = run({"export", "jarvis.pt"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(folder_.names(), ElementsAre("jarvis.onnx", "jarvis.pt"));
  EXPECT_EQ(bytes_of("jarvis.pt"), before);
}

TEST_F(ProgramTest, ExportGivesTheSameBytesAgain) {
  const Outcome first = run({"export", checkpoint(), "--output", "a.onnx"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(first);
  ASSERT_EQ(first.status, 0) << first.err;
  ASSERT_EQ(run({"export", checkpoint(), "--output", "b.onnx"}).status, 0);
  EXPECT_EQ(bytes_of("a.onnx"), bytes_of("b.onnx"));
  ASSERT_EQ(run({"export", checkpoint(), "--output", "b.onnx", "--no-fold"}).status, 0);
  EXPECT_GT(bytes_of("b.onnx").size(), bytes_of("a.onnx").size());
}

TEST_F(ProgramTest, ExportsAtEveryOpset) {
  for (int opset = 13; opset <= 21; ++opset) {
    const Outcome outcome = run({"export", checkpoint(), "--output", "a.onnx", "--no-fold",
                                 "--opset", std::to_string(opset), "--json"});
    WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(number_at(json_of(outcome), "opset"), opset);
    const auto model = onnx::read_model(folder_ / "a.onnx");
    ASSERT_THAT(model, IsOk());
    EXPECT_EQ(model->opset(), opset);
  }
}

TEST_F(ProgramTest, ExportPutsTheWeightsIntoTheirOwnFile) {
  const Outcome outcome =
      run({"export", checkpoint(), "--output", "a.onnx", "--external-data", "a.data", "--json"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(folder_.names(), ElementsAre("a.data", "a.onnx"));
  EXPECT_EQ(number_at(json_of(outcome), "bytes"),
            static_cast<double>(bytes_of("a.data").size() + bytes_of("a.onnx").size()));
  EXPECT_EQ(run({"validate", checkpoint(), "a.onnx"}).status, 0);
  expect_error(run({"export", checkpoint(), "--output", "b.onnx", "--external-data", "a.data"}), 2,
               "export", "a.data: is there already and may belong to another model");
  for (const std::string name : {"../a.data", "/tmp/a.data", "sub/a.data"}) {
    expect_error(run({"export", checkpoint(), "--output", "b.onnx", "--external-data", name}), 2,
                 "export", "external data: expected a file name beside the model");
  }
  expect_error(run({"export", checkpoint(), "--output", "b.onnx", "--external-data", "b.onnx"}), 2,
               "export", "external data: expected another file than the model");
}

TEST_F(ProgramTest, AMissingRuntimeIsTheMachinesFailureAndLeavesTheOldModel) {
  write(folder_ / "missing.so", "no library");
  const Outcome outcome =
      run({"export", checkpoint(), "--output", "a.onnx", "--onnxruntime", "./missing.so"});
  expect_error(outcome, 3, "export", "ONNX Runtime is not there");
  EXPECT_THAT(folder_.names(), ElementsAre("missing.so"));
}

TEST_F(ProgramTest, AFolderThatIsNotThereIsBadInput) {
  expect_error(run({"export", checkpoint(), "--output", "nowhere/a.onnx"}), 2, "export",
               "nowhere/a.onnx: its folder is not there");
  expect_error(run({"convert", checkpoint(), "nowhere/a.pt"}), 2, "convert",
               "nowhere/a.pt: its folder is not there");
}

// ---- validate

TEST_F(ProgramTest, ValidateComparesAModelWithItsCheckpoint) {
  const Outcome exported = run({"export", checkpoint(), "--output", "a.onnx"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(exported);
  ASSERT_EQ(exported.status, 0) << exported.err;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"validate", checkpoint(), "a.onnx", "--json"},
           {"validate", "a.onnx", checkpoint(), "--json"},
           {"validate", "a.onnx", "--checkpoint", checkpoint(), "--json"},
       }) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const Value answer = json_of(outcome);
    EXPECT_TRUE(is_true(answer.find("valid")));
    EXPECT_TRUE(is_true(answer.find("validation", "passed")));
    EXPECT_EQ(length_at(answer, "findings"), 0U);
  }
  const Outcome alone = run({"validate", "a.onnx", "--json"});
  EXPECT_EQ(alone.status, 0);
  EXPECT_EQ(json_of(alone).find("validation"), nullptr);
}

TEST_F(ProgramTest, ValidateOfAnotherModelIsStatus1WithTheFirstLayerThatDiffers) {
  const Outcome exported = run({"export", checkpoint(), "--output", "a.onnx"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(exported);
  const Outcome outcome = run({"validate", data("checkpoints/combos/se.pt"), "a.onnx", "--json"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err, "");
  const Value answer = json_of(outcome);
  EXPECT_FALSE(is_true(answer.find("valid")));
  const Value* validation = answer.find("validation");
  ASSERT_NE(validation, nullptr);
  EXPECT_FALSE(is_true(validation->find("passed")));
  EXPECT_EQ(text_at(*validation, "first_layer"), "input_norm");
  EXPECT_THAT(outcome.out, HasSubstr("the first layer that differs is input_norm"));
}

TEST_F(ProgramTest, ValidateComparesWithActivationsThatPyTorchStored) {
  const Outcome exported = run({"export", checkpoint(), "--output", "a.onnx"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(exported);
  const Outcome same = run({"validate", "a.onnx", "--json", "--compare",
                            data("checkpoints/combos/attention-se-tcn.expected.safetensors")});
  EXPECT_EQ(same.status, 0) << same.out;
  EXPECT_TRUE(is_true(json_of(same).find("validation", "passed")));
  const Outcome other = run({"validate", "a.onnx", "--json", "--compare",
                             data("checkpoints/combos/se.expected.safetensors")});
  EXPECT_EQ(other.status, 1) << other.out;
  EXPECT_FALSE(is_true(json_of(other).find("validation", "passed")));
  expect_error(run({"validate", "a.onnx", "--compare", "missing.safetensors"}), 2, "validate",
               "missing.safetensors: no such file");
}

TEST_F(ProgramTest, ValidateOfABrokenGraphIsStatus1WithFindings) {
  const Outcome exported = run({"export", checkpoint(), "--output", "a.onnx"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(exported);
  break_graph("a.onnx");
  const Outcome outcome = run({"validate", "a.onnx", "--json"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err, "");
  EXPECT_FALSE(is_true(json_of(outcome).find("valid")));
  EXPECT_THAT(outcome.out, HasSubstr("nobody_writes_this"));
  const Outcome text = run({"validate", "a.onnx"});
  EXPECT_EQ(text.status, 1);
  EXPECT_THAT(text.out, StartsWith("a.onnx: NOT VALID\n"));
}

TEST_F(ProgramTest, ValidateOfWhatIsNoModelIsBadInput) {
  write(folder_ / "text.onnx", "hello");
  write(folder_ / "empty.onnx", "");
  expect_error(run({"validate", "text.onnx"}), 2, "validate", "text.onnx: ");
  expect_error(run({"validate", "empty.onnx"}), 2, "validate", "empty.onnx: ");
  expect_error(run({"validate", "missing.onnx"}), 2, "validate", "missing.onnx: no such file");
  expect_error(run({"validate", checkpoint()}), 2, "validate", "attention-se-tcn.pt: ");
}

TEST_F(ProgramTest, ValidateOfAnotherWidthSaysWhatWasExpected) {
  const Outcome exported =
      run({"export", data("checkpoints/layouts/no-hidden.pt"), "--output", "a.onnx"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(exported);
  ASSERT_EQ(exported.status, 0) << exported.err;
  expect_error(run({"validate", "a.onnx", "--checkpoint", checkpoint()}), 2, "validate",
               "a.onnx: embeddings: expected width 64, found 24 in the model");
}

// ---- inspect

TEST_F(ProgramTest, InspectListsACheckpoint) {
  const Outcome outcome = run({"inspect", checkpoint(), "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Value answer = json_of(outcome);
  EXPECT_EQ(text_at(answer, "format"), "PyTorch zip");
  EXPECT_GT(length_at(answer, "tensors"), 10U);
  const Value& tensor = answer.find("tensors")->get_if<core::List>()->front();
  EXPECT_EQ(text_at(tensor, "dtype"), "float32");
  EXPECT_GT(length_at(tensor, "shape"), 0U);
  EXPECT_NE(answer.find("metadata", "threshold"), nullptr);
  EXPECT_THAT(text_at(answer, "architecture"),
              HasSubstr("WakeBuilder head 64 \xe2\x86\x92 32 \xe2\x86\x92 16 \xe2\x86\x92 2, "
                        "attention, SE, TCN"));
}

TEST_F(ProgramTest, InspectListsSafetensors) {
  const Outcome outcome =
      run({"inspect", data("checkpoints/combos/tcn.expected.safetensors"), "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(text_at(json_of(outcome), "format"), "safetensors");
  EXPECT_GT(length_at(json_of(outcome), "tensors"), 0U);
}

TEST_F(ProgramTest, InspectListsPrintsAndDrawsAModel) {
  const Outcome exported = run({"export", checkpoint(), "--output", "a.onnx", "--opset", "20"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(exported);
  const Outcome outcome = run({"inspect", "a.onnx", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Value answer = json_of(outcome);
  EXPECT_EQ(text_at(answer, "format"), "ONNX");
  EXPECT_EQ(number_at(answer, "opset"), 20);
  EXPECT_GT(number_at(answer, "nodes"), 5);
  ASSERT_EQ(length_at(answer, "inputs"), 1U);
  EXPECT_EQ(text_at(answer.find("inputs")->get_if<core::List>()->front(), "name"), "embeddings");
  EXPECT_EQ(text_at(answer.find("outputs")->get_if<core::List>()->front(), "name"), "logits");
  EXPECT_EQ(text_at(*answer.find("metadata"), "graph"), "head");
  EXPECT_THAT(run({"inspect", "a.onnx", "--graph"}).out, HasSubstr("logits"));
  const Outcome drawn = run({"inspect", "a.onnx", "--svg", "a.svg"});
  EXPECT_EQ(drawn.status, 0) << drawn.err;
  EXPECT_THAT(bytes_of("a.svg"), HasSubstr("<svg"));
  EXPECT_THAT(folder_.names(), ElementsAre("a.onnx", "a.svg"));
}

TEST_F(ProgramTest, InspectDoesNotDrawACheckpoint) {
  expect_error(run({"inspect", checkpoint(), "--svg", "a.svg"}), 2, "inspect",
               "expected an .onnx file to draw, found a checkpoint");
  EXPECT_THAT(folder_.names(), IsEmpty());
}

// ---- convert

TEST_F(ProgramTest, ConvertGoesToSafetensorsAndBackWithoutLoss) {
  const Outcome there = run({"convert", checkpoint(), "a.safetensors", "--json"});
  ASSERT_EQ(there.status, 0) << there.err;
  EXPECT_EQ(text_at(json_of(there), "output"), "a.safetensors");
  EXPECT_GT(number_at(json_of(there), "tensors"), 10);
  ASSERT_EQ(run({"convert", "a.safetensors", "back.pt"}).status, 0);
  ASSERT_EQ(run({"convert", "back.pt", "again.safetensors"}).status, 0);
  EXPECT_EQ(bytes_of("again.safetensors"), bytes_of("a.safetensors"));
  const auto tensors_of = [&](const std::string& name) {
    return core::to_json(*json_of(run({"inspect", name, "--json"})).find("tensors"));
  };
  EXPECT_EQ(tensors_of("back.pt"), tensors_of(checkpoint()));
}

TEST_F(ProgramTest, ConvertedCheckpointsExportToTheSameNumbers) {
  ASSERT_EQ(run({"convert", checkpoint(), "a.safetensors"}).status, 0);
  const Outcome exported = run({"export", "a.safetensors", "--output", "a.onnx"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(exported);
  ASSERT_EQ(exported.status, 0) << exported.err;
  EXPECT_EQ(run({"validate", checkpoint(), "a.onnx"}).status, 0);
}

TEST_F(ProgramTest, ConvertRefusesWhatWouldLoseSomething) {
  fs::copy_file(checkpoint(), folder_ / "a.pt");
  write(folder_ / "notes.bin", "my notes");
  const std::string before = bytes_of("a.pt");
  expect_error(run({"convert", "a.pt", "a.pt"}), 2, "convert", "a.pt: is the input");
  expect_error(run({"convert", "a.pt", "./a.pt", "--force"}), 2, "convert", "is the input");
  expect_error(run({"convert", "a.pt", "a.onnx"}), 2, "convert", "expected a name that ends in");
  expect_error(run({"convert", "a.pt", "notes.bin"}), 2, "convert",
               "notes.bin: is there already and is no checkpoint");
  EXPECT_EQ(bytes_of("a.pt"), before);
  EXPECT_EQ(bytes_of("notes.bin"), "my notes");
  EXPECT_EQ(run({"convert", "a.pt", "notes.bin", "--force"}).status, 0);
  EXPECT_EQ(run({"inspect", "notes.bin"}).status, 0);
  EXPECT_THAT(folder_.names(), ElementsAre("a.pt", "notes.bin"));
}

}  // namespace
}  // namespace wakebuilder::test
