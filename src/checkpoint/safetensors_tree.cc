#include "checkpoint/safetensors_tree.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

#include "checkpoint/big_integer.h"
#include "checkpoint/json_size.h"
#include "checkpoint/limits.h"

namespace wakebuilder::checkpoint {
namespace {

using core::Value;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, "the tree in __metadata__: " + std::move(message));
}

/// Undoes the tags. Consumes the JSON as it goes, so that nothing is held twice.
class TreeReader {
 public:
  explicit TreeReader(const core::Dict& tensors) {
    for (const auto& [name, tensor] : tensors)
      tensors_.emplace(*name.get_if<std::string>(), &tensor);
  }

  Result<Value> read(Value& json) {
    if (auto* list = json.get_if<core::List>()) return read_list(*list);
    if (auto* dict = json.get_if<core::Dict>()) return read_dict(*dict);
    return std::move(json);
  }

  bool used_all() const { return used_.size() == tensors_.size(); }

 private:
  Result<Value> read_list(core::List& items) {
    for (Value& item : items) {
      WAKEBUILDER_TRY(item, read(item));
    }
    return Value(std::move(items));
  }

  Result<Value> read_dict(core::Dict& dict) {
    if (dict.size() == 1 && dict[0].first.get_if<std::string>()->starts_with('$')) {
      return read_tagged(*dict[0].first.get_if<std::string>(), dict[0].second);
    }
    for (auto& [key, value] : dict) {
      if (key.get_if<std::string>()->starts_with('$')) return corrupt("a tag among other keys");
      WAKEBUILDER_TRY(value, read(value));
    }
    return Value(std::move(dict));
  }

  Result<Value> read_tagged(const std::string& tag, Value& body) {
    if (auto* items = body.get_if<core::List>()) {
      if (tag == "$dict") return read_pairs(*items);
      if (tag != "$tuple") return unknown(tag);
      WAKEBUILDER_TRY(Value list, read_list(*items));
      return Value(core::Tuple{std::move(*list.get_if<core::List>())});
    }
    const auto* text = body.get_if<std::string>();
    if (text == nullptr) return unknown(tag);
    if (tag == "$tensor") return find_tensor(*text);
    if (tag == "$bytes") return read_bytes(*text);
    if (tag == "$int") return read_integer(*text);
    if (tag == "$float") return read_float(*text);
    return unknown(tag);
  }

  static tl::unexpected<Error> unknown(const std::string& tag) {
    return corrupt("\"" + core::quote(tag) + "\" is no known tag, or has a wrong value");
  }

  Result<Value> read_pairs(core::List& pairs) {
    core::Dict dict;
    dict.reserve(pairs.size());
    for (Value& pair : pairs) {
      auto* both = pair.get_if<core::List>();
      if (both == nullptr || both->size() != 2)
        return corrupt("\"$dict\" holds something else than pairs");
      WAKEBUILDER_TRY(Value key, read((*both)[0]));
      if (!is_hashable(key)) return corrupt("a key is of type " + std::string(key.type_name()));
      WAKEBUILDER_TRY(Value value, read((*both)[1]));
      dict.emplace_back(std::move(key), std::move(value));
    }
    return Value(std::move(dict));
  }

  /// What Python takes as a key of a dict.
  static bool is_hashable(const Value& key) {
    if (const auto* tuple = key.get_if<core::Tuple>()) {
      return std::all_of(tuple->items.begin(), tuple->items.end(), is_hashable);
    }
    return key.get_if<core::List>() == nullptr && key.get_if<core::Dict>() == nullptr &&
           key.get_if<core::Tensor>() == nullptr;
  }

  Result<Value> find_tensor(const std::string& name) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) return corrupt("there is no tensor \"" + core::quote(name) + "\"");
    used_.insert(found->first);
    return *found->second;
  }

  static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  }

  static Result<Value> read_bytes(const std::string& hex) {
    core::Bytes bytes;
    if (hex.size() % 2 != 0) return corrupt("bytes of half a byte");
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      const int high = digit(hex[i]);
      const int low = digit(hex[i + 1]);
      if (high < 0 || low < 0) return corrupt("bytes that are not hexadecimal");
      bytes.data.push_back(static_cast<char>(high * 16 + low));
    }
    return Value(std::move(bytes));
  }

  static Result<Value> read_integer(const std::string& digits) {
    constexpr std::size_t kMaxDigits = 80;  // about as many as kMaxLongBytes give
    const auto bytes =
        digits.size() <= kMaxDigits ? integer_bytes(core::BigInteger{digits}) : std::nullopt;
    if (!bytes) return corrupt("an integer that is none");
    return integer_value(*bytes);
  }

  static Result<Value> read_float(const std::string& hex) {
    std::uint64_t bits = 0;
    const auto end = std::from_chars(hex.data(), hex.data() + hex.size(), bits, 16);
    if (hex.size() != 16 || end.ec != std::errc() || end.ptr != hex.data() + hex.size()) {
      return corrupt("a float that is none");
    }
    return Value(std::bit_cast<double>(bits));
  }

  std::unordered_map<std::string_view, const Value*> tensors_;
  std::unordered_set<std::string_view> used_;
};

}  // namespace

Result<Value> take_tree(SafetensorsFile& file) {
  const Value* text = file.metadata.find(kTreeKey);
  if (text == nullptr) return Value(std::move(file.tensors));
  const std::string& json = *text->get_if<std::string>();
  WAKEBUILDER_CHECK(check_json_size(json));
  auto parsed = core::parse_json(json);
  if (!parsed) return corrupt(std::move(parsed).error().message);
  TreeReader reader(file.tensors);
  WAKEBUILDER_TRY(Value tree, reader.read(*parsed));
  if (!reader.used_all()) return corrupt("it leaves a tensor of the file out");
  file.metadata.erase(kTreeKey);
  return tree;
}

}  // namespace wakebuilder::checkpoint
