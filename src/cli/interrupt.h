// Ctrl-C and a polite kill end what goes on, not the program.
#pragma once

#include <csignal>

namespace wakebuilder::cli {

/// Not 0 when the user, or a program, wants an end.
extern volatile std::sig_atomic_t interrupted;

/// From now on the first SIGINT or SIGTERM only sets `interrupted`; the second ends the program.
void end_politely();

}  // namespace wakebuilder::cli
