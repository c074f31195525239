"""Restarts with the socket held by systemd, under 200 calls a second: no call fails (sd_listen_fds(3), RFC 9113 §6.8).

The client is grpc-go as kubelets have it, with their connection parameters: it connects anew on GOAWAY, sends again what
was refused, and does not wait for a connection that failed.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from cri import Client, error_of, messages
from fake_runtime import FakeRuntime, image, image_id
from processes import Process, Workplace, eventually
from shim import Shim

RATE = 200
STATUS = "/runtime.v1.RuntimeService/Status"
IMAGE_STATUS = "/runtime.v1.ImageService/ImageStatus"
PULL = "/runtime.v1.ImageService/PullImage"


class Activated:
    """systemd's part: it holds the listening socket, and starts the shim on it."""

    def __init__(self, workplace: Workplace, shim: Shim) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        workplace.on_close(self.listener.close)
        self.listener.bind(str(shim.socket))
        self.listener.listen(4096)
        self._workplace = workplace
        self._shim = shim
        self._starts = 0
        self.process: Process

    def start(self) -> Process:
        self._starts += 1
        script = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&{self.listener.fileno()}'
        command = ["bash", "-c", script, "bash", *self._shim.command()]
        name = f"activated-{self._starts}"
        self.process = self._workplace.start(name, command, pass_fds=[self.listener.fileno()])
        return self.process

    def restart(self) -> None:
        self.process.signal(signal.SIGTERM)
        assert self.process.wait() == 0
        self.start()


class Load:
    """200 calls a second, image calls and others in turn, until `end`."""

    def __init__(self, workplace: Workplace, program: Path, path: Path) -> None:
        request = messages.PullImageRequest(image=messages.ImageSpec(image="nginx:1.25")).SerializeToString().hex()
        jobs = [f"{STATUS}=", f"{IMAGE_STATUS}={request}", f"{PULL}={request}"]
        self._child = subprocess.Popen(
            [program, "--load", path, str(RATE), *jobs], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        workplace.on_close(self._kill)

    def _kill(self) -> None:
        self._child.kill()
        self._child.communicate()

    def end(self) -> dict[str, Any]:
        out, _ = self._child.communicate(timeout=40)
        return json.loads(out)


@pytest.fixture
def activated(runtime: FakeRuntime, new_shim, workplace: Workplace) -> Iterator[Activated]:
    runtime.set_behaviour(STATUS, kind="echo")
    runtime.set_images(image(1, "nginx:1.25"))
    runtime.set_pull("nginx:1.25", {"id": image_id(1)})
    shim = new_shim(runtime.socket)
    shim.configure(debug=False)
    yield Activated(workplace, shim)


@pytest.fixture
def load(activated: Activated, workplace: Workplace, grpc_go_client: Path) -> Load:
    return Load(workplace, grpc_go_client, workplace.path("shim.sock"))


def wait_for_more_calls(runtime: FakeRuntime, count: int = RATE // 2) -> None:
    """Half a second's worth arrives: the load goes on."""
    before = len(runtime.calls(STATUS))
    eventually(lambda: len(runtime.calls(STATUS)) >= before + count // 3, f"{count} more calls", seconds=30, pause=0.1)


def test_no_call_fails_while_the_shim_is_restarted(runtime: FakeRuntime, activated: Activated, load: Load) -> None:
    activated.start()
    wait_for_more_calls(runtime)
    for _ in range(5):
        activated.restart()
        wait_for_more_calls(runtime)

    outcome = load.end()

    assert outcome["calls"] > 5 * RATE // 2
    assert outcome["codes"] == {"OK": outcome["calls"]}, outcome["messages"]


def test_no_call_fails_while_a_long_pull_holds_up_the_end(
    runtime: FakeRuntime, activated: Activated, load: Load, workplace: Workplace
) -> None:
    """New calls and new clients are served until it has ended: a kubelet that connects anew waits 5 s, not 10."""
    runtime.set_pull("large:1", {"id": image_id(2), "hold": True})
    activated.start()
    pulling = Client(workplace.path("shim.sock"))
    workplace.on_close(pulling.close)
    pull = pulling.start_pull("large:1")
    eventually(lambda: "large:1" in runtime.pulled_names(), "the pull runs")

    activated.process.signal(signal.SIGTERM)
    wait_for_more_calls(runtime)
    late = Client(workplace.path("shim.sock"))
    workplace.on_close(late.close)
    assert late.version_of_runtime().runtime_name == "fake-runtime"
    assert activated.process.is_running
    runtime.release()
    assert activated.process.wait() == 0
    activated.start()
    wait_for_more_calls(runtime)

    outcome = load.end()
    assert image_id(2).encode() in pull.result()
    assert outcome["codes"] == {"OK": outcome["calls"]}, outcome["messages"]


def test_pull_longer_than_the_drain_time_is_cut_off_and_others_are_not(
    runtime: FakeRuntime, activated: Activated, load: Load, workplace: Workplace
) -> None:
    runtime.set_pull("large:1", {"hold": True})
    activated.start()  # drainTimeout: 3s
    pulling = Client(workplace.path("shim.sock"))
    workplace.on_close(pulling.close)
    pull = pulling.start_pull("large:1")
    eventually(lambda: "large:1" in runtime.pulled_names(), "the pull runs")

    activated.restart()
    wait_for_more_calls(runtime)

    outcome = load.end()
    assert error_of(pull).code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    assert outcome["codes"] == {"OK": outcome["calls"]}, outcome["messages"]


def test_after_a_crash_only_calls_in_flight_fail(runtime: FakeRuntime, activated: Activated, load: Load) -> None:
    """They may have had an effect, so gRPC does not send them again; the kubelet does."""
    activated.start()
    crashes = 3
    for _ in range(crashes):
        wait_for_more_calls(runtime)
        activated.process.kill()
        activated.start()
    wait_for_more_calls(runtime)

    outcome = load.end()

    failed = outcome["calls"] - outcome["codes"]["OK"]
    assert set(outcome["codes"]) <= {"OK", "Unavailable"}
    assert failed <= crashes * RATE // 10, "what is in flight at 200 calls a second, on a busy machine"
