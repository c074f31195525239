"""crictl, which does by hand what the kubelet does."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import Workplace, eventually

from peers.programs import go_tool

if TYPE_CHECKING:
    from peers.containerd import Containerd


class CommandError(Exception):
    """A command that ended with an error; the text is what it said."""


def message_of(stderr: str) -> str:
    """The error that a crictl ended with: its last line; the ones before are its library's log of the same."""
    last = (stderr.strip().splitlines() or [""])[-1]
    message = re.search(r'level=fatal msg=("(?:[^"\\]|\\.)*")', last)
    return str(json.loads(message[1])) if message else last


class Crictl:
    """crictl on one socket for both services. `tool` is another release of it than the newest."""

    def __init__(self, socket: Path, tool: str = "crictl") -> None:
        self.program = go_tool(tool)
        self.said: list[str] = []  # all that it printed
        self.endpoints = {
            "CONTAINER_RUNTIME_ENDPOINT": f"unix://{socket}",
            "IMAGE_SERVICE_ENDPOINT": f"unix://{socket}",
        }
        # An empty configuration, so that no /etc/crictl.yaml of the machine has a say.
        self.environment = {**os.environ, **self.endpoints, "CRI_CONFIG_FILE": "/dev/null"}

    def _command(self, *arguments: str | Path) -> list[str]:
        return [str(self.program), "--timeout", "60s", *map(str, arguments)]

    def start(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs it to its end, whatever that is."""
        ended = subprocess.run(
            self._command(*arguments),
            env=self.environment,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=90,
        )
        self.said += [ended.stdout, ended.stderr]
        return ended

    @contextmanager
    def running(self, workplace: Workplace, *arguments: str | Path) -> Iterator[Running]:
        """A command that goes on until it is interrupted, as Ctrl-C does at the end of the block."""
        outputs = [workplace.path(f"{arguments[0]}.{name}") for name in ("stdout", "stderr")]
        with outputs[0].open("w") as out, outputs[1].open("w") as err:
            child = subprocess.Popen(
                self._command(*arguments),
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        try:
            yield Running(child, *outputs)
        finally:
            assert child.stdin
            child.stdin.close()
            child.send_signal(signal.SIGINT)
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            self.said += [output.read_text() for output in outputs]

    def run(self, *arguments: str | Path) -> str:
        ended = self.start(*arguments)
        if ended.returncode:
            raise CommandError(f"crictl {' '.join(map(str, arguments))}: {ended.stderr.strip()}")
        return ended.stdout

    def error_of(self, *arguments: str | Path) -> str:
        """What it says when it fails, which it has to."""
        ended = self.start(*arguments)
        if not ended.returncode:
            raise CommandError(f"crictl {' '.join(map(str, arguments))} succeeded: {ended.stdout.strip()}")
        return message_of(ended.stderr)

    def json(self, command: str, *arguments: str | Path) -> Any:
        return json.loads(self.run(command, "--output", "json", *arguments))

    def image_names(self) -> list[str]:
        return sorted(tag for image in self.json("images")["images"] for tag in image["repoTags"])

    def run_container(
        self, workplace: Workplace, containerd: Containerd, image: str, name: str = "web", written: str = ""
    ) -> str:
        """Starts a container of the image in a pod of its own, and returns the container's ID. The kubelet names an
        image by the reference that the pull answered, and tells what is `written` in the pod beside it.
        """
        pod = workplace.path(f"{name}-pod.json")
        host_network = {"network": 2, "pid": 1}
        pod.write_text(
            json.dumps(
                {
                    "metadata": {"name": name, "namespace": "default", "uid": name, "attempt": 1},
                    "log_directory": str(workplace.folder),
                    "linux": {
                        "cgroup_parent": containerd.cgroup,
                        "security_context": {"namespace_options": host_network},
                    },
                }
            )
        )
        container = workplace.path(f"{name}-container.json")
        container.write_text(
            json.dumps(
                {
                    "metadata": {"name": name},
                    "image": {"image": image, **({"user_specified_image": written} if written else {})},
                    "log_path": f"{name}.log",
                    "linux": {"security_context": {"namespace_options": host_network}},
                }
            )
        )
        sandbox = self.run("runp", pod).strip()
        created = self.run("create", "--no-pull", sandbox, container, pod).strip()
        self.run("start", created)
        return created

    def logs(self, container: str) -> str:
        """What the container has printed, once it has printed anything."""
        return eventually(lambda: self.run("logs", container), "the container prints something")


class Running:
    """A crictl that has not ended by itself, with what it has printed so far."""

    def __init__(self, child: subprocess.Popen[bytes], stdout: Path, stderr: Path) -> None:
        self._child = child
        self._stdout = stdout
        self._stderr = stderr

    @property
    def exit_status(self) -> int | None:
        return self._child.poll()

    def say(self, line: str) -> None:
        assert self._child.stdin
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()

    @property
    def stdout(self) -> str:
        return self._stdout.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        return self._stderr.read_text(errors="replace")
