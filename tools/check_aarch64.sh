#!/bin/sh
# Compiles every C source for aarch64, with warnings as errors, and keeps nothing. Needs Debian's
# gcc-aarch64-linux-gnu and libc6-dev-arm64-cross; without them it says so and succeeds. The libraries'
# headers are this machine's: they hold for any processor with 64-bit pointers and little-endian numbers.
set -eu
cd "$(dirname "$0")/.."
cc=aarch64-linux-gnu-gcc
if ! command -v $cc >/dev/null; then
  echo "aarch64: not checked; it needs the packages gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"
  exit 0
fi
case $(uname -m) in
  x86_64) ;;
  *) echo "aarch64: not checked; the headers of a $(uname -m) may not suit it"; exit 0 ;;
esac
# The flags of CMakeLists.txt that a compiler for another processor understands.
flags="-std=gnu11 -fPIC -fvisibility=hidden -Wall -Wextra -Wshadow -Wno-override-init
  -Wno-maybe-uninitialized -Wno-format-truncation -Wno-psabi -Werror -Icsrc -DFXCPU_ISA=baseline
  -DFLEXLAB_VERSION=\"0\" -DH5_USE_110_API"
libraries=$(pkg-config --cflags-only-I lua5.4 hdf5-serial openblas libpng libcjson libedit zlib |
  sed 's/-I/-isystem /g')
# Behind the libc of aarch64: what Debian keeps in the folder of this machine's processor.
behind="-idirafter /usr/include/$(gcc -print-multiarch)"
# shellcheck disable=SC2086  # lists of flags split into words
check () { $cc $flags $libraries $behind "$@" -S -o /dev/null; }
count=0
failed=""
for file in csrc/*/*.c csrc/*/*/*.c; do
  case $file in
    csrc/kernels/cpu/elementwise.c) options="-O3 -fno-math-errno -fno-trapping-math -ffp-contract=off" ;;
    csrc/kernels/cpu/*) options="-O3 -fno-math-errno -fno-trapping-math" ;;
    csrc/sim/lanes/*) options="-O2 -ffp-contract=off -DFXSIM_REAL=float -DFXSIM_ISA=baseline" ;;
    csrc/sim/* | csrc/base/rng.c) options="-O2 -ffp-contract=off" ;;
    *) options="-O1" ;;
  esac
  # shellcheck disable=SC2086
  check $options "$file" || failed="$failed $file"
  count=$((count + 1))
done
[ "$count" -gt 100 ] || { echo "aarch64: only $count sources were found under csrc" >&2; exit 1; }
[ -z "$failed" ] || { echo "aarch64: these do not compile:$failed" >&2; exit 1; }
echo "aarch64: $count C sources compile"
