"""The shim in front of a runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from leaks import KEPT_COPY, text_below
from processes import Workplace, accepts_connections, eventually

from peers.containerd import Containerd
from peers.programs import IS_RELAY, shim_binary


class Shim:
    """The shim in front of a containerd."""

    def __init__(self, workplace: Workplace, containerd: Containerd, name: str = "shim", **settings: Any) -> None:
        self.socket = workplace.path(f"{name}.sock")
        self.configuration = workplace.path(f"{name}.yaml")
        self._command: list[str | Path] = [shim_binary(), "-f", self.configuration]
        self._workplace = workplace
        self._name = name
        self.state = workplace.path(f"{name}-state")
        self._fixed = {
            "shim": str(self.socket),
            "cri": str(containerd.socket),
            "image": str(self.state),
            "admin": str(workplace.path(f"{name}-admin.sock")),
            "configMap": {"enabled": False},
        }
        workplace.watch(f"{name}'s state", lambda: text_below(self.state, but=KEPT_COPY))
        self.start(**settings)

    def start(self, **settings: Any) -> None:
        self._workplace.secrets.add_from(settings)
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(json.dumps({**self._fixed, **settings}, indent=2) + "\n")
        if IS_RELAY:
            relay = ["socat", "-b65536", f"UNIX-LISTEN:{self.socket},fork,unlink-early", f"UNIX:{self._fixed['cri']}"]
            self._command = list(relay)
        self.start_again()

    def start_again(self) -> None:
        """With the settings that it had."""
        self.process = self._workplace.start(self._name, self._command)
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening")

    def restart(self, **settings: Any) -> None:
        self.process.stop()
        self.start(**settings)

    def wait_for_log(self, *words: str) -> None:
        eventually(lambda: all(word in self.process.stderr for word in words), f"the log shows {words}")
