#include "wakebuilder/core/value.h"

#include <algorithm>
#include <array>

namespace wakebuilder::core {
namespace {

auto key_is(std::string_view key) {
  return [key](const Dict::value_type& entry) {
    const auto* name = entry.first.get_if<std::string>();
    return name != nullptr && *name == key;
  };
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  const auto* dict = get_if<Dict>();
  if (dict == nullptr) return nullptr;
  const auto found = std::find_if(dict->begin(), dict->end(), key_is(key));
  return found == dict->end() ? nullptr : &found->second;
}

std::optional<double> Value::number() const {
  if (const auto* integer = get_if<std::int64_t>()) return static_cast<double>(*integer);
  if (const auto* real = get_if<double>()) return *real;
  return std::nullopt;
}

void Value::set(std::string_view key, Value value) {
  if (is_null()) variant_ = Dict{};
  auto* dict = get_if<Dict>();
  WAKEBUILDER_EXPECT(dict != nullptr);
  const auto found = std::find_if(dict->begin(), dict->end(), key_is(key));
  if (found != dict->end()) {
    found->second = std::move(value);
  } else {
    dict->emplace_back(Value(key), std::move(value));
  }
}

void Value::erase(std::string_view key) {
  if (auto* dict = get_if<Dict>()) std::erase_if(*dict, key_is(key));
}

std::string_view Value::type_name() const {
  constexpr std::array<std::string_view, std::variant_size_v<Variant>> kNames = {
      "NoneType", "bool",   "int",  "float", "str",  "bytes",
      "int",      "object", "list", "tuple", "dict", "Tensor"};
  return kNames.at(variant_.index());
}

}  // namespace wakebuilder::core
