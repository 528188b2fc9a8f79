// A typed value as Python and JSON know it, with tensors as possible leaves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wakebuilder/core/result.h"
#include "wakebuilder/core/tensor.h"

namespace wakebuilder::core {

class Value;

/// A byte string (Python `bytes`).
struct Bytes {
  std::string data;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

/// An integer beyond 64 bits, as decimal digits with an optional minus sign.
struct BigInteger {
  std::string digits;
  friend bool operator==(const BigInteger&, const BigInteger&) = default;
};

/// Something that a checkpoint names but that has no value here: "sparse tensor", "torch.float32".
struct Opaque {
  std::string what;
  friend bool operator==(const Opaque&, const Opaque&) = default;
};

using List = std::vector<Value>;

/// A tuple, which Python tells apart from a list.
struct Tuple {
  List items;
};

/// A mapping that keeps its order. Keys are unique strings in nearly all checkpoints; optimiser
/// states have integer keys.
using Dict = std::vector<std::pair<Value, Value>>;

/// None, bool, int, float, str, bytes, list, tuple, dict or tensor.
class Value {
 public:
  using Variant = std::variant<std::monostate, bool, std::int64_t, double, std::string, Bytes,
                               BigInteger, Opaque, List, Tuple, Dict, Tensor>;

  Value() = default;
  Value(bool value) : variant_(value) {}                      // NOLINT(google-explicit-constructor)
  Value(int value) : variant_(std::int64_t{value}) {}         // NOLINT(google-explicit-constructor)
  Value(std::int64_t value) : variant_(value) {}              // NOLINT(google-explicit-constructor)
  Value(double value) : variant_(value) {}                    // NOLINT(google-explicit-constructor)
  Value(const char* value) : variant_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  Value(std::string value) : variant_(std::move(value)) {}    // NOLINT(google-explicit-constructor)
  Value(std::string_view value)                               // NOLINT(google-explicit-constructor)
      : variant_(std::string(value)) {}
  Value(Bytes value) : variant_(std::move(value)) {}       // NOLINT(google-explicit-constructor)
  Value(BigInteger value) : variant_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Value(Opaque value) : variant_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Value(List value) : variant_(std::move(value)) {}        // NOLINT(google-explicit-constructor)
  Value(Tuple value) : variant_(std::move(value)) {}       // NOLINT(google-explicit-constructor)
  Value(Dict value) : variant_(std::move(value)) {}        // NOLINT(google-explicit-constructor)
  Value(Tensor value) : variant_(std::move(value)) {}      // NOLINT(google-explicit-constructor)

  bool is_null() const { return std::holds_alternative<std::monostate>(variant_); }

  /// The alternative T, or null: `if (const auto* text = value.get_if<std::string>())`.
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&variant_);
  }
  template <class T>
  T* get_if() {
    return std::get_if<T>(&variant_);
  }

  /// The value under a string key of a Dict; null when this is no Dict or has no such key.
  const Value* find(std::string_view key) const;

  /// Follows string keys: `find_path({"config", "use_tcn"})`.
  template <class... Keys>
  const Value* find(std::string_view first, Keys... rest) const {
    const Value* child = find(first);
    return child ? child->find(rest...) : nullptr;
  }

  /// An int or a float as double.
  std::optional<double> number() const;

  /// Sets or replaces a string key. @pre this is null (becomes a Dict) or a Dict
  void set(std::string_view key, Value value);

  /// Removes a string key of a Dict, if it is there.
  void erase(std::string_view key);

  /// Python's name of the alternative: "dict", "str", "NoneType", "Tensor".
  std::string_view type_name() const;

  const Variant& variant() const { return variant_; }

 private:
  Variant variant_;
};

}  // namespace wakebuilder::core
