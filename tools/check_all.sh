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
bare () { # suite, command: on that Debian as it comes, in a chroot; 77 is bare.sh's word for "not on this machine"
  status=0
  tools/bare.sh "$1" "${BARE:-/var/tmp/flexlab}-$1" "$2" || status=$?
  [ $status = 77 ] || return $status
}
stage_clang () { # release of clang: make test's two builds, here where it is installed, else on the Debian that has it
  if ! command -v "clang-$1" >/dev/null; then
    suite=trixie
    [ "$1" -gt 16 ] || suite=bookworm
    packages="clang-$1 libclang-rt-$1-dev"
    echo "clang-$1 is not installed here ($packages): a bare $suite"
    bare $suite "make packages && apt-get -qq install -y --no-install-recommends $packages >/dev/null &&
      JOBS=$jobs tools/check_all.sh clang-$1"
    return
  fi
  for preset in release debug; do
    variant --preset $preset -B "build/clang-$1-$preset" -DCMAKE_C_COMPILER="clang-$1" &&
      cmake --build "build/clang-$1-$preset" -j "$jobs" -- --quiet &&
      ctest --test-dir "build/clang-$1-$preset" -j "$jobs" --output-on-failure || return
  done
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
stage_debian12 () { bare bookworm '.ci/run'; }
stage_debian13 () { bare trixie 'make test'; }
stage_fuzz () { tools/fuzz.sh; }
stage_clients () { make clients; }
stage_samples () { make check-samples; }

[ $# -gt 0 ] || set -- style address thread amx clang-14 clang-16 clang-19 aarch64 coverage compare \
  debian12 debian13 fuzz clients samples
known () { # a stage's name
  case $1 in
    clang-[1-9][0-9]) ;;
    clang) return 1 ;;
    *) command -v "stage_$1" >/dev/null ;;
  esac
}
for name in "$@"; do
  known "$name" || {
    stages=$(sed -n 's/^stage_\([a-z0-9]*\) () {.*/ \1/p' "$0" | sed 's/clang/clang-14 clang-16 .../' | tr -d '\n')
    echo "check-all: there is no stage '$name'; there are$stages" >&2
    exit 2
  }
done
for name in "$@"; do
  began=$(date +%s)
  log=build/check/$name.log
  echo "check-all: $name ..."
  case $name in
    clang-*) run="stage_clang ${name#clang-}" ;;
    *) run="stage_$name" ;;
  esac
  # shellcheck disable=SC2086  # a stage and its argument
  if ($run) >"$log" 2>&1; then
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
