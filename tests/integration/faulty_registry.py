"""A registry that goes wrong in the way a test asks for, at any time, and is well again when it is told to be.

It has every image, as an index for every common platform. Raw sockets and a thread for each connection, as most of the
faults are what no HTTP library does.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from certificates import Authority

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": "sha256:" + "12" * 32,
                "size": 2,
                "platform": {"os": "linux", "architecture": architecture},
            }
            for architecture in ["amd64", "arm64", "386", "arm", "ppc64le", "riscv64", "s390x"]
        ],
    }
).encode()
INDEX_DIGEST = "sha256:" + hashlib.sha256(INDEX).hexdigest()
PAGE = b"<html><body>Welcome to nginx!</body></html>"


class Fault(Enum):
    """The values are what a table calls them."""

    NONE = "none"
    REFUSED = "refused"
    BLACK_HOLED = "black-holed"
    HUNG_AFTER_ACCEPT = "hung after accept"
    HUNG_AFTER_HEADERS = "hung after headers"
    SLOW_DRIP = "slow drip"
    RESET = "reset"
    TLS_WRONG_HOST = "TLS, wrong host"
    TLS_EXPIRED = "TLS, expired"
    TLS_UNKNOWN_CA = "TLS, unknown CA"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    NOT_FOUND_PAGE = "404 with an HTML page"
    THROTTLED = "429 with Retry-After"
    BROKEN = "500"
    OVERLOADED = "503"
    REDIRECT_LOOP = "redirect loop"
    REDIRECTED = "redirect to another host"
    ENDLESS_BODY = "endless body"
    GARBAGE = "garbage"
    WRONG_DIGEST = "wrong digest header"


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]  # by names in lower case
    fault: Fault  # that it met


class Certificates:
    """What a registry of these names shows by each fault."""

    def __init__(self, folder: Path, *subjects: str) -> None:
        authority = Authority(folder)
        self.trusted = authority.file
        self._good = authority.issue("good", *subjects).server_context()
        by_fault = {
            Fault.TLS_WRONG_HOST: authority.issue("wrong-host", "DNS:elsewhere.test"),
            Fault.TLS_EXPIRED: authority.issue("expired", *subjects, days=0),
            Fault.TLS_UNKNOWN_CA: Authority(folder, "unknown-authority").issue("unknown", *subjects),
        }
        self._contexts = {fault: made.server_context() for fault, made in by_fault.items()}

    def context(self, fault: Fault) -> ssl.SSLContext:
        return self._contexts.get(fault, self._good)


class FaultyRegistry:
    """On a free port of 127.0.0.1 unless told otherwise; with `certificates` it speaks TLS.

    `elsewhere` is the URL that it redirects to; `name` stands for the address in its own.
    """

    def __init__(
        self,
        certificates: Certificates | None = None,
        elsewhere: str = "",
        name: str = "",
        listen: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self._certificates = certificates
        self._elsewhere = elsewhere
        self.name = name or listen[0]
        self._fault = Fault.NONE
        self._fault_is_over = threading.Event()
        self._open: set[socket.socket] = set()
        self._socket = _bound(listen)
        self._endpoint = self._socket.getsockname()
        self._listen()

    @property
    def port(self) -> int:
        return int(self._endpoint[1])

    @property
    def host(self) -> str:
        return f"{self.name}:{self.port}"

    @property
    def address(self) -> str:
        return f"{'https' if self._certificates else 'http'}://{self.host}"

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        """Every connection ends, so that none is left from before."""
        self.stop()
        self._fault = fault
        self._fault_is_over = threading.Event()
        self._socket = _bound(self._endpoint)
        if fault is Fault.BLACK_HOLED:
            self._fill_backlog()
        elif fault is not Fault.REFUSED:  # a port that is bound and not listened at refuses
            self._listen()

    def stop(self) -> None:
        self._fault_is_over.set()
        for open_socket in [*self._open, self._socket]:
            _end(open_socket)
        self._open.clear()

    def manifests_asked(self) -> list[Asked]:
        return [asked for asked in self.asked if "/manifests/" in asked.path]

    def checks(self) -> list[Asked]:
        """Those of the registry's health, with no image in them."""
        return [asked for asked in self.asked if asked.path == "/v2/"]

    # Connections.

    def _listen(self) -> None:
        self._socket.listen(64)
        threading.Thread(target=self._accept, args=[self._socket], daemon=True).start()

    def _fill_backlog(self) -> None:
        """The kernel drops what would be one connection too many: its sender never hears anything."""
        self._socket.listen(0)
        while True:
            filler = socket.socket()
            self._open.add(filler)
            filler.settimeout(0.05)
            try:
                filler.connect(self._endpoint)
            except TimeoutError:
                return

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:  # stop() has closed it
                return
            self.connections += 1
            self._open.add(accepted)
            threading.Thread(target=self._serve, args=[accepted], daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        fault, is_over = self._fault, self._fault_is_over
        stream = accepted
        try:
            if fault is Fault.HUNG_AFTER_ACCEPT:
                is_over.wait()
                return
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._certificates:
                stream = self._certificates.context(fault).wrap_socket(accepted, server_side=True)
                self._open.add(stream)
            connection = _Connection(stream, fault, is_over, self._elsewhere)
            while asked := connection.read_request():
                self.asked.append(asked)
                connection.answer(asked)
        except OSError:  # the other side, or stop(), has ended it
            pass
        finally:
            _end(stream)


def _bound(endpoint: tuple[str, int]) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(endpoint)
    return bound


def _end(ended: socket.socket) -> None:
    try:
        ended.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it was not connected
    ended.close()


class _Connection:
    """Requests and answers of one connection, which has one fault for as long as it lives."""

    def __init__(self, stream: socket.socket, fault: Fault, is_over: threading.Event, elsewhere: str) -> None:
        self._stream = stream
        self._reader = stream.makefile("rb")
        self._fault = fault
        self._is_over = is_over
        self._elsewhere = elsewhere

    def read_request(self) -> Asked | None:
        line = self._reader.readline().decode()
        if not line:
            return None
        method, path, _ = line.split(" ")
        headers = {}
        while field := self._reader.readline().decode().strip():
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        return Asked(method, path, headers, self._fault)

    def answer(self, asked: Asked) -> None:
        special: dict[Fault, Callable[[Asked], None]] = {
            Fault.HUNG_AFTER_HEADERS: self._hang_after_headers,
            Fault.SLOW_DRIP: self._drip,
            Fault.RESET: self._reset,
            Fault.ENDLESS_BODY: self._never_end,
            Fault.GARBAGE: lambda _: self._stream.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n" * 3),
        }
        special.get(self._fault, self._answer_in_full)(asked)

    def _answer_in_full(self, asked: Asked) -> None:
        head, body = self._parts(asked)
        self._stream.sendall(head if asked.method == "HEAD" else head + body)

    def _parts(self, asked: Asked) -> tuple[bytes, bytes]:
        """Head and body of an answer that comes in full."""
        match self._fault:
            case Fault.UNAUTHORIZED:
                return _response("401 Unauthorized", {"WWW-Authenticate": 'Basic realm="registry"'})
            case Fault.FORBIDDEN:
                return _response("403 Forbidden")
            case Fault.NOT_FOUND if "/manifests/" in asked.path:
                return _response("404 Not Found", {"Content-Type": "application/json"}, b'{"errors": []}')
            case Fault.NOT_FOUND_PAGE:
                return _response("404 Not Found", {"Content-Type": "text/html"}, PAGE)
            case Fault.THROTTLED:
                return _response("429 Too Many Requests", {"Retry-After": "1"})
            case Fault.BROKEN:
                return _response("500 Internal Server Error")
            case Fault.OVERLOADED:
                return _response("503 Service Unavailable")
            case Fault.REDIRECT_LOOP if "/manifests/" in asked.path:
                return _response("307 Temporary Redirect", {"Location": asked.path})
            case Fault.REDIRECTED if "/manifests/" in asked.path:
                return _response("307 Temporary Redirect", {"Location": self._elsewhere + asked.path})
        if "/manifests/" not in asked.path:
            return _response("200 OK", {"Content-Type": "application/json"}, b"{}")
        digest = "sha256:" + "0" * 64 if self._fault is Fault.WRONG_DIGEST else INDEX_DIGEST
        return _response("200 OK", {"Content-Type": INDEX_TYPE, "Docker-Content-Digest": digest}, INDEX)

    def _hang_after_headers(self, asked: Asked) -> None:
        head, _ = self._parts(asked)  # all that a HEAD asks for
        self._stream.sendall(head)
        if asked.method != "HEAD":
            self._is_over.wait()

    def _drip(self, asked: Asked) -> None:
        for octet in b"".join(self._parts(asked)):
            self._stream.sendall(bytes([octet]))
            if self._is_over.wait(0.02):
                return

    def _reset(self, _: Asked) -> None:
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._reader.close()
        self._stream.close()
        raise ConnectionResetError

    def _never_end(self, asked: Asked) -> None:
        head, _ = self._parts(asked)
        if asked.method == "HEAD":
            self._stream.sendall(head)
            return
        self._stream.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {INDEX_TYPE}\r\n\r\n".encode())
        while not self._is_over.is_set():
            self._stream.sendall(b" " * 65536)


def _response(status: str, headers: dict[str, str] | None = None, body: bytes = b"") -> tuple[bytes, bytes]:
    fields = {"Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode(), body
