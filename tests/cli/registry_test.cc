// The folder of models through the program, in both layouts: NAME/NAME.{pt,json,onnx} as
// documented, and model.{pt,onnx} with metadata.json as WakeBuilder's source writes it.

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/json.h"
#include "wakebuilder/core/sha256.h"

#include "cli/process.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"
#include "support/values.h"

namespace wakebuilder::test {
namespace {

namespace fs = std::filesystem;
using core::Value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// Metadata as WakeBuilder's trainer writes it, with keys that this program knows nothing of.
constexpr const char* kMetadata = R"({
  "wake_word": "Hey Jarvis",
  "threshold": 0.65,
  "created_at": "2024-05-01T12:00:00",
  "seed": 18446744073709551615,
  "metrics": {"val_f1": 0.975, "best_val_loss": 1e-07},
  "threshold_analysis": [{"threshold": 0.5, "far": 0.0, "frr": 0.125}],
  "training_config": {"use_tcn": true, "notes": "h\u00e9 \"quoted\" \\ \u0000"},
  "recordings": [],
  "nothing": null
})";

Value parsed(const std::string& text) {
  auto value = core::parse_json(text);
  EXPECT_THAT(value, IsOk());
  return value ? *std::move(value) : Value();
}

class RegistryTest : public testing::Test {
 protected:
  RegistryTest() { fs::create_directories(folder_ / "models"); }

  Outcome run(const std::vector<std::string>& arguments,
              const std::map<std::string, std::string>& environment = {}) const {
    return test::run(arguments, {.folder = folder_.path(),
                                 .environment = environment,
                                 .largest_file = {},
                                 .output_to = {}});
  }

  fs::path path(const std::string& name) const { return folder_ / "models" / name; }

  void put_checkpoint(const std::string& name, const std::string& golden = "tcn.pt") const {
    fs::create_directories(path(name).parent_path());
    fs::copy_file(data("checkpoints/combos/" + golden), path(name),
                  fs::copy_options::overwrite_existing);
  }

  /// models/custom/jarvis as the documentation has it.
  void put_documented() const {
    put_checkpoint("custom/jarvis/jarvis.pt");
    write(path("custom/jarvis/jarvis.json"), kMetadata);
  }

  /// models/default/hey_jarvis as WakeBuilder's source has it.
  void put_sources() const {
    put_checkpoint("default/hey_jarvis/model.pt");
    write(path("default/hey_jarvis/metadata.json"), kMetadata);
  }

  TemporaryFolder folder_;
};

struct Layout {
  const char* name;
  const char* folder;
  const char* onnx;
  const char* metadata;
};

class RegistryLayouts : public RegistryTest, public testing::WithParamInterface<Layout> {
 protected:
  void SetUp() override {
    put_documented();
    put_sources();
  }
};

TEST_P(RegistryLayouts, ExportRecordsTheModelAndKeepsEveryOtherKey) {
  const Layout layout = GetParam();
  const std::string checkpoint_before = read(path("custom/jarvis/jarvis.pt"));
  const Outcome outcome = run({"export", layout.name});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const fs::path folder = path(layout.folder);
  const std::string model = read(folder / layout.onnx);
  Value metadata = parsed(read(folder / layout.metadata));
  EXPECT_THAT(*metadata.find("has_onnx"), IsValue(Value(true)));
  EXPECT_EQ(metadata.find("onnx_size_bytes")->number(), static_cast<double>(model.size()));
  ASSERT_NE(metadata.find("validation"), nullptr);
  EXPECT_THAT(*metadata.find("validation", "passed"), IsValue(Value(true)));
  EXPECT_THAT(*metadata.find("validation", "opset"), IsValue(Value(17)));
  EXPECT_THAT(*metadata.find("validation", "sha256"),
              IsValue(Value(core::sha256_hex(std::as_bytes(std::span(model))))));
  for (const char* key : {"has_onnx", "onnx_size_bytes", "validation"}) metadata.erase(key);
  EXPECT_THAT(metadata, IsValue(parsed(kMetadata)));
  EXPECT_EQ(read(path("custom/jarvis/jarvis.pt")), checkpoint_before);
  EXPECT_EQ(all_names(folder).size(), 3U);
}

TEST_P(RegistryLayouts, ExportAgainChangesNothing) {
  const Layout layout = GetParam();
  const Outcome first = run({"export", layout.name});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(first);
  const std::string model = read(path(layout.folder) / layout.onnx);
  const std::string metadata = read(path(layout.folder) / layout.metadata);
  ASSERT_EQ(run({"export", layout.name}).status, 0);
  EXPECT_EQ(read(path(layout.folder) / layout.onnx), model);
  EXPECT_EQ(read(path(layout.folder) / layout.metadata), metadata);
}

TEST_P(RegistryLayouts, ValidateComparesWithTheModelsOwnCheckpoint) {
  const Layout layout = GetParam();
  const Outcome before = run({"validate", layout.name});
  EXPECT_EQ(before.status, 2);
  EXPECT_THAT(before.err, HasSubstr(": no such file; wakebuilder export "));
  const Outcome exported = run({"export", layout.name});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(exported);
  const Outcome outcome = run({"validate", layout.name, "--json"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  ASSERT_NE(json_of(outcome).find("validation", "passed"), nullptr) << outcome.out;
  EXPECT_THAT(*json_of(outcome).find("validation", "passed"), IsValue(Value(true)));
  EXPECT_EQ(run({"validate", "--model", layout.name}).status, 0);
}

TEST_P(RegistryLayouts, InspectShowsTheModelElseTheCheckpoint) {
  const Layout layout = GetParam();
  const Outcome checkpoint = run({"inspect", layout.name, "--json"});
  ASSERT_EQ(checkpoint.status, 0) << checkpoint.err;
  EXPECT_THAT(*json_of(checkpoint).find("format"), IsValue(Value("PyTorch zip")));
  const Outcome exported = run({"export", "--model", layout.name});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(exported);
  const Outcome model = run({"inspect", "--model", layout.name, "--json"});
  ASSERT_EQ(model.status, 0) << model.err;
  EXPECT_THAT(*json_of(model).find("format"), IsValue(Value("ONNX")));
}

INSTANTIATE_TEST_SUITE_P(
    Registry, RegistryLayouts,
    testing::Values(Layout{"jarvis", "custom/jarvis", "jarvis.onnx", "jarvis.json"},
                    Layout{"hey_jarvis", "default/hey_jarvis", "model.onnx", "metadata.json"},
                    Layout{"Hey Jarvis", "default/hey_jarvis", "model.onnx", "metadata.json"}),
    [](const auto& instance) {
      const std::string name = instance.param.name;
      return name == "jarvis" ? "Documented" : name == "hey_jarvis" ? "OfTheSource" : "ByWakeWord";
    });

TEST_F(RegistryTest, ExportMakesMetadataWhereThereIsNone) {
  put_checkpoint("custom/jarvis/jarvis.pt");
  const Outcome outcome = run({"export", "jarvis"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(all_names(path("custom/jarvis")),
              ElementsAre("jarvis.json", "jarvis.onnx", "jarvis.pt"));
  EXPECT_THAT(*parsed(read(path("custom/jarvis/jarvis.json"))).find("has_onnx"),
              IsValue(Value(true)));
}

TEST_F(RegistryTest, ExportToAnotherPlaceLeavesTheRegistryAsItIs) {
  put_documented();
  const Outcome outcome = run({"export", "jarvis", "--output", "elsewhere.onnx"});
  WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(folder_ / "elsewhere.onnx"));
  EXPECT_EQ(read(path("custom/jarvis/jarvis.json")), kMetadata);
  EXPECT_FALSE(fs::exists(path("custom/jarvis/jarvis.onnx")));
}

TEST_F(RegistryTest, ExportRefusesMetadataThatItCannotReadBeforeItWrites) {
  put_documented();
  for (const std::string metadata : {"{\"wake_word\": ", "", "[1, 2]", "{\"a\": 1, \"a\": 2}"}) {
    write(path("custom/jarvis/jarvis.json"), metadata);
    const Outcome outcome = run({"export", "jarvis"});
    EXPECT_EQ(outcome.status, 2) << metadata;
    EXPECT_THAT(outcome.err, StartsWith("wakebuilder: export: models/custom/jarvis/jarvis.json: "));
    EXPECT_EQ(read(path("custom/jarvis/jarvis.json")), metadata);
    EXPECT_THAT(all_names(path("custom/jarvis")), ElementsAre("jarvis.json", "jarvis.pt"));
  }
}

TEST_F(RegistryTest, AModelWithoutACheckpointCannotBeExported) {
  write(path("custom/jarvis/jarvis.json"), kMetadata);
  const Outcome outcome = run({"export", "jarvis"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("jarvis.pt: no such file; the model \"jarvis\" has no "
                                     "checkpoint to export"));
}

TEST_F(RegistryTest, CustomModelsHideDefaultOnes) {
  put_checkpoint("custom/jarvis/jarvis.pt", "tcn.pt");
  put_checkpoint("default/jarvis/jarvis.pt", "plain.pt");
  const Outcome outcome = run({"inspect", "jarvis", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("tcn_block"));
}

TEST_F(RegistryTest, NamesThatLeaveTheRegistryAreRefused) {
  put_documented();
  fs::create_directories(folder_ / "outside");
  fs::copy_file(path("custom/jarvis/jarvis.pt"), folder_ / "outside" / "outside.pt");
  const auto before = all_names(folder_.path());
  for (const std::string name :
       {"../outside", "../../outside", "custom/../../outside", "..", ".", "/outside", ".hidden",
        "..\\outside", "jarvis/../../../outside", "custom/jarvis"}) {
    for (const std::string verb : {"export", "validate", "inspect"}) {
      for (const std::vector<std::string>& arguments :
           std::vector<std::vector<std::string>>{{verb, name}, {verb, "--model", name}}) {
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.status, 2) << verb << " " << name << ": " << outcome.out;
        EXPECT_THAT(outcome.err, StartsWith("wakebuilder: " + verb + ": "));
      }
    }
  }
  EXPECT_EQ(all_names(folder_.path()), before);
}

TEST_F(RegistryTest, AnUnknownNameListsWhatThereIs) {
  put_documented();
  put_sources();
  const Outcome outcome = run({"export", "computer"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err,
            "wakebuilder: export: no model \"computer\" in models (there: jarvis, hey_jarvis)\n");
}

TEST_F(RegistryTest, ARegistryThatIsNotThereSaysHowToNameOne) {
  fs::remove_all(folder_ / "models");
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"models"}, {"export", "jarvis"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr("models: no such folder; name the registry with --models or "
                                       "WAKEBUILDER_MODELS"));
  }
}

TEST_F(RegistryTest, ModelsListsWhatIsThere) {
  put_documented();
  put_sources();
  fs::create_directories(path("custom/empty"));
  fs::create_directories(path("custom/.hidden"));
  write(path("custom/a file"), "");
  const Outcome outcome = run({"models", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Value answer = json_of(outcome);
  EXPECT_EQ(answer.find("total")->number(), 3);
  const auto& models = *answer.find("models")->get_if<core::List>();
  ASSERT_EQ(models.size(), 3U);
  EXPECT_THAT(*models[0].find("name"), IsValue(Value("empty")));
  EXPECT_TRUE(models[0].find("checkpoint")->is_null());
  EXPECT_THAT(*models[1].find("name"), IsValue(Value("jarvis")));
  EXPECT_THAT(*models[1].find("category"), IsValue(Value("custom")));
  EXPECT_THAT(*models[1].find("wake_word"), IsValue(Value("Hey Jarvis")));
  EXPECT_THAT(*models[1].find("threshold"), IsValue(Value(0.65)));
  EXPECT_THAT(*models[1].find("has_onnx"), IsValue(Value(false)));
  EXPECT_THAT(*models[2].find("category"), IsValue(Value("default")));
  EXPECT_THAT(run({"models"}).out, HasSubstr("jarvis      Hey Jarvis  custom"));
}

TEST_F(RegistryTest, ModelsGoesOnAfterMetadataThatItCannotRead) {
  put_documented();
  put_checkpoint("custom/broken/broken.pt");
  write(path("custom/broken/broken.json"), "{");
  const Outcome outcome = run({"models"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("Hey Jarvis"));
  EXPECT_THAT(outcome.out, HasSubstr("warning: models/custom/broken/broken.json: not valid JSON"));
}

TEST_F(RegistryTest, AnEmptyRegistryHasNoModels) {
  const Outcome outcome = run({"models"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "models: no models\n");
}

TEST_F(RegistryTest, TheRegistryIsNamedByOptionOrEnvironment) {
  put_documented();
  fs::rename(folder_ / "models", folder_ / "zoo");
  EXPECT_EQ(run({"inspect", "jarvis"}).status, 2);
  EXPECT_EQ(run({"inspect", "jarvis", "--models", "zoo"}).status, 0);
  EXPECT_EQ(run({"inspect", "jarvis"}, {{"WAKEBUILDER_MODELS", "zoo"}}).status, 0);
  EXPECT_EQ(
      run({"inspect", "jarvis", "--models", "zoo"}, {{"WAKEBUILDER_MODELS", "nowhere"}}).status, 0);
  EXPECT_EQ(
      run({"inspect", "jarvis", "--models", "nowhere"}, {{"WAKEBUILDER_MODELS", "zoo"}}).status, 2);
}

}  // namespace
}  // namespace wakebuilder::test
