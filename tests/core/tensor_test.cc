#include "wakebuilder/core/tensor.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "support/matchers.h"

namespace wakebuilder::core {
namespace {

using test::HasError;
using test::IsOk;
using testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <class T>
Tensor tensor_of(DType dtype, const std::vector<T>& elements) {
  const auto bytes = std::as_bytes(std::span(elements));
  return Tensor::from_bytes(dtype, {static_cast<std::int64_t>(elements.size())},
                            {bytes.begin(), bytes.end()});
}

TEST(Tensor, OfDefaultIsEmpty) {
  const Tensor tensor;
  EXPECT_EQ(tensor.dtype(), DType::kFloat32);
  EXPECT_EQ(tensor.shape(), Shape{0});
  EXPECT_EQ(tensor.size(), 0U);
  EXPECT_TRUE(tensor.as<float>().empty());
}

TEST(Tensor, TakesTheValuesOfAVector) {
  const Tensor tensor = Tensor::from<std::int32_t>({1, 2, 3, 4, 5, 6}, {2, 3});
  EXPECT_EQ(tensor.dtype(), DType::kInt32);
  EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(tensor.size(), 6U);
  EXPECT_THAT(tensor.as<std::int32_t>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Tensor, OfRankZeroHoldsOneValue) {
  const Tensor tensor = Tensor::from<double>({0.5}, {});
  EXPECT_EQ(tensor.size(), 1U);
  EXPECT_THAT(tensor.as<double>(), ElementsAre(0.5));
}

TEST(Tensor, CopiesShareTheirData) {
  const Tensor tensor = Tensor::from<float>({1, 2}, {2});
  const Tensor copy = tensor;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.bytes().data(), tensor.bytes().data());
}

TEST(Tensor, ViewKeepsItsOwnerAlive) {
  auto owner = std::make_shared<std::array<float, 2>>(std::array{1.0F, 2.0F});
  const std::weak_ptr<std::array<float, 2>> watched = owner;
  {
    const auto bytes = std::as_bytes(std::span(*owner));
    const Tensor tensor = Tensor::view(DType::kFloat32, {2}, bytes, std::move(owner));
    EXPECT_FALSE(watched.expired());
    EXPECT_THAT(tensor.as<float>(), ElementsAre(1.0F, 2.0F));
  }
  EXPECT_TRUE(watched.expired());
}

TEST(Tensor, RefusesDataOfAnotherSizeThanItsShape) {
  const std::vector<std::byte> bytes(12);
  EXPECT_THROW(Tensor::view(DType::kFloat32, {4}, bytes, nullptr), std::logic_error);
  EXPECT_THROW(Tensor::view(DType::kFloat32, {2}, bytes, nullptr), std::logic_error);
  EXPECT_THROW(Tensor::view(DType::kFloat32, {-3}, bytes, nullptr), std::logic_error);
  EXPECT_THROW(Tensor::from_bytes(DType::kFloat64, {3}, bytes), std::logic_error);
  EXPECT_THROW(Tensor::from<float>({1, 2, 3}, {2}), std::logic_error);
  EXPECT_NO_THROW(Tensor::view(DType::kFloat32, {3}, bytes, nullptr));
}

TEST(Tensor, RefusesShapesThatOverflow) {
  const Shape wraps_to_zero_elements = {std::int64_t{1} << 62, 4};
  const Shape wraps_to_zero_bytes = {std::int64_t{1} << 62};  // times 4
  EXPECT_THROW(Tensor::view(DType::kFloat32, wraps_to_zero_elements, {}, nullptr),
               std::logic_error);
  EXPECT_THROW(Tensor::view(DType::kFloat32, wraps_to_zero_bytes, {}, nullptr), std::logic_error);
  EXPECT_THROW(numel(wraps_to_zero_elements), std::logic_error);
}

TEST(Tensor, GivesItsElementsOnlyAsTheirOwnType) {
  const Tensor tensor = Tensor::from<float>({1}, {1});
  EXPECT_THROW(tensor.as<std::int32_t>(), std::logic_error);
  EXPECT_THROW(tensor.as<double>(), std::logic_error);
}

TEST(Tensor, RefusesElementsThatAreNotAligned) {
  alignas(4) std::array<std::byte, 8> storage{};
  const Tensor tensor = Tensor::view(DType::kFloat32, {1},
                                     std::span<const std::byte>(storage).subspan(1, 4), nullptr);
  EXPECT_THROW(tensor.as<float>(), std::logic_error);
}

TEST(Tensor, ShapesAreShownInBrackets) {
  EXPECT_EQ(to_string(Shape{}), "[]");
  EXPECT_EQ(to_string(Shape{8}), "[8]");
  EXPECT_EQ(to_string(Shape{8, -1, 12}), "[8, -1, 12]");
}

TEST(ToFloat32, LeavesFloat32WhereItIs) {
  const Tensor tensor = Tensor::from<float>({1, 2}, {2});
  const auto same = to_float32(tensor);
  ASSERT_THAT(same, IsOk());
  EXPECT_EQ(same->bytes().data(), tensor.bytes().data());
}

struct HalfCase {
  std::uint16_t bits;
  float value;
};

// IEEE 754-2019, binary16.
TEST(ToFloat32, ConvertsEveryKindOfFloat16) {
  const std::vector<HalfCase> cases = {
      {0x0000, 0.0F},         {0x3c00, 1.0F},
      {0xc000, -2.0F},        {0x3555, 0.333251953125F},  // nearest to 1/3
      {0x7bff, 65504.0F},     {0xfbff, -65504.0F},        // the largest
      {0x0400, 0x1p-14F},                                 // the smallest normal number
      {0x03ff, 0x1.ff8p-15F},                             // the largest subnormal number
      {0x0001, 0x1p-24F},     {0x8001, -0x1p-24F},        // the smallest
      {0x7c00, kInfinity},    {0xfc00, -kInfinity},
  };
  std::vector<std::uint16_t> bits;
  for (const HalfCase& c : cases) {
    EXPECT_EQ(float16_to_float(c.bits), c.value) << std::hex << c.bits;
    bits.push_back(c.bits);
  }
  const auto converted = to_float32(tensor_of(DType::kFloat16, bits));
  ASSERT_THAT(converted, IsOk());
  for (std::size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(converted->as<float>()[i], cases[i].value);
}

TEST(ToFloat32, KeepsTheSignOfZeroAndNotANumberOfFloat16) {
  EXPECT_TRUE(std::signbit(float16_to_float(0x8000)));
  EXPECT_EQ(float16_to_float(0x8000), 0.0F);
  for (const std::uint16_t bits : std::vector<std::uint16_t>{0x7c01, 0x7e00, 0xfe00, 0x7fff})
    EXPECT_TRUE(std::isnan(float16_to_float(bits))) << std::hex << bits;
}

/// All finite float16 by the definition: (-1)^s 2^(e - 15) (1 + m / 1024), and subnormal numbers.
TEST(ToFloat32, AgreesWithTheDefinitionForAllFloat16) {
  for (unsigned bits = 0; bits < 0x7c00; ++bits) {
    const int exponent = static_cast<int>(bits >> 10U);
    const double mantissa = bits & 0x3ffU;
    const double value =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    ASSERT_EQ(double{float16_to_float(static_cast<std::uint16_t>(bits))}, value) << bits;
    ASSERT_EQ(double{float16_to_float(static_cast<std::uint16_t>(bits | 0x8000U))}, -value) << bits;
  }
}

TEST(ToFloat32, ConvertsEveryKindOfBFloat16) {
  const std::vector<HalfCase> cases = {
      {0x0000, 0.0F},      {0x3f80, 1.0F},          {0xc000, -2.0F},
      {0x4049, 3.140625F}, {0x7f7f, 0x1.fep127F},   {0x0080, 0x1p-126F},
      {0x0001, 0x1p-133F}, {0x807f, -0x1.fcp-127F},  // subnormal numbers
      {0x7f80, kInfinity}, {0xff80, -kInfinity},
  };
  std::vector<std::uint16_t> bits;
  for (const HalfCase& c : cases) {
    EXPECT_EQ(bfloat16_to_float(c.bits), c.value) << std::hex << c.bits;
    bits.push_back(c.bits);
  }
  EXPECT_TRUE(std::isnan(bfloat16_to_float(0x7fc0)));
  const auto converted = to_float32(tensor_of(DType::kBFloat16, bits));
  ASSERT_THAT(converted, IsOk());
  for (std::size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(converted->as<float>()[i], cases[i].value);
}

TEST(ToFloat32, RoundsFloat64ToTheNearest) {
  const auto converted = to_float32(Tensor::from<double>(
      {0.1, -1e-300, 1.0 + 0x1p-24, 3.4028235e38, std::numeric_limits<double>::infinity(),
       std::numeric_limits<double>::quiet_NaN()},
      {2, 3}));
  ASSERT_THAT(converted, IsOk());
  EXPECT_EQ(converted->shape(), (Shape{2, 3}));
  const auto values = converted->as<float>();
  EXPECT_EQ(values[0], 0.1F);
  EXPECT_EQ(values[1], 0.0F);
  EXPECT_EQ(values[2], 1.0F);
  EXPECT_EQ(values[3], std::numeric_limits<float>::max());
  EXPECT_EQ(values[4], kInfinity);
  EXPECT_TRUE(std::isnan(values[5]));
}

TEST(ToFloat32, RefusesFloat64BeyondFloat32AndNamesTheElement) {
  EXPECT_THAT(to_float32(Tensor::from<double>({0, 1e300, -1e300}, {3})),
              HasError(ErrorCode::kCorrupt, "element 1 is 1e+300, which does not fit float32"));
  EXPECT_THAT(to_float32(Tensor::from<double>({-3.5e38}, {1})),
              HasError(ErrorCode::kCorrupt, "element 0 is -3.5e+38"));
}

TEST(ToFloat32, ConvertsWhatIsNotAligned) {
  std::array<std::byte, 17> storage{};
  const std::array<double, 2> numbers = {1.5, -2.5};
  std::memcpy(storage.data() + 1, numbers.data(), 16);
  const auto converted = to_float32(
      Tensor::view(DType::kFloat64, {2}, std::span<const std::byte>(storage).subspan(1), nullptr));
  ASSERT_THAT(converted, IsOk());
  EXPECT_THAT(converted->as<float>(), ElementsAre(1.5F, -2.5F));
}

TEST(ToFloat32, NamesTheTypeThatItDoesNotConvert) {
  EXPECT_THAT(to_float32(Tensor::from<std::int32_t>({1}, {1})),
              HasError(ErrorCode::kUnsupported,
                       "expected float32, float64, float16 or bfloat16, found int32"));
  for (const DType dtype : {DType::kFloat8E4M3Fn, DType::kBool, DType::kComplex64, DType::kInt8}) {
    const Tensor tensor = Tensor::from_bytes(dtype, {1}, std::vector<std::byte>(item_size(dtype)));
    EXPECT_THAT(to_float32(tensor),
                HasError(ErrorCode::kUnsupported, std::string(to_string(dtype))));
  }
}

TEST(ToFloat32, TakesEmptyTensors) {
  for (const DType dtype : {DType::kFloat64, DType::kFloat16, DType::kBFloat16}) {
    const auto converted = to_float32(Tensor::from_bytes(dtype, {0, 3}, {}));
    ASSERT_THAT(converted, IsOk());
    EXPECT_EQ(converted->shape(), (Shape{0, 3}));
    EXPECT_EQ(converted->dtype(), DType::kFloat32);
  }
}

}  // namespace
}  // namespace wakebuilder::core
