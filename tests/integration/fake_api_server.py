"""An API server that knows one ConfigMap and no pods, and goes wrong in every way that a real one won't on demand.

tests/kubernetes holds it against kube-apiserver: what clients see of either is the same.
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from certificates import Authority, Certificate
from processes import eventually

NAMESPACE = "kube-system"
NAME = "image-cri-shim"
KEY = "registries.yaml"
COLLECTION = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
SELECTOR = f"metadata.name={NAME}"

Object = dict[str, Any]


class Fault(Enum):
    """Of the answers to one verb. The values are what a table calls them."""

    NONE = "none"
    HUNG = "hung before the answer"
    HUNG_IN_ANSWER = "hung in the middle"
    RESET = "reset"
    GARBAGE = "no HTTP"
    PAGE = "an HTML page"
    ENDLESS = "100 MB"
    WRONG_OBJECT = "a wrong object"
    NOT_TEXT = "a number where the text belongs"
    THROTTLED = "429 with Retry-After"
    BROKEN = "500"
    UNAVAILABLE = "503"
    REDIRECTED = "redirect"
    GONE = "410"
    GONE_FRAME = "410 as a frame"  # of a watch, as are those below
    ERROR_FRAME = "500 as a frame"
    CLOSED_AT_ONCE = "closed at once"
    SILENT = "half-open"  # begins, and never says anything


STATUS_FAULTS = {
    Fault.THROTTLED: (429, "TooManyRequests"),
    Fault.BROKEN: (500, "InternalError"),
    Fault.UNAVAILABLE: (503, "ServiceUnavailable"),
    Fault.GONE: (410, "Expired"),
}


@dataclass(frozen=True)
class Asked:
    verb: str  # get, watch, or the method of what else there was
    path: str
    query: dict[str, str]
    authorization: str
    user: str  # the common name of the client's certificate
    at: float  # time.monotonic()


class FakeApiServer:
    """On a free port of 127.0.0.1; with an authority it speaks TLS. Change its attributes at any time."""

    def __init__(self, authority: Authority | None = None) -> None:
        self.asked: list[Asked] = []
        self.faults = {"get": Fault.NONE, "watch": Fault.NONE}
        self.allowed = {"get", "watch"}  # by RBAC
        self.tokens: set[str] = set()  # one of these is wanted, where there are any
        self.users: set[str] = set()  # so is one of these certificates' names
        self.retry_after = 1  # seconds
        self.splits_frames = False  # over several chunks
        self.bytes_sent = 0
        self.watches = 0  # open now
        self.events_sent: list[str] = []  # their types
        self.authority = authority
        self._certificate: Certificate | None = None
        if authority:
            self.rotate_certificate()
        self._changed = threading.Condition()
        self._revision = 1000
        self._oldest = 1000  # that can be watched from
        self._object: Object | None = None
        self._events: list[tuple[int, str, Object]] = []
        self._open: set[socket.socket] = set()
        self._endpoint = ("127.0.0.1", 0)
        self.start()

    # The process.

    @property
    def url(self) -> str:
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return self._endpoint[1]

    def start(self) -> None:
        self.is_ending = threading.Event()
        self._server = ThreadingHTTPServer(self._endpoint, _handler_for(self))
        self._server.daemon_threads = True
        self._endpoint = ("127.0.0.1", self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        """From here on the port refuses connections."""
        self.is_ending.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self.disconnect()

    def disconnect(self) -> None:
        """Ends every connection."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself

    def heal(self) -> None:
        """No fault from here on, and no connection that had one."""
        self.faults = dict.fromkeys(self.faults, Fault.NONE)
        self.disconnect()

    def rotate_certificate(self) -> None:
        """For connections to come."""
        assert self.authority
        self._certificate = self.authority.issue("api-server", "IP:127.0.0.1", "DNS:kubernetes.default.svc")

    def context(self) -> ssl.SSLContext | None:
        if not self._certificate or not self.authority:
            return None
        context = self._certificate.server_context()
        context.load_verify_locations(self.authority.file)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    # The ConfigMap.

    def put(self, text: str | None, key: str = KEY) -> None:
        """Creates or updates it; without a text it lacks the key."""
        with self._changed:
            self._revision += 1
            event = "MODIFIED" if self._object else "ADDED"
            self._object = self.config_map({key: text} if text is not None else {})
            self._add_event(event, self._object)

    def delete(self) -> None:
        with self._changed:
            assert self._object
            self._revision += 1
            self._object["metadata"]["resourceVersion"] = str(self._revision)
            self._add_event("DELETED", self._object)
            self._object = None

    def bookmark(self) -> str:
        """Other objects have changed: tells watches how far they are, and returns that."""
        with self._changed:
            self._revision += 100
            metadata = {"resourceVersion": str(self._revision)}
            self._add_event("BOOKMARK", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata})
            return str(self._revision)

    def compact(self) -> None:
        """No earlier revision than the present one can be watched from any more."""
        with self._changed:
            self._revision += 1
            self._oldest = self._revision
            self._events.clear()

    def config_map(self, data: Object) -> Object:
        metadata = {"name": NAME, "namespace": NAMESPACE, "uid": "1", "resourceVersion": str(self._revision)}
        return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": data}

    def _add_event(self, kind: str, thing: Object) -> None:
        self._events.append((self._revision, kind, json.loads(json.dumps(thing))))
        self._changed.notify_all()

    def current(self) -> Object | None:
        with self._changed:
            return json.loads(json.dumps(self._object))

    def begin(self, resource_version: str) -> tuple[int, list[tuple[str, Object]]] | None:
        """Where a watch begins, and what it is told first; None: that is gone."""
        with self._changed:
            if resource_version in ("", "0"):
                return self._revision, [("ADDED", self._object)] if self._object else []
            return (int(resource_version), []) if int(resource_version) >= self._oldest else None

    def events_after(self, revision: int, seconds: float) -> list[tuple[int, str, Object]]:
        with self._changed:
            found = [event for event in self._events if event[0] > revision]
            if not found:
                self._changed.wait(seconds)
            return found

    # What a test waits for.

    def requests(self, verb: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.verb == verb]

    def wait_for(self, verb: str, count: int = 1) -> list[Asked]:
        return eventually(
            lambda: asked if len(asked := self.requests(verb)) >= count else [], f"{count} × {verb} at the API server", 20
        )

    def wait_for_watch(self) -> None:
        eventually(lambda: self.watches > 0, "a watch is open", 20)

    # Kubeconfigs.

    def write_kubeconfig(self, path: Path, **user: Any) -> Path:
        cluster: Object = {"server": self.url}
        if self.authority:
            cluster["certificate-authority-data"] = base64.b64encode(self.authority.file.read_bytes()).decode()
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": "user", "user": user}],
            "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
            "current-context": "context",
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(content, indent=2))
        return path

    # For the handler of connections.

    @contextmanager
    def connected(self, connection: socket.socket) -> Iterator[None]:
        self._open.add(connection)
        try:
            yield
        finally:
            self._open.discard(connection)

    @contextmanager
    def watched(self) -> Iterator[None]:
        with self._changed:
            self.watches += 1
        try:
            yield
        finally:
            with self._changed:
                self.watches -= 1


def status(code: int, reason: str, message: str) -> Object:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


def _handler_for(server: FakeApiServer) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"api": server})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: FakeApiServer

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def handle(self) -> None:
        with self.api.connected(self.connection):
            try:
                super().handle()
            except (OSError, ValueError):  # the other side, or stop(), has ended it
                pass

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.user = ""
        if context := self.api.context():
            try:
                self.request = context.wrap_socket(self.request, server_side=True)
            except OSError:  # the client does not like the certificate
                self.request.close()
            else:
                subject = (self.request.getpeercert() or {}).get("subject", ())
                self.user = next((value for ((name, value),) in subject if name == "commonName"), "")
        super().setup()

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            pass

    # Requests.

    def do_GET(self) -> None:
        api, url = self.api, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        verb = "watch" if query.get("watch") in ("true", "1") else "get"
        authorization = self.headers.get("Authorization", "")
        api.asked.append(Asked(verb, url.path, query, authorization, self.user, time.monotonic()))
        fault = api.faults[verb]
        if self._goes_wrong(fault, verb):
            return
        if refusal := self._refusal(verb, url.path, query, authorization):
            self._answer(refusal["code"], refusal)
        elif verb == "watch":
            self._watch(query, fault)
        elif found := api.current():
            self._answer(200, found)
        else:
            self._answer(404, status(404, "NotFound", f'configmaps "{NAME}" not found'))

    def _unexpected(self) -> None:
        self.api.asked.append(Asked(self.command, self.path, {}, "", self.user, time.monotonic()))
        self._answer(405, status(405, "MethodNotAllowed", "the server does not allow this method"))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _unexpected

    def _refusal(self, verb: str, path: str, query: dict[str, str], authorization: str) -> Object | None:
        api = self.api
        has_token = authorization.removeprefix("Bearer ") in api.tokens
        if (api.tokens or api.users) and not has_token and self.user not in api.users:
            return status(401, "Unauthorized", "Unauthorized")
        # A role with resourceNames lets nobody watch a collection but by the name of one.
        is_named = path == f"{COLLECTION}/{NAME}" or (path == COLLECTION and query.get("fieldSelector") == SELECTOR)
        if verb not in api.allowed or not is_named:
            what = f'configmaps "{NAME}" is forbidden: User "{self.user or "test"}" cannot {verb} resource "configmaps"'
            return status(403, "Forbidden", f'{what} in API group "" in the namespace "{NAMESPACE}"')
        return None

    def _watch(self, query: dict[str, str], fault: Fault) -> None:
        begun = self.api.begin(query.get("resourceVersion", ""))
        if begun is None or fault is Fault.GONE_FRAME:
            self._start_stream()
            self._send_event("ERROR", status(410, "Expired", "too old resource version: 1 (2)"))
            self._end_stream()
            return
        revision, first = begun
        self._start_stream()
        if fault is Fault.CLOSED_AT_ONCE:
            self._end_stream()
            return
        if fault is Fault.ERROR_FRAME:
            self._send_event("ERROR", status(500, "InternalError", "etcdserver: leader changed"))
            self._end_stream()
            return
        with self.api.watched():
            for kind, thing in first:
                self._send_event(kind, thing)
            self._follow(revision, query)

    def _follow(self, revision: int, query: dict[str, str]) -> None:
        ends = time.monotonic() + float(query.get("timeoutSeconds", "3600"))
        wants_bookmarks = query.get("allowWatchBookmarks") in ("true", "1")
        while not self.api.is_ending.is_set() and time.monotonic() < ends and not self._is_left():
            for revision, kind, thing in self.api.events_after(revision, 0.05):
                if self.api.faults["watch"] is Fault.SILENT:
                    self._wait_for_end()
                    return
                if kind != "BOOKMARK" or wants_bookmarks:
                    self._send_event(kind, thing)
        self._end_stream()

    # Answers.

    def _goes_wrong(self, fault: Fault, verb: str) -> bool:
        match fault:
            case Fault.HUNG:
                self._wait_for_end()
            case Fault.HUNG_IN_ANSWER:
                content = json.dumps(self.api.current()).encode()
                self._send_head(200, {"Content-Type": "application/json", "Content-Length": str(len(content))})
                self._send(content[: len(content) // 2])
                self._wait_for_end()
            case Fault.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                os.close(self.connection.detach())
            case Fault.GARBAGE:
                self._send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n" * 3)
                self.close_connection = True
            case Fault.PAGE:
                page = b"<html><body>Welcome to nginx!</body></html>"
                self._send_head(200, {"Content-Type": "text/html", "Content-Length": str(len(page))})
                self._send(page)
            case Fault.ENDLESS:
                self._send_100_megabytes(verb)
            case Fault.WRONG_OBJECT:
                self._send_object(verb, {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web"}, "spec": {}})
            case Fault.NOT_TEXT:
                self._send_object(verb, self.api.config_map({KEY: 7}))
            case Fault.REDIRECTED:
                self._send_head(307, {"Location": f"{self.api.url}/elsewhere", "Content-Length": "0"})
            case Fault.SILENT if verb == "watch":
                self._start_stream()
                with self.api.watched():
                    self._wait_for_end()
            case _ if fault in STATUS_FAULTS:
                code, reason = STATUS_FAULTS[fault]
                headers = {"Retry-After": str(self.api.retry_after)} if fault is Fault.THROTTLED else {}
                self._answer(code, status(code, reason, f"the fake API server says {fault.value}"), headers)
            case _:
                return False
        return True

    def _send_100_megabytes(self, verb: str) -> None:
        self.close_connection = True
        self._send_head(200, {"Content-Type": "application/json"})
        start = b'{"type":"MODIFIED","object":{"data":{"' if verb == "watch" else b'{"kind":"ConfigMap","data":{"'
        self._send(start + KEY.encode() + b'":"')
        for _ in range(1600):
            self._send(b"#" * 65536)

    def _send_object(self, verb: str, thing: Object) -> None:
        if verb == "get":
            self._answer(200, thing)
            return
        self._start_stream()
        with self.api.watched():
            self._send_event("MODIFIED", thing)
            self._wait_for_end()

    def _answer(self, code: int, body: Object, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self._send_head(
            code, {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
        )
        self._send(content)

    def _send_head(self, code: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, content: bytes) -> None:
        self.wfile.write(content)
        self.api.bytes_sent += len(content)

    def _start_stream(self) -> None:
        self._send_head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})

    def _send_event(self, kind: str, thing: Object) -> None:
        content = json.dumps({"type": kind, "object": thing}).encode() + b"\n"
        size = 7 if self.api.splits_frames else len(content)
        for start in range(0, len(content), size):
            piece = content[start : start + size]
            self._send(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.api.events_sent.append(kind)

    def _end_stream(self) -> None:
        self._send(b"0\r\n\r\n")

    def _is_left(self) -> bool:
        """The client, which has nothing to say during a watch, has closed the connection."""
        return bool(select.select([self.connection], [], [], 0)[0])

    def _wait_for_end(self) -> None:
        while not self.api.is_ending.is_set() and not self._is_left():
            self.api.is_ending.wait(0.02)
        self.close_connection = True
