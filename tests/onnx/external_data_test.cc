#include "wakebuilder/onnx/external_data.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/onnx/check.h"
#include "wakebuilder/onnx/write.h"

#include "onnx/models.h"
#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::onnx {
namespace {

namespace fs = std::filesystem;
using test::HasError;
using test::IsOk;

/// W, float [4, 2], 32 bytes.
TensorProto external(const std::string& location, const std::string& offset = "",
                     const std::string& length = "") {
  TensorProto tensor;
  tensor.name = "W";
  tensor.data_type = kFloat;
  tensor.dims = {4, 2};
  tensor.data_location = 1;
  tensor.external_data = {{"location", location}};
  if (!offset.empty()) tensor.external_data.emplace_back("offset", offset);
  if (!length.empty()) tensor.external_data.emplace_back("length", length);
  return tensor;
}

/// models/ with w.data of 96 bytes, and a file outside.
class ExternalDataTest : public ::testing::Test {
 protected:
  ExternalDataTest() {
    std::string bytes(96, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
    test::write(folder_ / "models" / "w.data", bytes);
    test::write(folder_ / "models" / "sub" / "w.data", bytes);
    test::write(folder_ / "secret", bytes);
  }

  Result<Blob> read(const TensorProto& tensor) const { return external_bytes(tensor, models()); }
  fs::path models() const { return folder_.path() / "models"; }

  test::TemporaryFolder folder_;
};

struct ReadCase {
  TensorProto tensor;
  int first_byte;
};

TEST_F(ExternalDataTest, ReadsPartsOfFilesInTheFolder) {
  for (const auto& [tensor, first_byte] :
       {ReadCase{external("w.data"), 0}, ReadCase{external("w.data", "64", "32"), 64},
        ReadCase{external("./w.data", "1"), 1}, ReadCase{external("sub/w.data", "", "32"), 0}}) {
    const auto blob = read(tensor);
    ASSERT_THAT(blob, IsOk());
    EXPECT_EQ(blob->bytes.size(), 32U);
    EXPECT_EQ(static_cast<int>(blob->bytes[0]), first_byte);
  }
}

struct RefusedCase {
  TensorProto tensor;
  ErrorCode code;
  std::string sentence;
};

TEST_F(ExternalDataTest, RefusesWhatIsNotInsideFolderAndFile) {
  const std::string secret = (folder_ / "secret").string();
  TensorProto no_location = external("w.data");
  no_location.external_data.clear();
  TensorProto text = external("w.data");
  text.data_type = kString;
  const std::vector<RefusedCase> cases = {
      {external(secret), ErrorCode::kCorrupt,
       "expected a path relative to the model's folder, found an absolute one"},
      {external("../secret"), ErrorCode::kCorrupt, "\"..\" is not allowed"},
      {external("sub/../../secret"), ErrorCode::kCorrupt, "\"..\" is not allowed"},
      {external("sub/../w.data"), ErrorCode::kCorrupt, "\"..\" is not allowed"},
      {external(std::string("w.data\0x", 8)), ErrorCode::kCorrupt, "zero byte"},
      {external(""), ErrorCode::kCorrupt, "has no location"},
      {no_location, ErrorCode::kCorrupt, "is stored externally, but has no location"},
      {external("absent.data"), ErrorCode::kNotFound,
       "\"absent.data\": no such file beside the model"},
      {external("sub"), ErrorCode::kCorrupt, "expected a regular file"},
      {external("w.data", "80"), ErrorCode::kCorrupt,
       "expected 32 bytes from byte 80, but the file ends at 96"},
      {external("w.data", "97", "32"), ErrorCode::kCorrupt, "the file ends at 96"},
      {external("w.data", "18446744073709551584", "32"), ErrorCode::kCorrupt,
       "the file ends at 96"},
      {external("w.data", "-32"), ErrorCode::kCorrupt,
       "expected a number of bytes as offset, found \"-32\""},
      {external("w.data", " 0"), ErrorCode::kCorrupt, "found \" 0\""},
      {external("w.data", "0x10"), ErrorCode::kCorrupt, "found \"0x10\""},
      {external("w.data", "99999999999999999999"), ErrorCode::kCorrupt,
       "expected a number of bytes as offset"},
      {external("w.data", "0", "16"), ErrorCode::kCorrupt,
       "expected a length of 32 bytes, found 16"},
      {text, ErrorCode::kCorrupt, "external data cannot be string"},
  };
  for (const RefusedCase& refused : cases) {
    EXPECT_THAT(read(refused.tensor), HasError(refused.code, refused.sentence));
  }
}

TEST_F(ExternalDataTest, FollowsLinksThatStayInTheFolderOnly) {
  fs::create_symlink("w.data", models() / "inside.data");
  fs::create_symlink("../secret", models() / "outside.data");
  fs::create_directory_symlink("..", models() / "up");
  fs::create_symlink("loop.data", models() / "loop.data");
  EXPECT_THAT(read(external("inside.data")), IsOk());
  EXPECT_THAT(read(external("outside.data")),
              HasError(ErrorCode::kCorrupt, "is a link that leads out"));
  EXPECT_THAT(read(external("up/secret")),
              HasError(ErrorCode::kCorrupt, "is a link that leads out"));
  EXPECT_THAT(read(external("loop.data")), HasError(ErrorCode::kNotFound, "no such file"));
}

TEST_F(ExternalDataTest, RefusesHardLinks) {
  fs::create_hard_link(folder_.path() / "secret", models() / "hard.data");
  EXPECT_THAT(read(external("hard.data")), HasError(ErrorCode::kCorrupt, "is a hard link"));
}

TEST_F(ExternalDataTest, WorksWhenTheFolderItselfIsReachedByALink) {
  fs::create_directory_symlink(models(), folder_ / "link");
  EXPECT_THAT(external_bytes(external("w.data"), folder_ / "link"), IsOk());
}

// --- writing ---

TEST_F(ExternalDataTest, MovesWeightsOutAndBackIn) {
  ModelProto model = test::small_model();
  model.graph->initializers.push_back(
      test::float_tensor("large", {300}, std::vector<float>(300, 2)));
  model.graph->initializers.push_back(
      test::float_tensor("larger", {400}, std::vector<float>(400, 3)));
  auto data = core::StagedFile::create(models() / "m.data");
  ASSERT_THAT(data, IsOk());
  auto moved = move_weights_out(model, *data, "m.data");
  ASSERT_THAT(moved, IsOk());
  ASSERT_THAT(data->publish(), IsOk());

  EXPECT_TRUE(moved->graph->initializers[0].raw_data) << "32 bytes stay";
  EXPECT_EQ(fs::file_size(models() / "m.data"), 4096U + 1600U);
  for (const std::size_t i : {2U, 3U}) {
    const TensorProto& tensor = moved->graph->initializers[i];
    EXPECT_FALSE(tensor.raw_data);
    const auto blob = read(tensor);
    ASSERT_THAT(blob, IsOk());
    const auto whole = model.graph->initializers[i].raw_data->bytes;
    EXPECT_TRUE(std::equal(blob->bytes.begin(), blob->bytes.end(), whole.begin(), whole.end()));
  }
  EXPECT_EQ(moved->graph->initializers[3].external_data[1],
            (std::pair<std::string, std::string>("offset", "4096")));
  EXPECT_EQ(test::text_of(check_model(*moved, models()).findings), "");
}

TEST_F(ExternalDataTest, WritesOnlyLocationsThatReadersFollow) {
  auto data = core::StagedFile::create(models() / "m.data");
  ASSERT_THAT(data, IsOk());
  for (const std::string location : {"", ".", "..", "a/b", "/m.data", "..\\m"}) {
    EXPECT_THAT(move_weights_out(test::small_model(), *data, location),
                HasError(ErrorCode::kInvalidArgument, "expected a file name beside the model"))
        << location;
  }
}

}  // namespace
}  // namespace wakebuilder::onnx
