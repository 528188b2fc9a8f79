#include "checkpoint/pytorch_legacy.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/forge.h"
#include "support/matchers.h"
#include "support/values.h"

namespace wakebuilder::test {
namespace {

using core::Tensor;

/// A storage of a legacy file; `view` is None or (key, first, numel).
std::string legacy_storage(const std::string& key, std::int64_t numel,
                           const std::string& view = "N") {
  return tuple({text("storage"), global("torch", "FloatStorage"), text(key), text("cpu"),
                num(numel), view}) +
         "Q";
}

const std::string kKeys = "](" + text("7") + "e";
const std::string kData = raw(std::int64_t{4}) + floats({1, 2, 3, 4});
const std::string kObject = matrix(legacy_storage("7", 4), 2, 2);

TEST(PyTorchLegacy, ReadsATensor) {
  const auto file = read_text(legacy(kObject, kKeys, kData));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->format, checkpoint::Format::kPyTorchLegacy);
  EXPECT_THAT(file->root, IsValue(Tensor::from<float>({1, 2, 3, 4}, {2, 2})));
}

TEST(PyTorchLegacy, ReadsAStorageView) {
  const std::string view = legacy_storage("7", 4, tuple({text("70"), num(1), num(3)}));
  const auto file = read_text(legacy(matrix(view, 1, 2, 1), kKeys, kData));
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->root, IsValue(Tensor::from<float>({3, 4}, {1, 2})));
}

TEST(PyTorchLegacy, AlignsTensorsWhereverTheyLie) {
  for (std::size_t pad = 0; pad < 8; ++pad) {
    const std::string object = tuple({text(std::string(pad, 'x')), kObject});
    const auto file = read_text(legacy(object, kKeys, kData));
    ASSERT_THAT(file, IsOk());
    const auto* tensor = file->root.get_if<core::Tuple>()->items[1].get_if<Tensor>();
    EXPECT_EQ(tensor->as<float>()[3], 4.0F);
  }
}

struct ErrorCase {
  std::string file;
  std::string words;
};

TEST(PyTorchLegacy, RefusesWhatIsDamaged) {
  const auto view = [](std::int64_t first, std::int64_t numel) {
    return matrix(legacy_storage("7", 4, tuple({text("70"), num(first), num(numel)})), 1, 1);
  };
  const std::string no_keys = "]";
  const std::string twice = "](" + text("7") + text("7") + "e";
  const std::string more = "](" + text("7") + text("8") + "e";
  const ErrorCase cases[] = {
      {legacy(kObject, kKeys, kData.substr(0, 20)),
       "the file is truncated: 16 bytes are due, 12 remain"},
      {legacy(kObject, kKeys, ""), "the file is truncated"},
      {legacy(kObject, kKeys, kData + "x"), "1 bytes follow the last storage"},
      {legacy(kObject, kKeys, raw(std::int64_t{-1})), "it holds -1 elements, the pickle says 4"},
      {legacy(kObject, kKeys, raw(std::int64_t{3}) + floats({1, 2, 3})),
       "it holds 3 elements, the pickle says 4"},
      {legacy(kObject, no_keys, ""), "storage \"7\" is used but has no data"},
      {legacy(kObject, twice, kData + kData), "storage \"7\" is listed twice"},
      {legacy(kObject, more, kData + kData), "no tensor uses the listed storage \"8\""},
      {legacy(kObject,
              "](K\x07"
              "e",
              kData),
       "a storage key is of type int"},
      {legacy(kObject, "N", kData), "the storage keys are no list"},
      {legacy(view(0, 5), kKeys, kData),
       "a view of 5 elements from 0 reaches past the end of storage \"7\" of 4"},
      {legacy(view(5, 0), kKeys, kData), "a view of 0 elements from 5 reaches past"},
      {legacy(view(-1, 2), kKeys, kData), "the start of a storage view is negative: -1"},
      {legacy(view(INT64_MAX, INT64_MAX), kKeys, kData), "reaches past"},
      {legacy(kObject, kObject, kData), "the storage keys (from byte"},
      {kMagic, "the protocol (from byte 15): byte 0: it is no pickle"},
  };
  for (const ErrorCase& c : cases)
    EXPECT_THAT(read_text(c.file), HasError(ErrorCode::kCorrupt, c.words)) << c.words;
}

TEST(PyTorchLegacy, RefusesEveryTruncation) {
  const std::string good = legacy(kObject, kKeys, kData);
  for (std::size_t size = 2; size < good.size(); ++size)
    EXPECT_FALSE(read_text(good.substr(0, size))) << size;
}

TEST(PyTorchLegacy, NamesPlainPicklesAndOtherProtocols) {
  EXPECT_THAT(read_text(kProto + "}."),
              HasError(ErrorCode::kUnsupported, "a plain pickle (its object is of type dict)"));
  EXPECT_THAT(
      read_text(kMagic + kProto + num(1002) + "."),
      HasError(ErrorCode::kUnsupported, "a legacy checkpoint of protocol 1002, expected 1001"));
  EXPECT_THAT(read_text(kProto + global("os", "system") + "."),
              HasError(ErrorCode::kUnsupported, "os.system"));
}

}  // namespace
}  // namespace wakebuilder::test
