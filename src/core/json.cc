#include "wakebuilder/core/json.h"

#include <charconv>
#include <cmath>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "wakebuilder/core/text.h"

namespace wakebuilder::core {
namespace {

constexpr std::size_t kMaxDepth = 128;

/// Builds a Value from nlohmann's events, so that order is kept and depth and double keys are
/// noticed.
class ValueBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add(Value()); }
  bool boolean(bool value) override { return add(Value(value)); }
  bool number_integer(std::int64_t value) override { return add(Value(value)); }
  bool number_unsigned(std::uint64_t value) override {
    if (value <= static_cast<std::uint64_t>(INT64_MAX))
      return add(Value(static_cast<std::int64_t>(value)));
    return add(Value(BigInteger{std::to_string(value)}));
  }
  bool number_float(double value, const std::string& text) override {
    const bool is_integer = text.find_first_of(".eE") == std::string::npos;
    return is_integer ? add(Value(BigInteger{text})) : add(Value(value));
  }
  bool string(std::string& value) override { return add(Value(std::move(value))); }
  bool binary(nlohmann::json::binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return open(Value(Dict{})); }
  bool start_array(std::size_t /*size*/) override { return open(Value(List{})); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& key) override {
    Level& level = levels_.back();
    if (!level.keys.insert(key).second) {
      return stop("the key \"" + quote(key) + "\" is given twice");
    }
    level.key = std::move(key);
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    std::string text =
        error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const auto end = text.find("] ");
    return stop(quote(end == std::string::npos ? text : text.substr(end + 2), 300));
  }

  Value take() { return std::move(result_); }
  const std::string& problem() const { return problem_; }

 private:
  struct Level {
    Value value;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool stop(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  bool open(Value value) {
    if (levels_.size() >= kMaxDepth) {
      return stop("nested deeper than " + std::to_string(kMaxDepth) + " levels");
    }
    levels_.push_back(Level{std::move(value), {}, {}});
    return true;
  }

  bool close() {
    Value value = std::move(levels_.back().value);
    levels_.pop_back();
    return add(std::move(value));
  }

  bool add(Value value) {
    if (levels_.empty()) {
      result_ = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    if (auto* list = level.value.get_if<List>()) {
      list->push_back(std::move(value));
    } else {
      level.value.get_if<Dict>()->emplace_back(Value(std::move(level.key)), std::move(value));
    }
    return true;
  }

  std::vector<Level> levels_;
  Value result_;
  std::string problem_;
};

using Json = nlohmann::ordered_json;

Json json_of(const Value& value);
std::string key_text(const Value& key);

struct ToJson {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(bool value) const { return value; }
  Json operator()(std::int64_t value) const { return value; }
  Json operator()(double value) const { return std::isfinite(value) ? Json(value) : Json(nullptr); }
  Json operator()(const std::string& value) const { return value; }
  Json operator()(const Bytes& value) const { return escape(value.data); }
  Json operator()(const BigInteger& value) const {
    const char* end = value.digits.data() + value.digits.size();
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(value.digits.data(), end, number);
    return error == std::errc() && stop == end ? Json(number) : Json(value.digits);
  }
  Json operator()(const Opaque& value) const { return value.what; }
  Json operator()(const Tuple& value) const { return (*this)(value.items); }
  Json operator()(const List& value) const {
    Json array = Json::array();
    for (const Value& item : value) array.push_back(json_of(item));
    return array;
  }
  Json operator()(const Dict& value) const {
    Json object = Json::object();
    for (const auto& [key, item] : value) object[key_text(key)] = json_of(item);
    return object;
  }
  Json operator()(const Tensor& value) const {
    return Json{{"dtype", to_string(value.dtype())}, {"shape", value.shape()}};
  }
};

Json json_of(const Value& value) { return std::visit(ToJson{}, value.variant()); }

std::string key_text(const Value& key) {
  const Json json = json_of(key);
  return json.is_string() ? json.get<std::string>()
                          : json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Result<Value> parse_json(std::string_view text) {
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {  // nlohmann stops there
    return fail(ErrorCode::kCorrupt, "not valid JSON: a NUL at byte " + std::to_string(nul));
  }
  ValueBuilder builder;
  if (nlohmann::json::sax_parse(text, &builder)) return builder.take();
  return fail(ErrorCode::kCorrupt, "not valid JSON: " + builder.problem());
}

std::string to_json(const Value& value, int indent) {
  return json_of(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace wakebuilder::core
