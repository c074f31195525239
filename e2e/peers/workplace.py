"""A folder for peers that leaves nothing behind: no process, no mount, no cgroup."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import Workplace, eventually

from peers.programs import ENDING_SIGNALS


@contextmanager
def temporary_workplace() -> Iterator[Workplace]:
    """A folder and all that runs in it, which is gone afterwards, mounts included."""
    workplace = Workplace(Path(tempfile.mkdtemp(prefix="ics-")))
    try:
        yield workplace
    finally:
        handlers = [signal.signal(number, signal.SIG_IGN) for number in ENDING_SIGNALS]
        try:
            workplace.close()
        finally:
            end_processes_of(workplace.folder)
            unmount_below(workplace.folder)
            shutil.rmtree(workplace.folder)
            for number, handler in zip(ENDING_SIGNALS, handlers):
                signal.signal(number, handler)


def end_processes_of(folder: Path) -> None:
    """Those whose command line names the folder: what an interrupt left unrecorded, and containerd's shims."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text(errors="replace")
        except OSError:
            continue
        if f"{folder}/" in command and int(process.name) != os.getpid():
            end(int(process.name))


def end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return
    # Until a zombie at most is left of it, which holds no file and no mount.
    eventually(lambda: not Path(f"/proc/{process}/exe").exists(), f"process {process} ends")


def unmount_below(folder: Path) -> None:
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in reversed([point for point in mounted if Path(point).is_relative_to(folder)]):
        subprocess.run(["umount", "--lazy", point], check=False)


def remove_cgroup(folder: Path) -> None:
    """With the processes in it: none, where the pods could be removed."""
    if not folder.is_dir():
        return
    for child in folder.iterdir():
        if child.is_dir():
            remove_cgroup(child)
    for process in (folder / "cgroup.procs").read_text().split():
        end(int(process))
    eventually(lambda: not (folder / "cgroup.procs").read_text(), f"{folder} is empty")
    folder.rmdir()
