"""A caller of one CRI version, a runtime of the other, and the shim between them: shared by the tests of a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cri import Client
from fake_runtime import Call, FakeRuntime
from registry import Registry
from shim import Shim

DIFFERENT = [("v1", "v1alpha2"), ("v1alpha2", "v1")]

# What the first and the newest release have; scripts/conformance/cri-api compares it with them.
METHODS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "cri_methods.json").read_text())


@dataclass(frozen=True)
class Crossed:
    caller: str
    spoken: str
    runtime: FakeRuntime
    shim: Shim
    client: Client
    registry: Registry  # for docker.io/mirrored/…

    def asked(self, method: str) -> str:
        """`ImageService/PullImage` as the caller names it."""
        return f"/runtime.{self.caller}.{method}"

    def arrives(self, method: str) -> str:
        """… and as the runtime knows it."""
        return f"/runtime.{self.spoken}.{method}"

    def behave(self, method: str, **behaviour: Any) -> None:
        self.runtime.set_behaviour(self.arrives(method), **behaviour)

    def reply(self, method: str, *replies: bytes, **behaviour: Any) -> None:
        self.behave(method, kind="reply", replies=[reply.hex() for reply in replies], **behaviour)

    def last_call(self, method: str) -> Call:
        """What the runtime saw of a caller, which is all in its own version; the shim's own questions are in both."""
        for call in self.runtime.calls(self.asked(method)):
            assert call.metadata_values("user-agent") == ["image-cri-shim"]
        return self.runtime.calls(self.arrives(method))[-1]
