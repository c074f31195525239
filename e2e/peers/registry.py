"""docker-registry."""

from __future__ import annotations

import json
import secrets
import subprocess
from typing import Any

import images
from certificates import Authority
from processes import Workplace
from token_server import TokenServer

from peers.programs import answers, free_port


class Registry:
    """docker-registry on a free port, of loopback unless it has another `ip`, with one user; for everybody without a
    username.

    With a certificate of `authority` it speaks TLS; with a token server it wants that one's tokens instead of Basic.
    """

    def __init__(
        self,
        workplace: Workplace,
        name: str = "registry",
        username: str = "demo",
        authority: Authority | None = None,
        token_server: TokenServer | None = None,
        ip: str = "127.0.0.1",
    ) -> None:
        self.name = name
        self.ip = ip
        self.username = username
        self.password = workplace.secrets.add(secrets.token_hex(8)) if username else ""
        self.authority = authority
        self._certificate = authority.issue(name, f"IP:{ip}") if authority else None
        self._token_server = token_server
        self._workplace = workplace
        self._folder = workplace.path(name)
        self._folder.mkdir()
        self.port = free_port()
        self.start()

    @property
    def host(self) -> str:
        return f"{self.ip}:{self.port}"

    @property
    def address(self) -> str:
        return f"{'https' if self.authority else 'http'}://{self.host}"

    @property
    def auth(self) -> str:
        return f"{self.username}:{self.password}"

    def start(self) -> None:
        settings: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}},
            "http": {"addr": self.host},
        }
        if self._certificate:
            files = {"certificate": str(self._certificate.file), "key": str(self._certificate.key)}
            settings["http"]["tls"] = files
        if self._token_server:
            settings["auth"] = {"token": self._token_server.settings()}
        elif self.username:
            users = self._folder / "htpasswd"
            # The password on stdin, so that no list of processes shows it.
            hashed = subprocess.run(
                ["htpasswd", "-niB", self.username], input=self.password, check=True, stdout=subprocess.PIPE, text=True
            )
            users.write_text(hashed.stdout)
            settings["auth"] = {"htpasswd": {"realm": self.name, "path": str(users)}}
        configuration = self._folder / "config.yml"
        configuration.write_text(json.dumps(settings))
        self.process = self._workplace.start(self.name, ["docker-registry", "serve", configuration])
        self.process.wait_until(lambda: answers(self.port, self.ip), "listening")

    def stop(self) -> None:
        self.process.stop()

    def push(self, image: images.Image | images.Index, name: str) -> None:
        token = self._token_server.token(name.rpartition(":")[0], ["pull", "push"]) if self._token_server else ""
        authority = self.authority.file if self.authority else None
        images.RegistryClient(self.address, self.username, self.password, token, authority).push(image, name)
