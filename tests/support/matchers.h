// GoogleMock matchers that speak of results and tensors.
#pragma once

#include <cmath>
#include <cstddef>
#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"

namespace wakebuilder {

/// How GoogleTest prints an error (it finds this by argument-dependent lookup).
inline void PrintTo(const Error& error, std::ostream* out) {
  *out << to_string(error.code) << ": " << error.message;
}

}  // namespace wakebuilder

namespace wakebuilder::test {

/// A Result that holds a value; the failure shows its error. `EXPECT_THAT(read(path), IsOk());`
MATCHER(IsOk, negation ? "is an error" : "is ok") {
  if (arg.has_value()) return true;
  *result_listener << to_string(arg.error().code) << ": " << arg.error().message;
  return false;
}

/// A Result that holds an error of this code whose sentence contains `text`.
MATCHER_P2(HasError, code, text,
           std::string(negation ? "is not" : "is") + " the error " +
               std::string(wakebuilder::to_string(code)) + " that says \"" + std::string(text) +
               "\"") {
  if (arg.has_value()) {
    *result_listener << "which is ok";
    return false;
  }
  *result_listener << to_string(arg.error().code) << ": " << arg.error().message;
  return arg.error().code == code && arg.error().message.find(text) != std::string::npos;
}

/// A float32 tensor of the shape of `want` whose values are all within `tolerance` of it.
MATCHER_P2(TensorNear, want, tolerance,
           "is near a tensor of shape " + core::to_string(want.shape())) {
  if (arg.shape() != want.shape()) {
    *result_listener << "whose shape is " << core::to_string(arg.shape());
    return false;
  }
  const auto found = arg.template as<float>();
  const auto expected = want.template as<float>();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(double{found[i]} - double{expected[i]});
    if (!(difference <= tolerance)) {
      *result_listener << "whose value " << i << " is " << found[i] << ", expected " << expected[i];
      return false;
    }
  }
  return true;
}

}  // namespace wakebuilder::test
