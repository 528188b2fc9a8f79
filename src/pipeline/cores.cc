#include "pipeline/cores.h"

#include <cstddef>
#include <set>
#include <string>

#include <sched.h>

#include "wakebuilder/core/file.h"

namespace wakebuilder::pipeline {
namespace {

/// "0-1", "0,32": the same for all threads of a core; a thread that says nothing is its own core.
std::string siblings_of(const std::filesystem::path& cpus, std::size_t cpu) {
  const std::string name = "cpu" + std::to_string(cpu);
  auto text = core::read_text(cpus / name / "topology" / "thread_siblings_list");
  return text ? *std::move(text) : name;
}

}  // namespace

int physical_cores(const std::filesystem::path& cpus) {
  cpu_set_t allowed{};
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  std::set<std::string> cores;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) cores.insert(siblings_of(cpus, cpu));
  return cores.empty() ? 1 : static_cast<int>(cores.size());
}

}  // namespace wakebuilder::pipeline
