// The processor cores that this process may use.
#pragma once

#include <filesystem>

namespace wakebuilder::pipeline {

/// Physical cores: hardware threads that share one count once. Where `cpus` does not tell which do
/// (`cpuN/topology/thread_siblings_list`), each counts. At least 1.
int physical_cores(const std::filesystem::path& cpus = "/sys/devices/system/cpu");

}  // namespace wakebuilder::pipeline
