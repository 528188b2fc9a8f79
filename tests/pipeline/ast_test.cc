// The Audio Spectrogram Transformer against what PyTorch computed with it (tests/data/ast).

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/checkpoint/state_dict.h"
#include "wakebuilder/checkpoint/write.h"
#include "wakebuilder/model/network.h"
#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/write.h"
#include "wakebuilder/pipeline/compare.h"
#include "wakebuilder/pipeline/export.h"
#include "wakebuilder/runtime/session.h"

#include "pipeline/golden.h"
#include "pipeline/test_sound.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;
using core::Shape;
using core::Tensor;
using model::NamedTensors;
using model::Reference;
using test::data;
using test::HasError;
using test::IsOk;
using test::scaled_difference;
using test::stored;
using test::TemporaryFolder;

/// A network of tests/data/ast and what it must compute.
struct AstCase {
  const char* name;
  const char* checkpoint;
  const char* base;
  const char* inputs;
  const char* expected;
  /// A layer of the reference, and its answer's name.
  std::vector<std::pair<const char*, const char*>> blocks;
};

void PrintTo(const AstCase& one, std::ostream* out) { *out << one.name; }

const std::vector<std::pair<const char*, const char*>> kBackboneBlocks = {
    {"ast/embeddings", "hidden_states.0"},
    {"ast/layer_0", "hidden_states.1"},
    {"ast/layer_1", "hidden_states.2"},
    {"ast/layernorm", "last_hidden_state"},
    {"ast/pooler", "pooler_output"},
    {"ast", "pooler_output"},
    {"classifier", "logits"}};

const std::vector<std::pair<const char*, const char*>> kHeadBlocks = {{"ast", "embeddings"},
                                                                      {"input_norm", "input_norm"},
                                                                      {"attention", "attention"},
                                                                      {"se_block", "se_block"},
                                                                      {"tcn_block", "tcn_block"}};

const std::vector<AstCase>& cases() {
  static const std::vector<AstCase> all = {
      {"tiny128", "ast/tiny128/classification/model.safetensors", "",
       "ast/tiny128/expected.safetensors", "ast/tiny128/expected.safetensors", kBackboneBlocks},
      {"tiny1024",
       "ast/tiny1024/classification/model.safetensors",
       "",
       "ast/tiny1024/expected.safetensors",
       "ast/tiny1024/expected.safetensors",
       {{"ast/pooler", "pooler_output"}, {"classifier", "logits"}}},
      {"wakebuilder", "ast/wakebuilder/model.pt", "ast/tiny128/backbone",
       "ast/tiny128/expected.safetensors", "ast/wakebuilder/expected.safetensors", kHeadBlocks},
  };
  return all;
}

LoadOptions options_of(const AstCase& one) {
  return {.graph = "ast", .base = *one.base == '\0' ? fs::path() : data(one.base)};
}

std::vector<double> answer(const AstCase& one, const std::string& name) {
  return model::to_array(stored(data(one.expected), name + "_f64")).data;
}

std::vector<double> logits_of(const model::Network& network, const Tensor& input) {
  Reference op;
  return model::forward(op, network, {}, Reference::input(model::to_array(input)))->data;
}

class AstNetwork : public ::testing::TestWithParam<AstCase> {
 protected:
  void SetUp() override {
    auto loaded = load_network(data(GetParam().checkpoint), options_of(GetParam()));
    ASSERT_THAT(loaded, IsOk());
    loaded_ = *std::move(loaded);
  }

  Tensor input() const { return stored(data(GetParam().inputs), "input_values"); }

  LoadedNetwork loaded_;
};

TEST_P(AstNetwork, TheReferenceGivesEveryBlockOfFloat64) {
  Reference op;
  const auto logits =
      model::forward(op, loaded_.network, {}, Reference::input(model::to_array(input())));
  const std::map<std::string, Reference::Value> found(op.outputs().begin(), op.outputs().end());
  // Both in double from the same float32 weights; only the order of sums differs.
  EXPECT_LT(scaled_difference(logits->data, answer(GetParam(), "logits")), 1e-12);
  for (const auto& [layer, name] : GetParam().blocks) {
    ASSERT_TRUE(found.contains(layer)) << layer;
    EXPECT_LT(scaled_difference(found.at(layer)->data, answer(GetParam(), name)), 1e-12) << layer;
  }
}

TEST_P(AstNetwork, EveryExportedFormGivesTheLogitsOfFloat64) {
  const auto library = runtime::OnnxRuntime::load();
  if (!library) GTEST_SKIP() << library.error().message;
  const auto expected = answer(GetParam(), "logits");
  for (const std::int64_t opset : {13, 17, 18, 20, 21}) {
    for (const bool fold : {true, false}) {
      const auto proto = build_model(loaded_, {.opset = opset, .fold = fold});
      ASSERT_THAT(proto, IsOk());
      const std::string bytes = onnx::serialize(*proto);
      auto session = runtime::Session::open(*library, std::as_bytes(std::span(bytes)));
      ASSERT_THAT(session, IsOk()) << "opset " << opset;
      const std::pair<std::string, Tensor> named = {"input_values", input()};
      const std::string logits = "logits";
      const auto found = session->run({&named, 1}, {&logits, 1});
      ASSERT_THAT(found, IsOk()) << "opset " << opset;
      EXPECT_LT(scaled_difference((*found)[0].as<float>(), expected), 1e-5)
          << "opset " << opset << " fold " << fold;
    }
  }
}

TEST_P(AstNetwork, EveryGraphIsSoundAtEveryOpset) {
  for (std::int64_t opset = onnx::kOldestEmittedOpset; opset <= onnx::kNewestEmittedOpset;
       ++opset) {
    for (const bool waveform : {false, true}) {
      const auto proto = build_model(loaded_, {.opset = opset, .variant = {.waveform = waveform}});
      ASSERT_THAT(proto, IsOk());
      EXPECT_THAT(onnx::check_model(*proto, "").findings, ::testing::IsEmpty())
          << opset << " " << waveform;
    }
  }
}

TEST_P(AstNetwork, WaveformGraphsTakeClipsOfAnyLength) {
  const auto library = runtime::OnnxRuntime::load();
  if (!library) GTEST_SKIP() << library.error().message;
  const auto proto = build_model(loaded_, {.variant = {.waveform = true}});
  ASSERT_THAT(proto, IsOk());
  const std::string bytes = onnx::serialize(*proto);
  auto session = runtime::Session::open(*library, std::as_bytes(std::span(bytes)));
  ASSERT_THAT(session, IsOk());
  const auto frames = std::get<model::AstClassifier>(loaded_.network).config.max_length;
  for (const std::size_t samples : {400U, 16000U, 40000U}) {
    const auto length = static_cast<std::int64_t>(samples);
    const std::pair<std::string, Tensor> waveform = {
        "waveform", Tensor::from(test_sound(1, samples), {1, length})};
    Reference op;
    const auto want = model::forward(op, loaded_.network, {.waveform = true, .frames = frames},
                                     Reference::input(model::to_array(waveform.second)));
    const std::string logits = "logits";
    const auto found = session->run({&waveform, 1}, {&logits, 1});
    ASSERT_THAT(found, IsOk()) << samples;
    EXPECT_LT(scaled_difference((*found)[0].as<float>(), want->data), 1e-4) << samples;
  }
}

std::string case_name(const ::testing::TestParamInfo<AstCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Golden, AstNetwork, ::testing::ValuesIn(cases()), case_name);

// ---- spellings ----

constexpr const char* kClassification = "ast/tiny128/classification/model.safetensors";

NamedTensors tensors_of(const std::string& name) {
  const auto file = checkpoint::read(data(name));
  if (!file) throw std::runtime_error(file.error().message);
  auto state = checkpoint::find_state_dict(*file);
  if (!state) throw std::runtime_error(state.error().message);
  return std::move(state->tensors);
}

model::AstConfig tiny() {
  return {.hidden_size = 32,
          .num_hidden_layers = 2,
          .num_attention_heads = 4,
          .intermediate_size = 64,
          .max_length = 128};
}

Tensor golden_input() { return stored(data("ast/tiny128/expected.safetensors"), "input_values"); }

std::vector<double> golden_logits(const std::string& folder) {
  return model::to_array(stored(data("ast/" + folder + "/expected.safetensors"), "logits_f64"))
      .data;
}

/// The name with the first match replaced.
std::string replaced(std::string name, std::string_view from, std::string_view to) {
  const std::size_t at = name.find(from);
  return at == std::string::npos ? name : name.replace(at, from.size(), to);
}

/// Query, key and value of one layer in one tensor.
Tensor fused(const NamedTensors& tensors, const std::string& layer, const std::string& part) {
  std::vector<float> all;
  Shape shape;
  for (const char* third : {"query", "key", "value"}) {
    const std::string name = layer + "attention.attention." + third + "." + part;
    const auto found =
        std::ranges::find_if(tensors, [&](const auto& item) { return item.first == name; });
    const auto values = found->second.as<float>();
    all.insert(all.end(), values.begin(), values.end());
    shape = found->second.shape();
  }
  shape[0] *= 3;
  return Tensor::from(std::move(all), shape);
}

/// The names of the original's checkpoints, from those of files.
NamedTensors original_spelling(const NamedTensors& tensors) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"audio_spectrogram_transformer.", "module.v."},
      {"embeddings.cls_token", "cls_token"},
      {"embeddings.distillation_token", "dist_token"},
      {"embeddings.position_embeddings", "pos_embed"},
      {"embeddings.patch_embeddings.projection.", "patch_embed.proj."},
      {"encoder.layer.", "blocks."},
      {"attention.output.dense.", "attn.proj."},
      {"intermediate.dense.", "mlp.fc1."},
      {"output.dense.", "mlp.fc2."},
      {"layernorm_before.", "norm1."},
      {"layernorm_after.", "norm2."},
      {"classifier.layernorm.", "module.mlp_head.0."},
      {"classifier.dense.", "module.mlp_head.1."},
      {"v.layernorm.", "v.norm."},
  };
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    if (name.find(".attention.attention.") != std::string::npos) continue;
    std::string renamed = name;
    for (const auto& [from, to] : names) renamed = replaced(std::move(renamed), from, to);
    result.emplace_back(renamed, tensor);
  }
  for (const char* layer : {"0", "1"}) {
    for (const char* part : {"weight", "bias"}) {
      const std::string prefix =
          std::string("audio_spectrogram_transformer.encoder.layer.") + layer + ".";
      result.emplace_back(std::string("module.v.blocks.") + layer + ".attn.qkv." + part,
                          fused(tensors, prefix, part));
    }
  }
  // What the original kept of the vision model that it began with.
  result.emplace_back("module.v.head.weight", Tensor::from(std::vector<float>(4), {2, 2}));
  return result;
}

NamedTensors with_prefix(const NamedTensors& tensors, const std::string& prefix) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) result.emplace_back(prefix + name, tensor);
  return result;
}

/// Logits of the reference; fails the test where the tensors do not load.
std::vector<double> loaded_logits(const NamedTensors& tensors) {
  const auto network = model::load_network(tensors, {}, tiny());
  EXPECT_THAT(network, IsOk());
  if (!network) return {};
  return logits_of(*network, golden_input());
}

TEST(AstSpellings, FilesMemoryAndTheOriginalGiveTheSameNumbers) {
  const NamedTensors file = tensors_of(kClassification);
  const auto expected = loaded_logits(file);
  EXPECT_LT(scaled_difference(expected, golden_logits("tiny128")), 1e-12);
  EXPECT_EQ(loaded_logits(tensors_of("ast/tiny128/classification/state_dict.pt")), expected);
  EXPECT_EQ(loaded_logits(original_spelling(file)), expected);
  for (const char* prefix : {"module.", "_orig_mod.", "base_model.", "module.base_model."})
    EXPECT_EQ(loaded_logits(with_prefix(file, prefix)), expected) << prefix;
}

TEST(AstSpellings, WholeModelsOfWakeBuilderGiveTheSameNumbers) {
  for (const char* name : {"full.pt", "full.safetensors"}) {
    const TemporaryFolder folder;
    fs::copy_file(data("ast/wakebuilder") / name, folder / name);
    fs::copy_file(data("ast/tiny128/backbone/config.json"), folder / "config.json");
    const auto loaded = load_network(folder / name, {.graph = "ast"});
    ASSERT_THAT(loaded, IsOk());
    EXPECT_TRUE(loaded->holds_backbone);
    EXPECT_LT(
        scaled_difference(logits_of(loaded->network, golden_input()), golden_logits("wakebuilder")),
        1e-12);
  }
}

TEST(AstSpellings, ABaseMayBeAFolderOrAFile) {
  const TemporaryFolder folder;
  for (const char* name : {"config.json", "pytorch_model.bin"})
    fs::copy_file(data("ast/tiny128/backbone") / name, folder / name);
  for (const fs::path& base :
       {folder.path(), folder / "pytorch_model.bin", data("ast/tiny128/classification")}) {
    const auto loaded = load_network(data("ast/wakebuilder/model.pt"), {.base = base});
    ASSERT_THAT(loaded, IsOk()) << base;
    EXPECT_EQ(loaded->base_sha256.size(), 64U);
    EXPECT_LT(
        scaled_difference(logits_of(loaded->network, golden_input()), golden_logits("wakebuilder")),
        1e-12)
        << base;
  }
}

TEST(AstSpellings, ATensorInTwoSpellingsIsNotChosenFrom) {
  NamedTensors tensors = tensors_of(kClassification);
  tensors.emplace_back("layers.1.mlp.fc2.bias", Tensor::from(std::vector<float>(32), Shape{32}));
  EXPECT_THAT(model::load_ast(tensors, tiny()),
              HasError(ErrorCode::kCorrupt,
                       "encoder.layer.1.output.dense.bias: expected one tensor, found it twice"));
  NamedTensors head = tensors_of(kClassification);
  head.emplace_back("mlp_head.1.bias", Tensor::from(std::vector<float>(2), Shape{2}));
  EXPECT_THAT(
      model::load_ast_classifier(head, {}, tiny()),
      HasError(ErrorCode::kCorrupt, "classifier.dense.bias: expected one tensor, found it twice"));
}

TEST(AstSpellings, BiasesOfQueryKeyAndValueMayBeMissingTogether) {
  const auto is_bias = [](const std::string& name) {
    return name.find(".attention.attention.") != std::string::npos && name.ends_with(".bias");
  };
  const NamedTensors whole = tensors_of(kClassification);
  NamedTensors without = whole;
  std::erase_if(without, [&](const auto& item) { return is_bias(item.first); });
  ASSERT_EQ(without.size() + 6, whole.size());
  NamedTensors zeros = without;
  for (const auto& [name, tensor] : whole) {
    if (is_bias(name)) zeros.emplace_back(name, Tensor::from(std::vector<float>(32), Shape{32}));
  }
  EXPECT_EQ(loaded_logits(without), loaded_logits(zeros));
}

TEST(AstSpellings, OneMissingBiasIsAnError) {
  for (const char* layer : {"0", "1"}) {
    for (const char* third : {"query", "key", "value"}) {
      const std::string name =
          std::string("encoder.layer.") + layer + ".attention.attention." + third + ".bias";
      NamedTensors tensors = tensors_of(kClassification);
      std::erase_if(tensors, [&](const auto& item) { return item.first.ends_with(name); });
      EXPECT_THAT(model::load_ast(tensors, tiny()),
                  HasError(ErrorCode::kMismatch, name + ": expected [32], found no such tensor"));
    }
  }
  NamedTensors keys_alone = tensors_of(kClassification);
  std::erase_if(keys_alone, [](const auto& item) {
    return item.first.ends_with("attention.query.bias") ||
           item.first.ends_with("attention.value.bias");
  });
  EXPECT_THAT(model::load_ast(keys_alone, tiny()),
              HasError(ErrorCode::kMismatch, "query.bias: expected [32], found no such tensor"));
}

// ---- what does not fit ----

class AstErrors : public ::testing::Test {
 protected:
  /// The folder of tiny128/classification without some of its files.
  void copy(const std::vector<const char*>& names) {
    for (const char* name : names)
      fs::copy_file(data("ast/tiny128/classification") / name, folder_ / name);
  }

  /// Its config.json with one text replaced.
  void write_config(const std::string& from, const std::string& to) {
    const std::string config = test::read(data("ast/tiny128/classification/config.json"));
    ASSERT_NE(config.find(from), std::string::npos);
    test::write(folder_ / "config.json", replaced(config, from, to));
  }

  auto load() const { return load_network(folder_ / "model.safetensors"); }

  TemporaryFolder folder_;
};

TEST_F(AstErrors, NameTheTensorThatIsMissingOrUnknown) {
  NamedTensors tensors = tensors_of(kClassification);
  std::erase_if(tensors, [](const auto& item) {
    return item.first.ends_with("encoder.layer.1.layernorm_after.weight");
  });
  const auto torn = model::load_ast(tensors, tiny());
  ASSERT_FALSE(torn.has_value());
  EXPECT_EQ(torn.error().message,
            "encoder.layer.1.layernorm_after.weight: expected [32], found no such tensor");
  tensors.emplace_back("encoder.layer.1.norm_behind.weight",
                       Tensor::from(std::vector<float>(32), Shape{32}));
  EXPECT_THAT(model::load_ast(tensors, tiny()),
              HasError(ErrorCode::kMismatch,
                       "found no such tensor; expected only the tensors of an Audio Spectrogram"
                       " Transformer, found also encoder.layer.1.norm_behind.weight"));
  NamedTensors more = tensors_of(kClassification);
  more.emplace_back("pooler.weight", Tensor::from(std::vector<float>(32), Shape{32}));
  EXPECT_THAT(model::load_ast(more, tiny()),
              HasError(ErrorCode::kMismatch, "found also pooler.weight"));
}

TEST_F(AstErrors, NameNumbersThatAreNotFinite) {
  NamedTensors tensors = tensors_of(kClassification);
  for (auto& [name, tensor] : tensors) {
    if (!name.ends_with("embeddings.cls_token")) continue;
    std::vector<float> values(32);
    values[7] = NAN;
    tensor = Tensor::from(std::move(values), {1, 1, 32});
  }
  EXPECT_THAT(model::load_ast(tensors, tiny()),
              HasError(ErrorCode::kCorrupt,
                       "embeddings.cls_token: expected finite numbers, found NaN at element 7"));
}

TEST_F(AstErrors, NameTheShapeThatContradictsTheConfig) {
  struct Contradiction {
    const char* from;
    const char* to;
    ErrorCode code;
    const char* message;
  };
  copy({"model.safetensors"});
  for (const Contradiction& one : {
           Contradiction{"\"hidden_size\": 32", "\"hidden_size\": 64", ErrorCode::kMismatch,
                         "model.safetensors: embeddings.cls_token: expected [1, 1, 64], found "
                         "[1, 1, 32]"},
           Contradiction{"\"max_length\": 128", "\"max_length\": 138", ErrorCode::kMismatch,
                         "embeddings.position_embeddings: expected [1, 158, 32], found [1, 146, "
                         "32]"},
           Contradiction{"\"intermediate_size\": 64", "\"intermediate_size\": 65",
                         ErrorCode::kMismatch,
                         "encoder.layer.0.intermediate.dense.weight: expected [65, 32], found "
                         "[64, 32]"},
           Contradiction{"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3",
                         ErrorCode::kMismatch, "encoder.layer.2.attention.attention.query.weight"},
           Contradiction{"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1",
                         ErrorCode::kMismatch, "and 11 more"},
           Contradiction{"\"num_attention_heads\": 4", "\"num_attention_heads\": 5",
                         ErrorCode::kMismatch,
                         "hidden_size: expected a multiple of num_attention_heads 5, found 32"},
           Contradiction{"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 0",
                         ErrorCode::kMismatch,
                         "config.json: num_hidden_layers: expected a number from 1 to 1048576, "
                         "found 0"},
           Contradiction{"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1001",
                         ErrorCode::kMismatch, "num_hidden_layers: expected at most 1000"},
           Contradiction{"\"gelu\"", "\"relu\"", ErrorCode::kUnsupported,
                         "hidden_act: expected \"gelu\", found"},
           Contradiction{"\"audio-spectrogram-transformer\"", "\"wav2vec2\"",
                         ErrorCode::kUnsupported,
                         "model_type: expected \"audio-spectrogram-transformer\", found"},
           Contradiction{"\"num_mel_bins\": 128", "\"num_mel_bins\": 64", ErrorCode::kUnsupported,
                         "num_mel_bins: expected 128, found 64"},
           Contradiction{"1e-12", "\"small\"", ErrorCode::kMismatch,
                         "layer_norm_eps: expected a small number, found"},
       }) {
    write_config(one.from, one.to);
    EXPECT_THAT(load(), HasError(one.code, one.message)) << one.to;
  }
  test::write(folder_ / "config.json", "[]");
  EXPECT_THAT(load(), HasError(ErrorCode::kCorrupt, "expected a JSON object, found list"));
}

TEST_F(AstErrors, HeadsOfAnotherWidthThan64NeedTheConfig) {
  copy({"model.safetensors"});
  EXPECT_THAT(load(), HasError(ErrorCode::kMismatch,
                               "hidden_size 32: expected config.json beside the weights"));
}

TEST_F(AstErrors, ABackboneAloneIsNoModel) {
  EXPECT_THAT(load_network(data("ast/tiny128/backbone/model.safetensors")),
              HasError(ErrorCode::kMismatch,
                       "expected a classifier beside the Audio Spectrogram Transformer, found "
                       "none; such a model can be the --base of a WakeBuilder head"));
}

TEST_F(AstErrors, LabelsOfAnotherTaskAreRefusedButServeAsBase) {
  NamedTensors tensors = tensors_of(kClassification);
  core::Value root = core::Dict{};
  for (const auto& [name, tensor] : tensors) {
    if (name == "classifier.dense.weight") {
      root.set(name, Tensor::from(std::vector<float>(35 * std::size_t{32}), {35, 32}));
    } else if (name == "classifier.dense.bias") {
      root.set(name, Tensor::from(std::vector<float>(35), Shape{35}));
    } else {
      root.set(name, tensor);
    }
  }
  auto file = core::StagedFile::create(folder_ / "model.safetensors");
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(checkpoint::write_safetensors(*file, root), IsOk());
  ASSERT_THAT(file->publish(), IsOk());
  copy({"config.json"});
  EXPECT_THAT(load(), HasError(ErrorCode::kMismatch,
                               "classifier.dense.weight: expected 2 labels, other and wake word, "
                               "found 35; such a model can be the --base of a WakeBuilder head"));
  EXPECT_THAT(load_network(data("ast/wakebuilder/model.pt"), {.base = folder_.path()}), IsOk());
}

TEST_F(AstErrors, ABaseOfAnotherWidthIsNamedWithBoth) {
  EXPECT_THAT(
      load_network(data("checkpoints/combos/se.pt"), {.base = data("ast/tiny128/backbone")}),
      HasError(ErrorCode::kMismatch,
               "the base gives embeddings of 32, but the classifier expects 64"));
}

TEST_F(AstErrors, ABaseWithoutWeightsSaysWhatItLooksFor) {
  copy({"config.json"});
  const auto load_with = [](const fs::path& base) {
    return load_network(data("ast/wakebuilder/model.pt"), {.base = base});
  };
  EXPECT_THAT(load_with(folder_.path()),
              HasError(ErrorCode::kNotFound,
                       "expected model.safetensors or pytorch_model.bin in this folder, found "
                       "neither"));
  EXPECT_THAT(load_with(folder_ / "nowhere"), HasError(ErrorCode::kNotFound, "nowhere"));
  EXPECT_THAT(load_network(data("ast/wakebuilder/model.pt"), {.graph = "ast"}),
              HasError(ErrorCode::kInvalidArgument, "expected a base for the graph ast"));
}

TEST_F(AstErrors, WaveformNeedsTheMeanOfTheFeatures) {
  copy({"model.safetensors", "config.json"});
  const auto loaded = load();
  ASSERT_THAT(loaded, IsOk());
  EXPECT_THAT(
      build_model(*loaded, {.variant = {.waveform = true}}),
      HasError(ErrorCode::kInvalidArgument, "expected preprocessor_config.json beside the base"));
}

TEST_F(AstErrors, FramesAreThoseOfThePositions) {
  const auto loaded = load_network(data(kClassification));
  ASSERT_THAT(loaded, IsOk());
  EXPECT_THAT(build_model(*loaded, {.variant = {.frames = 128}}), IsOk());
  EXPECT_THAT(build_model(*loaded, {.variant = {.frames = 160}}),
              HasError(ErrorCode::kInvalidArgument,
                       "frames: expected 128, for which the positions of this AST were trained, "
                       "found 160"));
  EXPECT_THAT(build_model(*loaded, {.variant = {.stream = true}}),
              HasError(ErrorCode::kInvalidArgument, "has no stream"));
}

}  // namespace
}  // namespace wakebuilder::pipeline
