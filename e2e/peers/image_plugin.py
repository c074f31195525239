"""An image service of its own in front of a runtime: CRI v1's ImageService and no RuntimeService."""

from __future__ import annotations

from pathlib import Path

from processes import Workplace, accepts_connections

from peers.programs import go_tool


class ImagePlugin:
    """The one that stargz-snapshotter's packages make, which learns credentials from pulls and passes all calls on."""

    def __init__(self, workplace: Workplace, runtime: Path, name: str = "image-plugin") -> None:
        self.socket = workplace.path(f"{name}.sock")
        self._workplace = workplace
        self._name = name
        self._runtime = runtime
        self.start()

    def start(self) -> None:
        self.socket.unlink(missing_ok=True)
        command = [go_tool("image-plugin"), self.socket, self._runtime]
        self.process = self._workplace.start(self._name, command)
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening")

    def restart(self) -> None:
        self.process.stop()
        self.start()
