// Runs the program `wakebuilder` as a user does and looks at what it says, leaves and takes.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "wakebuilder/core/value.h"

namespace wakebuilder::test {

struct Surroundings {
  std::filesystem::path folder{};                    ///< to work in; "" for this process's
  std::map<std::string, std::string> environment{};  ///< added to this process's
  std::optional<std::size_t> largest_file{};  ///< bytes; what goes beyond fails as on a full disk
  bool as_nobody = false;                     ///< without the rights of root
  std::string output_to{};                    ///< a file for stdout, instead of Outcome::out
  std::string input_from{};                   ///< a file for stdin, instead of /dev/null
  std::optional<std::size_t> memory{};        ///< bytes of heap and stack that it may have
  unsigned patience = 1;  ///< times what it may take before it counts as hanging
  std::string program = WAKEBUILDER_PROGRAM;
};

struct Outcome {
  int status = 0;  ///< the exit status; 128 and the signal's number when a signal ended it
  std::string out;
  std::string err;
  long peak_kib = 0;  ///< the most memory that it had at a time
};

/// A child of this process.
struct Child {
  pid_t pid = 0;
  int out = -1;
  int err = -1;
};

/// Starts the program; it is ended by a signal when it still runs after kAlarmSeconds, so that a
/// hang fails a test instead of stopping all. `before` is called in the child.
Child start(const std::vector<std::string>& arguments, const Surroundings& surroundings = {},
            void (*before)() = nullptr);

/// Waits for the end of a child, and takes what it said.
Outcome finish(const Child& child);

/// start() and finish().
Outcome run(const std::vector<std::string>& arguments, const Surroundings& surroundings = {});

/// The object that `--json` printed; null when it is none.
core::Value json_of(const Outcome& outcome);

/// The text of a file in tests/data.
std::filesystem::path data(const std::string& name);

/// Names of all that is in a folder, and below it, sorted.
std::vector<std::string> all_names(const std::filesystem::path& folder);

/// True when the program says that it found no ONNX Runtime.
bool lacks_runtime(const Outcome& outcome);

/// Lines of an index.tsv without its heading, split at the tabs.
std::vector<std::vector<std::string>> index_of(const std::filesystem::path& path);

}  // namespace wakebuilder::test

/// Skips a test where no ONNX Runtime is installed.
#define WAKEBUILDER_SKIP_WITHOUT_RUNTIME(outcome) \
  if (::wakebuilder::test::lacks_runtime(outcome)) GTEST_SKIP() << (outcome).err
