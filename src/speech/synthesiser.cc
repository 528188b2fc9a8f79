#include "wakebuilder/speech/synthesiser.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace wakebuilder::speech {
namespace {

using Clock = std::chrono::steady_clock;

/// Jobs that are given to their voice together: indices, in order.
using Piece = std::vector<std::size_t>;

/// Jobs of a voice that wants many at a time are put together; of a piece, the first job says when
/// its turn is, so that results come about in order.
std::vector<Piece> pieces_of(std::span<const Job> jobs) {
  std::vector<Piece> pieces;
  std::map<const Voice*, std::size_t> open;  // the piece that has room for more
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Voice* voice = jobs[i].voice.get();
    const auto found = open.find(voice);
    if (found != open.end() && pieces[found->second].size() < voice->batch_size()) {
      pieces[found->second].push_back(i);
      continue;
    }
    open[voice] = pieces.size();
    pieces.push_back({i});
  }
  return pieces;
}

/// Puts results in order, and counts.
class Delivery {
 public:
  Delivery(std::size_t all, const SynthesisOptions& options,
           const std::function<void(std::size_t, Rendering)>& receive)
      : all_(all), options_(options), receive_(receive) {}

  void take(const Piece& piece, std::vector<Rendering> renderings) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < piece.size(); ++i)
      early_.emplace(piece[i], std::move(renderings[i]));
    while (!early_.empty() && early_.begin()->first == next_) {
      receive_(next_++, std::move(early_.begin()->second));
      early_.erase(early_.begin());
    }
    done_ += piece.size();
    report();
  }

 private:
  void report() const {
    if (!options_.on_progress) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const auto done = static_cast<double>(done_);
    const double left = seconds / done * static_cast<double>(all_ - done_);
    options_.on_progress({done_, all_, seconds > 0 ? std::optional<double>(left) : std::nullopt});
  }

  std::size_t all_;
  const SynthesisOptions& options_;
  const std::function<void(std::size_t, Rendering)>& receive_;
  Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  std::map<std::size_t, Rendering> early_;
  std::size_t next_ = 0;
  std::size_t done_ = 0;
};

std::vector<Rendering> say(std::span<const Job> jobs, const Piece& piece,
                           const SynthesisOptions& options) {
  if (options.is_stopped && options.is_stopped()) {
    std::vector<Rendering> stopped;
    stopped.resize(piece.size(), fail(ErrorCode::kIo, "stopped"));
    return stopped;
  }
  std::vector<Utterance> utterances;
  utterances.reserve(piece.size());
  for (const std::size_t i : piece) utterances.push_back(jobs[i].utterance);
  return jobs[piece[0]].voice->say_all(utterances, options.utterance_limit);
}

}  // namespace

void synthesise_each(std::span<const Job> jobs, const SynthesisOptions& options,
                     const std::function<void(std::size_t, Rendering)>& receive) {
  const std::vector<Piece> pieces = pieces_of(jobs);
  Delivery delivery(jobs.size(), options, receive);
  core::for_each_job(pieces.size(), std::max<std::size_t>(1, options.threads), [&](std::size_t i) {
    delivery.take(pieces[i], say(jobs, pieces[i], options));
  });
}

std::vector<Rendering> synthesise(std::span<const Job> jobs, const SynthesisOptions& options) {
  std::vector<Rendering> renderings(jobs.size());
  synthesise_each(jobs, options, [&](std::size_t i, Rendering rendering) {
    renderings[i] = std::move(rendering);
  });
  return renderings;
}

}  // namespace wakebuilder::speech
