// Compares trees of values to the bit.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>

#include <gmock/gmock.h>

#include "wakebuilder/core/value.h"

namespace wakebuilder::test {

/// Where two trees differ, "root.a.0: ..."; empty when they do not. NaN equals itself, -0 is not 0.
inline std::string difference(const core::Value& a, const core::Value& b,
                              const std::string& path = "root");

namespace internal {

inline std::string difference(const core::List& a, const core::List& b, const std::string& path) {
  if (a.size() != b.size()) return path + ": the lengths differ";
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto found = test::difference(a[i], b[i], path + "." + std::to_string(i));
    if (!found.empty()) return found;
  }
  return "";
}

inline std::string difference(const core::Dict& a, const core::Dict& b, const std::string& path) {
  if (a.size() != b.size()) return path + ": the sizes differ";
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto* name = a[i].first.get_if<std::string>();
    const std::string step = path + "." + (name != nullptr ? *name : "?");
    const auto in_key = test::difference(a[i].first, b[i].first, step + " (key)");
    const auto found = in_key.empty() ? test::difference(a[i].second, b[i].second, step) : in_key;
    if (!found.empty()) return found;
  }
  return "";
}

inline std::string difference(const core::Tensor& a, const core::Tensor& b,
                              const std::string& path) {
  if (a.dtype() != b.dtype()) return path + ": the element types differ";
  if (a.shape() != b.shape()) return path + ": the shapes differ";
  const bool same =
      std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end());
  return same ? "" : path + ": the data differs";
}

}  // namespace internal

inline std::string difference(const core::Value& a, const core::Value& b, const std::string& path) {
  if (a.variant().index() != b.variant().index()) {
    return path + ": " + std::string(a.type_name()) + " and " + std::string(b.type_name());
  }
  return std::visit(
      [&](const auto& left) -> std::string {
        using T = std::decay_t<decltype(left)>;
        const T& right = *b.get_if<T>();
        if constexpr (std::is_same_v<T, core::List> || std::is_same_v<T, core::Dict> ||
                      std::is_same_v<T, core::Tensor>) {
          return internal::difference(left, right, path);
        } else if constexpr (std::is_same_v<T, core::Tuple>) {
          return internal::difference(left.items, right.items, path);
        } else if constexpr (std::is_same_v<T, double>) {
          const bool same =
              std::bit_cast<std::uint64_t>(left) == std::bit_cast<std::uint64_t>(right);
          return same ? "" : path + ": the numbers differ";
        } else {
          return left == right ? "" : path + ": the values differ";
        }
      },
      a.variant());
}

/// A value equal to `want` in every type, key, order, number and tensor.
MATCHER_P(IsValue, want, "is the same tree of values") {
  const std::string found = difference(arg, want);
  *result_listener << found;
  return found.empty();
}

}  // namespace wakebuilder::test
