// Calls the installed library: its version, and an export that has to fail with a sentence.
#include <cstdio>

#include "wakebuilder/core/version.h"

int main() {
  std::printf("wakebuilder %s\n", std::string(wakebuilder::version()).c_str());
}
