#!/bin/sh
# Compiles every C source for aarch64, with the flags of the release build and warnings as errors, and keeps nothing.
# Needs Debian's gcc-aarch64-linux-gnu and libc6-dev-arm64-cross; without them it says so and succeeds. The libraries'
# headers are this machine's: they hold for any processor with 64-bit pointers and little-endian numbers.
set -eu
cd "$(dirname "$0")/.."
cc=aarch64-linux-gnu-gcc
commands=build/release/compile_commands.json
if ! command -v $cc >/dev/null; then
  echo "aarch64: not checked; it needs the packages gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"
  exit 0
fi
case $(uname -m) in
  x86_64) ;;
  *) echo "aarch64: not checked; the headers of a $(uname -m) may not suit it"; exit 0 ;;
esac
[ -e $commands ] || { echo "aarch64: $commands is missing: make release writes it" >&2; exit 1; }

# What CMakeLists.txt says for each source of csrc, one a line: of the versions for instruction sets the baseline, and
# without the words that name the other ones.
lines=$(sed -n 's/^ *"command": "\(.*\)",$/\1/p' $commands | sed 's/\\\(.\)/\1/g' | grep ' -c [^ ]*/csrc/' |
  grep -vE 'FX(CPU|SIM)_ISA=(avx|amx)' | sed -E 's/ -DFX(CPU|SIM)_(AVX|AMX)[A-Z0-9_]*//g')
# Behind the libc of aarch64: what Debian keeps in the folder of this machine's processor.
behind="-idirafter /usr/include/$(gcc -print-multiarch)"
count=0
failed=""
while read -r line; do
  file=${line##* }
  flags=$(echo "$line" | sed -E 's/^[^ ]+( [^-][^ ]*)* -/-/; s/ -o [^ ]+ -c [^ ]+$//')
  eval "$cc $flags -Werror $behind -S -o /dev/null '$file'" </dev/null || failed="$failed $file"
  count=$((count + 1))
done <<end
$lines
end
[ "$count" -gt 150 ] || { echo "aarch64: $commands names only $count sources of csrc" >&2; exit 1; }
[ -z "$failed" ] || { echo "aarch64: these do not compile:$failed" >&2; exit 1; }
echo "aarch64: $count C sources compile"
