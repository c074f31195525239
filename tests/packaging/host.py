"""A host in a folder: its systemd and the program are scripts that say and do what a test wants, all else is real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SERVICE = "image-cri-shim.service"
SOCKET = "image-cri-shim.socket"
KUBELET_FILE = "var/lib/kubelet/config.yaml"
POINTS_AT_SHIM = "imageServiceEndpoint: unix:///var/run/image-cri-shim.sock\n"
SECONDS = 60  # for a script on a busy machine; it takes one

Ended = subprocess.CompletedProcess[str]

# A version's health is what it says of itself: `good`, `crash` (it ends at once), `waiting` (for the runtime, for
# ever), `deaf` (it is there, but no call goes through it).
PROGRAM = r"""#!/bin/sh
case "$*" in
  --version) echo "image-cri-shim @NUMBER@" ;;
  --health) echo @HEALTH@ ;;
  "config show"*) ! grep -q nonsense "$4" || { echo "$4:1: nonsense"; exit 2; } ;;
  "kubelet status"*) case @HEALTH@ in deaf) echo '  "shimAnswers": false' ;; *) echo '  "shimAnswers": true' ;; esac ;;
  "kubelet enable"*)
    echo "kubelet enable" >>"$FAKE/calls"
    [ ! -e "$FAKE/stubborn" ] || exit 1
    echo "@LINE@" >"$FAKE_ROOT/@FILE@"
    ;;
  "kubelet disable"*)
    echo "kubelet disable" >>"$FAKE/calls"
    [ ! -e "$FAKE/stubborn" ] || exit 1
    : >"$FAKE_ROOT/@FILE@"
    ;;
esac
"""

SYSTEMCTL = r"""#!/bin/sh
echo "$*" >>"$FAKE/calls"
verb=$1
shift
for unit in "$@"; do :; done # the last word
start() {
  touch "$FAKE/active/$1"
  [ "$1" = image-cri-shim.service ] || return 0
  program=$FAKE_ROOT$(sed -n 's/^ExecStart=//p' "$FAKE_ROOT/etc/systemd/system/$1")
  "$program" --health >"$FAKE/active/$1" 2>/dev/null || echo crash >"$FAKE/active/$1"
  echo x >>"$FAKE/starts"
}
case $verb in
  show)
    case $(cat "$FAKE/active/$unit" 2>/dev/null || echo none) in
      good | deaf) echo ActiveState=active SubState=running MainPID=$(wc -l <"$FAKE/starts") | tr ' ' '\n' ;;
      crash) echo ActiveState=activating SubState=auto-restart MainPID=0 | tr ' ' '\n' ;;
      waiting) echo ActiveState=activating SubState=start MainPID=7 | tr ' ' '\n' ;;
      none) echo ActiveState=inactive SubState=dead MainPID=0 | tr ' ' '\n' ;;
      *) cat "$FAKE/active/$unit" ;;
    esac
    ;;
  start | restart) [ "$verb" = start ] && [ -e "$FAKE/active/$unit" ] || start "$unit" ;;
  enable) for each in "$@"; do touch "$FAKE/enabled/$each"; done ;;
  disable)
    rm -f "$FAKE/enabled/$unit" "$FAKE/active/$unit"
    [ "$unit" != image-cri-shim.socket ] || rm -f "$FAKE/active/image-cri-shim.service"
    ;;
  stop) rm -f "$FAKE/active/$unit" ;;
  is-active) grep -qx good "$FAKE/active/$unit" ;;
esac
"""

# In place of each command that changes something: the one with the number KILL_AT is not run, nor anything after it.
STEP = r"""#!/bin/sh
PATH=${PATH#*:}
n=$(($(cat "$FAKE/step") + 1))
echo $n >"$FAKE/step"
[ $n != "$KILL_AT" ] || kill -9 0
exec "${0##*/}" "$@"
"""
STEPS = ["mv", "ln", "cp", "rm", "mkdir", "chmod", "cat", "systemctl"]

# The container's view of the host, whose root is that folder.
CHROOT = '#!/bin/sh\nshift\nexec "$@"\n'
SYSTEMD_RUN = r"""#!/bin/sh
for word in "$@"; do
  case $word in --unit=*) unit=${word#--unit=} ;; esac
done
while [ "$1" != /bin/sh ]; do shift; done
script=$2
shift 2
for word in "$@"; do # paths as the host sees them
  shift
  case $word in /opt/*) word=$FAKE_ROOT$word ;; esac
  set -- "$@" "$word"
done
if /bin/sh "$FAKE_ROOT$script" --root "$FAKE_ROOT" "$@" >"$FAKE/journal" 2>&1; then state=active; else state=failed; fi
echo "ActiveState=$state" >"$FAKE/active/$unit"
"""
JOURNALCTL = '#!/bin/sh\necho "journalctl $*" >>"$FAKE/calls"\ncat "$FAKE/journal" 2>/dev/null\n'


def write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


class Host:
    def __init__(self, folder: Path) -> None:
        self._place(folder)
        for each in ("fake/active", "fake/enabled", "root/var/lib/kubelet", "root/run/crio"):
            (folder / each).mkdir(parents=True)
        (self.root / KUBELET_FILE).touch()
        (self._fake / "calls").touch()
        commands = {"systemctl": SYSTEMCTL, "chroot": CHROOT, "systemd-run": SYSTEMD_RUN, "journalctl": JOURNALCTL}
        for name, text in commands.items():
            write_script(folder / "commands" / name, text)
        for name in STEPS:
            write_script(folder / "steps" / name, STEP)

    def copy(self, folder: Path) -> Host:
        shutil.copytree(self.folder, folder, symlinks=True)
        copied = object.__new__(Host)
        copied._place(folder)
        return copied

    def _place(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.base = self.root / "opt/image-cri-shim"
        self._fake = folder / "fake"

    def payload(self, number: str, health: str = "good") -> Path:
        """The unpacked tarball of a version."""
        folder = self.folder / f"payload-{number}"
        program = PROGRAM.replace("@NUMBER@", number).replace("@HEALTH@", health)
        program = program.replace("@LINE@", POINTS_AT_SHIM.strip()).replace("@FILE@", KUBELET_FILE)
        write_script(folder / "bin/image-cri-shim", program)
        shutil.copytree(ROOT / "packaging/systemd", folder / "systemd")
        shutil.copytree(ROOT / "packaging/host", folder / "host")
        return folder

    def run(self, payload: Path, script: str, *arguments: str, kill_at: int = 0, **environment: str) -> Ended:
        """`kill_at`: the number of the step that the power is cut before."""
        words = [str(payload / "host" / script), "--root", str(self.root), *arguments]
        if script == "install":
            words += ["--poll", "0.01"]
        return self._run(words, kill_at, environment)

    def on_node(self, payload: Path, *arguments: str, **environment: str) -> Ended:
        places = {"HOST": str(self.root), "STATE": str(self.folder / "state"), "POLL": "0.01"}
        return self._run([str(payload / "host/on-node"), *arguments], 0, {**places, **environment})

    def _run(self, words: list[str], kill_at: int, environment: dict[str, str]) -> Ended:
        (self._fake / "step").write_text("0")
        path = f"{self.folder}/steps:{self.folder}/commands:{os.environ['PATH']}"
        variables = {"PATH": path, "FAKE": str(self._fake), "FAKE_ROOT": str(self.root), "KILL_AT": str(kill_at)}
        return subprocess.run(words, env={**os.environ, **variables, **environment}, start_new_session=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=SECONDS)  # fmt: skip

    @property
    def steps(self) -> int:
        """Of the last run."""
        return int((self._fake / "step").read_text())

    @property
    def calls(self) -> list[str]:
        """Of systemctl, and of the program about the kubelet."""
        return (self._fake / "calls").read_text().splitlines()

    def forget_calls(self) -> None:
        (self._fake / "calls").write_text("")

    @property
    def health(self) -> str:
        """Of the service that runs; empty where none does."""
        file = self._fake / "active" / SERVICE
        return file.read_text().strip() if file.exists() else ""

    def is_listening(self) -> bool:
        return (self._fake / "active" / SOCKET).exists()

    def is_enabled(self, unit: str) -> bool:
        return (self._fake / "enabled" / unit).exists()

    @property
    def current(self) -> str:
        """The number of the version that `current` is; empty where there is none."""
        link = self.base / "current"
        return link.readlink().name.rpartition("-")[0] if link.is_symlink() else ""

    @property
    def versions(self) -> set[str]:
        return {path.name.rpartition("-")[0] for path in (self.base / "versions").glob("[!.]*")}

    def make_kubelet_stubborn(self) -> None:
        """It can't be pointed anywhere else."""
        (self._fake / "stubborn").touch()

    def points_at_shim(self) -> bool:
        return (self.root / KUBELET_FILE).read_text() == POINTS_AT_SHIM

    def point_at_shim(self) -> None:
        (self.root / KUBELET_FILE).write_text(POINTS_AT_SHIM)

    def files(self) -> set[str]:
        found = (path for path in self.root.rglob("*") if path.is_file() or path.is_symlink())
        return {str(path.relative_to(self.root)) for path in found}

    def reboot(self) -> None:
        """Enabled units start, as systemd would start them; the one that ends an installation as its unit says."""
        shutil.rmtree(self._fake / "active")
        (self._fake / "active").mkdir()
        for unit in (SOCKET, SERVICE):
            if self.is_enabled(unit):
                self._run([str(self.folder / "commands/systemctl"), "start", unit], 0, {})
        resume = "image-cri-shim-resume.service"
        if self.is_enabled(resume) and (self.base / "unproven").exists():
            self.run(self.base / "current", "install", "--resume")


def was_killed(ended: Ended) -> bool:
    return ended.returncode == -signal.SIGKILL
