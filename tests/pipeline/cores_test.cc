#include "pipeline/cores.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sched.h>

#include "wakebuilder/core/file.h"

#include "support/matchers.h"
#include "support/temporary_folder.h"

namespace wakebuilder::pipeline {
namespace {

namespace fs = std::filesystem;

cpu_set_t allowed() {
  cpu_set_t cpus{};
  EXPECT_EQ(::sched_getaffinity(0, sizeof cpus, &cpus), 0);
  return cpus;
}

int hardware_threads() {
  const cpu_set_t cpus = allowed();
  return CPU_COUNT(&cpus);
}

void write_siblings(const fs::path& cpus, const std::string& siblings) {
  const cpu_set_t used = allowed();
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &used)) continue;
    const fs::path folder = cpus / ("cpu" + std::to_string(cpu)) / "topology";
    fs::create_directories(folder);
    ASSERT_THAT(core::write_file(folder / "thread_siblings_list", siblings), test::IsOk());
  }
}

TEST(PhysicalCores, CountsThreadsOfOneCoreOnce) {
  const test::TemporaryFolder cpus;
  write_siblings(cpus.path(), "0-1023\n");
  EXPECT_EQ(physical_cores(cpus.path()), 1);
}

TEST(PhysicalCores, CountsThreadsThatSayNothing) {
  const test::TemporaryFolder cpus;
  EXPECT_EQ(physical_cores(cpus.path()), hardware_threads());
}

TEST(PhysicalCores, AreNoMoreThanThreads) {
  EXPECT_GE(physical_cores(), 1);
  EXPECT_LE(physical_cores(), hardware_threads());
}

}  // namespace
}  // namespace wakebuilder::pipeline
