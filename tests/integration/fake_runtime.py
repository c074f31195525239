"""The fake runtime (tests/fake_runtime): a process, and the test's hand on it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from cri import messages
from processes import Process, Workplace, accepts_connections, eventually


@dataclass(frozen=True)
class Call:
    """What the runtime saw of one call. Times are time.monotonic_ns(), 0 for "not yet"."""

    id: int
    method: str
    authority: str
    metadata: list[list[str]]  # values of -bin keys in hex
    deadline_ms: int | None
    request: str
    messages: int
    bytes: int
    received_ns: int
    cancelled_ns: int
    finished_ns: int
    code: int
    body: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", bytes.fromhex(self.request))

    @property
    def name(self) -> str:
        return self.method.rpartition("/")[2]

    @property
    def image(self) -> str:
        """The image name of an image call, the same field in all of them but the lists."""
        if self.name in ("ListImages", "StreamImages"):
            return messages.ListImagesRequest.FromString(self.body).filter.image.image
        return messages.PullImageRequest.FromString(self.body).image.image

    @property
    def auth(self) -> Any:
        """The AuthConfig of a PullImage, or None."""
        request = messages.PullImageRequest.FromString(self.body)
        return request.auth if request.HasField("auth") else None

    def metadata_values(self, key: str) -> list[str]:
        return [value for name, value in self.metadata if name == key]


class FakeRuntime:
    def __init__(
        self,
        workplace: Workplace,
        binary: Path,
        name: str = "runtime",
        versions: str = "v1,v1alpha2",
        services: str = "ImageService,RuntimeService",
        without: str = "",
    ) -> None:
        self.socket = workplace.path(f"{name}.sock")
        self._workplace = workplace
        self._name = name
        self._control_socket = workplace.path(f"{name}-control.sock")
        self._command = [
            binary, "--socket", self.socket, "--control", self._control_socket,
            "--versions", versions, "--services", services, *(["--without", without] if without else []),
        ]  # fmt: skip
        self.process: Process
        self._channel: grpc.Channel
        self.start()

    def start(self) -> None:
        # gRPC is not built for the thread sanitizer, which then sees races in it that are none.
        environment = {"TSAN_OPTIONS": "report_bugs=0"}
        self.process = self._workplace.start(self._name, self._command, environment=environment)
        self.process.wait_until(
            lambda: accepts_connections(self.socket) and accepts_connections(self._control_socket), "listening"
        )
        self._channel = grpc.insecure_channel(
            f"unix:{self._control_socket}",
            options=[("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)],
        )
        self._workplace.on_close(self._channel.close)

    def kill(self) -> None:
        """As the OOM killer would: the socket file stays."""
        self.process.kill()

    def _control(self, command: str, **request: Any) -> dict[str, Any]:
        call = self._channel.unary_unary(f"/fake_runtime.Control/{command}")
        return json.loads(call(json.dumps(request).encode(), timeout=20))

    def set_identity(self, name: str, version: str, **info: str) -> None:
        """What Version says, and the details of Status."""
        self._control("SetIdentity", name=name, version=version, info=info)

    def set_images(self, *images: dict[str, Any]) -> None:
        self._control("SetImages", images=list(images))

    def images(self) -> list[dict[str, Any]]:
        return self._control("Images")["images"]

    def set_pull(self, name: str, *outcomes: dict[str, Any]) -> None:
        self._control("SetPull", name=name, outcomes=list(outcomes))

    def set_behaviour(self, method: str, **behaviour: Any) -> None:
        self._control("SetBehaviour", method=method, behaviour=behaviour)

    def release(self, method: str = "") -> int:
        return self._control("Release", method=method)["released"]

    def calls(self, name: str = "") -> list[Call]:
        """All so far, oldest first: of a method given in full, or of any service's method of that name."""
        exact = name if name.startswith("/") else ""
        calls = [Call(**call) for call in self._control("Calls", method=exact)["calls"]]
        return [call for call in calls if not name or exact or call.name == name]

    def pulled_names(self) -> list[str]:
        return [call.image for call in self.calls("PullImage")]

    def wait_for_calls(self, name: str, count: int = 1) -> list[Call]:
        return eventually(
            lambda: calls if len(calls := self.calls(name)) >= count else [], f"{count} × {name} at the runtime"
        )

    def wait_for_cancel(self, name: str) -> Call:
        def cancelled() -> Call | None:
            return next((call for call in reversed(self.calls(name)) if call.cancelled_ns), None)

        found = eventually(cancelled, f"{name} is cancelled at the runtime")
        assert found
        return found


def image(number: int, *tags: str, digests: tuple[str, ...] = ()) -> dict[str, Any]:
    """An image for `set_images`, told from others by its number."""
    return {"id": image_id(number), "tags": list(tags), "digests": list(digests)}


def image_id(number: int) -> str:
    return f"sha256:{number:064x}"


def succeeds(number: int) -> dict[str, Any]:
    """A pull's outcome: the image of that number."""
    return {"id": image_id(number)}


def fails(code: grpc.StatusCode, message: str) -> dict[str, Any]:
    return {"code": code.value[0], "message": message}


def now_ns() -> int:
    return time.monotonic_ns()
