// Every golden checkpoint through the program: what is valid is exported, what is not is refused by
// its reason, quickly and in little memory. tests/data/checkpoints and tests/data/hostile say how
// the files were made.

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/process.h"
#include "support/sanitizer.h"
#include "support/temporary_folder.h"

namespace wakebuilder::test {
namespace {

namespace fs = std::filesystem;
using core::Value;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Words = std::vector<std::string>;

struct File {
  fs::path path;
  std::string verdict;  ///< accept, refuse, either
};

/// The files of an index; `begin` is what their names or categories begin with.
std::vector<File> files_of(const std::string& topic, std::size_t column_of_verdict,
                           std::size_t column, const std::string& begin) {
  std::vector<File> files;
  for (const auto& row : index_of(data(topic + "/index.tsv"))) {
    if (row.at(column).starts_with(begin))
      files.push_back({.path = data(topic) / row[0], .verdict = row.at(column_of_verdict)});
  }
  return files;
}

std::vector<File> checkpoints(const std::string& folder) {
  return files_of("checkpoints", 1, 0, folder + "/");
}

std::vector<File> hostile(const std::string& category) {
  return files_of("hostile", 3, 1, category);
}

/// Memory of the program that has nothing to do: its libraries and what the loader needs. Measured
/// in the same way, since a child's peak begins with what its parent has at fork().
long idle_kib() {
  static const long kIdle = test::run({"--version"}).peak_kib;
  return kIdle;
}

class GoldenTest : public testing::TestWithParam<std::string> {
 protected:
  Outcome run(const std::vector<std::string>& arguments) const {
    return test::run(
        arguments,
        {.folder = folder_.path(), .environment = {}, .largest_file = {}, .output_to = {}});
  }

  Outcome run_export(const File& file, const std::vector<std::string>& options = {}) const {
    std::vector<std::string> arguments = {"export", file.path, "--output", "out.onnx", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run(arguments);
  }

  /// docs/security.md: at most the size of the file and 64 MiB. Memory of a sanitizer is not ours.
  static void expect_little_memory(const Outcome& outcome, const File& file) {
    if (kIsSanitized) return;
    const auto file_kib = static_cast<long>(fs::file_size(file.path) / 1024);
    EXPECT_LE(outcome.peak_kib, idle_kib() + file_kib + 64 * 1024);
  }

  /// Refused as bad input with one sentence that begins with the file and has all `words`, and
  /// without a trace in the folder.
  void expect_refusal(const Outcome& outcome, const File& file, const Words& words) const {
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
    EXPECT_THAT(outcome.err, StartsWith("wakebuilder: export: "));
    EXPECT_THAT(outcome.err, HasSubstr(file.path.filename().string() + ": "));
    for (const std::string& word : words) EXPECT_THAT(outcome.err, HasSubstr(word));
    const Value answer = json_of(outcome);
    const Value* message = answer.find("message");
    ASSERT_NE(message, nullptr) << outcome.out;
    EXPECT_EQ("wakebuilder: export: " + *message->get_if<std::string>() + "\n", outcome.err);
    expect_little_memory(outcome, file);
    EXPECT_THAT(folder_.names(), IsEmpty());
  }

  void expect_export(const Outcome& outcome, bool folded) const {
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    const Value answer = json_of(outcome);
    const Value* passed = answer.find("validation", "passed");
    ASSERT_NE(passed, nullptr) << outcome.out;
    EXPECT_TRUE(*passed->get_if<bool>());
    EXPECT_EQ(*answer.find("folded")->get_if<bool>(), folded);
    EXPECT_THAT(folder_.names(), ElementsAre("out.onnx"));
    fs::remove(folder_ / "out.onnx");
  }

  TemporaryFolder folder_;
};

// ---- what is valid

class ValidCheckpoints : public GoldenTest {};

TEST_P(ValidCheckpoints, AreExportedFoldedAndAsTheyAre) {
  std::size_t exported = 0;
  for (const File& file : checkpoints(GetParam())) {
    SCOPED_TRACE(file.path);
    const Outcome folded = run_export(file);
    WAKEBUILDER_SKIP_WITHOUT_RUNTIME(folded);
    if (file.verdict == "either" && folded.status != 0) {
      expect_refusal(folded, file, {});
      continue;
    }
    expect_export(folded, true);
    expect_export(run_export(file, {"--no-fold"}), false);
    ++exported;
  }
  EXPECT_GE(exported, 8U);
}

INSTANTIATE_TEST_SUITE_P(Golden, ValidCheckpoints,
                         testing::Values("combos", "layouts", "encodings"),
                         [](const auto& instance) { return instance.param; });

TEST_F(GoldenTest, HarmlessRelativesOfHostileFilesAreExported) {
  const auto files = hostile("accept");
  EXPECT_EQ(files.size(), 20U);
  for (const File& file : files) {
    SCOPED_TRACE(file.path);
    const Outcome outcome = run_export(file);
    WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
    expect_export(outcome, true);
  }
}

// ---- what is not

/// What the sentence about each file says; the index has the reasons.
const std::map<std::string, Words>& reasons() {
  static const std::map<std::string, Words> kWords = {
      {"torchscript.pt", {"TorchScript"}},
      {"safetensors.pt", {"safetensors", "rename"}},
      {"random.pt", {"not a PyTorch checkpoint"}},
      {"hdf5.pt", {"HDF5", "Keras"}},
      {"onnx.pt", {"ONNX"}},
      {"html.pt", {"HTML", "download failed"}},
      {"gzip.pt", {"gzip"}},
      {"plain-zip.pt", {"zip", "without data.pkl"}},
      {"zero-byte.pt", {"empty"}},
      {"pickle-without-torch.pt", {"plain pickle", "no state dict"}},
      {"whole-module.pt", {"wakebuilder.models.classifier.WakeWordClassifier", "state_dict()"}},
      {"numpy-array.pt", {"numpy._core.multiarray._reconstruct"}},
      {"pathlib.pt", {"pathlib.PurePosixPath"}},
      {"tc-resnet.pt", {"model_type", "tc_resnet"}},
      {"bc-resnet.pt", {"model_type", "bc_resnet"}},
      {"empty-dict.pt", {"no state dict", "empty dict"}},
      {"list.pt", {"no state dict", "found a list"}},
      {"only-metadata.pt", {"no state dict", "wake_word, threshold"}},
      {"state-dict-of-lists.pt", {"input_norm.weight", "found a list"}},
      {"missing-tensor.pt", {"classifier.4.bias"}},
      {"missing-block-tensor.pt", {"tcn_block.conv.4.weight"}},
      {"extra-tensor.pt", {"classifier.12.weight"}},
      {"wrong-shape.pt", {"classifier.4.weight: expected [8, 12], found [8, 11]"}},
      {"wrong-rank.pt", {"input_norm.weight: expected one dimension, found [1, 16]"}},
      {"three-classes.pt", {"classifier.8.weight: expected [2, 8], found [3, 8]"}},
      {"nan-weight.pt", {"classifier.0.weight", "found NaN"}},
      {"inf-weight.pt", {"classifier.0.weight", "found infinity"}},
      {"int-weight.pt", {"classifier.0.weight", "found int32"}},
      {"complex-weight.pt", {"classifier.0.weight", "found complex64"}},
      {"float8-weight.pt", {"classifier.0.weight", "found float8_e4m3fn"}},
      {"sparse-weight.pt", {"classifier.0.weight", "sparse"}},
      {"quantized-weight.pt", {"classifier.0.weight", "quantised"}},
      {"meta-weight.pt", {"classifier.0.weight", "no data (meta device)"}},
      {"float64-overflow.pt", {"input_norm.weight", "1e+300", "does not fit float32"}},
      {"flags-contradict.pt", {"use_tcn is False", "tcn_block.*"}},
      {"hidden-dims-contradict.pt", {"classifier_hidden_dims says [12, 9]", "[12, 8]"}},
      {"embedding-dim-contradict.pt", {"embedding_dim says 768", "16"}},
      {"truncated-in-pickle.pt", {"truncated or damaged zip"}},
      {"truncated-in-storage.pt", {"truncated or damaged zip"}},
      {"truncated-in-directory.pt", {"truncated or damaged zip"}},
      {"truncated-legacy.pt", {"truncated", "32 bytes are due"}},
      {"flipped-in-storage.pt", {"archive/data/5", "CRC"}},
      {"flipped-in-pickle.pt", {"archive/data.pkl", "CRC"}},
      // tests/data/hostile: the name that a pickle wants to call is in the sentence.
      {"global-os-system.pt", {"names os.system", "never run"}},
      {"global-posix-system.pt", {"names posix.system"}},
      {"global-eval-python2-name.pt", {"names __builtin__.eval"}},
      {"global-builtins-exec.pt", {"names builtins.exec"}},
      {"global-io-open.pt", {"names io.open"}},
      {"global-runpy.pt", {"names runpy._run_code"}},
      {"global-pip-main.pt", {"names pip.main"}},
      {"global-pkgutil-resolve-name.pt", {"names pkgutil.resolve_name"}},
      {"global-importlib.pt", {"names importlib.import_module"}},
      {"global-cprofile-run.pt", {"names cProfile.run"}},
      {"global-ctypes.pt", {"names ctypes.CDLL"}},
      {"global-pickle-loads.pt", {"names pickle.loads"}},
      {"global-torch-load-from-bytes.pt", {"names torch.storage._load_from_bytes"}},
      {"global-torch-collect-env.pt", {"names torch.utils.collect_env.run"}},
      {"global-torch-exec-wrapper.pt", {"names torch.jit.unsupported_tensor_ops.execWrapper"}},
      {"global-numpy-runstring.pt", {"names numpy.testing._private.utils.runstring"}},
      {"global-marshal.pt", {"names types.FunctionType"}},
      {"global-uncalled.pt", {"names os.system"}},
      {"global-rebuild-from-type.pt", {"names torch._tensor._rebuild_from_type_v2"}},
      {"reduce-tensor-giant.pt", {"names torch.Tensor"}},
      {"reduce-bytearray-giant.pt", {"names builtins.bytearray"}},
      {"newobj.pt", {"names subprocess.Popen"}},
      {"stack-global-eval.pt", {"names builtins.eval"}},
      {"stack-global-dotted.pt", {"names torch._utils._rebuild_tensor_v2.__globals__.get"}},
      {"wrong-extension.onnx", {"names os.system"}},
      {"zip-wrong-crc.pt", {"model/data.pkl", "CRC"}},
      {"zip-two-data-pkl.pt", {"model/data.pkl", "two records"}},
      {"zip-slip.pt", {"model/../../pwned", "leaves the archive"}},
      {"zip-nul-name.pt", {R"(model/data/9\x00.txt)", "control character"}},
      {"zip-overlap.pt", {"model/data/1"}},
      {"zip-bomb-consistent.pt", {"67108864 bytes of memory"}},
      {"seven-zip.pt", {"7z"}},
      {"memo-cycle.pt", {"contains itself"}},
      {"deep-nesting-lists.pt", {"nested deeper than 128 levels"}},
      {"stride-zero-giant.pt", {"4398046511104 bytes of memory"}},
      {"sizes-overflow.pt", {"[4294967296, 4294967296]", "too large"}},
      {"offset-past-end.pt", {"reaches past the end"}},
      {"dtype-nan.pt", {"classifier.0.weight", "NaN"}},
      {"legacy-truncated.pt", {"truncated"}},
      {"legacy-trailing-data.pt", {"40 bytes follow the last storage"}},
  };
  return kWords;
}

TEST_F(GoldenTest, DamagedAndForeignCheckpointsAreRefusedByTheirReason) {
  const auto files = checkpoints("refuse");
  EXPECT_EQ(files.size(), 43U);
  for (const File& file : files) {
    SCOPED_TRACE(file.path);
    const auto words = reasons().find(file.path.filename());
    ASSERT_NE(words, reasons().end());
    expect_refusal(run_export(file), file, words->second);
  }
}

class HostileFiles : public GoldenTest {};

TEST_P(HostileFiles, AreRefused) {
  const auto files = hostile(GetParam());
  EXPECT_GE(files.size(), 20U);
  for (const File& file : files) {
    SCOPED_TRACE(file.path);
    const Outcome outcome = run_export(file);
    if (file.verdict == "either" && outcome.status != 2) {
      WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome);
      expect_export(outcome, true);
      continue;
    }
    const auto words = reasons().find(file.path.filename());
    expect_refusal(outcome, file, words != reasons().end() ? words->second : Words());
  }
}

/// The other verbs that read checkpoints end well too, whatever they say.
TEST_P(HostileFiles, AreReadInPeaceByInspectAndConvert) {
  for (const File& file : hostile(GetParam())) {
    SCOPED_TRACE(file.path);
    for (const Outcome& outcome :
         {run({"inspect", file.path}), run({"convert", file.path, "out.safetensors"})}) {
      EXPECT_THAT(outcome.status, testing::AnyOf(0, 2)) << outcome.err;
      EXPECT_EQ(std::ranges::count(outcome.err, '\n'), outcome.status == 0 ? 0 : 1) << outcome.err;
      expect_little_memory(outcome, file);
    }
    fs::remove(folder_ / "out.safetensors");
    EXPECT_THAT(folder_.names(), IsEmpty());
  }
}

/// Models of other makers, damaged and hostile ones among them: none brings the program down.
TEST_F(GoldenTest, EveryOnnxFileIsReadInPeaceByInspectAndValidate) {
  std::size_t models = 0;
  for (const auto& entry : fs::directory_iterator(data("onnx"))) {
    if (entry.path().extension() != ".onnx") continue;
    SCOPED_TRACE(entry.path());
    ++models;
    const Outcome inspected = run({"inspect", entry.path(), "--svg", "out.svg"});
    EXPECT_THAT(inspected.status, testing::AnyOf(0, 2)) << inspected.err;
    EXPECT_EQ(fs::exists(folder_ / "out.svg"), inspected.status == 0);
    fs::remove(folder_ / "out.svg");
    const Outcome validated = run({"validate", entry.path()});
    EXPECT_THAT(validated.status, testing::AnyOf(0, 1, 2)) << validated.err;
    for (const Outcome& outcome : {inspected, validated}) {
      EXPECT_EQ(std::ranges::count(outcome.err, '\n'), outcome.status == 2 ? 1 : 0) << outcome.err;
      EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
    }
    EXPECT_THAT(folder_.names(), IsEmpty());
  }
  EXPECT_GE(models, 40U);
}

INSTANTIATE_TEST_SUITE_P(Golden, HostileFiles,
                         testing::Values("global", "zip", "limit", "tensor", "legacy"),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace wakebuilder::test
