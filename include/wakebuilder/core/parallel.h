// Work on several processors.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

namespace wakebuilder::core {

/// Threads for large work: two where the machine has them.
inline std::size_t usual_threads() { return std::thread::hardware_concurrency() > 1 ? 2 : 1; }

/// One for each core, for work that the user waits for.
inline std::size_t all_threads() {
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

/// Calls f(job) once for each job in [0, jobs), in no certain order, on up to `threads` threads,
/// this one among them. What f throws comes out here.
template <class F>
void for_each_job(std::size_t jobs, std::size_t threads, const F& f) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&next, &f, jobs] {
    for (std::size_t job = next++; job < jobs; job = next++) f(job);
  };
  std::vector<std::future<void>> others;
  while (others.size() + 1 < std::min(threads, jobs)) {
    others.push_back(std::async(std::launch::async, work));
  }
  work();
  for (std::future<void>& other : others) other.get();
}

/// Threads for work of so many multiply-adds: below a fraction of a millisecond one.
inline std::size_t threads_for(std::size_t work, std::size_t most = usual_threads()) {
  return work < std::size_t{1} << 21U ? 1 : most;
}

/// Calls f(begin, end) for parts of [0, count) that cover it, on several threads where there is
/// enough to do. `cost` is about that of one number, in multiply-adds; but for the last end, parts
/// begin and end at multiples of `unit`.
template <class F>
void for_each_part(std::size_t count, std::size_t unit, std::size_t cost, const F& f) {
  const std::size_t size = std::max<std::size_t>(1, (std::size_t{1} << 18U) / cost / unit) * unit;
  for_each_job((count + size - 1) / size, threads_for(count * cost),
               [&](std::size_t job) { f(job * size, std::min(count, (job + 1) * size)); });
}

}  // namespace wakebuilder::core
