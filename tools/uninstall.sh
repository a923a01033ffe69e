#!/bin/sh
# Removes what `make install` has written below PREFIX: the files that share/flexlab/installed.txt lists, and folders
# called flexlab that are empty then. Other folders are left, since they may be others'.
#   tools/uninstall.sh PREFIX
set -eu
[ $# = 1 ] || { sed -n '4s/^#  *//p' "$0" >&2; exit 2; }
prefix=$1
list="$prefix/share/flexlab/installed.txt"
[ -r "$list" ] || { echo "uninstall: no FlexLab is installed in $prefix: there is no $list" >&2; exit 1; }
paths=$(cat "$list")
printf '%s\n' "$paths" | while IFS= read -r path; do
  case "/$path/" in
    //* | */../*) echo "uninstall: $list names '$path', which is not below $prefix; it is left" >&2; continue ;;
  esac
  rm -f "$prefix/$path"
done
printf '%s\n' "$paths" | while IFS= read -r path; do
  folder=$(dirname "$path")
  while case "/$folder/" in */flexlab/*) ;; *) false ;; esac; do
    rmdir "$prefix/$folder" 2>/dev/null || break
    folder=$(dirname "$folder")
  done
done
echo "uninstall: FlexLab is removed from $prefix"
