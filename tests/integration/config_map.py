"""A ConfigMap's side of a test: texts of it, the file that it is synced to, and what the shim then does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import yaml

from cri import Client
from fake_api_server import FakeApiServer
from fake_runtime import FakeRuntime, succeeds
from processes import eventually
from registry import Registry
from shim import Shim

APP = "team/app:v1"

Follow = Callable[..., Shim]


def registries(*entries: Registry, **more: Any) -> str:
    """The text of a ConfigMap with these, best first."""
    listed = [{"address": entry.address, "priority": 900 - at} for at, entry in enumerate(entries)]
    return yaml.safe_dump({"version": "v1", "registries": listed, **more}, sort_keys=False)


class Source:
    """Where the shim has an image pulled from: what its configuration is at this moment."""

    def __init__(self, shim: Shim, runtime: FakeRuntime) -> None:
        self._client: Client = shim.client()
        self._runtime = runtime
        runtime.set_pull(APP, succeeds(1))

    def holds(self, *registries: Registry) -> None:
        for registry in registries:
            registry.manifests.add(APP)
            self._runtime.set_pull(registry.name(APP), succeeds(2))

    def now(self) -> str:
        try:
            self._client.pull(APP)
        except grpc.RpcError:
            return ""
        return self._runtime.pulled_names()[-1]

    def wait_until(self, registry: Registry, seconds: float = 20) -> None:
        eventually(lambda: self.now() == registry.name(APP), f"{APP} is pulled from {registry.host}", seconds)

    def is_original(self) -> bool:
        return self.now() == APP


def messages(shim: Shim) -> list[str]:
    """Lines of the log, without time and level."""
    return [re.sub(r"^\S+ +\S+ +", "", line) for line in shim.log.splitlines()]


def are_in_order(wanted: list[str], lines: list[str]) -> bool:
    """Each wanted line is there, word for word, later than the one before it."""
    rest = iter(lines)
    return all(any(line == each for line in rest) for each in wanted)


def wait_for_lines(shim: Shim, *wanted: str) -> None:
    eventually(lambda: are_in_order(list(wanted), messages(shim)), f"the log has, in this order: {wanted}")


def synced_lines(file: Path) -> list[str]:
    """What follows the lines of each key, when the file has been written."""
    return [
        f"synced image-cri-shim config from ConfigMap into {file}",
        "syncing image-cri-shim config from ConfigMap completed",
    ]


def reloaded_line(file: Path) -> str:
    """That it has effect, which does not wait for the file."""
    return f"reloaded shim auth configuration from {file}"


def wait_until_read(api: FakeApiServer, shim: Shim) -> None:
    """Everything that the API server has said by now, the shim has looked at: a request after it, by SIGHUP."""
    count = len(api.requests("get"))
    shim.hang_up()
    api.wait_for("get", count + 1)
