#!/bin/sh
# Style: luacheck on Lua, clang-format on C. Prints what is off and fails.
set -eu
cd "$(dirname "$0")/.."
luacheck --quiet --std lua54 lua recipes tests tools
git ls-files 'csrc/*.c' 'csrc/*.h' 'tests/*.c' 'tests/*.h' 'docs/*.c' | xargs clang-format --dry-run --Werror
echo "style: ok"
