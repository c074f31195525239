"""SIGTERM: no new work, what runs may end, the socket file goes, exit 0 (DESIGN 1)."""

from __future__ import annotations

import signal
import threading
import time

import grpc
import pytest

from cri import error_of
from fake_runtime import FakeRuntime, image_id
from http2 import GoAway, RawClient
from processes import accepts_connections, eventually
from shim import Shim

STATUS = "/runtime.v1.RuntimeService/Status"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_shim_ends_at_once_with_0_and_removes_its_socket(shim: Shim, number: signal.Signals) -> None:
    shim.client().version_of_runtime()

    began = time.monotonic()
    shim.process.signal(number)

    assert shim.process.wait() == 0
    assert time.monotonic() - began < 2
    assert not shim.socket.exists()


def test_pull_that_runs_ends_before_the_shim_does(runtime: FakeRuntime, shim: Shim) -> None:
    runtime.set_pull("nginx:1.25", {"id": image_id(1), "hold": True})
    call = shim.client().start_pull("nginx:1.25")
    runtime.wait_for_calls("PullImage")

    shim.terminate()
    eventually(lambda: not accepts_connections(shim.socket), "no new connections")
    assert shim.process.is_running
    runtime.release()

    assert image_id(1).encode() in call.result()
    assert shim.process.wait() == 0
    assert not shim.socket.exists()


def test_clients_are_told_in_two_steps(runtime: FakeRuntime, shim: Shim) -> None:
    """A first GOAWAY that refuses nothing, so that no call on its way is lost; then the one that counts."""
    runtime.set_behaviour(STATUS, kind="stream", messages=1, size=1, hold=True)
    client = shim.raw_client()
    stream = client.request(STATUS)
    runtime.wait_for_calls(STATUS)

    shim.terminate()
    first = client.wait_for(lambda event: isinstance(event, GoAway), "GOAWAY")
    second = client.wait_for(lambda event: isinstance(event, GoAway) and event is not first, "second GOAWAY")
    runtime.release()
    headers, _ = client.answer(stream)

    assert first == GoAway(last_stream=2**31 - 1, code=0)
    assert second == GoAway(last_stream=stream, code=0)
    assert headers["grpc-status"] == "0"
    client.wait_for_close()
    assert shim.process.wait() == 0


def test_calls_longer_than_the_drain_time_are_cut_off(runtime: FakeRuntime, start_shim) -> None:
    runtime.set_pull("nginx:1.25", {"hold": True})
    shim = start_shim(drainTimeout="300ms")
    call = shim.client().start_pull("nginx:1.25")
    runtime.wait_for_calls("PullImage")

    began = time.monotonic()
    shim.terminate()

    assert shim.process.wait() == 0
    assert 0.25 < time.monotonic() - began < 3
    assert error_of(call).code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    runtime.wait_for_cancel("PullImage")


def test_connection_without_calls_does_not_hold_up_the_end(shim: Shim) -> None:
    idle = [RawClient(shim.socket) for _ in range(10)]

    began = time.monotonic()
    shim.terminate()

    assert shim.process.wait() == 0
    assert time.monotonic() - began < 2
    for client in idle:
        client.close()


def test_no_call_is_lost_when_the_shim_restarts_under_load(runtime: FakeRuntime, shim: Shim) -> None:
    """Answers or UNAVAILABLE, which gRPC clients retry; never another error, never silence."""
    runtime.set_behaviour(STATUS, kind="stream", messages=1, size=3)
    client = shim.client()
    codes: list[grpc.StatusCode] = []
    stop = threading.Event()

    def call_in_a_loop() -> None:
        while not stop.is_set():
            codes.append(client.start(STATUS).code())

    caller = threading.Thread(target=call_in_a_loop)
    caller.start()
    eventually(lambda: len(codes) > 50, "calls")

    shim.terminate()
    assert shim.process.wait() == 0
    shim.start()
    shim.client().unary(STATUS)
    stop.set()
    caller.join()

    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}


def test_hangup_is_survived(shim: Shim) -> None:
    client = shim.client()
    client.version_of_runtime()

    shim.process.signal(signal.SIGHUP)

    assert client.version_of_runtime().runtime_name == "fake-runtime"
    assert shim.process.is_running
