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
stage_clang () { # release of clang
  command -v "clang-$1" >/dev/null || { echo "clang-$1: SKIPPED: it is not installed (Debian: clang-$1)"; return 0; }
  variant -S . -B "build/clang-$1" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER="clang-$1" &&
    cmake --build "build/clang-$1" -j "$jobs" -- --quiet &&
    ctest --test-dir "build/clang-$1" -j "$jobs" --output-on-failure
}
stage_amx () { # every test on the emulated unit that can choose
  variant --preset amx-emulated && cmake --build --preset amx-emulated -j "$jobs" -- --quiet &&
    ctest --preset amx-emulated -j "$jobs" -R '^unit|core_ops|parity|backbones|bench|c_sample'
}
stage_aarch64 () { tools/test_aarch64.sh; }
stage_coverage () { tools/coverage.sh && cat build/coverage/lines.txt; }
stage_compare () {
  command -v python3 >/dev/null || { echo "compare: SKIPPED: there is no python3"; return 0; }
  python3 -m unittest discover bench
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

[ $# -gt 0 ] || set -- style address thread amx clang-14 clang-16 clang-19 aarch64 coverage compare release \
  fuzz clients samples
for name in "$@"; do
  began=$(date +%s)
  log=build/check/$name.log
  echo "check-all: $name ..."
  case $name in
    clang-*) run="stage_clang ${name#clang-}" ;;
    *) run="stage_$name" ;;
  esac
  # shellcheck disable=SC2086  # a stage and its argument
  if (set -e; $run) >"$log" 2>&1; then
    result=ok
    ! grep -q SKIPPED "$log" || result=$(grep SKIPPED "$log" | tr '\n' ';')
  else
    result="FAILED ($log)"
    failed=1
    tail -n 20 "$log"
  fi
  took=$(($(date +%s) - began))
  table="$table$(printf '%-9s %3d:%02d  %s' "$name" $((took / 60)) $((took % 60)) "$result")
"
done
printf '%s' "$table"
exit $failed
