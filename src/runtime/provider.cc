#include "wakebuilder/runtime/provider.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "wakebuilder/core/text.h"

namespace wakebuilder::runtime {
namespace {

struct Known {
  std::string_view name, ort_name;
};

constexpr std::array<Known, 3> kKnown = {{{"cpu", "CPUExecutionProvider"},
                                          {"cuda", "CUDAExecutionProvider"},
                                          {"tensorrt", "TensorrtExecutionProvider"}}};

constexpr std::string_view kNames = "cpu, cuda, tensorrt or a name that ends in ExecutionProvider";

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool is_ort_name(std::string_view name) {
  constexpr std::string_view kEnding = "ExecutionProvider";
  const bool is_word =
      std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  return is_word && name.size() > kEnding.size() && name.ends_with(kEnding);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string quoted(std::string_view text) { return '"' + core::quote(text) + '"'; }

tl::unexpected<Error> refuse(const std::string& expected, std::string_view found) {
  return fail(ErrorCode::kInvalidArgument, "expected " + expected + ", found " + quoted(found));
}

/// A stretch between separators, and the one before it.
struct Item {
  std::string text;  ///< without the escapes
  char separator = ';';
};

/// Cuts at commas and semicolons that have no backslash in front.
std::vector<Item> cut(std::string_view text) {
  std::vector<Item> items(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      items.back().text += text[++i];
    } else if (text[i] == ',' || text[i] == ';') {
      items.push_back({.text = {}, .separator = text[i]});
    } else {
      items.back().text += text[i];
    }
  }
  return items;
}

/// "device_id=0", but not "cuda:device_id=0".
bool is_option(const Item& item) {
  const auto mark = item.text.find_first_of(":=");
  return item.separator == ',' && mark != std::string::npos && item.text[mark] == '=';
}

Result<void> add_option(Provider& provider, std::string_view text) {
  const auto equals = text.find('=');
  const auto key = trimmed(text.substr(0, equals));
  const auto value = equals == std::string_view::npos ? "" : trimmed(text.substr(equals + 1));
  if (key.empty() || value.empty())
    return refuse("KEY=VALUE as option of " + provider.name, trimmed(text));
  const bool is_there = std::ranges::any_of(
      provider.options, [key](const auto& option) { return option.first == key; });
  if (is_there) return refuse("each option of " + provider.name + " once", text);
  if (provider.name == "cpu") return refuse("cpu without options", text);
  provider.options.emplace_back(key, value);
  return {};
}

/// What stands at the place of a provider: "cuda", "cuda:device_id=0".
Result<Provider> begin_provider(const std::string& text, bool after_options) {
  const auto colon = text.find(':');
  const auto name = trimmed(std::string_view(text).substr(0, colon));
  Provider provider{.name = provider_name(name)};
  const bool is_known =
      std::ranges::any_of(kKnown, [&](const Known& k) { return k.name == provider.name; });
  if (!is_known && !is_ort_name(name))
    return refuse(std::string(kNames) + (after_options ? ", or KEY=VALUE" : ""), name);
  if (colon != std::string::npos)
    WAKEBUILDER_CHECK(add_option(provider, std::string_view(text).substr(colon + 1)));
  return provider;
}

Result<void> add_provider(std::vector<Provider>& providers, const std::string& text) {
  const bool after_options = !providers.empty() && !providers.back().options.empty();
  WAKEBUILDER_TRY(auto provider, begin_provider(text, after_options));
  const bool is_there = std::ranges::any_of(
      providers, [&](const Provider& other) { return other.name == provider.name; });
  if (is_there) return refuse("each provider once", provider.name);
  if (!providers.empty() && providers.back().name == "cpu")
    return refuse("cpu as the last provider, since it runs whatever is left", provider.name);
  providers.push_back(std::move(provider));
  return {};
}

}  // namespace

std::string ort_provider_name(const std::string& name) {
  const auto* known = std::ranges::find(kKnown, std::string_view(name), &Known::name);
  return known != kKnown.end() ? std::string(known->ort_name) : name;
}

std::string provider_name(std::string_view ort_name) {
  for (const Known& known : kKnown) {
    if (equal_without_case(ort_name, known.name) || ort_name == known.ort_name)
      return std::string(known.name);
  }
  return std::string(ort_name);
}

Result<std::vector<Provider>> parse_providers(std::string_view text) {
  std::vector<Provider> providers;
  for (const Item& item : cut(text)) {
    if (is_option(item) && !providers.empty()) {
      WAKEBUILDER_CHECK(add_option(providers.back(), item.text));
    } else {
      WAKEBUILDER_CHECK(add_provider(providers, item.text));
    }
  }
  return providers;
}

Result<Provider> parse_provider(std::string_view text) {
  WAKEBUILDER_TRY(auto providers, parse_providers(text));
  if (providers.size() != 1) return refuse("one provider", text);
  return std::move(providers.front());
}

}  // namespace wakebuilder::runtime
