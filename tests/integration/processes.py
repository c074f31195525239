"""Processes that a test starts: output kept, readiness by connecting, stopped in reverse order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from leaks import Secrets

T = TypeVar("T")

START_SECONDS = 15.0
STOP_SECONDS = 15.0


def eventually(condition: Callable[[], T], what: str, seconds: float = 10.0, pause: float = 0.005) -> T:
    """Polls until the condition holds and returns its value; fails with `what` did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(pause)


def accepts_connections(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


class Process:
    """One started process. Its stdout and stderr go to one file each in `folder`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.command_line = ""  # as everybody on the machine saw it, at its end
        self._stdout = folder / f"{name}.stdout"
        self._stderr = folder / f"{name}.stderr"
        with self._stdout.open("ab") as out, self._stderr.open("ab") as err:
            self._child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **(environment or {})},
                pass_fds=pass_fds,
                preexec_fn=prepare,
                start_new_session=True,  # a Ctrl-C of the terminal is the test run's to handle
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    @property
    def exit_status(self) -> int | None:
        return self._child.poll()

    @property
    def stdout(self) -> str:
        return self._stdout.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        return self._stderr.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
        def ready_or_dead() -> bool:
            if not self.is_running:
                raise AssertionError(f"{self.name} exited with {self.exit_status} before {what}:\n{self.stderr}")
            return ready()

        eventually(ready_or_dead, f"{self.name}: {what}", seconds)

    def signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        return self._child.wait(seconds)

    def stop(self) -> None:
        self._read_command_line()
        if self.is_running:
            self._child.terminate()
            try:
                self._child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        self._read_command_line()
        self._child.kill()
        self._child.wait()

    # What the kernel says of it.

    def _read_command_line(self) -> None:
        if self.is_running:
            self.command_line = Path(f"/proc/{self.pid}/cmdline").read_text(errors="replace")

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"{self.name} has no memory: it exited")

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Workplace:
    """A temporary folder and all that runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        self.secrets = Secrets()
        self._watched: list[tuple[str, Callable[[], str]]] = []
        self._closers = ExitStack()

    def path(self, name: str) -> Path:
        return self.folder / name

    def start(self, name: str, command: Sequence[str | Path], **options: object) -> Process:
        process = Process(name, command, self.folder, **options)  # type: ignore[arg-type]
        self.processes.append(process)
        self.on_close(process.stop)
        return process

    def on_close(self, closer: Callable[[], None]) -> None:
        self._closers.callback(closer)

    def close(self) -> None:
        """The last one that was started first; all of them, also where one fails."""
        self._closers.close()

    def logs(self) -> list[tuple[str, str]]:
        """Every process's output, for a failure's report."""
        return [(title, text[-20_000:]) for title, text in self._outputs().items() if text]

    def _outputs(self) -> dict[str, str]:
        # Processes of one name share their files.
        sections = {}
        for process in self.processes:
            sections[f"{process.name} stdout"] = process.stdout
            sections[f"{process.name} stderr"] = process.stderr
        return sections

    def watch(self, title: str, text: Callable[[], str]) -> None:
        """This text, too, is searched for secrets."""
        self._watched.append((title, text))

    def leaks(self) -> list[str]:
        """What shows a secret: outputs, command lines, and all that is watched."""
        texts = [*self._outputs().items()]
        texts += [(f"{process.name}'s command line", process.command_line) for process in self.processes]
        texts += [(title, text()) for title, text in self._watched]
        return [f"{title} shows {found}" for title, text in texts if (found := self.secrets.found_in(text))]
