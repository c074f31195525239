"""Real peers with everything private: runtimes, registries, clients, and the shim between them."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(_ROOT / "e2e"), str(_ROOT / "tests/integration")]

from peers.containerd import PAUSE, Containerd  # noqa: E402
from peers.crictl import CommandError, Crictl, Running, message_of  # noqa: E402
from peers.programs import (  # noqa: E402
    IS_RELAY,
    ROOT,
    answers,
    free_port,
    go_tool,
    missing_packages,
    run_as_script,
    shim_binary,
)
from peers.registry import Registry  # noqa: E402
from peers.shim import Shim  # noqa: E402
from peers.workplace import temporary_workplace  # noqa: E402

__all__ = [
    "IS_RELAY",
    "PAUSE",
    "ROOT",
    "CommandError",
    "Containerd",
    "Crictl",
    "Registry",
    "Running",
    "Shim",
    "answers",
    "free_port",
    "go_tool",
    "message_of",
    "missing_packages",
    "run_as_script",
    "shim_binary",
    "temporary_workplace",
]
