#include "checkpoint/pytorch_zip.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/forge.h"
#include "support/matchers.h"
#include "support/values.h"

namespace wakebuilder::test {
namespace {

using core::Dict;
using core::Tensor;
using core::Value;

const std::string kFour = floats({1, 2, 3, 4});

Tensor matrix_of(std::vector<float> values, core::Shape shape) {
  return Tensor::from(std::move(values), std::move(shape));
}

/// A call of _rebuild_tensor_v2 over storage "0" of `numel` float32.
std::string strided(std::int64_t numel, std::int64_t offset,
                    std::initializer_list<std::string> size,
                    std::initializer_list<std::string> stride) {
  return call(kRebuild,
              {storage("0", numel), num(offset), tuple(size), tuple(stride), "\x89", kOrderedDict});
}

TEST(PyTorchZip, ReadsADictOfTensors) {
  const auto file = read_text(
      pytorch(dict({text("w"), matrix(storage("0", 4), 2, 2), text("n"), num(7)}), {{"0", kFour}}));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->format, checkpoint::Format::kPyTorchZip);
  EXPECT_THAT(file->root, IsValue(Dict{{"w", matrix_of({1, 2, 3, 4}, {2, 2})}, {"n", 7}}));
}

struct LayoutCase {
  std::string tensor;
  Tensor want;
};

TEST(PyTorchZip, ReadsEveryLayoutAsRowMajor) {
  const LayoutCase cases[] = {
      {strided(4, 0, {num(2), num(2)}, {num(1), num(2)}), matrix_of({1, 3, 2, 4}, {2, 2})},
      {strided(4, 1, {num(2)}, {num(2)}), matrix_of({2, 4}, {2})},
      {strided(4, 2, {num(2), num(3)}, {num(0), num(0)}), matrix_of({3, 3, 3, 3, 3, 3}, {2, 3})},
      {strided(4, 0, {num(1), num(4)}, {num(99), num(1)}), matrix_of({1, 2, 3, 4}, {1, 4})},
      {strided(4, 3, {}, {}), matrix_of({4}, {})},
      {strided(4, 4, {num(0), num(3)}, {num(3), num(1)}), matrix_of({}, {0, 3})},
  };
  for (const LayoutCase& c : cases) {
    const auto file = read_text(pytorch(c.tensor, {{"0", kFour}}));
    ASSERT_THAT(file, IsOk());
    EXPECT_THAT(file->root, IsValue(c.want));
  }
}

TEST(PyTorchZip, ReadsBigEndianFiles) {
  const std::string swapped = "\x3f\x80\0\0\x40\0\0\0"s;
  const auto file = read_text(zip({{"m/data.pkl", kProto + matrix(storage("0", 2), 1, 2) + "."},
                                   {"m/byteorder", "big"},
                                   {"m/data/0", swapped}}));
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->root, IsValue(matrix_of({1, 2}, {1, 2})));
}

TEST(PyTorchZip, ReadsTensorsOfUntypedStorages) {
  const std::string untyped = storage("0", 8, global("torch.storage", "UntypedStorage"));
  const auto tensor = [&](const std::string& dtype) {
    return call(global("torch._utils", "_rebuild_tensor_v3"),
                {untyped, num(0), tuple({num(2)}), tuple({num(1)}), "\x89", kOrderedDict,
                 global("torch", dtype)});
  };
  const auto file = read_text(pytorch(tensor("uint32"), {{"0", "\1\0\0\0\2\0\0\0"s}}));
  ASSERT_THAT(file, IsOk());
  const auto* read = file->root.get_if<Tensor>();
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->dtype(), core::DType::kUInt32);

  const auto unknown = read_text(pytorch(tensor("float8_e4m3fnuz"), {{"0", "\1\0\0\0\2\0\0\0"s}}));
  ASSERT_THAT(unknown, IsOk());
  EXPECT_THAT(unknown->root, IsValue(core::Opaque{"float8_e4m3fnuz tensor"}));
}

TEST(PyTorchZip, SharesOneTensorThatIsNamedTwice) {
  const std::string object =
      "}(" + text("a") + matrix(storage("0", 4), 2, 2) + "q\x09" + text("b") + "h\x09u";
  const auto file = read_text(pytorch(object, {{"0", kFour}}));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->root.find("a")->get_if<Tensor>()->bytes().data(),
            file->root.find("b")->get_if<Tensor>()->bytes().data());
}

struct ErrorCase {
  std::string file;
  std::string words;
};

TEST(PyTorchZip, RefusesTensorsThatDoNotFitTheirStorage) {
  const auto one = [](const std::string& tensor) {
    return pytorch(dict({text("w"), tensor}), {{"0", kFour}});
  };
  const ErrorCase cases[] = {
      {one(matrix(storage("0", 4), 2, 3)),
       "tensor w: shape [2, 3] with strides [3, 1] from offset 0 reaches past"},
      {one(matrix(storage("0", 4), 2, 2, 1)),
       "from offset 1 reaches past the end of a storage of 4 elements"},
      {one(matrix(storage("0", 4), 2, -2)), "its size is negative: -2"},
      {one(strided(4, 0, {num(2)}, {num(1), num(1)})), "1 dimensions but 2 strides"},
      {one(strided(4, 0, {num(INT64_MAX), num(2)}, {num(0), num(0)})), "is too large"},
      {one(strided(4, 0, {num(0), num(INT64_MAX)}, {num(0), num(0)})), "is too large"},
      {one(strided(4, 0, {num(2)}, {num(INT64_MAX)})), "reaches past"},
      {one(strided(4, INT64_MAX, {num(1)}, {num(1)})), "reaches past"},
      {one(strided(4, 0, {"\x88"}, {num(1)})), "its size is no integer but of type bool"},
      {one(strided(4, 0, {num(1 << 20), num(1 << 20)}, {num(0), num(0)})),
       "w: asks for 4398046511104 bytes"},
      {one(matrix(storage("0", 5), 2, 2)),
       "expected 20 bytes for 5 elements of FloatStorage, found 16"},
      {one(matrix(storage("1", 4), 2, 2)), "w: record m/data/1: it is missing"},
      {one(matrix(storage("../0", 4), 2, 2)), "\"../0\", which is no plain name"},
      {one(matrix(storage("0", -4), 2, 2)), "the size of storage \"0\" is negative: -4"},
      {one(matrix(storage("0", INT64_MAX), 2, 2)), "is said to hold 9223372036854775807 elements"},
      {one(matrix(storage("0", 4, global("torch", "float32")), 2, 2)),
       "the type of a storage is of type name"},
      {one(matrix(num(1), 2, 2)), "the storage of a tensor is of type int"},
      {one(tuple({matrix(storage("0", 4), 2, 2),
                  matrix(storage("0", 4, global("torch", "IntStorage")), 2, 2)})),
       "storage \"0\" is described in two ways: 4 elements of FloatStorage, and 4 of IntStorage"},
      {one(call(kRebuild, {num(0)})), "_rebuild_tensor_v2 is given 1 arguments, expected 6 to 7"},
  };
  for (const ErrorCase& c : cases)
    EXPECT_THAT(read_text(c.file), HasError(ErrorCode::kCorrupt, c.words)) << c.words;
}

TEST(PyTorchZip, RefusesOneUntypedStorageSeenAsTwoTypes) {
  const std::string untyped = storage("0", 8, global("torch.storage", "UntypedStorage"));
  const auto tensor = [&](const std::string& dtype) {
    return call(global("torch._utils", "_rebuild_tensor_v3"),
                {untyped, num(0), tuple({num(1)}), tuple({num(1)}), "\x89", kOrderedDict,
                 global("torch", dtype)});
  };
  EXPECT_THAT(read_text(pytorch(tuple({tensor("uint32"), tensor("float32")}), {{"0", "12345678"}})),
              HasError(ErrorCode::kCorrupt,
                       "storage \"0\" is seen as two element types, uint32 and float32"));
}

TEST(PyTorchZip, BoundsTheSumOfCopies) {
  std::string object = "](";  // 40 copies of 1 MiB from a storage of 4 bytes
  for (int i = 0; i < 40; ++i) object += strided(1, 0, {num(1 << 18)}, {num(0)});
  EXPECT_THAT(read_text(pytorch(object + "e", {{"0", floats({1})}})),
              HasError(ErrorCode::kCorrupt,
                       "16: asks for 1048576 bytes of memory, more than a file of this size may"));
}

TEST(PyTorchZip, RefusesArchivesThatTorchDoesNotWrite) {
  const std::string pickle = kProto + "N.";
  const ErrorCase cases[] = {
      {zip({{"m/data.pkl", pickle}, {"n/x", ""}}), "record n/x: it lies outside of the folder m"},
      {zip({{"m/data.pkl", pickle}, {"n/data.pkl", pickle}}),
       "two objects: m/data.pkl and n/data.pkl"},
      {zip({{"m/data.pkl", pickle + "N."}}),
       "record m/data.pkl: byte 4: 2 bytes follow the pickle's end"},
      {zip({{"m/data.pkl", pickle}, {"m/byteorder", "middle"}}),
       "expected little or big, found \"middle\""},
      {with(zip({{"m/data.pkl", pickle}}), pickle, kProto + "]."),
       "record m/data.pkl: its CRC does not match"},
  };
  for (const ErrorCase& c : cases)
    EXPECT_THAT(read_text(c.file), HasError(ErrorCode::kCorrupt, c.words)) << c.words;
}

TEST(PyTorchZip, NamesWhatItDoesNotRead) {
  const std::string pickle = kProto + "N.";
  const ErrorCase cases[] = {
      {zip({{"data.pkl", pickle}}), "a zip archive without data.pkl"},
      {zip({{"m/x/data.pkl", pickle}}), "a zip archive without data.pkl"},
      {zip({{"m/data.pkl", pickle}, {"m/constants.pkl", pickle}}), "a TorchScript program"},
      {zip({{"m/data.pkl", pickle}, {"m/code/a.py", ""}}), "a TorchScript program"},
      {zip({{"m/data.pkl", pickle}, {"m/version", "11\n"}}),
       "format version \"11\" is not known, expected 1 to 10"},
      {zip({{"m/data.pkl", pickle}, {"m/version", ""}}), "format version \"\" is not known"},
  };
  for (const ErrorCase& c : cases)
    EXPECT_THAT(read_text(c.file), HasError(ErrorCode::kUnsupported, c.words));
}

TEST(PyTorchZip, LeavesRecordsAloneThatItDoesNotKnow) {
  EXPECT_THAT(read_text(zip({{"m/data.pkl", kProto + "N."}, {"m/.data/future", "7"}})), IsOk());
}

}  // namespace
}  // namespace wakebuilder::test
