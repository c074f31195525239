"""The shim as a process, with a configuration of the test's own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from cri import Client
from http2 import RawClient
from leaks import KEPT_COPY, text_below
from processes import Process, Workplace, accepts_connections, eventually

# With a plain byte relay in the shim's place the transport tests hold as well: they test what callers see.
IS_RELAY = bool(os.environ.get("ICS_RELAY"))

# Sanitizers keep freed memory for a while, which says nothing about the shim's.
IS_SANITIZED = Path(os.environ.get("ICS_BUILD_DIR", "")).name in ("asan", "tsan")


class Shim:
    """`wrapper` is put before its command: `unshare …`."""

    def __init__(
        self, workplace: Workplace, binary: Path, runtime_socket: Path, name: str = "shim", wrapper: Sequence[str | Path] = ()
    ) -> None:
        self.socket = workplace.path(f"{name}.sock")
        self.configuration = workplace.path(f"{name}.yaml")
        self.state = workplace.path(f"{name}-state")
        self._workplace = workplace
        self._binary = binary
        self._runtime_socket = runtime_socket
        self._name = name
        self.wrapper = wrapper
        self.process: Process
        self._processes: list[Process] = []
        self.accepted_exits = {0}  # a test that kills it adds to them
        self._said: list[str] = []
        workplace.watch(f"{name}'s commands", lambda: "\n".join(self._said))
        self.kept_copy = self.state / KEPT_COPY
        workplace.watch(f"{name}'s state", lambda: text_below(self.state, but=KEPT_COPY))

    def configure(self, **settings: Any) -> None:
        # JSON is YAML.
        self.configuration.write_text(json.dumps(self._with_defaults(settings), indent=2))

    def configure_in_blocks(self, text: str = "", **settings: Any) -> None:
        """As people write it: settings that `text` does not have come before it. Only such a file can be edited."""
        before = yaml.safe_dump(self._with_defaults(settings), sort_keys=False)
        self.configuration.write_text(before + text)

    def _with_defaults(self, settings: dict[str, Any]) -> dict[str, Any]:
        defaults = {
            "shim": str(self.socket),
            "cri": str(self._runtime_socket),
            "image": str(self.state),
            "admin": str(self._workplace.path(f"{self._name}-admin.sock")),
            "configMap": {"enabled": False},
            "drainTimeout": "3s",
            "debug": True,  # what no log may show, the most talkative one shows first
        }
        self._workplace.secrets.add_from(settings)
        return {**defaults, **settings}

    def hang_up(self) -> None:
        """Asks for a reload."""
        self.process.signal(signal.SIGHUP)

    def ask_admin(self, target: str) -> tuple[int, str]:
        """Status and body of the answer to a GET on the admin socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self._workplace.path(f"{self._name}-admin.sock")))
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.decode().partition("\r\n\r\n")
        return int(head.split()[1]), body

    def command(self, *arguments: str) -> list[str | Path]:
        if IS_RELAY:
            return ["socat", "-b65536", f"UNIX-LISTEN:{self.socket},fork,unlink-early", f"UNIX:{self._runtime_socket}"]
        return [*self.wrapper, self._binary, "-f", self.configuration, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs one of its commands to the end: `--dry-run`."""
        command = self.command(*arguments)
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20)
        self._said += [ended.stdout, ended.stderr]
        return ended

    def launch(self, **options: Any) -> None:
        """Starts the process without waiting for it to listen."""
        self.process = self._workplace.start(self._name, self.command(), **options)
        self._processes.append(self.process)

    def start(self, **options: Any) -> None:
        self.launch(**options)
        self.process.wait_until(lambda: accepts_connections(self.socket), "listening")

    def raw_client(self, **options: Any) -> RawClient:
        client = RawClient(self.socket, **options)
        self._workplace.on_close(client.close)
        return client

    def client(self, version: str = "v1", **options: Any) -> Client:
        client = Client(self.socket, version, **options)
        self._workplace.on_close(client.close)
        self._workplace.watch(f"{self._name}'s errors", lambda: "\n".join(client.errors))
        return client

    def terminate(self) -> None:
        self.process.signal(signal.SIGTERM)

    def check_exits(self) -> None:
        """It ends with 0 when it is asked to; a crash or a sanitizer's report shows here."""
        for process in self._processes:
            assert process.exit_status in self.accepted_exits, f"exit status {process.exit_status}:\n{process.stderr}"

    def said(self, *words: str) -> list[str]:
        """The lines of the log that hold all words, without those for debugging."""
        lines = [line for line in self.log.splitlines() if " debug " not in line]
        return [line for line in lines if all(word in line for word in words)]

    @property
    def log(self) -> str:
        return self.process.stderr

    def wait_for_log(self, *words: str) -> str:
        """Returns the log once all of the words are in it: it is written out in its own time."""
        eventually(lambda: all(word in self.log for word in words), f"the log shows {words}")
        return self.log
