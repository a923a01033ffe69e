#!/bin/sh
# Installs the Debian packages that building and testing need, and with the word `style` those of
# tools/lint.sh too, if any is missing: as root, or with sudo. Says nothing when all is there. README.md
# lists them with licence and reason.
set -eu
packages="gcc libc6-dev cmake make ninja-build pkg-config lua5.4 liblua5.4-dev libopenblas-openmp-dev
libhdf5-dev libpng-dev libcjson-dev libedit-dev zlib1g-dev lua-unit"
case ${1:-} in
  '') ;;
  style) packages="$packages lua-check clang-format" ;;
  *) echo "packages.sh: no '$1'; there is style" >&2; exit 2 ;;
esac
missing=""
for p in $packages; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
command -v apt-get >/dev/null || { echo "flexlab: please install:$missing" >&2; exit 1; }
sudo=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "flexlab: as root, run: apt-get install$missing" >&2; exit 1; }
  sudo="sudo"
fi
echo "flexlab: installing$missing"
$sudo apt-get -qq update
# shellcheck disable=SC2086  # the list is meant to split into words
DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y --no-install-recommends $missing >/dev/null
