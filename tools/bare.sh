#!/bin/sh
# Runs a command on a bare Debian, where nothing is installed that is not there by itself: in a folder (chroot).
#   tools/bare.sh SUITE FOLDER 'COMMAND'        tools/bare.sh trixie /var/tmp/trixie 'make test'
# As root, with debootstrap. The folder is made once, from the mirror and with the settings of this machine's apt, and
# is left as it is: each command has a new copy of it, FOLDER.run, with a clone of this checkout's last commit, and
# nothing of the command before. What is mounted there (proc, dev) is so for the command alone, in a mount namespace of
# its own, so both folders can be removed at any time. The status is the command's, or 77 where this machine cannot.
set -eu
[ $# = 3 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
suite=$1 folder=$2 command=$3
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "bare: SKIPPED: it needs root" >&2; exit 77; }
for tool in debootstrap unshare git; do
  command -v $tool >/dev/null || { echo "bare: SKIPPED: it needs $tool" >&2; exit 77; }
done
if [ ! -e "$folder/etc/debian_version" ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/*$' | head -n 1)
  rm -rf --one-file-system "$folder.new"
  debootstrap --variant=minbase --include=ca-certificates,git,make "$suite" "$folder.new" \
    "${mirror:-http://deb.debian.org/debian}" >"$folder.log" 2>&1 ||
    { tail -n 5 "$folder.log"; echo "bare: SKIPPED: debootstrap cannot make a $suite ($folder.log)"; exit 77; } >&2
  mv "$folder.new" "$folder"
fi
copy=$folder.run
rm -rf --one-file-system "$copy"
cp -a "$folder" "$copy"
# How this machine reaches the mirror: proxies, passwords, certificates, names.
for path in apt/apt.conf.d apt/auth.conf.d ssl/certs resolv.conf hosts; do
  [ ! -e "/etc/$path" ] || { rm -rf "${copy:?}/etc/$path" && cp -aL "/etc/$path" "$copy/etc/$path"; } 2>/dev/null || true
done
git clone -q --depth 1 "file://$PWD" "$copy/root/flexlab"
# shellcheck disable=SC2046  # a word each
exec unshare --mount --propagation private sh -eu -c '
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  shift
  exec "$@"' bare "$copy" env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  $(env | grep -iE '^(https?_proxy|no_proxy|ssl_cert_file)=' || true) \
  chroot "$copy" sh -c "cd /root/flexlab && $command"
