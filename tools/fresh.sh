#!/bin/sh
# Removes a build folder that was made by another generator than Ninja, or by another compiler than the one that is
# asked for now: CMake refuses the one, and keeps the other without a word.
#   tools/fresh.sh FOLDER [COMPILER]
set -eu
folder=$1 compiler=${2:-}
if [ -n "$compiler" ]; then
  path=$(command -v "$compiler") || { echo "flexlab: there is no compiler '$compiler' here (CC)" >&2; exit 1; }
  for known in "$folder"/CMakeFiles/*/CMakeCCompiler.cmake; do
    [ ! -e "$known" ] || grep -qF "set(CMAKE_C_COMPILER \"$path\")" "$known" || rm -rf "${folder:?}"
  done
fi
if [ -f "$folder/Makefile" ]; then rm -rf "${folder:?}"; fi
