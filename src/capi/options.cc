#include "capi/options.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "wakebuilder/runtime/provider.h"

namespace wakebuilder::capi {
namespace {

/// Of the first version; members that come later are behind.
constexpr std::size_t kSmallest = sizeof(wakebuilder_options);
/// Larger ones are taken for what was in memory by chance: they are not looked at.
constexpr std::size_t kLargest = 4096;

Result<void> check_size(std::size_t size) {
  if (size >= kSmallest && size <= kLargest) return {};
  return fail(ErrorCode::kInvalidArgument, "wakebuilder_options.size: expected " +
                                               std::to_string(sizeof(wakebuilder_options)) +
                                               ", found " + std::to_string(size));
}

bool is_set(std::byte byte) { return byte != std::byte{0}; }

/// What the caller has of it; zeros, which are the defaults, for the rest. Members that this
/// version does not know must be zeros too.
Result<wakebuilder_options> known_part(const wakebuilder_options& options) {
  WAKEBUILDER_CHECK(check_size(options.size));
  const std::span all(reinterpret_cast<const std::byte*>(&options), options.size);
  const auto known = all.first(std::min(all.size(), sizeof(wakebuilder_options)));
  if (std::ranges::any_of(all.subspan(known.size()), is_set)) {
    return fail(ErrorCode::kUnsupported,
                "wakebuilder_options: expected the members of this version of the library alone, "
                "found newer ones set");
  }
  wakebuilder_options copy{};
  std::memcpy(&copy, known.data(), known.size());
  return copy;
}

/// NaN is not above zero.
std::optional<double> if_positive(double number) {
  return number > 0 ? std::optional(number) : std::nullopt;
}

/// A gate of 0 would be full scale; what is above is for the detector to refuse.
std::optional<double> gate(double dbfs) {
  return dbfs < 0 || dbfs > 0 ? std::optional(dbfs) : std::nullopt;
}

std::string text_of(const char* text) { return text != nullptr ? text : ""; }

}  // namespace

Result<pipeline::ListenOptions> listen_options(const wakebuilder_options* options) {
  pipeline::ListenOptions listen;
  if (options == nullptr) return listen;
  WAKEBUILDER_TRY(const wakebuilder_options known, known_part(*options));
  listen.overrides.threshold = if_positive(known.threshold);
  listen.overrides.refractory_s = if_positive(known.refractory_s);
  if (known.smoothing != 0) listen.overrides.smoothing = known.smoothing;
  listen.detector.gate_dbfs = gate(known.gate_dbfs);
  listen.session.strict_providers = known.strict_provider != 0;
  if (const std::string providers = text_of(known.providers); !providers.empty()) {
    WAKEBUILDER_TRY(listen.session.providers, runtime::parse_providers(providers));
  }
  listen.onnxruntime = text_of(known.onnxruntime);
  return listen;
}

}  // namespace wakebuilder::capi
