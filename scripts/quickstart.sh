#!/usr/bin/env bash
# From a fresh clone to a checked ONNX model: sets up, builds, and exports the example checkpoint.
#
# usage: scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
cmake --preset release
cmake --build --preset release --parallel "$(nproc)" --target wakebuilder

program=build/release/bin/wakebuilder
"$program" export --checkpoint examples/jarvis.pt --output jarvis.onnx

cat <<END

jarvis.onnx is ready ($(stat -c %s jarvis.onnx) bytes). Next, try:
  $program inspect jarvis.onnx       what is in it: graph, tensors, metadata
  $program validate jarvis.onnx      the checks again, on the file as it is
  $program export --help             other opsets, inputs and places
END
