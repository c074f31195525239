"""The runtime's side: down, restarted, leaving with GOAWAY, slow to accept (DESIGN 1)."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable

import grpc
import h2.events
import pytest

from cri import Client, error_of
from fake_runtime import FakeRuntime
from http2 import (
    ENHANCE_YOUR_CALM,
    NO_ERROR,
    REFUSED_STREAM,
    GoAway,
    RawConnection,
    RawRuntime,
    grpc_message,
)
from processes import Workplace, accepts_connections, eventually
from shim import Shim

STATUS = "/runtime.v1.RuntimeService/Status"
EXEC = "/runtime.v1.RuntimeService/ExecSync"
LIST_IMAGES = "/runtime.v1.ImageService/ListImages"

StartRawRuntime = Callable[..., RawRuntime]


@pytest.mark.parametrize("method", [STATUS, LIST_IMAGES, "/runtime.v1.ImageService/PullImage"])
def test_runtime_that_is_down_is_unavailable_at_once_with_its_path(bare_shim: Shim, method: str) -> None:
    client = bare_shim.client()
    client.channel.unary_unary(STATUS).future(b"").exception()  # connected

    began = time.monotonic()
    error = error_of(client.start(method, b"\x0a\x03\x0a\x01a"))

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert str(bare_shim.socket.parent / "runtime.sock") in error.details()
    assert time.monotonic() - began < 1


def test_stale_socket_file_of_the_runtime_is_unavailable(runtime: FakeRuntime, client: Client) -> None:
    client.version_of_runtime()
    runtime.kill()

    error = error_of(client.start(STATUS))

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert str(runtime.socket) in error.details()


def test_connection_of_the_caller_outlives_the_runtime(runtime: FakeRuntime, shim: Shim) -> None:
    client = shim.raw_client()
    runtime.set_behaviour(STATUS, kind="echo")
    assert client.answer(client.request(STATUS, b"1"))[1] == grpc_message(b"1")

    runtime.kill()
    down, _ = client.answer(client.request(STATUS))
    runtime.start()
    runtime.set_behaviour(STATUS, kind="echo")
    _, again = client.answer(client.request(STATUS, b"2"))

    assert down["grpc-status"] == "14"
    assert again == grpc_message(b"2")
    assert not [event for event in client.events if isinstance(event, GoAway)]


def test_calls_in_flight_end_when_the_runtime_dies(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(EXEC, hold=True)
    call = client.start(EXEC)
    runtime.wait_for_calls(EXEC)

    runtime.kill()

    assert error_of(call).code() is grpc.StatusCode.UNAVAILABLE


def test_runtime_restarted_under_load_loses_only_what_was_in_flight(runtime: FakeRuntime, shim: Shim) -> None:
    runtime.set_behaviour(STATUS, kind="stream", messages=1, size=3)
    stop = threading.Event()
    outcomes: list[tuple[float, float, grpc.StatusCode]] = []

    def call_in_a_loop(client: Client) -> None:
        while not stop.is_set():
            began = time.monotonic()
            call = client.start(STATUS)
            code = call.code()
            outcomes.append((began, time.monotonic(), code))

    callers = [threading.Thread(target=call_in_a_loop, args=[shim.client()]) for _ in range(4)]
    for caller in callers:
        caller.start()
    runtime.wait_for_calls(STATUS, 50)

    killed = time.monotonic()
    runtime.kill()
    eventually(lambda: outcomes[-1][2] is grpc.StatusCode.UNAVAILABLE, "the callers notice")
    runtime.start()
    runtime.set_behaviour(STATUS, kind="stream", messages=1, size=3)
    restarted = time.monotonic()
    eventually(
        lambda: sum(code is grpc.StatusCode.OK for began, _, code in outcomes if began > restarted) > 50,
        "calls are answered",
    )
    stop.set()
    for caller in callers:
        caller.join()

    before = Counter(code for _, ended, code in outcomes if ended < killed)
    between = Counter(code for began, _, code in outcomes if killed <= began < restarted)
    after = Counter(code for began, _, code in outcomes if began > restarted + 1.0)
    assert set(before) == {grpc.StatusCode.OK}
    assert set(between) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.OK}
    assert set(after) <= {grpc.StatusCode.OK}


def test_first_call_after_a_restart_is_served(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_images()
    assert client.list_images() == []
    runtime.kill()
    for _ in range(20):
        assert error_of(client.start(LIST_IMAGES)).code() is grpc.StatusCode.UNAVAILABLE

    runtime.start()

    eventually(lambda: client.start(LIST_IMAGES).code() is grpc.StatusCode.OK, "it is served", seconds=1.5)


def test_runtime_with_a_full_backlog_is_waited_for(workplace: Workplace, new_shim) -> None:
    """Boost.Asio takes the EAGAIN of a unix connect for success."""
    runtime = RawRuntime(workplace.path("runtime.sock"), lambda peer, stream, _: peer.respond(stream), backlog=0)
    workplace.on_close(runtime.close)
    shim = new_shim()
    shim.configure(force=True)
    shim.start()
    waiting = fill_backlog(workplace)

    call = shim.client().start(STATUS)
    assert not call.done()
    runtime.start_accepting()

    assert call.result() == b""
    for connection in waiting:
        connection.close()


def fill_backlog(workplace: Workplace) -> list[socket.socket]:
    connections = []
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        connections.append(connection)
        try:
            connection.connect(str(workplace.path("runtime.sock")))
        except BlockingIOError:
            return connections


def test_force_false_waits_for_the_runtime(runtime: FakeRuntime, new_shim) -> None:
    runtime.kill()
    shim = new_shim(runtime.socket)
    shim.configure(force=False)
    shim.launch()
    eventually(lambda: str(runtime.socket) in shim.log and "wait" in shim.log.lower(), "it says what it waits for")
    assert not accepts_connections(shim.socket)

    runtime.start()

    shim.process.wait_until(lambda: accepts_connections(shim.socket), "listening")
    assert shim.client().version_of_runtime().runtime_name == "fake-runtime"


def test_force_true_listens_before_the_runtime(runtime: FakeRuntime, new_shim) -> None:
    runtime.kill()
    shim = new_shim(runtime.socket)
    shim.configure(force=True)
    shim.start()
    client = shim.client()
    assert error_of(client.start(STATUS)).code() is grpc.StatusCode.UNAVAILABLE

    runtime.start()

    assert client.version_of_runtime().runtime_name == "fake-runtime"


# A runtime of raw frames.


def test_goaway_refuses_what_was_not_processed_and_completes_the_rest(
    start_raw_runtime: StartRawRuntime, bare_shim: Shim
) -> None:
    pending: list[tuple[RawConnection, int]] = []
    start_raw_runtime(lambda peer, stream, _: pending.append((peer, stream)))
    client = bare_shim.raw_client()
    processed = client.request(EXEC, b"processed")
    eventually(lambda: len(pending) == 1, "the first call arrives")
    unprocessed = client.request(EXEC, b"unprocessed")
    eventually(lambda: len(pending) == 2, "the second call arrives")

    (peer, first), (_, second) = pending
    assert first < second
    peer.go_away(last_stream=first)
    refused = client.wait_for_event(h2.events.StreamReset, unprocessed)
    peer.respond(first, b"done")

    assert refused.error_code == REFUSED_STREAM
    headers, body = client.answer(processed)
    assert (headers["grpc-status"], body) == ("0", grpc_message(b"done"))


def test_call_after_a_goaway_uses_a_new_connection(start_raw_runtime: StartRawRuntime, bare_shim: Shim) -> None:
    runtime = start_raw_runtime(lambda peer, stream, _: peer.respond(stream, b"served"))
    client = bare_shim.raw_client()
    client.answer(client.request(STATUS))

    for peer in list(runtime.connections):
        peer.go_away(last_stream=2**31 - 1)
        with contextlib.suppress(OSError):  # without calls, the shim may have left already
            peer.go_away(last_stream=1)
    headers, body = client.answer(client.request(STATUS))

    assert (headers["grpc-status"], body) == ("0", grpc_message(b"served"))


def test_runtime_is_never_pinged(start_raw_runtime: StartRawRuntime, bare_shim: Shim) -> None:
    """grpc-go answers pings it did not expect with too_many_pings."""
    runtime = start_raw_runtime(lambda peer, stream, _: peer.respond(stream, b"x" * 10_000))
    client = bare_shim.client()

    for _ in range(300):
        client.unary(STATUS, b"x" * 100_000)

    assert runtime.events(h2.events.PingReceived) == []


def test_ping_of_the_runtime_is_answered(start_raw_runtime: StartRawRuntime, bare_shim: Shim) -> None:
    runtime = start_raw_runtime(lambda peer, stream, _: peer.respond(stream))
    bare_shim.client().unary(STATUS)

    runtime.connections[-1].ping()

    eventually(lambda: runtime.events(h2.events.PingAckReceived), "the answer to a ping")


def test_early_end_of_a_call_is_relayed_after_its_trailers(
    start_raw_runtime: StartRawRuntime, bare_shim: Shim
) -> None:
    """A server that needs no more of the request resets with NO_ERROR (RFC 9113 §8.1); the answer must not be lost."""

    def answer_early(peer: RawConnection, stream: int, _: dict[str, str]) -> None:
        peer.respond(stream, b"x" * 20_000, trailers=[("grpc-status", "0"), ("grpc-message", "early")])
        peer.reset(stream, NO_ERROR)

    start_raw_runtime(answer_early, answers_early=True)
    client = bare_shim.raw_client(window=100)
    client.gives_window = False
    stream = client.request(EXEC, None)
    client.wait_for_event(h2.events.DataReceived, stream)

    # Only now is there room for the rest: the reset has arrived at the shim long before.
    client.http2.increment_flow_control_window(100_000, stream)
    client.flush()
    client.wait_for_event(h2.events.TrailersReceived, stream)
    headers, body = client.answer(stream)

    assert (headers["grpc-message"], len(body)) == ("early", 20_005)
    resets = [event for event in client.events if isinstance(event, h2.events.StreamReset)]
    assert all(event.error_code == NO_ERROR for event in resets)


def test_reset_of_the_runtime_keeps_its_code(start_raw_runtime: StartRawRuntime, bare_shim: Shim) -> None:
    start_raw_runtime(lambda peer, stream, _: peer.reset(stream, ENHANCE_YOUR_CALM))
    client = bare_shim.raw_client()
    stream = client.request(STATUS)

    assert client.wait_for_event(h2.events.StreamReset, stream).error_code == ENHANCE_YOUR_CALM


def test_bytes_of_a_compressed_call_are_untouched(start_raw_runtime: StartRawRuntime, bare_shim: Shim) -> None:
    answer = grpc_message(gzip.compress(b"answer"), is_compressed=True)
    seen: list[tuple[dict[str, str], bytes]] = []

    def respond(peer: RawConnection, stream: int, headers: dict[str, str]) -> None:
        seen.append((headers, peer.bodies[stream]))
        peer.respond(stream, body=answer, headers=[("grpc-encoding", "gzip")])

    start_raw_runtime(respond)
    client = bare_shim.raw_client()
    question = grpc_message(gzip.compress(b"question"), is_compressed=True)
    stream = client.request(STATUS, None, [("grpc-encoding", "gzip"), ("grpc-accept-encoding", "gzip,deflate")])
    client.http2.send_data(stream, question, end_stream=True)
    client.flush()

    headers, body = client.answer(stream)

    assert body == answer
    assert headers["grpc-encoding"] == "gzip"
    assert seen[0][1] == question
    assert seen[0][0]["grpc-encoding"] == "gzip"
    assert seen[0][0]["grpc-accept-encoding"] == "gzip,deflate"


def test_headers_arrive_as_they_were_sent(start_raw_runtime: StartRawRuntime, bare_shim: Shim) -> None:
    seen: list[dict[str, str]] = []

    def respond(peer: RawConnection, stream: int, headers: dict[str, str]) -> None:
        seen.append(headers)
        peer.respond(stream)

    start_raw_runtime(respond)
    client = bare_shim.raw_client()
    sent = [("grpc-timeout", "12345678u"), ("user-agent", "kubelet/v1.33.0"), ("blob-bin", "AP+A"), ("empty", "")]

    client.answer(client.request(STATUS, b"", sent))

    assert dict(sent).items() <= seen[0].items()
    assert seen[0][":path"] == STATUS
    assert seen[0]["content-type"] == "application/grpc"
    assert seen[0]["te"] == "trailers"


def test_answer_that_is_not_grpc_passes(start_raw_runtime: StartRawRuntime, bare_shim: Shim) -> None:
    def respond(peer: RawConnection, stream: int, _: dict[str, str]) -> None:
        peer.http2.send_headers(stream, [(":status", "503"), ("content-type", "text/plain")])
        peer.http2.send_data(stream, b"not now", end_stream=True)
        peer.send_raw(peer.http2.data_to_send())

    start_raw_runtime(respond)
    client = bare_shim.raw_client()

    headers, body = client.answer(client.request(STATUS))

    assert (headers[":status"], body) == ("503", b"not now")


def test_runtime_that_talks_garbage_fails_only_its_calls(
    start_raw_runtime: StartRawRuntime, bare_shim: Shim, workplace: Workplace
) -> None:
    talks_garbage = True

    def respond(peer: RawConnection, stream: int, _: dict[str, str]) -> None:
        if talks_garbage:
            peer.send_raw(os.urandom(100))
        else:
            peer.respond(stream, b"sense")

    start_raw_runtime(respond)
    client = bare_shim.raw_client()
    headers, _ = client.answer(client.request(STATUS))
    talks_garbage = False
    _, body = client.answer(client.request(STATUS))

    assert headers["grpc-status"] == "14"
    assert body == grpc_message(b"sense")


def test_runtime_that_closes_without_a_word_is_unavailable(
    start_raw_runtime: StartRawRuntime, bare_shim: Shim
) -> None:
    start_raw_runtime(lambda peer, stream, _: peer.close())
    client = bare_shim.raw_client()

    headers, _ = client.answer(client.request(STATUS))

    assert headers["grpc-status"] == "14"


def test_every_client_has_a_runtime_connection_of_its_own(
    start_raw_runtime: StartRawRuntime, bare_shim: Shim
) -> None:
    runtime = start_raw_runtime(lambda peer, stream, _: peer.respond(stream))

    for client in [bare_shim.raw_client() for _ in range(3)]:
        client.answer(client.request(STATUS))
        client.answer(client.request(STATUS))

    assert [peer.answered for peer in runtime.connections if peer.answered] == [2, 2, 2]


def test_runtime_socket_replaced_by_another_is_followed(
    runtime: FakeRuntime, start_runtime: Callable[..., FakeRuntime], client: Client
) -> None:
    """As an upgrade of the runtime does: a new process, a new file of the same name."""
    client.version_of_runtime()
    successor = start_runtime(name="successor")
    successor.set_behaviour(STATUS, kind="echo")

    runtime.kill()
    shutil.move(successor.socket, runtime.socket)

    eventually(lambda: client.start(STATUS, b"new").code() is grpc.StatusCode.OK, "the new runtime answers")
