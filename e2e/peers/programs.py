"""Programs that the peers are, where they come from, and how a script that starts them runs."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# With a plain byte relay in the shim's place, to try the peers themselves.
IS_RELAY = bool(os.environ.get("ICS_RELAY"))
ENDING_SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
NEEDED = {  # programs, and Debian's packages of them
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "docker-registry": "docker-registry",
    "htpasswd": "apache2-utils",
}
NEEDED_FOR = {
    "cni": {"/usr/lib/cni/bridge": "containernetworking-plugins", "iptables": "iptables", "ip": "iproute2"},
    "runtimes": {"dockerd": "docker.io", "conmon": "conmon", "cc": "g++"},
    "nghttpx": {"nghttpx": "nghttp2-proxy", "socat": "socat"},
}


def missing_packages(*purposes: str) -> list[str]:
    needed = {**NEEDED, **{program: name for purpose in purposes for program, name in NEEDED_FOR[purpose].items()}}
    return sorted({package for program, package in needed.items() if not shutil.which(program)})


def run_as_script(main: Callable[[], int], *purposes: str) -> int:
    """Runs a script that starts peers: says what is missing, and ends what was started however it is told to end."""
    name = Path(sys.argv[0]).name
    problem = ""
    if os.geteuid() != 0:
        problem = "containers need root"
    elif missing := missing_packages(*purposes):
        problem = f"missing: {' '.join(missing)}; scripts/setup installs it"
    elif not shim_binary().exists() and not IS_RELAY:
        problem = f"{shim_binary()} is missing; make builds it"
    if problem:
        print(f"{name}: {problem}", file=sys.stderr)
        return 1

    def unwind(number: int, _: object) -> None:
        ignore_signals()
        raise SystemExit(128 + number)

    for number in ENDING_SIGNALS:
        signal.signal(number, unwind)
    try:
        return main()
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code > 128:
            print(f"\n{name}: interrupted; what it started is stopped and removed", file=sys.stderr)
        raise


def ignore_signals() -> None:
    """What cleans up is not to be interrupted."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def shim_binary() -> Path:
    return Path(os.environ.get("ICS_BUILD_DIR", ROOT / "build/release")).absolute() / "image-cri-shim"


def go_tool(name: str) -> Path:
    built = subprocess.run([ROOT / "scripts/go-tools", name], check=True, stdout=subprocess.PIPE)
    return Path(built.stdout.decode().strip())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, ip: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((ip, port)) == 0
