#!/bin/sh
# Takes away what install.sh put on this node, as root.
#
#   ./uninstall.sh [--purge]      --purge: configuration and state, too
#
# Refuses while the kubelet gets its images through the shim: without its socket no pod could start.
# Variables: PREFIX (/opt/image-cri-shim), DESTDIR (none).
set -eu

prefix=${PREFIX:-/opt/image-cri-shim}
root=${DESTDIR:-}
units="image-cri-shim.socket image-cri-shim.service"

if [ -e "$root$prefix/versions" ]; then
  echo "uninstall.sh: $prefix is the DaemonSet's: nothing was removed" >&2
  exit 1
fi
if [ -z "$root" ]; then
  status=$(timeout 20 "$prefix/bin/image-cri-shim" kubelet status --json 2>/dev/null) || true
  shim=$(printf '%s\n' "$status" | sed -n 's/^ *"shim": "\(.*\)",*$/\1/p')
  runtime=$(printf '%s\n' "$status" | sed -n 's/^ *"runtimeEndpoint": "\(.*\)",*$/\1/p')
  case $status in *'"pointsAtShim": true'*) runtime=$shim ;; esac
  if [ -n "$shim" ] && [ "${runtime#unix://}" = "$shim" ]; then
    echo "NOT REMOVED: the kubelet of this node gets its images through the shim." >&2
    echo "First: '$prefix/bin/image-cri-shim kubelet disable'." >&2
    exit 1
  fi
  if [ -d /run/systemd/system ]; then
    # shellcheck disable=SC2086  # two words
    systemctl disable --now $units || true
  fi
fi
for unit in $units; do rm -f "$root/etc/systemd/system/$unit"; done
if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$(readlink "$root/usr/local/bin/image-cri-shim")" = "$prefix/bin/image-cri-shim" ]; then
  rm "$root/usr/local/bin/image-cri-shim"
fi
rm -rf "$root${prefix:?}"
if [ "${1:-}" = --purge ]; then
  rm -rf "$root/etc/image-cri-shim.yaml" "$root/etc/image-cri-shim" "$root/var/lib/image-cri-shim" "$root/run/image-cri-shim"
fi
