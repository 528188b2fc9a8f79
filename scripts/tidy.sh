#!/usr/bin/env bash
# Runs clang-tidy over src/, two files at a time.
#
# usage: scripts/tidy.sh [BUILD_FOLDER] [FILE...]   (default: build/tidy, every file of src/ in it)
#
# A file that passed is not checked again until something that it is compiled from changes:
# BUILD_FOLDER/tidy-passed/ remembers the preprocessed text, by its checksum.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${1:-build/tidy}
[ $# -eq 0 ] || shift
clang_tidy=$(command -v clang-tidy-14 || command -v clang-tidy ||
  compgen -c clang-tidy- | grep -E '^clang-tidy-[0-9]+$' | sort -V | tail -n 1) ||
  { echo "tidy: clang-tidy is not installed: run scripts/setup.sh --dev" >&2; exit 1; }
[ -f "$build/CMakeCache.txt" ] || cmake --preset tidy -B "$build" >/dev/null

sources=("$@")
if [ ${#sources[@]} -eq 0 ]; then
  mapfile -t sources < <(sed -n "s|^ *\"file\": \"$PWD/\(src/.*\.cc\)\",\?$|\1|p" "$build/compile_commands.json" | sort -u)
fi
[ ${#sources[@]} -gt 0 ] || { echo "tidy: no sources in $build/compile_commands.json" >&2; exit 1; }

mkdir -p "$build/tidy-passed"
check() {  # CLANG_TIDY BUILD SOURCE
  local key
  key=$(set -o pipefail; { "$1" --version; cat .clang-tidy; preprocess "$2" "$3"; } 2>/dev/null | sha256sum) || key=
  key=${key%% *}
  [ -z "$key" ] || [ ! -e "$2/tidy-passed/$key" ] || return 0
  "$1" --quiet -p "$2" "$3" 2>/dev/null || { echo "tidy: $3 has findings" >&2; return 1; }
  [ -z "$key" ] || touch "$2/tidy-passed/$key"
}
preprocess() {  # BUILD SOURCE: runs the source's compile command with -E
  local command
  command=$(awk -v file="/$2\"" '/"command":/ { line = $0 } /"file":/ && index($0, file) { print line; exit }' \
    "$1/compile_commands.json" |
    sed -e 's/^ *"command": "//; s/",$//; s/\\"/"/g; s/\\\\/\\/g; s/ -o [^ ]*//; s/ -c / -E /')
  [ -n "$command" ] && bash -c "cd '$1' && $command"
}
export -f check preprocess
printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P 2 bash -c 'check "$@"' check "$clang_tidy" "$build" ||
  { echo "tidy: failed" >&2; exit 1; }
echo "tidy: ${#sources[@]} files passed"
