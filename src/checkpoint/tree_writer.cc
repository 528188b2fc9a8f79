#include "checkpoint/tree_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <variant>

#include "wakebuilder/core/text.h"

#include "checkpoint/big_integer.h"
#include "checkpoint/limits.h"

namespace wakebuilder::checkpoint {
namespace {

using core::Dict;
using core::List;
using core::Tensor;
using core::Value;

constexpr std::string_view kReservedName = "__metadata__";
constexpr std::array<std::string_view, 4> kWeightKeys = {"classifier_state_dict",
                                                         "model_state_dict", "state_dict", "model"};

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    text += kDigits[code >> 4U];
    text += kDigits[code & 15U];
  }
  return text;
}

/// 16 hexadecimal digits, the sign first.
std::string hex(double value) {
  const std::uint64_t bits = __builtin_bswap64(std::bit_cast<std::uint64_t>(value));
  return hex(std::string_view(reinterpret_cast<const char*>(&bits), sizeof(bits)));
}

Value tagged(std::string_view tag, Value body) {
  return Value(Dict{{Value(tag), std::move(body)}});
}

/// A plain dict of tensors under text keys is what safetensors itself can say.
bool is_plain(const Value& root) {
  const auto* dict = root.get_if<Dict>();
  return dict != nullptr && std::all_of(dict->begin(), dict->end(), [](const auto& item) {
           const auto* key = item.first.template get_if<std::string>();
           return key != nullptr && *key != kReservedName && core::is_utf8(*key) &&
                  item.second.template get_if<Tensor>() != nullptr;
         });
}

/// True when an object of JSON can hold the dict: short enough for ordered lookups, keys that are
/// no tags.
bool fits_object(const Dict& dict) {
  constexpr std::size_t kMaxObject = 1000;
  return dict.size() <= kMaxObject && std::all_of(dict.begin(), dict.end(), [](const auto& item) {
           const auto* key = item.first.template get_if<std::string>();
           return key != nullptr && !key->starts_with('$');
         });
}

class TreeSplitter {
 public:
  Result<Value> split(const Value& value) {
    return std::visit([this](const auto& item) { return this->put(item); }, value.variant());
  }

  std::vector<std::pair<std::string, Tensor>> take_tensors() { return std::move(tensors_); }

 private:
  static Result<Value> put(std::monostate) { return Value(); }
  static Result<Value> put(bool value) { return Value(value); }
  static Result<Value> put(std::int64_t value) { return Value(value); }
  static Result<Value> put(double value) {
    return std::isfinite(value) ? Value(value) : tagged("$float", hex(value));
  }
  static Result<Value> put(const core::Bytes& bytes) { return tagged("$bytes", hex(bytes.data)); }

  static Result<Value> put(const core::BigInteger& value) {
    const auto bytes = integer_bytes(value);
    if (!bytes || bytes->size() > kMaxLongBytes) {
      return fail(ErrorCode::kUnsupported, "the integer " + core::quote(value.digits) +
                                               " cannot be written to a safetensors file");
    }
    const Value number = integer_value(*bytes);
    const auto* big = number.get_if<core::BigInteger>();
    return big != nullptr ? tagged("$int", big->digits) : number;
  }

  static Result<Value> put(const std::string& text) {
    if (core::is_utf8(text)) return Value(text);
    return fail(ErrorCode::kUnsupported,
                "text that is not UTF-8 cannot be written to a safetensors file");
  }

  static Result<Value> put(const core::Opaque& value) {
    return fail(ErrorCode::kUnsupported,
                "a " + value.what + " cannot be written to a safetensors file");
  }

  Result<Value> put(const List& items) {
    List list;
    list.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      path_.push_back(std::to_string(i));
      WAKEBUILDER_TRY(Value item, split(items[i]));
      list.push_back(std::move(item));
      path_.pop_back();
    }
    return Value(std::move(list));
  }

  Result<Value> put(const core::Tuple& tuple) {
    WAKEBUILDER_TRY(Value items, put(tuple.items));
    return tagged("$tuple", std::move(items));
  }

  Result<Value> put(const Dict& dict) {
    const bool as_object = fits_object(dict);
    Dict object;
    List pairs;
    for (const auto& [key, value] : dict) {
      const auto* text = key.get_if<std::string>();
      const auto* number = key.get_if<std::int64_t>();
      path_.push_back(text != nullptr ? *text : number != nullptr ? std::to_string(*number) : "?");
      WAKEBUILDER_TRY(Value json_key, split(key));
      auto json_value = split(value);
      if (!json_value) return fail_in(core::quote(path_.back()), std::move(json_value).error());
      path_.pop_back();
      if (as_object) {
        object.emplace_back(std::move(json_key), *std::move(json_value));
      } else {
        pairs.emplace_back(List{std::move(json_key), *std::move(json_value)});
      }
    }
    return as_object ? Value(std::move(object)) : tagged("$dict", std::move(pairs));
  }

  Result<Value> put(const Tensor& tensor) {
    const auto bytes = tensor.bytes();
    const auto key = std::tuple(tensor.dtype(), bytes.data(), bytes.size(), tensor.shape());
    const auto known = bytes.empty() ? stored_.end() : stored_.find(key);
    if (known != stored_.end()) return tagged("$tensor", known->second);
    std::string name = free_name();
    if (!bytes.empty()) stored_.emplace(key, name);
    tensors_.emplace_back(name, tensor);
    return tagged("$tensor", std::move(name));
  }

  std::string free_name() {
    const bool is_weight = path_.size() == 2 && std::find(kWeightKeys.begin(), kWeightKeys.end(),
                                                          path_[0]) != kWeightKeys.end();
    std::string name = is_weight ? path_[1] : std::string();
    for (std::size_t i = 0; !is_weight && i < path_.size(); ++i)
      name += (i == 0 ? "" : ".") + path_[i];
    if (name.empty() || name == kReservedName) name = "tensor";
    std::string unique = name;
    for (int i = 2; !names_.insert(unique).second; ++i) unique = name + "#" + std::to_string(i);
    return unique;
  }

  using StoredKey = std::tuple<core::DType, const std::byte*, std::size_t, core::Shape>;
  std::vector<std::pair<std::string, Tensor>> tensors_;
  std::map<StoredKey, std::string> stored_;
  std::unordered_set<std::string> names_;
  std::vector<std::string> path_;
};

SplitTree plain_tree(const Dict& dict) {
  SplitTree tree;
  for (const auto& [key, value] : dict) {
    tree.tensors.emplace_back(*key.get_if<std::string>(), *value.get_if<Tensor>());
  }
  return tree;
}

}  // namespace

Result<SplitTree> split_tree(const Value& root) {
  if (is_plain(root)) return plain_tree(*root.get_if<Dict>());
  TreeSplitter splitter;
  SplitTree tree;
  WAKEBUILDER_TRY(tree.json, splitter.split(root));
  tree.tensors = splitter.take_tensors();
  if (tree.json.is_null()) return fail(ErrorCode::kUnsupported, "None alone is no checkpoint");
  return tree;
}

}  // namespace wakebuilder::checkpoint
