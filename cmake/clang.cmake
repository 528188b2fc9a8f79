# Toolchain file: the clang of the distribution, 14 first, since that is what the checks are written for.
find_program(WAKEBUILDER_CLANGXX
  NAMES clang++-14 clang++ clang++-21 clang++-20 clang++-19 clang++-18 clang++-17 clang++-16 clang++-15)
if(NOT WAKEBUILDER_CLANGXX)
  message(FATAL_ERROR "clang++ is not installed: run scripts/setup.sh --dev")
endif()
set(CMAKE_CXX_COMPILER "${WAKEBUILDER_CLANGXX}")
