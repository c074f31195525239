"""Raw HTTP/2 on a unix socket: a client and a runtime that can do what gRPC libraries never would."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
Header = tuple[str, str]

# RFC 9113 §6 and §7
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 0x1, 0x4
NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 7, 8, 11


@dataclass(frozen=True)
class GoAway:
    last_stream: int
    code: int


@dataclass(frozen=True)
class Refusal:
    """The reset of a stream that h2 knows nothing of, as a test has opened it with raw bytes."""

    stream: int
    code: int


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """RFC 9113 §4.1"""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def grpc_message(payload: bytes, is_compressed: bool = False) -> bytes:
    return bytes([is_compressed]) + struct.pack(">I", len(payload)) + payload


def request_headers(method: str, *more: Header) -> list[Header]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", method),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        *more,
    ]


def _configuration(is_client: bool) -> h2.config.H2Configuration:
    return h2.config.H2Configuration(
        client_side=is_client,
        header_encoding="utf-8",
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        validate_inbound_headers=False,
    )


class RawClient:
    """Blocking, one connection. Every event is kept in `events`, in the order of arrival.

    A GOAWAY is a GoAway event: h2 would close at the first one, where streams under way are to go on.
    """

    def __init__(self, path: Path, window: int = 1 << 20) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        # Without a time-out yet: a socket with one does not wait for room in a full backlog.
        self.socket.connect(str(path))
        self.socket.settimeout(10)
        self.http2 = h2.connection.H2Connection(_configuration(is_client=True))
        self.http2.local_settings = h2.settings.Settings(
            client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
        )
        self.events: list[Any] = []
        self.is_closed = False
        self.gives_window = True
        self._unread = b""
        self.http2.initiate_connection()
        self.flush()

    def close(self) -> None:
        self.socket.close()

    def flush(self) -> None:
        self.socket.sendall(self.http2.data_to_send())

    def send_raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str, message: bytes | None = b"", headers: Sequence[Header] = ()) -> int:
        """Starts a call and returns its stream. Without a message the stream stays open."""
        stream: int = self.http2.get_next_available_stream_id()
        self.http2.send_headers(stream, request_headers(method, *headers))
        if message is not None:
            self.http2.send_data(stream, grpc_message(message), end_stream=True)
        self.flush()
        return stream

    def reset(self, stream: int, code: int = CANCEL) -> None:
        self.http2.reset_stream(stream, code)
        self.flush()

    def receive(self) -> list[Any]:
        """What the next bytes bring; nothing once the other side has closed."""
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            self.is_closed = True
            return []
        arrived: list[Any] = []
        for kind, bytes_of_frame in self._frames(data):
            if kind == GOAWAY:
                last_stream, code = struct.unpack(">II", bytes_of_frame[9:17])
                arrived.append(GoAway(last_stream, code))
            elif kind == RST_STREAM and int.from_bytes(bytes_of_frame[5:9], "big") not in self.http2.streams:
                arrived.append(Refusal(int.from_bytes(bytes_of_frame[5:9], "big"), bytes_of_frame[12]))
            else:
                arrived.extend(self.http2.receive_data(bytes_of_frame))
        for event in arrived:
            if isinstance(event, h2.events.DataReceived) and self.gives_window and event.flow_controlled_length:
                self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.events.extend(arrived)
        self.flush_if_open()
        return arrived

    def _frames(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        self._unread += data
        while len(self._unread) >= 9:
            end = 9 + int.from_bytes(self._unread[:3], "big")
            if len(self._unread) < end:
                return
            yield self._unread[3], self._unread[:end]
            self._unread = self._unread[end:]

    def flush_if_open(self) -> None:
        try:
            self.flush()
        except OSError:
            self.is_closed = True

    def wait_for(self, wanted: Callable[[Any], bool], what: str) -> Any:
        """The first event of that kind, arrived already or not."""
        looked_at = 0
        while True:
            for event in self.events[looked_at:]:
                if wanted(event):
                    return event
            looked_at = len(self.events)
            if self.is_closed:
                raise AssertionError(f"the connection was closed before: {what}; events: {self.events}")
            try:
                self.receive()
            except TimeoutError:
                raise AssertionError(f"no {what}; events: {self.events}") from None

    def wait_for_event(self, kind: type, stream: int | None = None) -> Any:
        def is_wanted(event: Any) -> bool:
            return isinstance(event, kind) and (stream is None or event.stream_id == stream)

        return self.wait_for(is_wanted, f"{kind.__name__} on stream {stream}")

    def wait_for_refusal(self, stream: int) -> int:
        """The code of the reset."""
        wanted = self.wait_for(lambda event: isinstance(event, Refusal) and event.stream == stream, "refusal")
        code: int = wanted.code
        return code

    def answer(self, stream: int) -> tuple[dict[str, str], bytes]:
        """Waits for the stream's end: all headers and trailers, and the bytes of all messages."""
        self.wait_for_event(h2.events.StreamEnded, stream)
        headers: dict[str, str] = {}
        body = b""
        for event in self.events:
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                headers.update(dict(event.headers))
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
        return headers, body

    def wait_for_close(self, seconds: float = 20) -> None:
        """Reads whatever still comes until the other side closes."""
        self.socket.settimeout(seconds)
        while not self.is_closed:
            self.receive()


Handler = Callable[["RawConnection", int, dict[str, str]], None]


class RawRuntime:
    """A runtime in this process: `on_request(connection, stream, headers)` decides everything about its answers.

    Only what the shim asks for itself, the version that it speaks, is answered without it. With `answers_early` it is called when the request's headers are there, else when the request has ended.
    """

    def __init__(self, path: Path, on_request: Handler, answers_early: bool = False, backlog: int = 128) -> None:
        self.connections: list[RawConnection] = []
        self._on_request = on_request
        self._answers_early = answers_early
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(backlog)
        self._accepting: threading.Thread | None = None

    def start_accepting(self) -> None:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(RawConnection(peer, self._on_request, self._answers_early))

    def events(self, kind: type) -> list[Any]:
        return [event for connection in self.connections for event in connection.events if isinstance(event, kind)]

    def close(self) -> None:
        if self._accepting:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._accepting.join()
        self._listener.close()
        for connection in self.connections:
            connection.close()


class RawConnection:
    """One connection to the RawRuntime. Its methods may be called from the test's thread too."""

    def __init__(self, peer: socket.socket, on_request: Handler, answers_early: bool) -> None:
        self.events: list[Any] = []
        self.bodies: dict[int, bytes] = {}
        self.answered = 0
        self._peer = peer
        self._on_request = on_request
        self._answers_early = answers_early
        self._lock = threading.RLock()
        self.http2 = h2.connection.H2Connection(_configuration(is_client=False))
        self.http2.local_settings = h2.settings.Settings(
            client=False, initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 10_000}
        )
        self.http2.initiate_connection()
        self._flush()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def close(self) -> None:
        """As a process that ends."""
        try:
            self._peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self._reading is not threading.current_thread():
            self._reading.join()
        self._peer.close()

    def send_raw(self, data: bytes) -> None:
        with self._lock:
            self._peer.sendall(data)

    def respond(
        self,
        stream: int,
        message: bytes = b"",
        headers: Sequence[Header] = (),
        trailers: Sequence[Header] = (("grpc-status", "0"),),
        body: bytes | None = None,
    ) -> None:
        """A whole answer, small enough for the window; `body` instead of `message` is sent as it is."""
        with self._lock:
            self.http2.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc"), *headers])
            data = grpc_message(message) if body is None else body
            for start in range(0, len(data), 16_384):
                self.http2.send_data(stream, data[start : start + 16_384])
            self.http2.send_headers(stream, list(trailers), end_stream=True)
            self._flush()

    def ping(self) -> None:
        with self._lock:
            self.http2.ping(b"12345678")
            self._flush()

    def go_away(self, last_stream: int, code: int = NO_ERROR) -> None:
        """Below h2, which would refuse to go on with the streams that are to complete."""
        self.send_raw(frame(GOAWAY, 0, 0, struct.pack(">II", last_stream, code)))

    def reset(self, stream: int, code: int) -> None:
        self.send_raw(frame(RST_STREAM, 0, stream, struct.pack(">I", code)))

    def _flush(self) -> None:
        with self._lock:
            self._peer.sendall(self.http2.data_to_send())

    def _answer(self, stream: int, headers: dict[str, str]) -> None:
        if headers[":path"] in ("/runtime.v1.RuntimeService/Version", "/runtime.v1.ImageService/ImageFsInfo"):
            self.respond(stream)
        else:
            self.answered += 1
            self._on_request(self, stream, headers)

    def _read(self) -> None:
        requests: dict[int, dict[str, str]] = {}
        while True:
            try:
                data = self._peer.recv(1 << 18)
                if not data:
                    return
                with self._lock:
                    arrived = self.http2.receive_data(data)
                    for event in arrived:
                        if isinstance(event, h2.events.DataReceived):
                            self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
                            if event.flow_controlled_length:
                                self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    self.events.extend(arrived)
                    self._flush()
                for event in arrived:
                    if isinstance(event, h2.events.RequestReceived):
                        requests[event.stream_id] = dict(event.headers)
                    wanted = h2.events.RequestReceived if self._answers_early else h2.events.StreamEnded
                    if isinstance(event, wanted):
                        self._answer(event.stream_id, requests[event.stream_id])
            except OSError:
                return
