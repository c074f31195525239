"""A runtime with registries, used in one of the ways that scripts/conformance/runtimes compares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import images
from peers import Crictl, Registry, Shim
from peers.machine import remove_pods
from processes import Workplace
from token_server import TokenServer

WAYS = ["direct", "forwarding", "rewriting"]
TAGGED = "library/nginx:1.25"
LATEST = "library/nginx:latest"  # the same image
OTHER = "library/redis:7"
SAYS = "hello from nginx"


def image() -> images.Image:
    """With a layer that no other image has."""
    return images.says(SAYS, files={"etc/issue": b"nginx\n"})


class Registries:
    """One for sandboxes, two with the same images, and those that something is wrong with."""

    def __init__(self, workplace: Workplace) -> None:
        self.public = Registry(workplace, "public", username="")
        # It ends when it is told to, as the real one does.
        pause = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 2147483647 & wait"]
        self.public.push(images.Image(pause), "pause:3.6")
        self.first = Registry(workplace, "first")
        self.second = Registry(workplace, "second")
        self.down = Registry(workplace, "down", username="")
        self.down.stop()
        self.tokens = TokenServer(workplace.folder)
        workplace.on_close(self.tokens.stop)
        self.with_tokens = Registry(workplace, "with-tokens", token_server=self.tokens)
        self.broken = Registry(workplace, "broken")
        for registry in (self.first, self.second, self.broken, self.with_tokens):
            registry.push(image(), TAGGED)
            registry.push(image(), LATEST)
            registry.push(images.says("hello from redis"), OTHER)
        # It still answers that it has the image.
        for layer in image().layers:
            for blob in workplace.path("broken").rglob(f"{layer.digest.partition(':')[2]}/data"):
                blob.unlink()

    @property
    def hosts(self) -> list[str]:
        registries = [self.public, self.first, self.second, self.down, self.broken, self.with_tokens]
        return [registry.host for registry in registries]


@dataclass
class Node:
    """A runtime, what the shim has as `cri` (itself but for the plugin), and its registries."""

    workplace: Workplace
    kind: str
    registries: Registries
    runtime: Any
    image_service: Any

    @property
    def is_image_only(self) -> bool:
        return self.image_service is not self.runtime

    def crictl(self, socket: Path) -> Crictl:
        crictl = Crictl(socket)
        if self.is_image_only:
            crictl.environment["CONTAINER_RUNTIME_ENDPOINT"] = f"unix://{self.runtime.socket}"
        return crictl


class NotAsAsked(Exception):
    """What the runtime did instead."""


def expect(condition: object, instead: str) -> None:
    if not condition:
        raise NotAsAsked(instead)


class Use:
    """A node, used in one of the ways."""

    def __init__(self, node: Node, way: str, digest: str) -> None:
        self.node = node
        self.way = way
        self.digest = digest
        self.is_rewriting = way == "rewriting"
        self._count = 0
        socket = node.image_service.socket
        if way != "direct":
            self.shim = Shim(node.workplace, node.image_service, name=f"shim-{way}-{node.runtime.socket.stem}", **self.settings())
            socket = self.shim.socket
        self.crictl = node.crictl(socket)
        self.direct = node.crictl(node.image_service.socket)

    def settings(self, **changes: Any) -> dict[str, Any]:
        if not self.is_rewriting:
            return {}
        first, second = self.node.registries.first, self.node.registries.second
        entries = [
            {"address": first.address, "auth": first.auth, "priority": 600},
            {"address": second.address, "auth": second.auth},
        ]
        return {"registries": entries, "fallback": "deny", **changes}

    def name(self, path: str = TAGGED) -> str:
        return path.removeprefix("library/") if self.is_rewriting else f"{self.node.registries.first.host}/{path}"

    @property
    def by_digest(self) -> str:
        return f"{self.name('library/nginx')}@{self.digest}"

    @property
    def by_tag_and_digest(self) -> str:
        return f"{self.name()}@{self.digest}"

    def pull(self, name: str) -> str:
        """Returns the reference that the runtime answers, which the kubelet creates containers by."""
        credentials = [] if self.is_rewriting else ["--creds", self.node.registries.first.auth]
        return self.crictl.run("pull", *credentials, name).strip().rpartition(" ")[2]

    def has(self, name: str) -> bool:
        return self.crictl.start("inspecti", "--quiet", name).returncode == 0

    def status(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.crictl.json("inspecti", name)["status"]
        return status

    def stored(self) -> list[str]:
        """The images that the runtime itself has beside the one for sandboxes."""
        return [image["id"] for image in self.direct.json("images")["images"] if not is_for_sandboxes(image)]

    def run(self, image: str, written: str = "") -> str:
        self._count += 1
        name = f"{self.way}-{self.node.runtime.socket.stem}-{self._count}"
        return self.crictl.run_container(self.node.workplace, self.node.runtime, image, name, written)

    def remove_all(self) -> None:
        remove_pods(self.node.runtime.socket)
        for image in self.stored():
            self.direct.run("rmi", image)


def is_for_sandboxes(image: dict[str, Any]) -> bool:
    return any("pause" in name for name in [*image["repoTags"], *image["repoDigests"]])
