// Programs run as child processes: no shell, a limit of time, nothing left behind.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "wakebuilder/core/result.h"

namespace wakebuilder::speech {

/// Runs words[0] with the rest as its arguments and returns what it wrote to its standard output.
///
/// It is the leader of a process group of its own, and all of the group ends with it. It may write
/// 64 MiB to a file.
///
/// Errors, which name the program: kUnavailable when it is not there or cannot be started; kIo when
/// it is not done in `limit`, is killed by a signal, or has an exit status but 0, with the last
/// line of its standard error.
///
/// @param input  what it reads from its standard input
/// @pre !words.empty()
///
/// Thread-safe, as long as no other thread changes the environment.
Result<std::string> run_program(std::span<const std::string> words, std::string_view input,
                                std::chrono::milliseconds limit);

}  // namespace wakebuilder::speech
