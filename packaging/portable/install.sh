#!/bin/sh
# Installs image-cri-shim from this folder on a node with systemd, as root; or replaces an older one by it.
#
#   ./install.sh
#
# Variables: PREFIX (/opt/image-cri-shim), DESTDIR (none). The kubelet is not touched: `image-cri-shim kubelet enable`.
# A configuration that is there is kept. A service that runs is restarted behind its open socket, so that no call fails.
set -eu
cd "$(dirname "$0")"

prefix=${PREFIX:-/opt/image-cri-shim}
root=${DESTDIR:-}
units="image-cri-shim.socket image-cri-shim.service"
target=$root$prefix

if [ -e "$target/versions" ]; then
  echo "install.sh: the DaemonSet has installed it in $prefix: change that, or take another PREFIX" >&2
  exit 1
fi

# Beside the old one, and then in its place: the daemon that runs keeps its files until it ends.
mkdir -p "$target"
rm -rf "$target/.new"
mkdir "$target/.new"
cp -a bin lib systemd docs licences LICENSE VERSION image-cri-shim.yaml uninstall.sh "$target/.new/"
if [ -d host ]; then cp -a host "$target/.new/"; fi
chown -R 0:0 "$target/.new" 2>/dev/null || true
sed "s|^ExecStart=/usr/bin/|ExecStart=$prefix/bin/|" systemd/image-cri-shim.service >"$target/.new/systemd/image-cri-shim.service"
"$target/.new/bin/image-cri-shim" --version >/dev/null # it runs here, or nothing is replaced

rm -rf "$target/.old"
mkdir "$target/.old"
for new in "$target/.new"/*; do
  name=$(basename "$new")
  if [ -e "$target/$name" ]; then mv "$target/$name" "$target/.old/"; fi
  mv "$new" "$target/$name"
done
rm -rf "$target/.new" "$target/.old"

mkdir -p "$root/etc/systemd/system" "$root/usr/local/bin"
for unit in $units; do
  cp "$target/systemd/$unit" "$root/etc/systemd/system/.$unit.new"
  mv "$root/etc/systemd/system/.$unit.new" "$root/etc/systemd/system/$unit"
done
ln -sfn "$prefix/bin/image-cri-shim" "$root/usr/local/bin/image-cri-shim"
if [ ! -e "$root/etc/image-cri-shim.yaml" ] && [ ! -e "$root/etc/image-cri-shim/config.yaml" ]; then
  (umask 077 && cp image-cri-shim.yaml "$root/etc/image-cri-shim.yaml")
fi
if command -v restorecon >/dev/null; then restorecon -R "$target" "$root/etc/image-cri-shim.yaml" || true; fi

if [ -z "$root" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # shellcheck disable=SC2086  # two words
  systemctl enable $units
  # Not waited for: it is ready when the runtime answers.
  if systemctl --quiet is-active image-cri-shim.service; then
    systemctl --no-block restart image-cri-shim.service
  else
    # shellcheck disable=SC2086
    systemctl --no-block start $units
  fi
fi
