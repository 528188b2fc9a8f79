#include "wakebuilder/runtime/session.h"

#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "wakebuilder/onnx/emitter.h"
#include "wakebuilder/onnx/write.h"

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::runtime {
namespace {

using core::Tensor;
using test::HasError;
using test::IsOk;
using test::TemporaryFolder;
using test::TensorNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
using Inputs = std::vector<std::pair<std::string, Tensor>>;

/// `sum` = x + y and `product` = x · y, for x and y of [batch, 2].
std::string sum_and_product() {
  onnx::Emitter op(17);
  const std::vector<onnx::Dimension> shape = {{.value = {}, .param = "batch"},
                                              {.value = 2, .param = ""}};
  const auto x = op.input("x", shape);
  const auto y = op.input("y", shape);
  op.output("sum", op.add("sum", x, y), shape);
  op.output("product", op.mul("product", x, y), shape);
  return onnx::serialize(op.finish("sum_and_product"));
}

/// `y` = -x: int64 in, int64 out.
std::string with_int64_ports() {
  onnx::ModelProto model;
  model.ir_version = 8;
  model.opset_imports = {{"", 17}};
  const onnx::TypeProto type{.kind = "tensor",
                             .elem_type = onnx::kInt64,
                             .shape = std::vector<onnx::Dimension>{{.value = 2, .param = ""}},
                             .other_fields = {}};
  onnx::GraphProto graph;
  graph.name = "integers";
  graph.inputs = {{.name = "x", .type = type, .doc_string = {}, .other_fields = {}}};
  graph.outputs = {{.name = "y", .type = type, .doc_string = {}, .other_fields = {}}};
  onnx::NodeProto node;
  node.op_type = "Neg";
  node.inputs = {"x"};
  node.outputs = {"y"};
  graph.nodes = {node};
  model.graph = graph;
  return onnx::serialize(model);
}

/// `shape` = Shape(x): float32 in, int64 out.
std::string with_int64_output() {
  onnx::ModelProto model;
  model.ir_version = 8;
  model.opset_imports = {{"", 17}};
  const onnx::TypeProto type{.kind = "tensor",
                             .elem_type = onnx::kInt64,
                             .shape = std::vector<onnx::Dimension>{{.value = 1, .param = ""}},
                             .other_fields = {}};
  onnx::GraphProto graph;
  graph.name = "shape";
  graph.inputs = {
      onnx::float_value("x", std::vector<onnx::Dimension>{{.value = {}, .param = "batch"}})};
  graph.outputs = {{.name = "shape", .type = type, .doc_string = {}, .other_fields = {}}};
  onnx::NodeProto node;
  node.op_type = "Shape";
  node.inputs = {"x"};
  node.outputs = {"shape"};
  graph.nodes = {node};
  model.graph = graph;
  return onnx::serialize(model);
}

Tensor rows(std::vector<float> values) {
  const auto count = static_cast<std::int64_t>(values.size() / 2);
  return Tensor::from(std::move(values), {count, 2});
}

class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded = OnnxRuntime::load();
    if (!loaded) GTEST_SKIP() << loaded.error().message;
    runtime_ = *std::move(loaded);
  }

  Result<Session> open(const std::string& model) const {
    return Session::open(runtime_, std::as_bytes(std::span(model)));
  }

  std::shared_ptr<const OnnxRuntime> runtime_;
};

TEST_F(SessionTest, ShowsThePortsOfTheModel) {
  const auto session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  ASSERT_EQ(session->inputs().size(), 2U);
  ASSERT_EQ(session->outputs().size(), 2U);
  const Port& x = session->inputs()[0];
  EXPECT_EQ(x.name, "x");
  EXPECT_TRUE(x.is_tensor);
  EXPECT_EQ(x.element_type, onnx::kFloat);
  EXPECT_THAT(x.shape, ElementsAre(-1, 2));
  EXPECT_THAT(x.dim_names, ElementsAre("batch", ""));
  EXPECT_EQ(session->inputs()[1].name, "y");
  EXPECT_EQ(session->outputs()[0].name, "sum");
  EXPECT_EQ(session->outputs()[1].name, "product");
}

TEST_F(SessionTest, RunsOnNamedInputsInAnyOrder) {
  auto session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  const Inputs inputs = {{"y", rows({10, 20, 30, 40})}, {"x", rows({1, 2, 3, 4})}};
  const auto found = session->run(inputs, std::vector<std::string>{"product", "sum"});
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->size(), 2U);
  EXPECT_THAT((*found)[0], TensorNear(rows({10, 40, 90, 160}), 0.0));
  EXPECT_THAT((*found)[1], TensorNear(rows({11, 22, 33, 44}), 0.0));
}

TEST_F(SessionTest, GivesOnlyTheOutputsThatAreWanted) {
  auto session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  const Inputs inputs = {{"x", rows({1, 2})}, {"y", rows({3, 4})}};
  const auto found = session->run(inputs, std::vector<std::string>{"sum"});
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found->size(), 1U);
  EXPECT_THAT((*found)[0], TensorNear(rows({4, 6}), 0.0));
}

TEST_F(SessionTest, RunsManyTimesWithAnyBatch) {
  auto session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  for (std::size_t batch = 1; batch <= 9; ++batch) {
    const std::vector<float> ones(batch * 2, 1);
    const Inputs inputs = {{"x", rows(ones)}, {"y", rows(ones)}};
    const auto found = session->run(inputs, std::vector<std::string>{"sum"});
    ASSERT_THAT(found, IsOk());
    EXPECT_THAT((*found)[0], TensorNear(rows(std::vector<float>(batch * 2, 2)), 0.0));
  }
}

TEST_F(SessionTest, TakesAnEmptyBatch) {
  auto session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  const Inputs inputs = {{"x", rows({})}, {"y", rows({})}};
  const auto found = session->run(inputs, std::vector<std::string>{"sum"});
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ((*found)[0].shape(), (core::Shape{0, 2}));
}

TEST_F(SessionTest, ResultsOutliveTheSession) {
  std::vector<Tensor> kept;
  {
    auto session = open(sum_and_product());
    ASSERT_THAT(session, IsOk());
    const Inputs inputs = {{"x", rows({1, 2})}, {"y", rows({3, 4})}};
    auto found = session->run(inputs, std::vector<std::string>{"sum"});
    ASSERT_THAT(found, IsOk());
    kept = *std::move(found);
  }
  EXPECT_THAT(kept[0], TensorNear(rows({4, 6}), 0.0));
}

TEST_F(SessionTest, MovesWithItsModel) {
  auto first = open(sum_and_product());
  ASSERT_THAT(first, IsOk());
  Session second = std::move(*first);
  auto other = open(with_int64_output());
  ASSERT_THAT(other, IsOk());
  second = std::move(*other);
  EXPECT_EQ(second.outputs()[0].name, "shape");
}

TEST_F(SessionTest, RefusesNamesThatTheModelDoesNotHave) {
  auto session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  const Inputs good = {{"x", rows({1, 2})}, {"y", rows({3, 4})}};
  EXPECT_THAT(session->run(good, std::vector<std::string>{"logits"}),
              HasError(ErrorCode::kUnsupported, "logits"));
  const Inputs wrong = {{"embeddings", rows({1, 2})}, {"y", rows({3, 4})}};
  EXPECT_THAT(session->run(wrong, std::vector<std::string>{"sum"}),
              HasError(ErrorCode::kUnsupported, "embeddings"));
  const Inputs too_few = {{"x", rows({1, 2})}};
  EXPECT_THAT(session->run(too_few, std::vector<std::string>{"sum"}),
              HasError(ErrorCode::kUnsupported, "ONNX Runtime: "));
}

TEST_F(SessionTest, RefusesInputsOfAnotherShape) {
  auto session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  const Inputs wide = {{"x", Tensor::from<float>({1, 2, 3}, {1, 3})}, {"y", rows({3, 4})}};
  EXPECT_THAT(session->run(wide, std::vector<std::string>{"sum"}),
              HasError(ErrorCode::kUnsupported, "Got invalid dimensions for input: x"));
  const Inputs flat = {{"x", Tensor::from<float>({1, 2}, {2})}, {"y", rows({3, 4})}};
  EXPECT_THAT(session->run(flat, std::vector<std::string>{"sum"}),
              HasError(ErrorCode::kUnsupported, "Invalid rank for input: x"));
  // The session stays usable.
  const Inputs good = {{"x", rows({1, 2})}, {"y", rows({3, 4})}};
  EXPECT_THAT(session->run(good, std::vector<std::string>{"sum"}), IsOk());
}

TEST_F(SessionTest, RefusesModelsThatDoNotTakeFloats) {
  auto session = open(with_int64_ports());
  ASSERT_THAT(session, IsOk());
  EXPECT_EQ(session->inputs()[0].element_type, onnx::kInt64);
  const Inputs inputs = {{"x", Tensor::from<float>({1, 2}, {2})}};
  EXPECT_THAT(session->run(inputs, std::vector<std::string>{"y"}),
              HasError(ErrorCode::kUnsupported, "Unexpected input data type"));
}

TEST_F(SessionTest, RefusesOutputsThatAreNoFloats) {
  auto session = open(with_int64_output());
  ASSERT_THAT(session, IsOk());
  const Inputs inputs = {{"x", Tensor::from<float>({1, 2}, {2})}};
  EXPECT_THAT(session->run(inputs, std::vector<std::string>{"shape"}),
              HasError(ErrorCode::kUnsupported, "expected a float32 output, found element type 7"));
}

TEST_F(SessionTest, RefusesInputsThatAreNoFloats) {
  auto session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  const Inputs inputs = {{"x", Tensor::from<std::int64_t>({1, 2}, {1, 2})}, {"y", rows({3, 4})}};
  EXPECT_THAT(session->run(inputs, std::vector<std::string>{"sum"}),
              HasError(ErrorCode::kUnsupported, "x: expected float32, found int64"));
}

TEST_F(SessionTest, OpensAModelFile) {
  const TemporaryFolder folder;
  test::write(folder / "model.onnx", sum_and_product());
  auto session = Session::open(runtime_, folder / "model.onnx");
  ASSERT_THAT(session, IsOk());
  const Inputs inputs = {{"x", rows({1, 2})}, {"y", rows({3, 4})}};
  EXPECT_THAT(session->run(inputs, std::vector<std::string>{"sum"}), IsOk());
}

TEST_F(SessionTest, RefusesWhatIsNoModel) {
  const TemporaryFolder folder;
  test::write(folder / "model.onnx", "no model");
  EXPECT_THAT(Session::open(runtime_, folder / "model.onnx"),
              HasError(ErrorCode::kUnsupported, "ONNX Runtime: "));
  EXPECT_THAT(Session::open(runtime_, folder / "missing.onnx"),
              HasError(ErrorCode::kUnsupported, "missing.onnx"));
  EXPECT_THAT(open("no model"), HasError(ErrorCode::kUnsupported, "ONNX Runtime: "));
  EXPECT_THAT(open(""), HasError(ErrorCode::kUnsupported, "ONNX Runtime: "));
}

TEST_F(SessionTest, RefusesAModelWithAnUnknownOperatorByItsName) {
  onnx::ModelProto model;
  model.ir_version = 8;
  model.opset_imports = {{"", 17}};
  onnx::GraphProto graph;
  graph.name = "unknown";
  graph.inputs = {onnx::float_value("x", std::nullopt)};
  graph.outputs = {onnx::float_value("y", std::nullopt)};
  onnx::NodeProto node;
  node.op_type = "Frobnicate";
  node.inputs = {"x"};
  node.outputs = {"y"};
  graph.nodes = {node};
  model.graph = graph;
  EXPECT_THAT(open(onnx::serialize(model)), HasError(ErrorCode::kUnsupported, "Frobnicate"));
}

TEST_F(SessionTest, ErrorsAreOneLine) {
  const auto session = open("no model");
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().message.find('\n'), std::string::npos);
}

TEST_F(SessionTest, ShowsTheMetadataOfTheModelInItsOrder) {
  onnx::Emitter op(17);
  const std::vector<onnx::Dimension> shape = {{.value = 2, .param = ""}};
  const auto x = op.input("x", shape);
  op.output("y", op.add("y", x, x), shape);
  onnx::ModelProto model = op.finish("labelled");
  model.metadata_props = {{"threshold", "0.5"}, {"wake_word", "J\xc3\xb6rg"}, {"a", ""}};
  auto session = open(onnx::serialize(model));
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->metadata(),
              UnorderedElementsAre(Pair("threshold", "0.5"), Pair("wake_word", "J\xc3\xb6rg"),
                                   Pair("a", "")));
  session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->metadata(), IsEmpty());
}

class PlacementTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    ::setenv("TMPDIR", folder_.path().c_str(), 1);
  }
  void TearDown() override { ::unsetenv("TMPDIR"); }

  Result<Session> recorded(const std::string& model) const {
    return Session::open(runtime_, std::as_bytes(std::span(model)), {.record_placements = true});
  }

  TemporaryFolder folder_;
};

TEST_F(PlacementTest, EveryNodeRunsOnCpu) {
  auto session = recorded(sum_and_product());
  ASSERT_THAT(session, IsOk());
  const auto placements = session->placements();
  ASSERT_THAT(placements, IsOk());
  EXPECT_THAT(*placements, ElementsAre(Placement{"cpu", 2}));
  EXPECT_THAT(session->fallbacks(), IsEmpty());
}

TEST_F(PlacementTest, NothingIsLeftOfTheRecording) {
  {
    auto session = recorded(sum_and_product());
    ASSERT_THAT(session, IsOk());
    EXPECT_THAT(session->placements(), IsOk());
    EXPECT_THAT(folder_.names(), IsEmpty());
    EXPECT_EQ(*session->placements(), *session->placements());
    // The session stays usable.
    const Inputs inputs = {{"x", rows({1, 2})}, {"y", rows({3, 4})}};
    EXPECT_THAT(session->run(inputs, std::vector<std::string>{"sum"}), IsOk());
    auto not_asked = recorded(sum_and_product());
    EXPECT_THAT(recorded("no model"), HasError(ErrorCode::kUnsupported, "ONNX Runtime: "));
  }
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(PlacementTest, NothingIsRecordedUnlessAskedFor) {
  auto session = open(sum_and_product());
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(folder_.names(), IsEmpty());
  EXPECT_THROW(static_cast<void>(session->placements()), std::logic_error);
}

TEST_F(PlacementTest, TakesInputsForModelsThatNeedThem) {
  auto session = recorded(sum_and_product());
  ASSERT_THAT(session, IsOk());
  const Inputs wrong = {{"z", rows({1, 2})}};
  EXPECT_THAT(session->placements(wrong), HasError(ErrorCode::kUnsupported, "z"));
  const Inputs integers = {{"x", Tensor::from<std::int64_t>({1, 2}, {1, 2})}};
  EXPECT_THAT(session->placements(integers),
              HasError(ErrorCode::kUnsupported, "x: expected float32 numbers"));
  const Inputs three_rows = {{"y", rows({1, 2, 3, 4, 5, 6})}};
  const auto placements = session->placements(three_rows);  // x is one row of zeros
  ASSERT_THAT(placements, IsOk());
  EXPECT_THAT(*placements, ElementsAre(Placement{"cpu", 2}));
}

TEST_F(PlacementTest, CountsWhateverGoesOutAndRefusesOtherInputsThanFloats) {
  auto session = recorded(with_int64_output());
  ASSERT_THAT(session, IsOk());
  const auto placements = session->placements();
  ASSERT_THAT(placements, IsOk());
  EXPECT_THAT(*placements, ElementsAre(Placement{"cpu", 1}));
  auto integers = recorded(with_int64_ports());
  ASSERT_THAT(integers, IsOk());
  EXPECT_THAT(
      integers->placements(),
      HasError(ErrorCode::kUnsupported, "x: expected a float32 tensor, found element type 7"));
}

TEST_F(PlacementTest, AQuoteInTheNameOfANodeIsSaidToSpoilTheProfile) {
  onnx::Emitter op(17);
  const std::vector<onnx::Dimension> shape = {{.value = 2, .param = ""}};
  const auto x = op.input("x", shape);
  op.output("y", op.add("y", x, x), shape);
  onnx::ModelProto model = op.finish("odd");
  model.graph->nodes[0].name = "a \"quoted\" name";
  auto session = recorded(onnx::serialize(model));
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->placements(),
              HasError(ErrorCode::kUnsupported, "a quote or backslash in the name of a node"));
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(PlacementTest, WithoutAPlaceForTheProfileThereIsNoSession) {
  ::setenv("TMPDIR", "/nowhere", 1);
  EXPECT_THAT(recorded(sum_and_product()),
              HasError(ErrorCode::kIo, "cannot make a folder for the profile"));
}

TEST_F(SessionTest, CudaThatIsNotThereIsLeftOutWithTheReasonOrRefused) {
  const auto statuses = provider_statuses(*runtime_);
  if (statuses[1].available) GTEST_SKIP() << "this machine has CUDA";
  const std::string model = sum_and_product();
  const auto bytes = std::as_bytes(std::span(model));
  auto session = Session::open(runtime_, bytes, {.providers = {{"cuda"}}});
  ASSERT_THAT(session, IsOk());
  EXPECT_THAT(session->fallbacks(), ElementsAre("cuda: not used: " + statuses[1].reason));
  const Inputs inputs = {{"x", rows({1, 2})}, {"y", rows({3, 4})}};
  EXPECT_THAT(session->run(inputs, std::vector<std::string>{"sum"}), IsOk());
  EXPECT_THAT(
      Session::open(runtime_, bytes, {.providers = {{"cuda"}, {"cpu"}}, .strict_providers = true}),
      HasError(ErrorCode::kUnavailable, "cuda: cannot be used: " + statuses[1].reason));
}

}  // namespace
}  // namespace wakebuilder::runtime
