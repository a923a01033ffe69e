#!/bin/sh
# The libraries are found under the names that systems give them: .pc files under each name, made from those of this
# machine, in a folder that alone is searched; then a folder of one's own before the system's (CMAKE_PREFIX_PATH), no .pc
# file at all, and what must be refused.
#   tests/dependencies.sh SOURCE CC
set -eu
source=$1 cc=$2
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH

fail() { echo "dependencies: $*" >&2; cat "$home/log" >&2; exit 1; }

# FOLDER NAME VERSION LIKE: a .pc file of this name and version with the flags of LIKE, a library of this machine.
pc() {
  mkdir -p "$1"
  printf 'Name: %s\nDescription: a test\nVersion: %s\nCflags: %s\nLibs: %s\n' "$2" "$3" \
    "$(pkg-config --cflags "$4")" "$(pkg-config --libs "$4")" >"$1/$2.pc"
}

# A folder with everything under the names of a system: FOLDER LUA HDF5 BLAS PNG CJSON
system() {
  pc "$1" "$2" 5.4.6 lua5.4
  pc "$1" "$3" 1.14.3 hdf5-serial
  [ "$4" = none ] || pc "$1" "$4" 0.3.26 openblas
  pc "$1" "$5" 1.6.40 libpng
  pc "$1" zlib 1.3 zlib
  pc "$1" "$6" 1.7.17 libcjson
  pc "$1" libedit 3.1 libedit
}

# Configures with the .pc files of a folder alone; further arguments go to cmake. What it says is in $home/log. The
# first time finds out what the compiler is, and the others are told.
look() {
  folder=$1
  shift
  rm -rf "$home/build/CMakeCache.txt"
  PKG_CONFIG_LIBDIR="$folder" cmake -S "$source/tests/dependencies" -B "$home/build" -DCMAKE_C_COMPILER="$cc" "$@" \
    >"$home/log" 2>&1
}
found() { grep -q -- "^-- $1" "$home/log" || fail "'$1' was not found${2:+ $2}"; }

names() { # LUA HDF5 BLAS PNG CJSON
  system "$home/$1" "$@"
  look "$home/$1" || fail "with the names $*: refused"
  found "LUA $1: .*/liblua"
  found "HDF5 $2: .*/libhdf5"
  found "BLAS $3: .*/libopenblas"
  found "PNG $4: "
  found "CJSON $5: "
  found "OPENBLAS 1:"
  found "PC $2 $4 zlib $5: .*/libopenblas"
}
names lua5.4 hdf5-serial openblas libpng libcjson          # Debian
names lua-5.4 hdf5 openblas libpng libcjson                # Arch's lua54, a Lua built by hand
names lua54 hdf5 openblas-openmp libpng16 cjson            # others

# Lua under its bare name, of version 5.4; one of another version is not taken.
system "$home/bare" lua hdf5 openblas libpng libcjson
look "$home/bare" || fail "lua.pc of version 5.4 was refused"
found "LUA .*: .*/liblua"
pc "$home/bare" lua 5.3.6 lua5.4
look "$home/bare" -DCMAKE_DISABLE_FIND_PACKAGE_Lua=ON && fail "lua.pc of version 5.3 was taken"
grep -q 'flexlab: Lua 5.4 was not found.*' "$home/log" || fail "what is missing has no sentence"
tr -s ' \n' ' ' <"$home/log" | grep -q 'cmake -DCMAKE_PREFIX_PATH=/its/folder' || fail "nothing says what to do"

# A folder of one's own, before the system's.
system "$home/own/lib/pkgconfig" lua5.4 hdf5 openblas libpng libcjson
pc "$home/own/lib/pkgconfig" hdf5-serial 1.99 zlib
look "$home/lua5.4" -DCMAKE_PREFIX_PATH="$home/own" || fail "with CMAKE_PREFIX_PATH: refused"
found "HDF5 hdf5-serial: .*/libz" "in CMAKE_PREFIX_PATH first"

# No .pc file at all: CMake's own search. (A BLAS without cblas.h may be all that is left: then it says so.)
mkdir "$home/none"
if look "$home/none"; then
  found "LUA : .*/liblua"
  found "HDF5 : .*/libhdf5"
  found "PNG : .*/libpng"
  found "PC: .*libhdf5"
else
  grep -q 'flexlab: [A-Za-z0-9. ]* was not found\|flexlab: BLAS with cblas.h' "$home/log" || fail "without .pc files"
fi
echo "dependencies: ok"
