#!/bin/sh
# Which lines of csrc the tests execute: a build that counts (preset coverage), all tests, and gcov, which is part of gcc.
# Prints a row for each folder; build/coverage/lines.txt has one for each file, with the lines that nothing reached.
#   tools/coverage.sh [REGEX]     the tests whose names match, instead of all
# A line counts once, executed if it was on any instruction set. Nothing is demanded: the figures are for reading.
set -eu
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
here=build/coverage
cmake --preset coverage >/dev/null
cmake --build --preset coverage -j "$jobs" -- --quiet
find $here -name '*.gcda' -delete
status=0
ctest --preset coverage -j "$jobs" -R "${1:-.}" || status=$?

# gcov's text: count:line:source, with ##### for a line that was not reached and - for none; a * marks some of a line.
find "$PWD/$here" -name '*.gcda' | while read -r data; do
  gcov --stdout --relative-only --source-prefix "$PWD" "$data" 2>/dev/null
done | awk -F: '
  $2 + 0 == 0 { if ($3 == "Source") { file = $4 }; next }
  file !~ /^csrc\// { next }
  { count = $1; gsub(/[ *]/, "", count) }
  count == "-" { next }
  { key = file SUBSEP ($2 + 0); if (!(key in lines)) { lines[key] = 0 } }
  count !~ /^[#=]/ { lines[key] = 1 }
  END { for (key in lines) { split(key, part, SUBSEP); print part[1], part[2], lines[key] } }
' | LC_ALL=C sort -k1,1 -k2,2n >$here/counted.txt
[ -s $here/counted.txt ] || { echo "coverage: gcov counted nothing" >&2; exit 1; }

awk '
  function put () { if (file != "") printf "%5.1f %% of %4d  %s %s\n", 100 * hit / all, all, file, missed }
  $1 != file { put(); file = $1; all = hit = 0; missed = ""; last = -1 }
  { all++; hit += $3 }
  !$3 { missed = missed ($2 == last + 1 ? "" : " " $2); last = $2 }
  END { put() }' $here/counted.txt >$here/lines.txt
awk '
  { folder = $1; sub(/\/[^\/]*$/, "", folder); all[folder]++; hit[folder] += $3; total++; sum += $3 }
  END {
    for (f in all) printf "%-24s %6.1f %% of %5d lines\n", f, 100 * hit[f] / all[f], all[f] | "LC_ALL=C sort"
    close("LC_ALL=C sort")
    printf "%-24s %6.1f %% of %5d lines\n", "csrc", 100 * sum / total, total
  }' $here/counted.txt
echo "coverage: each file, and where the lines that nothing reached begin: $here/lines.txt"
exit $status
