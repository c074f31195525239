"""What the caller gives up, the runtime hears of (DESIGN 1)."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import grpc
import pytest

from cri import Client, error_of
from fake_runtime import FakeRuntime, now_ns
from http2 import CANCEL, RawConnection, RawRuntime
from processes import eventually
from shim import IS_RELAY, Shim

SLOW = "/runtime.v1.RuntimeService/ExecSync"
LIST_IMAGES = "/runtime.v1.ImageService/ListImages"
TRIES = 5  # of which the best counts: other work on the machine only adds


def cancel_delays_ms(runtime: FakeRuntime, client: Client, method: str) -> list[float]:
    delays = []
    for count in range(1, TRIES + 1):
        call = client.start(method)
        runtime.wait_for_calls(method, count)
        cancelled_at = now_ns()
        call.cancel()
        seen = eventually(lambda: runtime.calls(method)[-1].cancelled_ns, "the cancel is seen by the runtime")
        delays.append((seen - cancelled_at) / 1e6)
    return delays


@pytest.mark.parametrize("method", [SLOW, LIST_IMAGES])
def test_cancel_is_seen_by_the_runtime_within_100_ms(runtime: FakeRuntime, client: Client, method: str) -> None:
    runtime.set_behaviour(method, hold=True)

    delays = cancel_delays_ms(runtime, client, method)

    assert min(delays) < 100, delays


def test_cancel_of_a_pull_is_seen_by_the_runtime_within_100_ms(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_pull("nginx:1.25", {"hold": True})
    call = client.start_pull("nginx:1.25")
    runtime.wait_for_calls("PullImage")

    cancelled_at = now_ns()
    call.cancel()

    assert (runtime.wait_for_cancel("PullImage").cancelled_ns - cancelled_at) / 1e6 < 100


def test_cancel_of_a_stream_that_delivers_is_seen_by_the_runtime(runtime: FakeRuntime, client: Client) -> None:
    events = "/runtime.v1.RuntimeService/GetContainerEvents"
    runtime.set_behaviour(events, kind="stream", messages=1_000_000, size=1000)
    call = client.server_stream(events)
    next(call)

    call.cancel()

    assert runtime.wait_for_cancel("GetContainerEvents").code != 0


def test_disconnect_cancels_the_calls_of_that_connection_only(runtime: FakeRuntime, shim) -> None:
    runtime.set_behaviour(SLOW, hold=True)
    leaving, staying = shim.client(), shim.client()
    left = leaving.start(SLOW, b"leaving")
    runtime.wait_for_calls(SLOW, 1)
    call = staying.start(SLOW, b"staying")
    runtime.wait_for_calls(SLOW, 2)

    leaving.close()
    assert error_of(left).code() is grpc.StatusCode.CANCELLED
    runtime.wait_for_cancel("ExecSync")

    cancelled = {record.body: bool(record.cancelled_ns) for record in runtime.calls(SLOW)}
    assert cancelled == {b"leaving": True, b"staying": False}
    assert runtime.release() == 1
    assert error_of(call).code() is grpc.StatusCode.UNIMPLEMENTED  # what the fake says to ExecSync: an answer


@pytest.mark.parametrize("method", [SLOW, LIST_IMAGES])
def test_deadline_reaches_the_runtime(runtime: FakeRuntime, client: Client, method: str) -> None:
    runtime.set_behaviour(method, kind="echo")

    client.unary(method, timeout=7)

    deadline = runtime.calls(method)[0].deadline_ms
    assert deadline is not None and 5000 < deadline < 7100


def test_pull_carries_the_callers_deadline_where_it_is_shorter(runtime: FakeRuntime, start_shim) -> None:
    runtime.set_pull("nginx:1.25", {"id": "sha256:" + "1" * 64})
    client = start_shim(timeout="10m").client()

    client.pull("nginx:1.25", timeout=7)

    deadline = runtime.calls("PullImage")[0].deadline_ms
    assert deadline is not None and 5000 < deadline < 7100


def test_pull_is_bounded_by_the_configured_timeout(runtime: FakeRuntime, start_shim) -> None:
    runtime.set_pull("nginx:1.25", {"hold": True})
    client = start_shim(timeout="1s").client()

    error = error_of(client.start_pull("nginx:1.25"))

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    deadline = runtime.wait_for_cancel("PullImage").deadline_ms
    assert deadline is not None and deadline <= 1000


def test_expired_deadline_ends_the_call_at_the_runtime(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(SLOW, hold=True)

    error = error_of(client.start(SLOW, timeout=0.2))

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    runtime.wait_for_cancel("ExecSync")


@pytest.mark.skipif(IS_RELAY, reason="a relay passes the reset on")
def test_deadline_that_the_runtime_notices_first_is_still_one(
    start_raw_runtime: Callable[..., RawRuntime], bare_shim: Shim
) -> None:
    """Servers in grpc-go end a call whose deadline has passed by RST_STREAM(CANCEL)."""

    def give_up(peer: RawConnection, stream: int, _: dict[str, str]) -> None:
        bare_shim.process.signal(signal.SIGSTOP)
        too_late = time.monotonic() + 0.1
        eventually(lambda: time.monotonic() > too_late, "the deadline passes")
        peer.reset(stream, CANCEL)
        bare_shim.process.signal(signal.SIGCONT)

    start_raw_runtime(give_up)
    client = bare_shim.raw_client()

    headers, _ = client.answer(client.request(LIST_IMAGES, headers=[("grpc-timeout", "100m")]))

    assert headers["grpc-status"] == str(grpc.StatusCode.DEADLINE_EXCEEDED.value[0])


def test_no_deadline_stays_no_deadline(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(SLOW, kind="echo")

    client.unary(SLOW, timeout=None)

    assert runtime.calls(SLOW)[0].deadline_ms is None


def test_cancel_storm_leaves_the_connection_usable(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(SLOW, hold=True)
    runtime.set_behaviour("/runtime.v1.RuntimeService/Status", kind="echo")

    def start_and_cancel() -> None:
        for _ in range(250):
            client.start(SLOW).cancel()

    threads = [threading.Thread(target=start_and_cancel) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert client.unary("/runtime.v1.RuntimeService/Status", b"alive") == b"alive"
