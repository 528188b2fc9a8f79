#!/usr/bin/env bash
# Runs a script of bench/ with the Python programs that it compares with. They are installed on first
# use (bench/peers.txt, from wherever pip is set up to look), outside of the checkout.
#
# usage: bench/peers.sh bench/SCRIPT.py [ARGUMENT...]
#   WAKEBUILDER_PEERS  the virtual environment (default: ~/.cache/wakebuilder-peers)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
env=${WAKEBUILDER_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/wakebuilder-peers}

[ $# -ge 1 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
if ! cmp -s "$here/peers.txt" "$env/peers.txt"; then
  echo "peers: installing into $env" >&2
  python3 -m venv "$env"
  "$env/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/peers.txt"
  cp "$here/peers.txt" "$env/peers.txt"
fi
exec "$env/bin/python" "$@"
