"""A token server as registries know it (distribution's `auth: token`): signs what it lets users do, with openssl."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ISSUER, SERVICE = "token-server", "registry"
LIFETIME_SECONDS = 60


class TokenServer:
    """On a free port of 127.0.0.1, with one user, who may pull everything."""

    def __init__(self, folder: Path, username: str = "demo") -> None:
        self.username = username
        self.password = secrets.token_hex(8)
        self.identity_token = secrets.token_hex(16)
        self.scopes: list[str] = []  # asked for by the user, in order
        self._key = folder / "token-server.key"
        self._certificate = folder / "token-server.pem"
        names = ["-subj", f"/CN={ISSUER}", "-days", "2", "-keyout", self._key, "-out", self._certificate]
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", *names)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def auth(self) -> str:
        return f"{self.username}:{self.password}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def settings(self) -> dict[str, str]:
        """What a registry is told of it."""
        realm = f"http://127.0.0.1:{self._server.server_address[1]}/token"
        bundle = str(self._certificate)
        return {"realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": bundle}

    def token(self, repository: str, actions: list[str]) -> str:
        certificate = "".join(self._certificate.read_text().splitlines()[1:-1])
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": self.username,
            "aud": SERVICE,
            "exp": now + LIFETIME_SECONDS,
            "nbf": now - 5,
            "iat": now,
            "jti": secrets.token_hex(8),
            "access": [{"type": "repository", "name": repository, "actions": actions}],
        }
        parts = [{"typ": "JWT", "alg": "RS256", "x5c": [certificate]}, claims]
        text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_encoded(_openssl('dgst', '-sha256', '-sign', self._key, request=text.encode()))}"

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *arguments: Any) -> None:
                pass

            def do_GET(self) -> None:
                scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
                is_user = scheme == "Basic" and base64.b64decode(credentials).decode() == server.auth
                self._answer(is_user, parse_qs(urlsplit(self.path).query))

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                is_user = form.get("username") == [server.username] and form.get("password") == [server.password]
                is_user = is_user or form.get("refresh_token") == [server.identity_token]
                self._answer(is_user, form)

            def _answer(self, is_user: bool, asked: dict[str, list[str]]) -> None:
                status, body = 401, {}
                if is_user:
                    scope = asked.get("scope", [""])[0]
                    server.scopes.append(scope)
                    token = server.token(scope.split(":")[1] if scope else "", ["pull"])
                    status, body = 200, {"token": token, "access_token": token, "expires_in": LIFETIME_SECONDS}
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _openssl(*arguments: str | Path, request: bytes = b"") -> bytes:
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, input=request, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
