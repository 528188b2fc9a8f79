#!/usr/bin/env bash
# Sets up, builds and runs every test.
#
# usage: scripts/test.sh [PRESET]   (default: dev; also release, asan, tsan)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-dev}

scripts/setup.sh
cmake --preset "$preset"
cmake --build --preset "$preset" --parallel "$(nproc)"
ctest --preset "$preset" --parallel "$(nproc)"
