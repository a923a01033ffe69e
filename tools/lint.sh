#!/bin/sh
# Style: luacheck on Lua, clang-format on C. Prints what is off and fails. `make lint` runs it, and continuous
# integration; `make test` does not, since what a user changed may be right and laid out otherwise.
# clang-format lays out some lines differently from release to release: that of Debian 12 decides, and with
# another C is not checked, which is said.
set -eu
cd "$(dirname "$0")/.."
version=14
luacheck --quiet --std lua54 lua recipes tests tools
formatter=clang-format-$version
command -v $formatter >/dev/null || formatter=clang-format
case $($formatter --version) in
  *"version $version."*) ;;
  *) echo "style: Lua ok; C SKIPPED: clang-format $version decides, here is $($formatter --version)"; exit 0 ;;
esac
git ls-files 'csrc/*.c' 'csrc/*.h' 'tests/*.c' 'tests/*.h' 'docs/*.c' | xargs $formatter --dry-run --Werror
echo "style: ok"
