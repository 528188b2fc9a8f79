#include "runtime/listener.h"

#include <algorithm>
#include <utility>

#include "wakebuilder/audio/mel_filters.h"
#include "wakebuilder/core/expect.h"

namespace wakebuilder::runtime {
namespace {

constexpr std::size_t kSound = 0;   ///< the first input; states follow
constexpr std::size_t kLogits = 0;  ///< the first output; the next states follow

core::Shape for_one(const Port& port) {
  core::Shape shape = port.shape;
  if (!shape.empty() && shape[0] < 0) shape[0] = 1;
  return shape;
}

struct Bindings {
  std::vector<BoundRun::Binding> inputs, outputs;
};

/// The sound and the states in; the logits and the next states out.
Bindings bindings_of(const WakeModel& model) {
  Bindings bindings;
  std::vector<BoundRun::Binding> states;
  for (const Port& port : model.session.inputs()) {
    if (port.name.starts_with("state/")) {
      states.push_back({port.name, for_one(port)});
    } else if (model.hearing.waveform) {
      bindings.inputs.push_back({port.name, {1, model.hearing.declared_rows}});
    } else {
      bindings.inputs.push_back(
          {port.name,
           {1, model.hearing.declared_rows, static_cast<std::int64_t>(audio::kMelBins)}});
    }
  }
  bindings.outputs.push_back({model.output, {static_cast<std::int64_t>(model.words.size()), 2}});
  for (auto& state : states) {
    bindings.outputs.push_back({"next_" + state.name, state.shape});
    bindings.inputs.push_back(std::move(state));
  }
  return bindings;
}

std::size_t to_size(std::int64_t value) { return static_cast<std::size_t>(value); }

std::size_t samples_or_frames(const Hearing& hearing, std::int64_t frames) {
  return hearing.waveform ? to_size(frames) * audio::kFrameShift : to_size(frames);
}

std::size_t window_rows(const Hearing& hearing) {
  const std::size_t rows = samples_or_frames(hearing, hearing.window_frames);
  return hearing.waveform ? rows - audio::kFrameShift + audio::kFrameLength : rows;
}

}  // namespace

Result<Listener> Listener::create(WakeModel model, Audible audible) {
  auto [inputs, outputs] = bindings_of(model);
  const std::size_t states = inputs.size() - 1;
  WAKEBUILDER_TRY(
      auto run, BoundRun::create(std::move(model.session), std::move(inputs), std::move(outputs)));
  for (std::size_t i = 0; i < states; ++i) run.feed_back(kLogits + 1 + i, kSound + 1 + i);
  return Listener(std::move(run), model, std::move(audible));
}

Listener::Listener(BoundRun run, const WakeModel& model, Audible audible)
    : run_(std::move(run)),
      hearing_(model.hearing),
      words_(model.words),
      audible_(std::move(audible)),
      row_(hearing_.waveform ? 1 : audio::kMelBins),
      needed_(row_ * (hearing_.stream ? samples_or_frames(hearing_, hearing_.hop_frames)
                                      : window_rows(hearing_))),
      advance_(row_ * samples_or_frames(hearing_, hearing_.hop_frames)) {
  next_.reserve(needed_);
  std::ranges::fill(run_.input(kSound), padding());
}

float Listener::padding() const {
  if (hearing_.waveform) return 0;
  return static_cast<float>((0 - hearing_.feature_mean) / (2 * hearing_.feature_std));
}

Result<void> Listener::push(std::span<const float> values, std::vector<Answer>& out) {
  while (!values.empty()) {
    const std::size_t count = std::min(values.size(), needed_ - next_.size());
    next_.insert(next_.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count));
    values = values.subspan(count);
    if (next_.size() < needed_) break;
    WAKEBUILDER_CHECK(hearing_.stream ? step(out) : take_window(out));
    next_.erase(next_.begin(), next_.begin() + static_cast<std::ptrdiff_t>(advance_));
  }
  return {};
}

Result<void> Listener::take_window(std::vector<Answer>& out) {
  const std::uint64_t hop = taken_++;
  ++answers_;
  if (audible_ && !audible_(hop)) {
    out.push_back({.hop = hop});
    return {};
  }
  WAKEBUILDER_CHECK(run_on(next_));
  out.push_back(answer(hop));
  return {};
}

/// A stream's states must not miss a hop. One that sleeps keeps the hops of one window instead, and
/// goes through them when it wakes up.
Result<void> Listener::step(std::vector<Answer>& out) {
  const std::uint64_t number = taken_++;
  const auto warm_up = static_cast<std::uint64_t>(hearing_.warm_up_hops);
  const bool is_whole = number >= warm_up;
  const std::uint64_t hop = is_whole ? number - warm_up : 0;
  if (is_whole) ++answers_;
  if (is_whole && audible_ && !audible_(hop)) {
    asleep_ = true;
    out.push_back({.hop = hop});
  } else {
    if (std::exchange(asleep_, false)) WAKEBUILDER_CHECK(wake_up());
    WAKEBUILDER_CHECK(run_on(next_));
    if (is_whole) out.push_back(answer(hop));
  }
  if (!audible_) return {};
  if (past_.size() == to_size(hearing_.warm_up_hops) * needed_)
    past_.erase(past_.begin(),
                past_.begin() + static_cast<std::ptrdiff_t>(std::min(needed_, past_.size())));
  if (warm_up > 0) past_.insert(past_.end(), next_.begin(), next_.end());
  return {};
}

Result<void> Listener::wake_up() {
  clear_states();
  const std::span<const float> past = past_;
  for (std::size_t at = 0; at < past.size(); at += needed_)
    WAKEBUILDER_CHECK(run_on(past.subspan(at, needed_)));
  return {};
}

Result<void> Listener::run_on(std::span<const float> rows) {
  std::ranges::copy(rows, run_.input(kSound).begin());
  return run_.run();
}

Answer Listener::answer(std::uint64_t hop) const {
  Answer answer{.hop = hop};
  const auto logits = run_.output(kLogits);
  for (std::size_t word = 0; word < words_.size(); ++word)
    answer.logits.push_back(logits[2 * word + 1] - logits[2 * word]);
  return answer;
}

/// Windows that begin and end in the recording, or one of a recording that is shorter.
std::uint64_t Listener::due() const {
  const std::uint64_t rows = taken_ * (advance_ / row_) + next_.size() / row_;
  const std::uint64_t window = window_rows(hearing_);
  if (rows < window) return rows > 0 ? 1 : 0;
  return (rows - window) / (advance_ / row_) + 1;
}

Result<void> Listener::finish(std::vector<Answer>& out) {
  const std::uint64_t due_answers = due();
  if (!hearing_.stream) return answers_ < due_answers ? answer_short(out) : Result<void>();
  // The last window may end within a hop, which padding fills.
  const std::vector<float> rows(needed_, padding());
  while (answers_ < due_answers)
    WAKEBUILDER_CHECK(push(std::span(rows).first(needed_ - next_.size()), out));
  return {};
}

Result<void> Listener::answer_short(std::vector<Answer>& out) {
  if (hearing_.waveform && next_.size() < audio::kFrameLength) return {};
  const auto input = run_.input(kSound);
  std::ranges::fill(input, padding());
  WAKEBUILDER_CHECK(run_on(next_));
  out.push_back(answer(0));
  ++answers_;
  return {};
}

void Listener::clear_states() {
  const std::size_t states = run_.session().inputs().size() - 1;
  for (std::size_t i = 0; i < states; ++i) std::ranges::fill(run_.input(kSound + 1 + i), 0.0F);
}

void Listener::reset() {
  next_.clear();
  past_.clear();
  taken_ = 0;
  answers_ = 0;
  asleep_ = false;
  clear_states();
  std::ranges::fill(run_.input(kSound), padding());
}

}  // namespace wakebuilder::runtime
