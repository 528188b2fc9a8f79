#include "wakebuilder/pipeline/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/json.h"

#include "pipeline/golden.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

using test::data;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;
using ::testing::ElementsAre;

/// A registry with a model in each layout.
class RegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add("custom/jarvis/jarvis.pt");
    test::write(folder_ / "custom/jarvis/jarvis.json",
                R"({"wake_word": "jarvis", "threshold": 0.7, "mine": {"b": 1, "a": [1, 2.50]}})");
    add("default/hey_computer/model.pt");
    test::write(folder_ / "default/hey_computer/metadata.json",
                R"({"wake_word": "hey computer", "threshold": 0.5})");
  }

  void add(const std::string& name) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::filesystem::copy_file(data("checkpoints/combos/se.pt"), folder_ / name);
  }

  TemporaryFolder folder_;
  Registry registry_{folder_.path()};
};

TEST_F(RegistryTest, FindsBothLayouts) {
  const auto documented = registry_.find("jarvis");
  ASSERT_THAT(documented, IsOk());
  EXPECT_EQ(documented->category, "custom");
  EXPECT_EQ(documented->checkpoint.filename(), "jarvis.pt");
  EXPECT_EQ(documented->onnx.filename(), "jarvis.onnx");
  EXPECT_FALSE(documented->has_onnx);
  const auto source = registry_.find("hey_computer");
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ(source->category, "default");
  EXPECT_EQ(source->checkpoint.filename(), "model.pt");
  EXPECT_EQ(source->metadata.filename(), "metadata.json");
  EXPECT_EQ(source->onnx.filename(), "model.onnx");
}

TEST_F(RegistryTest, FindsAModelByItsWakeWord) {
  const auto entry = registry_.find("Hey Computer");
  ASSERT_THAT(entry, IsOk());
  EXPECT_EQ(entry->name, "hey_computer");
}

TEST_F(RegistryTest, WhatTheUserMadeHidesWhatCameAlong) {
  add("custom/hey_computer/hey_computer.pt");
  EXPECT_EQ(registry_.find("hey_computer")->category, "custom");
}

TEST_F(RegistryTest, RefusesNamesThatCouldLeaveTheRegistry) {
  const std::vector<std::string> names = {"",        "..",   "../jarvis",           "custom/jarvis",
                                          ".hidden", "a\\b", std::string("a\0b", 3)};
  for (const std::string& name : names) {
    EXPECT_THAT(registry_.find(name),
                HasError(ErrorCode::kInvalidArgument, "expected the name of a model, found \""));
  }
}

TEST_F(RegistryTest, AnUnknownNameListsWhatThereIs) {
  EXPECT_THAT(registry_.find("alexa"),
              HasError(ErrorCode::kNotFound, "(there: jarvis, hey_computer)"));
  EXPECT_THAT(Registry("/nowhere").find("jarvis"),
              HasError(ErrorCode::kNotFound, "/nowhere: no such folder"));
}

TEST_F(RegistryTest, ListsModelsAndWhatIsWrongWithThem) {
  test::write(folder_ / "custom/torn/torn.json", "{\"wake_word\": ");
  const auto models = registry_.list();
  ASSERT_THAT(models, IsOk());
  ASSERT_EQ(models->size(), 3U);
  EXPECT_EQ((*models)[0].wake_word, "jarvis");
  EXPECT_EQ((*models)[0].threshold, 0.7);
  EXPECT_GT((*models)[0].checkpoint_bytes, 1000U);
  EXPECT_THAT((*models)[1].problem, ::testing::HasSubstr("torn.json: not valid JSON"));
}

TEST_F(RegistryTest, AnExportRecordsItselfAndKeepsUnknownKeys) {
  if (!runtime::OnnxRuntime::load()) GTEST_SKIP() << "ONNX Runtime is not there";
  const auto entry = registry_.find("jarvis");
  const auto report = export_entry(*entry, {});
  ASSERT_THAT(report, IsOk());
  const auto metadata = core::parse_json(test::read(entry->metadata));
  ASSERT_THAT(metadata, IsOk());
  EXPECT_EQ(*metadata->find("has_onnx")->get_if<bool>(), true);
  EXPECT_EQ(*metadata->find("onnx_size_bytes")->get_if<std::int64_t>(),
            static_cast<std::int64_t>(std::filesystem::file_size(entry->onnx)));
  EXPECT_EQ(*metadata->find("validation", "passed")->get_if<bool>(), true);
  EXPECT_EQ(*metadata->find("validation", "sha256")->get_if<std::string>(), report->sha256);
  EXPECT_EQ(core::to_json(*metadata->find("mine")), R"({"b":1,"a":[1,2.5]})");
  EXPECT_EQ(*metadata->find("wake_word")->get_if<std::string>(), "jarvis");
}

TEST_F(RegistryTest, AnExportTakesTheFailureOfATrainingAway) {
  if (!runtime::OnnxRuntime::load()) GTEST_SKIP() << "ONNX Runtime is not there";
  const auto entry = registry_.find("jarvis");
  test::write(entry->metadata, R"({"has_onnx": false, "onnx_failure": "no space", "mine": 1})");
  ASSERT_THAT(export_entry(*entry, {}), IsOk());
  const auto metadata = core::parse_json(test::read(entry->metadata));
  ASSERT_THAT(metadata, IsOk());
  EXPECT_EQ(*metadata->find("has_onnx")->get_if<bool>(), true);
  EXPECT_EQ(metadata->find("onnx_failure"), nullptr);
  EXPECT_NE(metadata->find("mine"), nullptr);
}

TEST_F(RegistryTest, AnExportKeepsMetadataThatIsNewerThanItsEntry) {
  if (!runtime::OnnxRuntime::load()) GTEST_SKIP() << "ONNX Runtime is not there";
  auto entry = registry_.find("jarvis");
  entry->has_metadata = false;
  ASSERT_THAT(export_entry(*entry, {}), IsOk());
  const auto metadata = core::parse_json(test::read(entry->metadata));
  ASSERT_THAT(metadata, IsOk());
  EXPECT_NE(metadata->find("mine"), nullptr);
}

TEST_F(RegistryTest, ABaseIsRememberedForTheNextExportOfTheGraphAst) {
  if (!runtime::OnnxRuntime::load()) GTEST_SKIP() << "ONNX Runtime is not there";
  std::filesystem::create_directories(folder_ / "custom/heard");
  std::filesystem::copy_file(data("ast/wakebuilder/model.pt"), folder_ / "custom/heard/heard.pt");
  EXPECT_THAT(export_entry(*registry_.find("heard"), {.graph = "ast"}),
              HasError(ErrorCode::kInvalidArgument, "name the AST's folder or file with --base"));
  const auto base = std::filesystem::relative(data("ast/tiny128/backbone"));
  const auto first = export_entry(*registry_.find("heard"), {.base = base});
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->graph, "ast");
  const auto entry = registry_.find("heard");
  const auto metadata = core::parse_json(test::read(entry->metadata));
  ASSERT_THAT(metadata, IsOk());
  const std::filesystem::path recorded = *metadata->find("base_path")->get_if<std::string>();
  EXPECT_TRUE(recorded.is_absolute()) << recorded;
  EXPECT_TRUE(std::filesystem::equivalent(recorded, data("ast/tiny128/backbone")));
  const auto again = export_entry(*entry, {.graph = "ast"});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->sha256, first->sha256);
  const auto head = export_entry(*entry, {});
  ASSERT_THAT(head, IsOk());
  EXPECT_EQ(head->graph, "head");
  EXPECT_EQ(core::parse_json(test::read(entry->metadata))
                ->find("base_path")
                ->get_if<std::string>()
                ->empty(),
            false);
}

TEST_F(RegistryTest, AStreamIsRecordedBesideTheModel) {
  if (!runtime::OnnxRuntime::load()) GTEST_SKIP() << "ONNX Runtime is not there";
  std::filesystem::create_directories(folder_ / "custom/computer");
  std::filesystem::copy_file(data("compact/computer.pt"), folder_ / "custom/computer/computer.pt");
  const auto entry = registry_.find("computer");
  const auto report = export_entry(*entry, {.variant = {.stream = true}});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->output.filename(), "computer.stream.onnx");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "custom/computer/computer.stream.onnx"));
  EXPECT_FALSE(std::filesystem::exists(entry->onnx));
  const auto metadata = core::parse_json(test::read(entry->metadata));
  ASSERT_THAT(metadata, IsOk());
  EXPECT_EQ(metadata->find("has_onnx"), nullptr);
  EXPECT_EQ(*metadata->find("stream", "passed")->get_if<bool>(), true);
  EXPECT_EQ(*metadata->find("stream", "sha256")->get_if<std::string>(), report->sha256);
  EXPECT_EQ(*metadata->find("stream", "size_bytes")->get_if<std::int64_t>(),
            static_cast<std::int64_t>(std::filesystem::file_size(entry->stream)));
}

TEST_F(RegistryTest, AnExportWithoutMetadataMakesIt) {
  if (!runtime::OnnxRuntime::load()) GTEST_SKIP() << "ONNX Runtime is not there";
  add("custom/bare/bare.pt");
  ASSERT_THAT(export_entry(*registry_.find("bare"), {}), IsOk());
  EXPECT_TRUE(registry_.find("bare")->has_metadata);
}

TEST_F(RegistryTest, MetadataThatCannotBeReadStopsTheExportBeforeAnythingIsWritten) {
  test::write(folder_ / "custom/jarvis/jarvis.json", "[1, 2]");
  const auto entry = registry_.find("jarvis");
  EXPECT_THAT(export_entry(*entry, {}),
              HasError(ErrorCode::kCorrupt, "expected a JSON object, found list"));
  EXPECT_FALSE(std::filesystem::exists(entry->onnx));
  EXPECT_EQ(test::read(entry->metadata), "[1, 2]");
}

TEST_F(RegistryTest, AModelWithoutCheckpointCannotBeExported) {
  std::filesystem::create_directories(folder_ / "custom/empty");
  EXPECT_THAT(export_entry(*registry_.find("empty"), {}),
              HasError(ErrorCode::kNotFound, "has no checkpoint to export"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
