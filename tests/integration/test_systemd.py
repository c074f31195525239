"""Under systemd: socket activation and notifications (DESIGN 1; sd_listen_fds(3), sd_notify(3))."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_runtime import FakeRuntime
from http2 import RawClient, grpc_message
from processes import Workplace, accepts_connections, eventually
from shim import Shim

STATUS = "/runtime.v1.RuntimeService/Status"


class NotifySocket:
    """What the service manager is told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def wait_for(self, line: str, seconds: float = 10) -> None:
        self._socket.settimeout(seconds)
        while not any(line in received for received in self.lines):
            try:
                self.lines.extend(self._socket.recv(65536).decode().splitlines())
            except TimeoutError:
                raise AssertionError(f"no {line} in {seconds} s, only {self.lines}") from None

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(workplace: Workplace) -> Iterator[NotifySocket]:
    manager = NotifySocket(workplace.path("notify.sock"))
    yield manager
    manager.close()


def launch(shim: Shim, manager: NotifySocket, **environment: str) -> None:
    shim.launch(environment={"NOTIFY_SOCKET": str(manager.path), **environment})


def test_ready_is_said_when_it_listens(runtime: FakeRuntime, new_shim, manager: NotifySocket) -> None:
    shim = new_shim(runtime.socket)
    shim.configure()

    launch(shim, manager)
    manager.wait_for("READY=1")

    assert accepts_connections(shim.socket)


def test_ready_is_not_said_before_the_runtime_is_there(
    runtime: FakeRuntime, new_shim, manager: NotifySocket
) -> None:
    runtime.kill()
    shim = new_shim(runtime.socket)
    shim.configure(force=False)

    launch(shim, manager)
    manager.wait_for("STATUS=")

    assert not any(line.startswith("READY") for line in manager.lines)
    assert any(str(runtime.socket) in line for line in manager.lines)
    runtime.start()
    manager.wait_for("READY=1")


def test_end_while_waiting_for_the_runtime_is_clean(runtime: FakeRuntime, new_shim, manager: NotifySocket) -> None:
    runtime.kill()
    shim = new_shim(runtime.socket)
    shim.configure(force=False)
    launch(shim, manager)
    manager.wait_for("STATUS=")

    shim.terminate()

    assert shim.process.wait() == 0


def test_stopping_is_said(runtime: FakeRuntime, new_shim, manager: NotifySocket) -> None:
    shim = new_shim(runtime.socket)
    shim.configure()
    launch(shim, manager)
    manager.wait_for("READY=1")

    shim.terminate()

    manager.wait_for("STOPPING=1")
    manager.wait_for("STATUS=draining")
    assert shim.process.wait() == 0


def test_status_names_the_socket_that_is_served(runtime: FakeRuntime, new_shim, manager: NotifySocket) -> None:
    shim = new_shim(runtime.socket)
    shim.configure()

    launch(shim, manager)
    manager.wait_for("READY=1")

    assert f"STATUS=serving on {shim.socket}" in manager.lines


def test_watchdog_is_fed_while_calls_drain(runtime: FakeRuntime, new_shim, manager: NotifySocket) -> None:
    """Or systemd would kill the daemon in the middle of them."""
    runtime.set_pull("nginx:1.25", {"hold": True})
    shim = new_shim(runtime.socket)
    shim.configure()
    launch(shim, manager, WATCHDOG_USEC="200000")
    manager.wait_for("READY=1")
    pull = shim.client().start_pull("nginx:1.25")
    runtime.wait_for_calls("PullImage")
    shim.terminate()
    manager.wait_for("STOPPING=1")

    for _ in range(3):
        manager.lines.clear()
        manager.wait_for("WATCHDOG=1", seconds=5)

    runtime.release()
    assert shim.process.wait() == 0
    pull.cancel()


def test_reload_is_said_with_its_time_and_its_end(runtime: FakeRuntime, new_shim, manager: NotifySocket) -> None:
    """Type=notify-reload: the time tells the answer to this SIGHUP from one to an earlier signal."""
    shim = new_shim(runtime.socket)
    shim.configure()
    launch(shim, manager)
    manager.wait_for("READY=1")
    manager.lines.clear()

    before = time.monotonic_ns() // 1000
    shim.hang_up()
    manager.wait_for("READY=1")

    said = dict(line.partition("=")[::2] for line in manager.lines)
    assert manager.lines.index("RELOADING=1") < manager.lines.index("READY=1")
    assert before <= int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000


def test_reload_of_a_bad_file_ends_and_is_seen_in_the_status(
    runtime: FakeRuntime, new_shim, manager: NotifySocket
) -> None:
    shim = new_shim(runtime.socket)
    shim.configure()
    launch(shim, manager)
    manager.wait_for("READY=1")
    manager.lines.clear()

    shim.configuration.write_text("timeout: soon\n")
    shim.hang_up()
    manager.wait_for("READY=1")

    assert any(line.startswith("STATUS=") and "timeout" in line for line in manager.lines)


def test_reload_before_it_is_ready_does_not_make_it_so(
    runtime: FakeRuntime, new_shim, manager: NotifySocket
) -> None:
    runtime.kill()
    shim = new_shim(runtime.socket)
    shim.configure(force=False)
    launch(shim, manager)
    manager.wait_for("STATUS=")

    shim.hang_up()
    shim.wait_for_log("nothing has changed")
    shim.terminate()
    manager.wait_for("STOPPING=1")

    assert shim.process.wait() == 0
    assert not any(line.startswith(("READY", "RELOADING")) for line in manager.lines)


def test_watchdog_is_fed(runtime: FakeRuntime, new_shim, manager: NotifySocket) -> None:
    shim = new_shim(runtime.socket)
    shim.configure()
    launch(shim, manager, WATCHDOG_USEC="200000")

    for _ in range(3):
        manager.wait_for("WATCHDOG=1", seconds=5)
        manager.lines.clear()


def activated(shim: Shim, listener: socket.socket) -> list[str | Path]:
    """The command as systemd runs it: the socket is descriptor 3, and the variables name this process."""
    script = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&{listener.fileno()}'
    return ["bash", "-c", script, "bash", *shim.command()]


@pytest.fixture
def listener(workplace: Workplace) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(workplace.path("shim.sock")))
        listener.listen(128)
        yield listener


def test_socket_of_systemd_is_served_and_kept(
    runtime: FakeRuntime, new_shim, workplace: Workplace, listener: socket.socket, manager: NotifySocket
) -> None:
    runtime.set_behaviour(STATUS, kind="echo")
    shim = new_shim(runtime.socket)
    shim.configure()
    early = RawClient(shim.socket)  # before the daemon exists: it waits in the backlog
    stream = early.request(STATUS, b"early")

    environment = {"NOTIFY_SOCKET": str(manager.path)}
    process = workplace.start(
        "activated", activated(shim, listener), pass_fds=[listener.fileno()], environment=environment
    )
    manager.wait_for("READY=1")

    assert early.answer(stream)[1] == grpc_message(b"early")
    early.close()
    process.stop()
    assert process.exit_status == 0
    assert shim.socket.exists()


def test_calls_wait_while_systemd_restarts_the_daemon(
    runtime: FakeRuntime, new_shim, workplace: Workplace, listener: socket.socket
) -> None:
    runtime.set_behaviour(STATUS, kind="echo")
    shim = new_shim(runtime.socket)
    shim.configure()
    first = workplace.start("first", activated(shim, listener), pass_fds=[listener.fileno()])
    client = RawClient(shim.socket)
    client.answer(client.request(STATUS))
    client.close()
    first.stop()

    between = RawClient(shim.socket)
    stream = between.request(STATUS, b"between")
    workplace.start("second", activated(shim, listener), pass_fds=[listener.fileno()])

    assert between.answer(stream)[1] == grpc_message(b"between")
    between.close()


def test_variables_meant_for_another_process_are_ignored(runtime: FakeRuntime, new_shim) -> None:
    shim = new_shim(runtime.socket)
    shim.configure()

    shim.start(environment={"LISTEN_PID": "1", "LISTEN_FDS": "1"})

    eventually(lambda: shim.client().version_of_runtime().runtime_name == "fake-runtime", "it serves its own socket")
