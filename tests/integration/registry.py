"""A registry that knows which manifests exist, and what it was asked. It serves no blobs: the fake runtime pulls none."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    authorization: str
    accept: str


@dataclass
class Registry:
    """Listens on a free port of 127.0.0.1. Change its attributes at any time."""

    manifests: set[str] = field(default_factory=set)  # `library/nginx:1.25`
    credentials: str = ""  # `user:password` wanted by Basic authentication; empty: anonymous
    bearer: bool = False  # the credentials are wanted by the token endpoint instead
    status: int = 0  # every answer is this status
    hangs: bool = False  # accepts and never answers
    token: str = field(default_factory=lambda: f"token-{os.urandom(8).hex()}")  # what the token endpoint hands out
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        return f"http://{self.host}"

    def name(self, image: str) -> str:
        """`library/nginx:1.25` as pulled from here."""
        return f"{self.host}/{image}"

    def stop(self) -> None:
        """From here on the port refuses connections."""
        self._released.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def manifest_requests(self) -> list[Request]:
        return [request for request in self.requests if "/manifests/" in request.path]

    def _handler(registry) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

            def setup(self) -> None:
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def do_HEAD(self) -> None:
                authorization = self.headers.get("Authorization", "")
                registry.requests.append(
                    Request(self.command, self.path, authorization, ", ".join(self.headers.get_all("Accept", [])))
                )
                if registry.hangs:
                    registry._released.wait()
                    self.close_connection = True
                elif registry.status:
                    self._answer(registry.status)
                elif self.path.startswith("/token"):
                    self._answer_token(authorization)
                elif not self._is_authorized(authorization):
                    self._answer(401, {"WWW-Authenticate": self._challenge()})
                elif self.path == "/v2/":
                    self._answer(200)
                else:
                    self._answer_manifest()

            do_GET = do_HEAD

            def _challenge(self) -> str:
                if not registry.bearer:
                    return 'Basic realm="registry"'
                return f'Bearer realm="{registry.address}/token",service="registry",scope="repository:any:pull"'

            def _is_authorized(self, authorization: str) -> bool:
                if registry.bearer:
                    return authorization == f"Bearer {registry.token}"
                return not registry.credentials or authorization == registry.basic()

            def _answer_token(self, authorization: str) -> None:
                if registry.credentials and authorization != registry.basic():
                    self._answer(401)
                else:
                    self._answer(200, {}, {"token": registry.token, "expires_in": 60})

            def _answer_manifest(self) -> None:
                repository, _, reference = self.path.removeprefix("/v2/").partition("/manifests/")
                separator = "@" if ":" in reference else ":"
                if f"{repository}{separator}{reference}" not in registry.manifests:
                    self._answer(404, {}, {"errors": [{"code": "MANIFEST_UNKNOWN"}]})
                    return
                manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": []}
                self._answer(200, {"Content-Type": MANIFEST_TYPE}, manifest)

            def _answer(self, status: int, headers: dict[str, str] | None = None, body: Any = None) -> None:
                content = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

        return Handler

    def basic(self) -> str:
        return "Basic " + base64.b64encode(self.credentials.encode()).decode()
