#!/usr/bin/env bash
# From a fresh clone to a wake word of your own: sets up, builds, trains a word from its text, exports and checks
# it, and hears it in a sentence that a voice says. Give recordings of people to hear it in those too.
#
# usage: scripts/quickstart.sh [WORD [RECORDING...]]     (default: computer)
#
# The training is a shortened one (--quick, a minute or two). A good model takes the same command without --quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

word=${1:-computer}
shift || true
recordings=("$@")

scripts/setup.sh
cmake --preset release
cmake --build --preset release --parallel "$(nproc)" --target wakebuilder
if ! cmake --build --preset release --parallel "$(nproc)" --target wakebuilder-train; then
  printf 'quickstart: this distribution has no libtorch, so that nothing can be trained here\n' >&2
  exit 3
fi

program=build/release/bin/wakebuilder
"$program" train "$word" --name quickstart --quick --force

spoken=$(mktemp --suffix .wav)
trap 'rm -f "$spoken"' EXIT
espeak-ng -v en-us -s 140 -w "$spoken" "I would like to ask the $word something."
printf '\n"%s" in a sentence that a voice says%s:\n' "$word" "${recordings:+, and in your recordings}"
"$program" detect quickstart "$spoken" "${recordings[@]}" || true   # 1: not heard everywhere

cat <<END

models/custom/quickstart has the model, its checkpoint and a report. It was trained in a hurry. Next, try:
  $program train "$word"                             the whole training, a few minutes
  $program train "$word" --recordings FOLDER         with recordings of your own
  $program train "$word" --preview look              hear and see what it learns from
  $program detect quickstart --microphone            say it
  $program evaluate quickstart --positive DIR --negative DIR    misses and false accepts on recordings
  $program export --checkpoint examples/jarvis.pt --output jarvis.onnx    a checkpoint that you have already
END
