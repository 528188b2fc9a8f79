#!/usr/bin/env bash
# Formats the sources in C++ and C, or with --check only says which are not formatted.
#
# usage: scripts/format.sh [--check] [FILE...]   (default: every source under version control)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

clang_format=$(command -v clang-format-14 || command -v clang-format ||
  compgen -c clang-format- | grep -E '^clang-format-[0-9]+$' | sort -V | tail -n 1) ||
  { echo "format: clang-format is not installed: run scripts/setup.sh --dev" >&2; exit 1; }

mode=(-i)
if [ "${1:-}" = --check ]; then
  mode=(--dry-run -Werror)
  shift
fi
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(git ls-files -- '*.c' '*.cc' '*.h')
fi
[ ${#files[@]} -eq 0 ] || "$clang_format" "${mode[@]}" "${files[@]}" ||
  { echo "format: run scripts/format.sh to mend these" >&2; exit 1; }
