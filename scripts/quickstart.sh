#!/usr/bin/env bash
# From a fresh clone to checked ONNX models: sets up, builds, exports two checkpoints, and listens with one of
# them to a recording of somebody who says its word.
#
# usage: scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
cmake --preset release
cmake --build --preset release --parallel "$(nproc)" --target wakebuilder

program=build/release/bin/wakebuilder
"$program" export --checkpoint examples/jarvis.pt --output jarvis.onnx
"$program" export --checkpoint tests/data/compact/computer.pt --output computer.onnx
"$program" detect computer.onnx src/pipeline/data/computer.wav

cat <<END

jarvis.onnx is ready ($(stat -c %s jarvis.onnx) bytes). Next, try:
  $program inspect jarvis.onnx       what is in it: graph, tensors, metadata
  $program validate jarvis.onnx      the checks again, on the file as it is
  $program export --help             other opsets, inputs and places

computer.onnx listens for "computer". Say it:
  $program detect computer.onnx --microphone
  arecord -q -f S16_LE -r 16000 -c 1 -t raw | $program detect computer.onnx -
END
