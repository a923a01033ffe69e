#!/bin/sh
# What is checked before a release, beyond `make test`: each stage by itself, its output in build/check/STAGE.log, and
# a table of results and times at the end. A stage that this machine cannot run says SKIPPED and why; it is no success,
# and no failure. Stages may be named: tools/check_all.sh fuzz clients
set -u
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
mkdir -p build/check
failed=0
table=""

variant () { # preset or folder, options: builds it with warnings as errors
  cmake "$@" -DFLEXLAB_WERROR=ON >/dev/null
}
stage_style () { make lint; }
stage_address () { variant --preset debug && cmake --build --preset debug -j "$jobs" -- --quiet && ctest --preset debug -j "$jobs"; }
stage_thread () { variant --preset tsan && cmake --build --preset tsan -j "$jobs" -- --quiet && ctest --preset tsan -j "$jobs"; }
stage_clang () {
  command -v clang >/dev/null || { echo "clang: SKIPPED: there is no clang"; return 0; }
  variant -S . -B build/clang -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang &&
    cmake --build build/clang -j "$jobs" -- --quiet &&
    ctest --test-dir build/clang -j "$jobs" --output-on-failure -R '^unit|^layers'
}
stage_release () { # the other Debian
  other=trixie
  ! grep -q trixie /etc/os-release || other=bookworm
  status=0
  tools/bare.sh $other "${BARE:-/var/tmp/flexlab-$other}" 'make test' || status=$?
  [ $status = 3 ] || return $status
}
stage_fuzz () { tools/fuzz.sh; }
stage_clients () { make clients; }
stage_samples () { make check-samples; }

[ $# -gt 0 ] || set -- style address thread clang release fuzz clients samples
for name in "$@"; do
  began=$(date +%s)
  log=build/check/$name.log
  echo "check-all: $name ..."
  if (set -e; "stage_$name") >"$log" 2>&1; then
    result=ok
    ! grep -q SKIPPED "$log" || result=$(grep SKIPPED "$log" | tr '\n' ';')
  else
    result="FAILED ($log)"
    failed=1
    tail -n 20 "$log"
  fi
  took=$(($(date +%s) - began))
  table="$table$(printf '%-8s %3d:%02d  %s' "$name" $((took / 60)) $((took % 60)) "$result")
"
done
printf '%s' "$table"
exit $failed
