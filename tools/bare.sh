#!/bin/sh
# Runs a command on a bare Debian, where nothing is installed that is not there by itself: in a folder (chroot).
#   tools/bare.sh SUITE FOLDER 'COMMAND'        tools/bare.sh trixie /var/tmp/trixie 'make test'
# As root, with debootstrap. The folder is made once, from the mirror and with the settings of this machine's apt, and
# used again; it gets the last commit of this checkout anew each time. What is mounted there (proc, dev) is so for the
# command alone, in a mount namespace of its own, so the folder can be removed at any time.
set -eu
[ $# = 3 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
suite=$1 folder=$2 command=$3
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "bare: SKIPPED: it needs root" >&2; exit 3; }
for tool in debootstrap unshare git; do
  command -v $tool >/dev/null || { echo "bare: SKIPPED: it needs $tool" >&2; exit 3; }
done
if [ ! -e "$folder/etc/debian_version" ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/*$' | head -n 1)
  debootstrap --variant=minbase --include=ca-certificates,git,make "$suite" "$folder" \
    "${mirror:-http://deb.debian.org/debian}" >"$folder.log" 2>&1 ||
    { tail -n 5 "$folder.log"; echo "bare: SKIPPED: debootstrap cannot make a $suite ($folder.log)"; exit 3; } >&2
fi
# How this machine reaches the mirror: proxies, passwords, certificates, names.
for path in apt/apt.conf.d apt/auth.conf.d ssl/certs resolv.conf hosts; do
  [ ! -e "/etc/$path" ] || { rm -rf "${folder:?}/etc/$path" && cp -aL "/etc/$path" "$folder/etc/$path"; } 2>/dev/null || true
done
rm -rf "$folder/root/flexlab"
mkdir -p "$folder/root/flexlab"
git archive HEAD | tar -x -C "$folder/root/flexlab"
# shellcheck disable=SC2046  # a word each
exec unshare --mount --propagation private sh -eu -c '
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  shift
  exec "$@"' bare "$folder" env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  $(env | grep -iE '^(https?_proxy|no_proxy|ssl_cert_file)=' || true) \
  chroot "$folder" sh -c "cd /root/flexlab && $command"
