"""What peers leave on the machine whatever their configuration says, and how it goes."""

from __future__ import annotations

import shutil
from pathlib import Path

from processes import Workplace

from peers.crictl import Crictl
from peers.workplace import remove_cgroup


def remove_afterwards(workplace: Workplace, *paths: Path) -> None:
    """What is there before stays."""
    new = [path for path in paths if not path.exists()]

    def remove() -> None:
        for path in new:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    workplace.on_close(remove)


def remove_pods(runtime: Path) -> None:
    crictl = Crictl(runtime)
    # A container's own end is not waited for, as a pod's would be.
    for container in crictl.json("ps", "--all")["containers"]:
        crictl.run("rm", "--force", container["id"])
    for pod in crictl.json("pods")["items"]:
        crictl.run("rmp", "--force", pod["id"])


def remove_cgroups(name: str) -> None:
    """In every hierarchy of cgroup v1, and in that of v2."""
    for hierarchy in [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]:
        remove_cgroup(hierarchy / name.lstrip("/"))
