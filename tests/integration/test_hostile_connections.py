"""A client that breaks the rules loses its own connection; nobody else notices (DESIGN 1, RFC 9113)."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterator

import h2.events
import pytest

from cri import Client
from fake_runtime import FakeRuntime
from http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PREFACE,
    SETTINGS,
    WINDOW_UPDATE,
    Header,
    RawClient,
    frame,
    grpc_message,
    request_headers,
)
from processes import eventually
from shim import IS_SANITIZED, Shim

STATUS = "/runtime.v1.RuntimeService/Status"
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def others_keep_working(runtime: FakeRuntime, client: Client) -> Iterator[None]:
    """A well-behaved client calls before and after each test, on one connection."""
    runtime.set_behaviour(STATUS, kind="echo")
    client.unary(STATUS, b"before")
    yield
    assert client.unary(STATUS, b"after", timeout=5) == b"after"


def connect(shim: Shim, first_bytes: bytes = b"") -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(shim.socket))
    connection.settimeout(10)
    connection.sendall(first_bytes)
    return connection


def is_closed_by_the_shim(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 100,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,  # a TLS ClientHello
        bytes(range(256)) * 8,
        PREFACE[:-1] + b"\x00" * 64,
        PREFACE + frame(DATA, 0, 0, b"no settings first"),
        PREFACE + frame(SETTINGS, 0, 0, b"12345"),  # not a multiple of six
        PREFACE + frame(SETTINGS, 0, 0) + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + b"\x00" * 1000,  # 16 MiB frame
        PREFACE + frame(SETTINGS, 0, 0) + frame(PING, 0, 0, b"short"),
        PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 2, b"\x82"),  # even: a server's stream
        PREFACE + frame(SETTINGS, 0, 0) + frame(DATA, 0, 5, b"on an idle stream"),
        PREFACE + frame(SETTINGS, 0, 0) + frame(CONTINUATION, 0, 1, b"of nothing"),
        PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff\xff"),  # HPACK
        PREFACE + frame(SETTINGS, 0, 0) + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0)),
    ],
    ids=[
        "zeros", "http/1.1", "tls", "all bytes", "almost a preface", "data before settings", "odd settings",
        "huge frame", "short ping", "even stream", "idle stream", "lone continuation", "bad hpack", "zero window",
    ],
)  # fmt: skip
def test_garbage_closes_its_connection(shim: Shim, garbage: bytes) -> None:
    connection = connect(shim, garbage)

    assert is_closed_by_the_shim(connection)


def test_random_bytes_close_their_connections(shim: Shim) -> None:
    for _ in range(200):
        connection = connect(shim)
        try:
            connection.sendall(os.urandom(2000))
        except BrokenPipeError:
            pass  # closed after the first bytes
        assert is_closed_by_the_shim(connection)


@pytest.mark.parametrize(
    "first_bytes", [b"", PREFACE[:10], PREFACE, PREFACE + frame(SETTINGS, 0, 0)[:5]], ids=["0", "10", "24", "29"]
)
def test_connections_that_say_nothing_more_cost_others_nothing(
    shim: Shim, client: Client, first_bytes: bytes
) -> None:
    silent = [connect(shim, first_bytes) for _ in range(100)]

    answers = [client.unary(STATUS, b"quick") for _ in range(20)]

    assert answers == [b"quick"] * 20
    for connection in silent:
        connection.close()


def test_slow_loris_costs_others_nothing(runtime: FakeRuntime, shim: Shim, client: Client) -> None:
    start = PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1, b"\x83\x86")  # its headers never end
    drips = [connect(shim, start) for _ in range(50)]

    for _ in range(20):
        for drip in drips:
            with contextlib.suppress(BrokenPipeError):  # it may well be closed by now
                drip.sendall(frame(CONTINUATION, 0, 1, b"\x86"))
        assert client.unary(STATUS, b"quick") == b"quick"

    assert {call.body for call in runtime.calls(STATUS)} == {b"before", b"quick"}
    for drip in drips:
        drip.close()


def test_endless_header_block_closes_its_connection(shim: Shim) -> None:
    memory = shim.process.resident_bytes()
    connection = connect(shim, PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1, b"\x83\x86"))
    literal = b"\x00\x01a\x7f\x80\x7e" + b"v" * 16_000  # "a: vvv…", not indexed

    with pytest.raises((BrokenPipeError, ConnectionResetError, TimeoutError)):
        for _ in range(20_000):
            connection.sendall(frame(CONTINUATION, 0, 1, literal))

    assert is_closed_by_the_shim(connection)
    if not IS_SANITIZED:
        assert shim.process.resident_bytes() - memory < 4 * MIB


def test_ping_flood_is_survived(shim: Shim) -> None:
    memory = shim.process.resident_bytes()
    connection = connect(shim, PREFACE + frame(SETTINGS, 0, 0))
    connection.settimeout(1)

    try:
        for _ in range(1000):
            connection.sendall(frame(PING, 0, 0, b"12345678") * 1000)
    except (TimeoutError, OSError):
        pass  # stopped by back-pressure, or closed: either will do

    if not IS_SANITIZED:
        assert shim.process.resident_bytes() - memory < 8 * MIB
    connection.close()


def test_ping_is_answered(shim: Shim) -> None:
    client = shim.raw_client()

    client.http2.ping(b"are you?")
    client.flush()

    assert client.wait_for_event(h2.events.PingAckReceived).ping_data == b"are you?"


def test_half_closed_client_still_gets_its_answer(runtime: FakeRuntime, shim: Shim) -> None:
    client = shim.raw_client()
    stream = client.request(STATUS, b"last words")
    client.wait_for_event(h2.events.StreamEnded, stream)

    client.socket.shutdown(socket.SHUT_WR)

    client.wait_for_close()


MALFORMED: dict[str, Callable[[list[Header]], list[Header]]] = {
    "upper-case name": lambda headers: [*headers, ("X-Upper", "1")],
    "connection header": lambda headers: [*headers, ("connection", "keep-alive")],
    "no :path": lambda headers: [header for header in headers if header[0] != ":path"],
    "empty :path": lambda headers: [(name, "" if name == ":path" else value) for name, value in headers],
    "no :method": lambda headers: [header for header in headers if header[0] != ":method"],
    "two :path": lambda headers: [(":path", STATUS), *headers],
    "pseudo-header after others": lambda headers: [*headers[1:], headers[0]],
    "unknown pseudo-header": lambda headers: [(":nonsense", "1"), *headers],
    "response's pseudo-header": lambda headers: [(":status", "200"), *headers],
    "content-length of another size": lambda headers: [*headers, ("content-length", "7")],
    "line break in a value": lambda headers: [*headers, ("name", "a\r\nb: c")],
    "te other than trailers": lambda headers: [*(header for header in headers if header[0] != "te"), ("te", "gzip")],
}


@pytest.mark.parametrize("spoil", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_request_is_refused(
    runtime: FakeRuntime, shim: Shim, spoil: Callable[[list[Header]], list[Header]]
) -> None:
    client = shim.raw_client()
    client.http2.send_headers(1, spoil(request_headers(STATUS)))
    client.http2.send_data(1, grpc_message(b"malformed"), end_stream=True)
    client.flush()

    def is_refused() -> bool:
        kinds = (h2.events.StreamReset,)
        statuses = [dict(event.headers) for event in client.events if isinstance(event, h2.events.ResponseReceived)]
        is_reset = any(isinstance(event, kinds) for event in client.events)
        return is_reset or client.is_closed or any(headers.get("grpc-status", "0") != "0" for headers in statuses)

    client.socket.settimeout(5)
    while not is_refused():
        client.receive()

    answered = [event for event in client.events if isinstance(event, h2.events.DataReceived)]
    assert answered == []
    eventually(lambda: all(call.body != b"malformed" or call.cancelled_ns for call in runtime.calls(STATUS)), "no call")


def test_malformed_request_leaves_other_streams_of_its_connection_alone(runtime: FakeRuntime, shim: Shim) -> None:
    slow = "/runtime.v1.RuntimeService/ExecSync"
    runtime.set_behaviour(slow, kind="stream", messages=1, size=5, hold=True)
    client = shim.raw_client()
    good = client.request(slow)
    runtime.wait_for_calls(slow)

    bad = client.http2.get_next_available_stream_id()
    client.http2.send_headers(bad, [*request_headers(STATUS), ("X-Upper", "1")], end_stream=True)
    client.flush()
    client.wait_for_event(h2.events.StreamReset, bad)
    runtime.release()

    assert client.answer(good)[1] == grpc_message(b"xxxxx")


def test_window_overflow_closes_its_connection(shim: Shim) -> None:
    largest = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x7FFFFFFF))

    connection = connect(shim, PREFACE + frame(SETTINGS, 0, 0) + largest * 2)

    assert is_closed_by_the_shim(connection)


def test_data_beyond_the_window_closes_its_connection_or_stream(shim: Shim, runtime: FakeRuntime) -> None:
    deaf = "/runtime.v1.RuntimeService/Attach"
    runtime.set_behaviour(deaf, kind="deaf")
    client = shim.raw_client()
    stream = client.request(deaf, None)
    client.wait_for_event(h2.events.RemoteSettingsChanged)
    client.socket.settimeout(1)

    try:
        for _ in range(4000):  # 64 MiB, without a look at any window
            client.send_raw(frame(DATA, 0, stream, b"x" * 16_384))
    except OSError:
        pass  # closed, or not read any more

    memory = shim.process.resident_bytes()
    assert memory < 64 * MIB or IS_SANITIZED


def test_stream_id_that_goes_back_starts_no_call(runtime: FakeRuntime, shim: Shim) -> None:
    client = shim.raw_client()
    client.answer(client.request(STATUS, b"1"))
    client.answer(client.request(STATUS, b"2"))
    calls = len(runtime.calls(STATUS))

    client.send_raw(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x83\x86\x84\x41\x01a"))
    client.send_raw(frame(PING, 0, 0, b"the end."))
    while not client.is_closed and not any(isinstance(event, h2.events.PingAckReceived) for event in client.events):
        client.receive()

    assert len(runtime.calls(STATUS)) == calls


def test_many_bad_clients_at_once(shim: Shim, client: Client) -> None:
    bad: list[socket.socket] = []
    for _ in range(200):
        bad.append(connect(shim, os.urandom(100)))
        bad.append(connect(shim, PREFACE))
        RawClient(shim.socket).close()
        assert client.unary(STATUS, b"quick") == b"quick"
    for connection in bad:
        connection.close()
