// Every file of tests/data/{hostile,checkpoints}: read or refused as their index says, quickly and
// in little memory, with the words that the error must have.

#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/checkpoint/checkpoint.h"
#include "wakebuilder/checkpoint/state_dict.h"

#include "checkpoint/forge.h"
#include "support/matchers.h"
#include "support/sanitizer.h"

namespace wakebuilder::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using Row = std::vector<std::string>;

/// The rows of a table, without its head.
std::vector<Row> table(const std::string& name) {
  std::ifstream in(data_path(name));
  std::vector<Row> rows;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    Row row;
    std::stringstream fields(line);
    for (std::string field; std::getline(fields, field, '\t');) row.push_back(field);
    rows.push_back(row);
  }
  return rows;
}

/// The error of reading a file and finding its weights; empty when both succeed.
std::string refusal(const std::string& name) {
  const auto file = checkpoint::read(data_path(name));
  if (!file) return file.error().message;
  const auto state = checkpoint::find_state_dict(*file);
  return state ? "" : state.error().message;
}

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Well-formed files whose weights are wrong: that is for the model to say.
const std::set<std::string> kForTheModel = {"dtype-integer.pt", "dtype-nan.pt", "big-endian.pt"};

TEST(HostileFiles, AreRefusedOrReadAsTheIndexSays) {
  const auto rows = table("hostile/index.tsv");
  EXPECT_EQ(rows.size(), 222U);
  for (const Row& row : rows) {
    SCOPED_TRACE(row[0] + ": " + row[2]);
    const std::string& verdict = row[3];
    const std::string error = refusal("hostile/" + row[0]);
    if (verdict == "accept" || kForTheModel.contains(row[0])) {
      EXPECT_EQ(error, "");
    } else if (verdict == "refuse") {
      EXPECT_NE(error, "");
    }
    EXPECT_EQ(error.find('\n'), std::string::npos) << "one sentence: " << error;
  }
}

TEST(HostileFiles, TakeLittleTimeAndMemory) {
  const long before = peak_kib();
  for (const Row& row : table("hostile/index.tsv")) {
    const std::clock_t start = std::clock();  // of this process, however busy the machine is
    refusal("hostile/" + row[0]);
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    EXPECT_LT(seconds, !test::kIsSanitized ? 1 : 20) << row[0];
  }
  if (!test::kIsSanitized) {
    EXPECT_LT(peak_kib() - before, 64 * 1024);
  }
}

TEST(HostileFiles, RunNothing) {
  for (const Row& row : table("hostile/index.tsv")) refusal("hostile/" + row[0]);
  EXPECT_FALSE(std::filesystem::exists("pwned"));
}

struct Words {
  const char* file;
  const char* words;
};

TEST(HostileFiles, AreNamedWithPlaceAndReason) {
  constexpr Words kCases[] = {
      {"global-os-system.pt",
       "global-os-system.pt: record model/data.pkl: byte 1486: it names os.system, which is"},
      {"global-uncalled.pt", "os.system"},
      {"global-homoglyph.pt", "t\xd0\xberch._utils._rebuild_parameter"},
      {"stack-global-dotted.pt", "torch._utils._rebuild_tensor_v2.__globals__.get"},
      {"inst-opcode.pt", "byte 1510: opcode 0x69 is not read"},
      {"codecs-encode-idna.pt", "latin1 only"},
      {"numpy-scalar-object.pt", "a numpy.dtype of \"O8\""},
      {"numpy-scalar-short.pt", "a numpy scalar of 8 bytes is given 3"},
      {"hidden-payload-after-stop.pt", "byte 1479: 40 bytes follow the pickle's end"},
      {"zip-wrong-crc.pt", "record model/data.pkl: its CRC does not match"},
      {"zip-flag-0x1.pt", "encrypted"},
      {"zip-method-93.pt", "compression method 93; only stored (0) and deflated (8) are read"},
      {"zip-two-data-pkl.pt", "two records of this name"},
      {"zip-two-roots.pt", "two objects: evil/data.pkl and model/data.pkl"},
      {"zip-slip.pt", "record model/../../pwned: its name leaves the archive"},
      {"zip-symlink.pt", "symbolic link"},
      {"zip-overlap.pt", "record model/data/1: its local header has another name"},
      {"zip-quoted-overlap.pt", "overlaps record"},
      {"zip-bomb-consistent.pt", "asks for 67108864 bytes of memory"},
      {"zip-bomb-size-lie.pt", "does not give the 128 bytes"},
      {"zip-many-records.pt", "more than 10000"},
      {"seven-zip.pt", "a 7z archive"},
      {"memo-cycle.pt", "note.0: it contains itself"},
      {"memo-expansion.pt", "more than 33554432 bytes of memory"},
      {"deep-nesting-lists.pt", "nested deeper than 128 levels"},
      {"frame-short.pt", "past the end of its frame"},
      {"setitem-list-key.pt", "note: a key is of type list"},
      {"sizes-negative.pt", "tensor classifier.0.weight: its size is negative: -4"},
      {"stride-past-end.pt",
       "shape [4, 8] with strides [9, 1] from offset 0 reaches past the end of a storage of 32 "
       "elements"},
      {"stride-zero-giant.pt",
       "classifier_state_dict.classifier.0.weight: asks for 4398046511104 bytes"},
      {"storage-missing.pt", "record model/data/77: it is missing"},
      {"storage-too-short.pt", "expected 128 bytes for 32 elements of FloatStorage, found 124"},
      {"dtype-two-kinds.pt", "storage \"0\" is described in two ways"},
      {"byteorder-garbage.pt", "expected little or big, found \"middle\""},
      {"legacy-missing-storage.pt", "storage \"7\" is used but has no data"},
      {"legacy-truncated.pt", "the file is truncated: 8 bytes are due, 5 remain"},
      {"legacy-view-past-end.pt",
       "a view of 32 elements from 8 reaches past the end of storage \"2\""},
      {"wrong-extension.safetensors", "os.system"},
      {"key-with-nul.pt", "classifier.0.weight\\x00"},
      {"tensor-is-string.pt", "classifier.0.weight: expected a dense tensor, found a str"},
  };
  for (const Words& want : kCases) {
    EXPECT_THAT(refusal("hostile/"s + want.file), HasSubstr(want.words)) << want.file;
  }
}

TEST(GoldenCheckpoints, AreReadWhereTheIndexAccepts) {
  for (const Row& row : table("checkpoints/index.tsv")) {
    if (row[1] != "accept") continue;
    EXPECT_EQ(refusal("checkpoints/" + row[0]), "") << row[0];
  }
}

TEST(GoldenCheckpoints, AreRefusedInWordsThatSayWhatTheyAre) {
  constexpr Words kCases[] = {
      {"refuse/torchscript.pt", "a TorchScript program"},
      {"refuse/safetensors.pt", "found safetensors; rename it to end in .safetensors"},
      {"refuse/random.pt", "not a PyTorch checkpoint"},
      {"refuse/hdf5.pt", "an HDF5 file (Keras)"},
      {"refuse/onnx.pt", "an ONNX model"},
      {"refuse/html.pt", "the download failed"},
      {"refuse/gzip.pt", "a gzip archive; unpack it first"},
      {"refuse/plain-zip.pt", "a zip archive without data.pkl"},
      {"refuse/zero-byte.pt", "empty"},
      {"refuse/pickle-without-torch.pt", "a plain pickle"},
      {"refuse/pickle-without-torch.pt", "no state dict"},
      {"refuse/whole-module.pt",
       "a pickled object of class wakebuilder.models.classifier.WakeWordClassifier, which only its "
       "own program "
       "can load; save the weights alone: torch.save(model.state_dict(), path)"},
      {"refuse/numpy-array.pt", "numpy._core.multiarray._reconstruct"},
      {"refuse/pathlib.pt", "pathlib.PurePosixPath"},
      {"refuse/empty-dict.pt", "no state dict"},
      {"refuse/list.pt", "no state dict"},
      {"refuse/only-metadata.pt", "found a dict with the keys wake_word, threshold, embedding_dim"},
      {"refuse/state-dict-of-lists.pt", "input_norm.weight: expected a dense tensor, found a list"},
      {"refuse/sparse-weight.pt",
       "classifier.0.weight: expected a dense tensor, found a sparse tensor"},
      {"refuse/quantized-weight.pt",
       "classifier.0.weight: expected a dense tensor, found a quantised tensor"},
      {"refuse/meta-weight.pt",
       "classifier.0.weight: expected a dense tensor, found a tensor that has no data"},
      {"refuse/truncated-in-pickle.pt", "truncated or damaged zip"},
      {"refuse/truncated-in-storage.pt", "truncated or damaged zip"},
      {"refuse/truncated-in-directory.pt", "truncated or damaged zip"},
      {"refuse/truncated-legacy.pt", "the file is truncated"},
      {"refuse/flipped-in-storage.pt", "record archive/data/5: its CRC does not match"},
      {"refuse/flipped-in-pickle.pt", "record archive/data.pkl: its CRC does not match"},
  };
  for (const Words& want : kCases) {
    EXPECT_THAT(refusal("checkpoints/"s + want.file), HasSubstr(want.words)) << want.file;
  }
}

TEST(GoldenCheckpoints, GiveErrorsThatBeginWithTheFileName) {
  EXPECT_THAT(refusal("checkpoints/refuse/gzip.pt"), StartsWith("gzip.pt: "));
  EXPECT_THAT(refusal("checkpoints/refuse/pathlib.pt"), StartsWith("pathlib.pt: "));
}

// The same head in 3 pickle protocols, 7 archives, on 3 devices and in the legacy format has the
// same names.
TEST(GoldenCheckpoints, HaveTheSameNamesInEveryEncoding) {
  const auto names_of = [](const std::string& name) {
    const auto file = checkpoint::read(data_path("checkpoints/encodings/" + name));
    EXPECT_THAT(file, IsOk());
    std::vector<std::string> names;
    const auto state = checkpoint::find_state_dict(*file);
    EXPECT_THAT(state, IsOk());
    for (const auto& item : state->tensors) names.push_back(item.first);
    return names;
  };
  const auto want = names_of("protocol-2.pt");
  EXPECT_EQ(want.size(), 30U);
  for (const char* name :
       {"protocol-5.pt", "zip-deflate.pt", "zip-streamed.pt", "zip64-records.pt", "legacy.pt",
        "legacy-views.pt", "big-endian.pt", "cuda-location.pt", "torch-1.13.pt"}) {
    EXPECT_EQ(names_of(name), want) << name;
  }
}

TEST(GoldenCheckpoints, KeepTensorsInTheMappedFile) {
  const auto file = checkpoint::read(data_path("checkpoints/combos/plain.pt"));
  ASSERT_THAT(file, IsOk());
  const auto mapped = file->file->bytes();
  const auto state = checkpoint::find_state_dict(*file);
  ASSERT_THAT(state, IsOk());
  for (const auto& [name, tensor] : state->tensors) {
    EXPECT_GE(tensor.bytes().data(), mapped.data()) << name;
    EXPECT_LE(tensor.bytes().data() + tensor.bytes().size(), mapped.data() + mapped.size()) << name;
  }
}

}  // namespace
}  // namespace wakebuilder::test
