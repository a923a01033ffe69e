#!/bin/sh
# An installation in a folder of its own works from another one: the program, stock lua5.4, and C. What it has written
# is listed: the next one leaves no file of an older version, and uninstall.sh leaves none at all.
#   tests/install.sh BUILD SOURCE CC
set -eu
build=$1 source=$2 cc=$3
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cmake --install "$build" --prefix "$home/usr" >/dev/null
mkdir "$home/work"
cd "$home/work"
unset FLEXLAB_LUA LUA_PATH LUA_CPATH

fail() { echo "install: $*" >&2; exit 1; }

"$home/usr/bin/flexlab" version | grep -q '^FlexLab [0-9]' || fail "the program does not start"
"$home/usr/bin/flexlab" list choices | grep -q 'huber' || fail "the program does not see its choices"
"$home/usr/bin/flexlab" list recipes | grep -q 'recipes/sr.lua' || fail "the program does not list its recipes"
"$home/usr/bin/flexlab" show ablate_conditioning | grep -q 'train.steps' || fail "recipes do not find one another"
"$home/usr/bin/flexlab" show sr | grep -q 'train.steps' || fail "the program does not find its recipes"
echo 'return { n = 1 }' >sibling.lua
echo 'local s = require "sibling"; assert(s.n == 1); return require "recipes.sr"' >mine.lua
"$home/usr/bin/flexlab" show mine.lua | grep -q 'train.steps' || fail "a recipe does not find recipes.sr and its sibling"
(cd / && "$home/usr/bin/flexlab" show "$home/work/mine.lua" | grep -q 'train.steps') \
  || fail "a recipe in another folder does not find recipes.sr and its sibling"
"$home/usr/bin/flexlab" run sr --dry-run | grep -q 'runs/sr/' || fail "the program does not run its recipes"

[ -s "$home/usr/share/bash-completion/completions/flexlab" ] || fail "there is no completion"
grep -q '^\.TH FLEXLAB 1' "$home/usr/share/man/man1/flexlab.1" || fail "there is no manual page"
# Pages that are installed lead to one another; those on the tests and measurements stay in the source.
(cd "$home/usr/share/doc/flexlab" && find . -name '*.md' | while read -r page; do
  awk '/^```/ { block = !block } !block' "$page" | grep -oE '\]\([^)# ]+' | cut -c3- | while read -r link; do
    case $link in *:* | *bench/* | *tests/*) continue ;; esac
    [ -e "$(dirname "$page")/$link" ] || echo "$page leads to $link"
  done
done) >links
[ ! -s links ] || { cat links; fail "installed pages lead nowhere"; }

lib=$(dirname "$(find "$home/usr" -name libflexlab.a)")
export LUA_PATH="$home/usr/share/lua/5.4/?.lua;$home/usr/share/lua/5.4/?/init.lua;;"
export LUA_CPATH="$lib/lua/5.4/?.so;;"
HERE="$home" lua5.4 -e '
  local flex = require "flexlab"
  assert((flex.tensor { 1, 2 } + 1):sum():item() == 5)
  assert(flex.losses.huber.doc)
  assert(require("recipes.sr").name == "sr" and require("recipes.ablate_conditioning").arms)
  assert(package.searchpath("flexlab.core", package.cpath):find(os.getenv "HERE", 1, true) == 1)
' || fail "stock lua5.4 does not load the module"

export PKG_CONFIG_PATH="$lib/pkgconfig"
# shellcheck disable=SC2046
"$cc" -std=c11 -Wall -Werror "$source/docs/sample.c" $(pkg-config --cflags --libs flexlab) -o sample \
  || fail "docs/sample.c does not compile against what was installed"
code=0
./sample none.h5 none.h5 out.h5 2>message || code=$?
[ "$code" = 1 ] && grep -q 'none.h5' message || fail "the C program does not run"

list="$home/usr/share/flexlab/installed.txt"
find "$home/usr" -type f | sed "s|^$home/usr/||" | LC_ALL=C sort >found
LC_ALL=C sort "$list" | cmp - found || fail "installed.txt is not what lies there"
losses="$home/usr/share/lua/5.4/flexlab/losses"
echo 'return {}' >"$losses/older.lua"
echo 'return {}' >"$losses/mine.lua"
echo share/lua/5.4/flexlab/losses/older.lua >>"$list"
echo ../work/sample >>"$list"
cmake --install "$build" --prefix "$home/usr" >/dev/null
[ ! -e "$losses/older.lua" ] || fail "a file of an older version is left, and would be a choice"
[ -e "$losses/mine.lua" ] && [ -e sample ] || fail "a file that was not installed is removed"
echo ../work/sample >>"$list"
sh "$source/tools/uninstall.sh" "$home/usr" 2>message || fail "it cannot be uninstalled"
grep -q "'../work/sample', which is not below" message && [ -e sample ] || fail "uninstall.sh leaves its folder"
rm "$losses/mine.lua"
[ -z "$(find "$home/usr" -type f)" ] || fail "uninstall.sh leaves $(find "$home/usr" -type f | head -n 3)"
[ -d "$home/usr/bin" ] && [ ! -e "$home/usr/include/flexlab" ] || fail "uninstall.sh removes other folders than its own"
! sh "$source/tools/uninstall.sh" "$home/usr" 2>message && grep -q 'no FlexLab is installed in' message \
  || fail "uninstall.sh finds an installation where there is none"
make -s -C "$source" uninstall PREFIX="$home/two words" 2>message || true
grep -q "no FlexLab is installed in $home/two words:" message || fail "make uninstall: a blank in PREFIX divides it"
make -n -C "$source" -o release install PREFIX="$home/two words" | grep -q "prefix \"$home/two words\"" \
  || fail "make install: a blank in PREFIX divides it"
echo "installed, used and removed in $home"
