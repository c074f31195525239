# shellcheck shell=sh disable=SC2034
# Where the shim is on a host that it is installed on from its tarball or image; read by `install` and `uninstall`.
#
#   /opt/image-cri-shim/versions/NAME   a version, complete as soon as it has this name; never changed
#   /opt/image-cri-shim/current         a link to the one that runs
#   /opt/image-cri-shim/previous        a link to the one before it, kept for the way back
#   /opt/image-cri-shim/unproven        there while `current` has not yet shown that it works; holds the NAME of the
#                                       version to go back to, or `none`
#   /opt/image-cri-shim/failed.WHAT     a version, or `kubelet`: when it did not work here
#
# Units are in /etc/systemd/system, and name the programs by `current`.

readonly service=image-cri-shim.service
readonly socket=image-cri-shim.socket
readonly resume=image-cri-shim-resume.service
readonly mark='# Written by /opt/image-cri-shim; changed by `systemctl edit`.'

# set_root ROOT: all paths are below it; for tests and images of hosts.
set_root() {
  root=$1
  base=$root/opt/image-cri-shim
  units=$root/etc/systemd/system
  command_link=$root/usr/local/bin/image-cri-shim
}

say() { echo "$*"; }
fail() {
  echo "$program: $*" >&2
  exit 1
}

# One at a time; the lock ends with the process, however that ends.
take_lock() {
  mkdir -p "$base"
  exec 9>"$base/.lock"
  if command -v flock >/dev/null; then flock -n 9 || fail "another installation is at work here"; fi
}

# replace FILE MODE: with what comes on stdin, as a whole or not at all.
replace() {
  cat >"$1.new" && chmod "$2" "$1.new" && mv -f "$1.new" "$1"
}

# link_to TARGET LINK: as a whole or not at all.
link_to() {
  rm -f "$2.new" && ln -s "$1" "$2.new" && mv -fT "$2.new" "$2"
}

# name_behind LINK: the NAME of the version that `current` or `previous` is; nothing where there is none.
name_behind() {
  if [ -d "$base/$1/bin" ]; then basename "$(readlink "$base/$1")"; fi
}

# What a program of the running version says; `kubelet` wants to know where the host is.
shim() { "$base/current/bin/image-cri-shim" "$@"; }
kubelet() { shim kubelet "$@" ${root:+--root "$root"}; }

# is_ours UNIT: not somebody else's of the same name.
is_ours() { [ ! -e "$units/$1" ] || grep -qxF "$mark" "$units/$1"; }

# names_the_shim: prints a file that sends the kubelet to the shim, whatever wrote it.
names_the_shim() {
  for file in /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet \
    /etc/sysconfig/kubelet; do
    if [ -e "$root$file" ] && grep -v '^ *#' "$root$file" | grep -q 'image-cri-shim'; then
      echo "$root$file"
      return 0
    fi
  done
  return 1
}

# The socket first: a call on one that still listens starts the service again.
remove_units() {
  for unit in "$socket" "$service" "$resume"; do
    if [ -e "$units/$unit" ] && is_ours "$unit"; then
      systemctl disable --now "$unit" || return 1
    fi
  done
  for unit in "$socket" "$service" "$resume"; do
    if is_ours "$unit"; then rm -f "$units/$unit"; fi
  done
  systemctl daemon-reload
  if [ -h "$command_link" ]; then rm -f "$command_link"; fi
}
