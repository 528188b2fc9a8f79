#include "wakebuilder/runtime/wake_model.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/text.h"

namespace wakebuilder::runtime {
namespace {

constexpr std::int64_t kBins = static_cast<std::int64_t>(audio::kMelBins);
constexpr std::int64_t kShift = static_cast<std::int64_t>(audio::kFrameShift);
constexpr std::int64_t kLength = static_cast<std::int64_t>(audio::kFrameLength);
constexpr std::int64_t kMaxWindowFrames = 3000;
constexpr std::size_t kMaxSmoothing = 100;
constexpr double kMaxRefractorySeconds = 3600;
constexpr std::string_view kStatePrefix = "state/";
constexpr std::int32_t kFloatElements = 1;

// ---- ranges ----

struct Range {
  std::string_view name;
  double least, most;
};

constexpr Range kThreshold = {"threshold", 0, 1};
constexpr Range kSmoothing = {"smoothing", 1, kMaxSmoothing};
constexpr Range kRefractory = {"refractory_s", 0, kMaxRefractorySeconds};
constexpr Range kWindow = {"window_frames", 1, kMaxWindowFrames};
constexpr Range kHop = {"hop_frames", 1, kMaxWindowFrames};
constexpr Range kWarmUp = {"warm_up_hops", 0, kMaxWindowFrames};
constexpr Range kMean = {"feature_mean", -1000, 1000};
constexpr Range kStd = {"feature_std", 1e-6, 1000};

Result<void> check(ErrorCode code, const Range& range, double found) {
  if (found >= range.least && found <= range.most) return {};
  return fail(code, std::string(range.name) + ": expected a number from " +
                        core::to_text(range.least) + " to " + core::to_text(range.most) +
                        ", found " + core::to_text(found));
}

template <class T>
Result<void> check_if(const Range& range, const std::optional<T>& given) {
  if (!given) return {};
  return check(ErrorCode::kInvalidArgument, range, static_cast<double>(*given));
}

// ---- metadata ----

class Metadata {
 public:
  explicit Metadata(std::span<const std::pair<std::string, std::string>> pairs) : pairs_(pairs) {}

  const std::string* find(std::string_view key) const {
    const auto found =
        std::ranges::find_if(pairs_, [&](const auto& pair) { return pair.first == key; });
    return found == pairs_.end() ? nullptr : &found->second;
  }

  /// Sets `number` if the metadata says it.
  Result<void> read(const Range& range, double& number) const {
    const std::string* text = find(range.name);
    if (text == nullptr) return {};
    double value = 0;
    const char* end = text->data() + text->size();
    const auto [rest, error] = std::from_chars(text->data(), end, value);
    if (error != std::errc() || rest != end || !std::isfinite(value)) {
      return fail(ErrorCode::kMismatch, "metadata " + std::string(range.name) +
                                            ": expected a number, found \"" + core::quote(*text) +
                                            "\"");
    }
    number = value;
    return check(ErrorCode::kMismatch, range, value);
  }

  template <class T>
  requires std::integral<T> Result<void> read(const Range& range, T& number)
  const {
    auto value = static_cast<double>(number);
    WAKEBUILDER_CHECK(read(range, value));
    number = static_cast<T>(value);
    if (static_cast<double>(number) == value) return {};
    return fail(ErrorCode::kMismatch, "metadata " + std::string(range.name) +
                                          ": expected a whole number, found " +
                                          core::to_text(value));
  }

 private:
  std::span<const std::pair<std::string, std::string>> pairs_;
};

// ---- ports ----

std::string shown(const Port& port) {
  std::string dims;
  for (std::size_t i = 0; i < port.shape.size(); ++i) {
    const std::string name = i < port.dim_names.size() ? port.dim_names[i] : std::string();
    dims += dims.empty() ? "" : ", ";
    dims += port.shape[i] >= 0 ? std::to_string(port.shape[i]) : name.empty() ? "?" : name;
  }
  return core::quote(port.name) + " [" + dims + "]";
}

Error other_input(const std::string& found) {
  return {ErrorCode::kUnsupported,
          "expected a model that hears, with the input input_values [batch, frames, 128] or "
          "waveform [batch, samples], found " +
              found};
}

bool is_state(const Port& port) { return port.name.starts_with(kStatePrefix); }

/// The input that the sound goes to; the others are states.
Result<const Port*> sound_input(const std::vector<Port>& inputs) {
  const Port* sound = nullptr;
  for (const Port& port : inputs) {
    if (is_state(port)) continue;
    if (sound != nullptr) return fail(other_input(shown(*sound) + " and " + shown(port)));
    sound = &port;
  }
  if (sound == nullptr) return fail(other_input("none"));
  return sound;
}

bool may_be(std::int64_t dimension, std::int64_t wanted) {
  return dimension == wanted || dimension < 0;
}

Result<void> read_input(const Port& port, const Metadata& metadata, Hearing& hearing) {
  const bool is_float = port.is_tensor && port.element_type == kFloatElements;
  const bool one_at_a_time = !port.shape.empty() && may_be(port.shape[0], 1);
  const std::string* input = metadata.find("input");
  hearing.waveform = port.name == "waveform" || (input != nullptr && *input == "waveform");
  const bool fits = hearing.waveform ? port.shape.size() == 2
                                     : port.shape.size() == 3 && may_be(port.shape[2], kBins);
  if (port.name == "embeddings") {
    return fail(ErrorCode::kUnsupported,
                "is a head, which hears embeddings " + shown(port) +
                    ", no sound; export it with its backbone: --graph ast --base DIR");
  }
  if (!is_float || !one_at_a_time || !fits) return fail(other_input(shown(port)));
  hearing.declared_rows = port.shape[1];
  return {};
}

Result<std::string> logits_output(const std::vector<Port>& outputs) {
  for (const Port& port : outputs) {
    const bool fits =
        port.shape.size() == 2 && may_be(port.shape[1], 2) && port.element_type == kFloatElements;
    if (fits && (port.name == "logits" || outputs.size() == 1)) return port.name;
  }
  std::string found;
  for (std::size_t i = 0; i < std::min<std::size_t>(outputs.size(), 3); ++i)
    found += (found.empty() ? "" : ", ") + shown(outputs[i]);
  return fail(ErrorCode::kUnsupported, "expected the output logits [batch, 2], found " + found);
}

// ---- windows ----

std::int64_t rows_of(const Hearing& hearing, std::int64_t frames) {
  return hearing.waveform ? (frames - 1) * kShift + kLength : frames;
}

std::int64_t frames_of(const Hearing& hearing, std::int64_t rows) {
  return hearing.waveform ? (rows - kLength) / kShift + 1 : rows;
}

/// The window of a stream is in its graph; `frames` says it.
Result<void> read_stream(const Metadata& metadata, const WakeOverrides& overrides,
                         Hearing& hearing) {
  Range frames = kWindow;
  frames.name = "frames";
  WAKEBUILDER_CHECK(metadata.read(frames, hearing.window_frames));
  WAKEBUILDER_CHECK(metadata.read(kHop, hearing.hop_frames));
  WAKEBUILDER_CHECK(metadata.read(kWarmUp, hearing.warm_up_hops));
  const std::int64_t wanted_window = overrides.window_frames.value_or(hearing.window_frames);
  const std::int64_t wanted_hop = overrides.hop_frames.value_or(hearing.hop_frames);
  if (wanted_window != hearing.window_frames || wanted_hop != hearing.hop_frames) {
    return fail(ErrorCode::kMismatch,
                "expected a window of " + std::to_string(hearing.window_frames) + " frames every " +
                    std::to_string(hearing.hop_frames) + ", as this stream was exported, found " +
                    std::to_string(wanted_window) + " every " + std::to_string(wanted_hop));
  }
  const std::int64_t rows = hearing.hop_frames * (hearing.waveform ? kShift : 1);
  if (!may_be(hearing.declared_rows, rows)) {
    return fail(ErrorCode::kMismatch, "expected " + std::to_string(rows) +
                                          " rows of input, a hop of the stream, found " +
                                          std::to_string(hearing.declared_rows));
  }
  hearing.declared_rows = rows;
  return {};
}

Result<void> read_window(const Metadata& metadata, const WakeOverrides& overrides,
                         Hearing& hearing) {
  const bool is_fixed = hearing.declared_rows >= 0;
  if (is_fixed && hearing.waveform && hearing.declared_rows < kLength)
    return fail(other_input("waveform [batch, " + std::to_string(hearing.declared_rows) + "]"));
  const std::int64_t most = is_fixed ? frames_of(hearing, hearing.declared_rows) : kMaxWindowFrames;
  hearing.window_frames = std::min(most, kWindowFrames);
  WAKEBUILDER_CHECK(metadata.read(kWindow, hearing.window_frames));
  WAKEBUILDER_CHECK(metadata.read(kHop, hearing.hop_frames));
  hearing.window_frames = overrides.window_frames.value_or(hearing.window_frames);
  hearing.hop_frames = overrides.hop_frames.value_or(hearing.hop_frames);
  if (hearing.window_frames > most || hearing.hop_frames > hearing.window_frames) {
    return fail(ErrorCode::kMismatch,
                "expected a window of at most " + std::to_string(most) +
                    " frames, which the model hears, and a hop no longer than it, found " +
                    std::to_string(hearing.window_frames) + " and " +
                    std::to_string(hearing.hop_frames));
  }
  if (!is_fixed) hearing.declared_rows = rows_of(hearing, hearing.window_frames);
  return {};
}

Result<Hearing> read_hearing(const Session& session, const Metadata& metadata,
                             const WakeOverrides& overrides) {
  Hearing hearing;
  WAKEBUILDER_TRY(const Port* sound, sound_input(session.inputs()));
  WAKEBUILDER_CHECK(read_input(*sound, metadata, hearing));
  WAKEBUILDER_CHECK(metadata.read(kMean, hearing.feature_mean));
  WAKEBUILDER_CHECK(metadata.read(kStd, hearing.feature_std));
  hearing.stream = session.inputs().size() > 1;
  WAKEBUILDER_CHECK(hearing.stream ? read_stream(metadata, overrides, hearing)
                                   : read_window(metadata, overrides, hearing));
  return hearing;
}

Result<Decision> read_decision(const Metadata& metadata, const WakeOverrides& overrides) {
  Decision decision;
  WAKEBUILDER_CHECK(metadata.read(kThreshold, decision.threshold));
  WAKEBUILDER_CHECK(metadata.read(kSmoothing, decision.smoothing));
  WAKEBUILDER_CHECK(metadata.read(kRefractory, decision.refractory_s));
  decision.threshold = overrides.threshold.value_or(decision.threshold);
  decision.smoothing = overrides.smoothing.value_or(decision.smoothing);
  decision.refractory_s = overrides.refractory_s.value_or(decision.refractory_s);
  return decision;
}

}  // namespace

Result<void> check(const WakeOverrides& overrides) {
  WAKEBUILDER_CHECK(check_if(kThreshold, overrides.threshold));
  WAKEBUILDER_CHECK(check_if(kSmoothing, overrides.smoothing));
  WAKEBUILDER_CHECK(check_if(kRefractory, overrides.refractory_s));
  WAKEBUILDER_CHECK(check_if(kWindow, overrides.window_frames));
  return check_if(kHop, overrides.hop_frames);
}

Result<WakeWord> wake_word(std::span<const std::pair<std::string, std::string>> metadata,
                           const std::string& name, const WakeOverrides& overrides) {
  WAKEBUILDER_CHECK(check(overrides));
  const Metadata said(metadata);
  WAKEBUILDER_TRY(auto decision, read_decision(said, overrides));
  const std::string* word = said.find("wake_word");
  return WakeWord{.model = name, .wake_word = word != nullptr ? *word : name, .decision = decision};
}

Result<WakeModel> understand(Session session, const std::string& name,
                             const WakeOverrides& overrides) {
  WAKEBUILDER_TRY(auto word, wake_word(session.metadata(), name, overrides));
  const Metadata metadata(session.metadata());
  WAKEBUILDER_TRY(auto hearing, read_hearing(session, metadata, overrides));
  WAKEBUILDER_TRY(auto output, logits_output(session.outputs()));
  return WakeModel{.session = std::move(session),
                   .hearing = hearing,
                   .output = std::move(output),
                   .words = {std::move(word)}};
}

}  // namespace wakebuilder::runtime
