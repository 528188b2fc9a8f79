#include "cli/interrupt.h"

namespace wakebuilder::cli {

volatile std::sig_atomic_t interrupted = 0;

namespace {

extern "C" void on_signal(int /*signal*/) { interrupted = 1; }

}  // namespace

void end_politely() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace wakebuilder::cli
