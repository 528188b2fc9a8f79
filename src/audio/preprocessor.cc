// transformers' preprocessor_config.json.

#include <string>

#include "wakebuilder/audio/features.h"
#include "wakebuilder/core/file.h"
#include "wakebuilder/core/json.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::audio {
namespace {

using core::Value;

constexpr std::uintmax_t kMaxBytes = 1 << 20;

tl::unexpected<Error> other(std::string_view name, const std::string& expected,
                            const Value& found) {
  return fail(ErrorCode::kUnsupported, std::string(name) + ": expected " + expected + ", found " +
                                           core::shorten(core::to_json(found), 60));
}

/// The field must be absent or equal to `expected`.
Result<void> require_number(const Value& config, std::string_view name, double expected) {
  const Value* found = config.find(name);
  if (found == nullptr || found->number() == expected) return {};
  return other(name, core::to_text(expected), *found);
}

Result<void> require_text(const Value& config, std::string_view name, const std::string& expected) {
  const Value* found = config.find(name);
  if (found == nullptr) return {};
  const auto* text = found->get_if<std::string>();
  if (text != nullptr && *text == expected) return {};
  return other(name, "\"" + expected + "\"", *found);
}

Result<void> read_number(const Value& config, std::string_view name, double& value) {
  const Value* found = config.find(name);
  if (found == nullptr) return {};
  const auto number = found->number();
  if (!number) return other(name, "a number", *found);
  value = *number;
  return {};
}

Result<void> read_frames(const Value& config, std::size_t& frames) {
  const Value* found = config.find("max_length");
  if (found == nullptr) return {};
  const auto* number = found->get_if<std::int64_t>();
  if (number == nullptr || *number < 1)
    return other("max_length", "1 to " + std::to_string(kMaxFrames), *found);
  frames = static_cast<std::size_t>(*number);
  return {};
}

Result<void> read_flag(const Value& config, std::string_view name, bool& value) {
  const Value* found = config.find(name);
  if (found == nullptr) return {};
  const auto* flag = found->get_if<bool>();
  if (flag == nullptr) return other(name, "true or false", *found);
  value = *flag;
  return {};
}

}  // namespace

Result<FeatureOptions> parse_preprocessor(std::string_view json) {
  WAKEBUILDER_TRY(const Value config, core::parse_json(json));
  if (config.get_if<core::Dict>() == nullptr) {
    return fail(ErrorCode::kCorrupt,
                "expected a JSON object, found " + std::string(config.type_name()));
  }
  WAKEBUILDER_CHECK(require_text(config, "feature_extractor_type", "ASTFeatureExtractor"));
  WAKEBUILDER_CHECK(require_number(config, "sampling_rate", kSampleRateHz));
  WAKEBUILDER_CHECK(require_number(config, "num_mel_bins", static_cast<double>(kMelBins)));
  WAKEBUILDER_CHECK(require_number(config, "feature_size", 1));
  WAKEBUILDER_CHECK(require_number(config, "padding_value", 0));
  WAKEBUILDER_CHECK(require_text(config, "padding_side", "right"));
  FeatureOptions options;
  WAKEBUILDER_CHECK(read_frames(config, options.frames));
  WAKEBUILDER_CHECK(read_number(config, "mean", options.mean));
  WAKEBUILDER_CHECK(read_number(config, "std", options.std));
  WAKEBUILDER_CHECK(read_flag(config, "do_normalize", options.normalise));
  WAKEBUILDER_CHECK(check(options));
  return options;
}

Result<FeatureOptions> read_preprocessor(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > kMaxBytes) {
    return fail(ErrorCode::kUnsupported, core::shown(path) +
                                             ": expected at most 1 MiB of JSON, found " +
                                             std::to_string(size) + " bytes");
  }
  WAKEBUILDER_TRY(const std::string text, core::read_text(path));
  auto options = parse_preprocessor(text);
  if (!options) return fail_in(core::shown(path), std::move(options).error());
  return options;
}

}  // namespace wakebuilder::audio
