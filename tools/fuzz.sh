#!/bin/sh
# Fuzzes the readers of files: every tests/fuzz/*_fuzz.c for FUZZ_SECONDS (60), or those that are named.
#   tools/fuzz.sh [npy pickle ...]
# Begins with the seeds in tests/fuzz/seeds and with what earlier runs found worth keeping (build/fuzz/corpus). A
# finding is a file build/fuzz/NAME-crash-..., and fails. Needs clang with libFuzzer (Debian: clang, libclang-rt-14-dev or
# the like); without them it says SKIPPED and succeeds.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
cc=${CLANG:-clang}
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'int LLVMFuzzerTestOneInput (const char *b, unsigned long n) { return b && n > 9 ? 0 : 0; }' >"$probe/a.c"
if ! command -v "$cc" >/dev/null || ! "$cc" -fsanitize=fuzzer,address "$probe/a.c" -o "$probe/a" 2>/dev/null; then
  echo "fuzz: SKIPPED: it needs clang with libFuzzer (Debian: clang and libclang-rt-14-dev, or -19-dev)"
  exit 0
fi
cmake -S tests/fuzz -B build/fuzz -G Ninja -DCMAKE_C_COMPILER="$cc" >/dev/null
cmake --build build/fuzz -- --quiet
[ $# -gt 0 ] || set -- $(ls tests/fuzz/*_fuzz.c | sed 's,.*/\(.*\)_fuzz.c,\1,')
cd build/fuzz
failed=""
for name in "$@"; do
  mkdir -p "corpus/$name"
  # Allocations beyond 512 MB, and a second of work on 64 kB, are findings too.
  if ./"${name}_fuzz" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=640 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="$name-" "corpus/$name" "../../tests/fuzz/seeds/$name" \
    >"$name.log" 2>&1; then
    echo "fuzz: $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$name.log") inputs in $seconds s, nothing found"
  else
    tail -40 "$name.log"
    failed="$failed $name"
  fi
done
[ -z "$failed" ] || { echo "fuzz: findings in:$failed (build/fuzz/*.log)" >&2; exit 1; }
