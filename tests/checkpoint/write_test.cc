#include "wakebuilder/checkpoint/write.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/forge.h"
#include "checkpoint/pytorch_writer.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/zip_archive.h"
#include "support/matchers.h"
#include "support/values.h"

namespace wakebuilder::test {
namespace {

using core::Dict;
using core::DType;
using core::List;
using core::Tensor;
using core::Value;
using ::testing::HasSubstr;

Result<std::string> collected(
    const std::function<Result<void>(const checkpoint::ByteSink&)>& write) {
  std::string out;
  WAKEBUILDER_CHECK(write([&](std::span<const std::byte> bytes) -> Result<void> {
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }));
  return out;
}

Result<std::string> as_pytorch(const Value& root) {
  return collected([&](const auto& sink) { return checkpoint::write_pytorch_to(sink, root); });
}

Result<std::string> as_safetensors(const Value& root, const Value& metadata = Dict{}) {
  return collected(
      [&](const auto& sink) { return checkpoint::write_safetensors_to(sink, root, metadata); });
}

/// Writes and reads back.
Value through(const Result<std::string>& file) {
  EXPECT_THAT(file, IsOk());
  const auto read =
      file ? read_text(*file) : Result<checkpoint::Checkpoint>(fail(ErrorCode::kIo, ""));
  EXPECT_THAT(read, IsOk());
  return read ? read->root : Value();
}

Value nested() {
  const Tensor weights =
      Tensor::from<float>({1, -0.0F, 1e-40F, std::numeric_limits<float>::quiet_NaN()}, {2, 2});
  return Dict{
      {"model_state_dict",
       Dict{{"conv.weight", weights}, {"steps", Tensor::from<std::int64_t>({7}, {})}}},
      {"threshold", 0.65},
      {"words", List{"jarvis", "\xd0\x96\xd0\xb0\xd1\x80", "nul \0 inside"s, ""}},
      {"none", Value()},
      {"flags", core::Tuple{{true, false}}},
      {"numbers", List{0, 255, 256, 65535, 65536, -1, INT64_MAX, INT64_MIN}},
      {"floats", List{1.0, -0.0, 1e300, std::numeric_limits<double>::infinity(), std::nan("")}},
      {"big", core::BigInteger{"-1180591620717411303424"}},
      {"bytes", core::Bytes{"\0\x80\xff"s}},
      {"by number", Dict{{0, "a"},
                         {-1, List{}},
                         {core::Tuple{{1, "x"}}, Dict{}},
                         {2.5, 1},
                         {Value(), 2},
                         {true, 3}}},
      {"$tensor", Dict{{"$tuple", 1}}},
      {"again", weights},
      {"empty", Tensor::from<float>({}, {0, 3})},
  };
}

TEST(WritePyTorch, KeepsTheTree) { EXPECT_THAT(through(as_pytorch(nested())), IsValue(nested())); }

TEST(WriteSafetensors, KeepsTheTree) {
  EXPECT_THAT(through(as_safetensors(nested())), IsValue(nested()));
}

TEST(WritePyTorch, KeepsEveryElementType) {
  Dict dict;
  for (int i = 0; i <= static_cast<int>(DType::kComplex128); ++i) {
    const auto dtype = static_cast<DType>(i);
    std::vector<std::byte> bytes(3 * core::item_size(dtype), static_cast<std::byte>(i + 1));
    dict.emplace_back(std::string(core::to_string(dtype)),
                      Tensor::from_bytes(dtype, {3}, std::move(bytes)));
  }
  EXPECT_THAT(through(as_pytorch(dict)), IsValue(dict));
  EXPECT_THAT(as_safetensors(dict),
              HasError(ErrorCode::kUnsupported, "complex128: safetensors has no complex128"));
  dict.pop_back();
  EXPECT_THAT(through(as_safetensors(dict)), IsValue(dict));
}

TEST(Write, GivesTheSameBytesForTheSameTree) {
  EXPECT_EQ(*as_pytorch(nested()), *as_pytorch(nested()));
  EXPECT_EQ(*as_safetensors(nested()), *as_safetensors(nested()));
}

TEST(Write, KeepsEveryGoldenCheckpoint) {
  int count = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(data_path("checkpoints"))) {
    const auto read = checkpoint::read(file.path());
    if (file.path().extension() != ".pt" || !read) continue;
    const auto pytorch = as_pytorch(read->root);
    if (!pytorch) {
      EXPECT_THAT(pytorch,
                  HasError(ErrorCode::kUnsupported, "cannot be written to a PyTorch file"));
      continue;
    }
    const Value from_pytorch = through(pytorch);
    EXPECT_THAT(from_pytorch, IsValue(read->root)) << file.path();
    EXPECT_THAT(through(as_safetensors(from_pytorch)), IsValue(read->root)) << file.path();
    ++count;
  }
  EXPECT_GT(count, 70);
}

TEST(WritePyTorch, LetsTensorsShareAStorageWhenTheyShareBytes) {
  const Tensor all = Tensor::from<float>({1, 2, 3, 4}, {4});
  const Tensor tail =
      Tensor::view(DType::kFloat32, {2}, all.bytes().subspan(8), std::make_shared<Tensor>(all));
  const Tensor other = Tensor::from<float>({1, 2, 3, 4}, {4});
  const std::string file =
      *as_pytorch(Dict{{"tail", tail}, {"all", all}, {"same", all}, {"other", other}});
  const auto archive = checkpoint::ZipArchive::open(std::as_bytes(std::span(file)));
  ASSERT_THAT(archive, IsOk());
  EXPECT_EQ(archive->find("archive/data/0")->size, 16U);
  EXPECT_EQ(archive->find("archive/data/1")->size, 16U);
  EXPECT_EQ(archive->find("archive/data/2"), nullptr);
  const Value root = through(file);
  EXPECT_EQ(root.find("tail")->get_if<Tensor>()->bytes().data(),
            root.find("all")->get_if<Tensor>()->bytes().data() + 8);
}

TEST(WriteSafetensors, GivesWeightsTheirOwnNames) {
  const std::string file = *as_safetensors(nested());
  EXPECT_THAT(file, HasSubstr(R"("conv.weight":{"dtype":"F32","shape":[2,2])"));
  EXPECT_THAT(file, HasSubstr(R"("__metadata__":{"format":"pt","wakebuilder.tree":)"));
}

TEST(WriteSafetensors, NeedsNoTreeForADictOfTensors) {
  const Value plain =
      Dict{{"b", Tensor::from<float>({1}, {1})}, {"a", Tensor::from<double>({2}, {1})}};
  const auto file = as_safetensors(plain);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->find("wakebuilder.tree"), std::string::npos);
  EXPECT_THAT(through(file), IsValue(plain));
}

TEST(WriteSafetensors, KeepsTheMetadataOfTheFile) {
  const auto file =
      read_text(*as_safetensors(nested(), Dict{{"license", "MIT"}, {"format", "np"}}));
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT(file->file_metadata, IsValue(Dict{{"format", "np"}, {"license", "MIT"}}));
}

TEST(WriteSafetensors, TellsTensorsOfTheSameNameApart) {
  const Tensor a = Tensor::from<float>({1}, {1});
  const Tensor b = Tensor::from<float>({2}, {1});
  const Value root =
      Dict{{"model", Dict{{"w", a}}}, {"w", b}, {"", List{a, b, Tensor::from<float>({3}, {1})}}};
  EXPECT_THAT(through(as_safetensors(root)), IsValue(root));
}

TEST(WriteSafetensors, StoresATensorOnceThatIsInTwoPlaces) {
  const Tensor a = Tensor::from<float>(std::vector<float>(1000), {1000});
  EXPECT_LT(as_safetensors(List{a, a, a})->size(), 5000U);
}

TEST(Write, RefusesWhatHasNoForm) {
  for (const auto& write : {+[](const Value& v) { return as_pytorch(v); },
                            +[](const Value& v) { return as_safetensors(v); }}) {
    EXPECT_THAT(write(Dict{{"w", core::Opaque{"sparse tensor"}}}),
                HasError(ErrorCode::kUnsupported, "w: a sparse tensor cannot be written"));
    EXPECT_THAT(write(List{"\xff"}), HasError(ErrorCode::kUnsupported, "text that is not UTF-8"));
  }
  EXPECT_THAT(as_pytorch(core::BigInteger{"12x"}),
              HasError(ErrorCode::kUnsupported, "the integer 12x"));
  EXPECT_THAT(as_safetensors(Dict{}, Dict{{"k", 1}}),
              HasError(ErrorCode::kUnsupported, "text alone in __metadata__"));
  Value deep = 1;
  for (int i = 0; i < 100; ++i) deep = core::Tuple{{deep}};
  EXPECT_THAT(as_safetensors(List{deep}), HasError(ErrorCode::kUnsupported, "so deeply nested"));
}

TEST(Write, RefusesTreesThatWouldNotBeReadAgain) {
  const std::string words = "cannot be written to a PyTorch file that is read again: ";
  EXPECT_THAT(as_pytorch(Dict{{List{}, 1}}),
              HasError(ErrorCode::kUnsupported, words + "a key is of type list"));
  EXPECT_THAT(as_pytorch(Dict{{"a", 1}, {"a", 2}}),
              HasError(ErrorCode::kUnsupported, "the key \"a\" is given twice"));
  EXPECT_THAT(as_pytorch(core::BigInteger{"1" + std::string(90, '0')}),
              HasError(ErrorCode::kUnsupported, "an integer of 38 bytes"));
  EXPECT_THAT(as_pytorch(List(260'000)),
              HasError(ErrorCode::kUnsupported, "more than 250000 opcodes"));
  EXPECT_THAT(as_safetensors(List(110'000)),
              HasError(ErrorCode::kUnsupported, "so many or so deeply nested"));
  EXPECT_THAT(as_safetensors(core::BigInteger{"1" + std::string(90, '0')}),
              HasError(ErrorCode::kUnsupported, "the integer 1000"));
}

TEST(Write, MakesAnIntOfABigIntegerThatFits) {
  EXPECT_THAT(through(as_pytorch(core::BigInteger{"-5"})), IsValue(-5));
  EXPECT_THAT(through(as_safetensors(List{core::BigInteger{"-5"}})), IsValue(List{-5}));
}

TEST(Write, StopsWhenTheSinkFails) {
  const checkpoint::ByteSink full = [](std::span<const std::byte>) -> Result<void> {
    return fail(ErrorCode::kIo, "disk full");
  };
  EXPECT_THAT(checkpoint::write_pytorch_to(full, nested()), HasError(ErrorCode::kIo, "disk full"));
  EXPECT_THAT(checkpoint::write_safetensors_to(full, nested(), Dict{}),
              HasError(ErrorCode::kIo, "disk full"));
}

TEST(Write, GoesThroughAStagedFile) {
  const std::filesystem::path target =
      ::testing::TempDir() + "wakebuilder-write-" + std::to_string(::getpid()) + ".pt";
  auto file = core::StagedFile::create(target);
  ASSERT_THAT(file, IsOk());
  ASSERT_THAT(checkpoint::write_pytorch(*file, nested()), IsOk());
  ASSERT_THAT(file->publish(), IsOk());
  EXPECT_THAT(checkpoint::read(target)->root, IsValue(nested()));
  std::filesystem::remove(target);
}

}  // namespace
}  // namespace wakebuilder::test
