#!/bin/sh
# Builds for aarch64 and runs what was built there, instruction by instruction, in qemu: the C tests, the numbers of the
# authors' code (parity), and a nano FLEX that is trained and sampled. A machine of another kind needs no root for it:
#   gcc-aarch64-linux-gnu, qemu-user-static      of Debian, by apt-get (root)
#   the libraries of aarch64                     fetched by this machine's apt into build/aarch64/root, installed nowhere
# Without any of these it says SKIPPED and succeeds. How fast NEON is cannot be learned here.
#   tools/test_aarch64.sh [REGEX]                the tests whose names match, instead of those below
set -eu
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
here=$PWD/build/aarch64
skip () { echo "aarch64: SKIPPED: $*"; exit 0; }

case $(uname -m) in aarch64) skip "this is such a machine: make test runs everything" ;; esac
for tool in aarch64-linux-gnu-gcc dpkg-deb apt-get pkg-config; do
  command -v $tool >/dev/null || skip "it needs $tool (Debian: gcc-aarch64-linux-gnu)"
done
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip "it needs qemu-user-static"

# The packages, with those that they need, under apt's settings but with a state of its own.
packages="libc6-dev liblua5.4-dev libopenblas-openmp-dev libhdf5-dev libpng-dev libcjson-dev libedit-dev zlib1g-dev"
apt () {
  apt-get -qq -o Dir::State="$here/apt" -o Dir::State::status="$here/apt/status" -o Dir::Cache="$here/apt" \
    -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User="$(id -un)" "$@"
}
fetch () {
  rm -rf "$here/apt" "$here/root"
  mkdir -p "$here/apt/lists/partial" "$here/apt/archives/partial" "$here/root/usr/lib"
  : >"$here/apt/status"
  ln -s usr/lib "$here/root/lib"
  apt update || return 1
  # shellcheck disable=SC2086  # a word each
  apt --download-only --no-install-recommends -y install $packages || return 1
  for file in "$here"/apt/archives/*.deb; do
    dpkg-deb -x "$file" "$here/root" || return 1
  done
  # A link from the root of a system would leave this one.
  find "$here/root" -type l -lname '/*' | while read -r link; do
    ln -sf "$here/root$(readlink "$link")" "$link"
  done
  rm -r "$here/apt/archives"
  echo "$packages" >"$here/root/complete"
}
if ! echo "$packages" | cmp -s - "$here/root/complete"; then
  mkdir -p "$here"
  fetch >"$here/fetch.log" 2>&1 || { tail -n 3 "$here/fetch.log"; skip "the libraries of aarch64 cannot be fetched here"; }
fi

libraries=$here/root/usr/lib/aarch64-linux-gnu
export FLEXLAB_ROOT="$here/root" PKG_CONFIG_SYSROOT_DIR="$here/root"
export PKG_CONFIG_LIBDIR="$libraries/pkgconfig:$libraries/openblas-openmp/pkgconfig:$here/root/usr/share/pkgconfig"
cmake -S . -B "$here/build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$PWD/tools/aarch64.cmake" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_C_FLAGS_RELEASE="-O2 -g" -DFLEXLAB_WERROR=ON >/dev/null
cmake --build "$here/build" -j "$jobs" -- --quiet

if [ $# = 1 ]; then
  exec ctest --test-dir "$here/build" -j "$jobs" --output-on-failure -R "$1"
fi
ctest --test-dir "$here/build" -j "$jobs" --output-on-failure -R '^unit|^program\.(parity|core_ops|turbulence)_test'

# A nano: two films, five steps, an evaluation; the program as its user has it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
flexlab () { FLEXLAB_LUA="$OLDPWD/lua" "$qemu" -L "$here/root" "$here/build/flexlab" "$@"; }
flexlab generate turbulence --re 200 --size 32 --frames 3 --k0 4 --out flow.h5 >log
flexlab run "$OLDPWD/recipes/sr.lua" --set data.file=flow.h5 --set data.test=flow.h5 --set data.crop=16 \
  --set train.steps=5 --set eval.members=2 >>log 2>&1 || { tail -n 20 log; exit 1; }
grep -q 'rfne' log || { tail -n 20 log; echo "aarch64: the run gave no rfne" >&2; exit 1; }
echo "aarch64: the C tests, parity and a nano pass under $(basename "$qemu")"
