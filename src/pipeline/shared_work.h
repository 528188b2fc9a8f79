// Work on numbered pieces that several threads share, and that can be stopped.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "wakebuilder/core/parallel.h"
#include "wakebuilder/core/result.h"

namespace wakebuilder::pipeline {

struct SharedWorkOptions {
  std::size_t pieces = 0;
  std::size_t turn = 1;  ///< pieces that a thread takes at a time
  std::size_t threads = 1;
  /// Called after each turn by one thread at a time; false stops: kIo, "stopped".
  std::function<bool(std::size_t done, std::size_t all)> on_progress{};
};

/// Which piece comes next, how far the threads are, and what ended the work.
class SharedWork {
 public:
  explicit SharedWork(const SharedWorkOptions& options) : options_(options) {}

  /// What one thread does until nothing is left, or one of them has ended the work.
  template <class Tool, class DoPiece>
  void work(Result<Tool> tool, const DoPiece& do_piece) {
    if (!tool) return give_up(tool.error());
    for (std::size_t begin = take(); begin < options_.pieces && !is_over_; begin = take()) {
      const std::size_t end = std::min(options_.pieces, begin + options_.turn);
      for (std::size_t piece = begin; piece < end && !is_over_; ++piece)
        if (const Result<void> done = do_piece(*tool, piece); !done) give_up(done.error());
      tell(end - begin);
    }
  }

  /// @pre all threads have ended
  Result<void> result() const {
    if (error_) return fail(*error_);
    return {};
  }

 private:
  std::size_t take() { return next_.fetch_add(options_.turn); }

  void tell(std::size_t more) {
    const std::scoped_lock lock(mutex_);
    done_ += more;
    if (is_over_ || !options_.on_progress || options_.on_progress(done_, options_.pieces)) return;
    error_ = Error{ErrorCode::kIo, "stopped"};
    is_over_ = true;
  }

  void give_up(const Error& error) {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = error;
    is_over_ = true;
  }

  const SharedWorkOptions& options_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> is_over_ = false;
  std::mutex mutex_;  ///< guards what is below
  std::size_t done_ = 0;
  std::optional<Error> error_;
};

/// Calls do_piece(tool, piece) for all pieces, in no certain order; each thread has a tool of its
/// own from make_tool(), a Result. Errors: the first of make_tool() and do_piece(), after which the
/// rest is left; kIo "stopped".
template <class MakeTool, class DoPiece>
Result<void> share_work(const SharedWorkOptions& options, const MakeTool& make_tool,
                        const DoPiece& do_piece) {
  SharedWork shared(options);
  core::for_each_job(options.threads, options.threads,
                     [&](std::size_t) { shared.work(make_tool(), do_piece); });
  return shared.result();
}

}  // namespace wakebuilder::pipeline
