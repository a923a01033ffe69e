#!/bin/sh
# The scripts around the build that decide something: tools/fresh.sh removes a folder exactly when CMake could not or
# would not use it again, and tools/check_all.sh knows its stages before it begins the first.
#   tests/build_tools.sh SOURCE COMPILER
set -eu
cd "$1"
compiler=$(command -v "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail () { echo "build_tools: $*" >&2; exit 1; }

folder () { # compiler: a build folder as CMake leaves it
  mkdir -p "$work/folder/CMakeFiles/3.25.1"
  echo "set(CMAKE_C_COMPILER \"$1\")" >"$work/folder/CMakeFiles/3.25.1/CMakeCCompiler.cmake"
}
kept () { [ -d "$work/folder" ]; }

tools/fresh.sh "$work/none" "$compiler" || fail "a folder that is not there yet is refused"
folder "$compiler"
tools/fresh.sh "$work/folder" && kept || fail "a folder is removed though no compiler was asked for"
tools/fresh.sh "$work/folder" "$compiler" && kept || fail "a folder of the same compiler is removed"
said=$(tools/fresh.sh "$work/folder" no-such-compiler 2>&1) && fail "a compiler that is not there is accepted"
[ "$said" = "flexlab: there is no compiler 'no-such-compiler' here (CC)" ] || fail "of a missing compiler it says: $said"
kept || fail "a folder is removed for a compiler that is not there"
folder /usr/bin/another
tools/fresh.sh "$work/folder" "$compiler"
! kept || fail "a folder of another compiler is kept"
folder "$compiler"
: >"$work/folder/Makefile"
tools/fresh.sh "$work/folder"
! kept || fail "a folder of another generator is kept"

for name in fuz clang clang-1x; do
  status=0
  said=$(tools/check_all.sh compare $name 2>&1) || status=$?
  case $status$said in
    "2check-all: there is no stage '$name'; there are style "*" clang-14 "*" samples") ;;
    *) fail "of a stage $name it says ($status): $said" ;;
  esac
done
