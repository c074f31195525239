"""A CRI client on grpcio: gRPC C core and messages of the fake runtime's own definitions."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Metadata = Sequence[tuple[str, "str | bytes"]]

CALL_SECONDS = 20.0


def load_messages(
    change: Callable[[descriptor_pb2.FileDescriptorProto], None] = lambda _: None
) -> SimpleNamespace:
    """The message classes of fake_runtime/cri.proto, without generated files; of what `change` makes of it."""
    folder = Path(__file__).parent.parent / "fake_runtime"
    compiled = subprocess.run(
        ["protoc", f"-I{folder}", "--descriptor_set_out=/dev/stdout", "cri.proto"],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorSet.FromString(compiled).file[0]
    change(file)
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return SimpleNamespace(
        **{
            message.name: factory.GetPrototype(pool.FindMessageTypeByName(f"{file.package}.{message.name}"))
            for message in file.message_type
        }
    )


messages = load_messages()


class Client:
    """One connection of its own to a socket."""

    def __init__(self, socket: Path, version: str = "v1", options: Sequence[tuple[str, Any]] = ()) -> None:
        self.version = version
        self.errors: list[str] = []  # what every call that failed was told
        self.channel = grpc.insecure_channel(
            f"unix:{socket}",
            options=[
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                ("grpc.enable_retries", 0),
                ("grpc.initial_reconnect_backoff_ms", 50),
                ("grpc.max_reconnect_backoff_ms", 200),
                *options,
            ],
        )

    def close(self) -> None:
        self.channel.close()

    # Any method, raw bytes.

    def unary(self, method: str, request: bytes = b"", **options: Any) -> bytes:
        return self.start(method, request, **options).result()

    def start(self, method: str, request: bytes = b"", timeout: float = CALL_SECONDS, **options: Any) -> Any:
        """A unary call under way: `.result()`, `.cancel()`, `.code()`, `.trailing_metadata()`."""
        return self._heard(self.channel.unary_unary(method).future(request, timeout=timeout, **options))

    def server_stream(self, method: str, request: bytes = b"", timeout: float = CALL_SECONDS, **options: Any) -> Any:
        return self._heard(self.channel.unary_stream(method)(request, timeout=timeout, **options))

    def client_stream(self, method: str, requests: Iterable[bytes], timeout: float = CALL_SECONDS) -> bytes:
        return self._heard(self.channel.stream_unary(method).future(iter(requests), timeout=timeout)).result()

    def stream(self, method: str, requests: Iterator[bytes], timeout: float = CALL_SECONDS, **options: Any) -> Any:
        return self._heard(self.channel.stream_stream(method)(requests, timeout=timeout, **options))

    def _heard(self, call: Any) -> Any:
        def note(ended: Any) -> None:
            if ended.code() is not grpc.StatusCode.OK:
                self.errors.append(f"{ended.details()} {ended.trailing_metadata()}")

        call.add_done_callback(note)
        return call

    # The calls of CRI that tests make often.

    def method(self, service: str, name: str) -> str:
        return f"/runtime.{self.version}.{service}/{name}"

    def call(self, service: str, name: str, request: Any, response: Any, **options: Any) -> Any:
        return response.FromString(self.unary(self.method(service, name), request.SerializeToString(), **options))

    def version_of_runtime(self, **options: Any) -> Any:
        return self.call("RuntimeService", "Version", messages.VersionRequest(), messages.VersionResponse, **options)

    def pull_request(self, image: str, auth: Any = None, namespace: str = "") -> Any:
        request = messages.PullImageRequest(image=messages.ImageSpec(image=image))
        if auth is not None:
            request.auth.CopyFrom(auth)
        if namespace:
            request.sandbox_config.metadata.namespace = namespace
        return request

    def pull(self, image: str, auth: Any = None, namespace: str = "", **options: Any) -> str:
        request = self.pull_request(image, auth, namespace)
        return self.call("ImageService", "PullImage", request, messages.PullImageResponse, **options).image_ref

    def start_pull(self, image: str, **options: Any) -> Any:
        return self.start(
            self.method("ImageService", "PullImage"), self.pull_request(image).SerializeToString(), **options
        )

    def image_status(self, image: str, **options: Any) -> Any:
        """The image, or None where it is not present."""
        request = messages.ImageStatusRequest(image=messages.ImageSpec(image=image))
        response = self.call("ImageService", "ImageStatus", request, messages.ImageStatusResponse, **options)
        return response.image if response.HasField("image") else None

    def list_images(self, image: str = "", **options: Any) -> list[Any]:
        request = messages.ListImagesRequest()
        if image:
            request.filter.image.image = image
        return list(self.call("ImageService", "ListImages", request, messages.ListImagesResponse, **options).images)

    def stream_images(self, image: str = "") -> list[Any]:
        request = messages.ListImagesRequest()
        if image:
            request.filter.image.image = image
        answers = self.server_stream(self.method("ImageService", "StreamImages"), request.SerializeToString())
        return [image for answer in answers for image in messages.ListImagesResponse.FromString(answer).images]

    def remove_image(self, image: str) -> None:
        request = messages.RemoveImageRequest(image=messages.ImageSpec(image=image))
        self.call("ImageService", "RemoveImage", request, messages.RemoveImageResponse)

    def create_container(self, image: str, mounted_image: str = "") -> str:
        request = messages.CreateContainerRequest(pod_sandbox_id="sandbox")
        request.config.image.image = image
        if mounted_image:
            request.config.mounts.add(container_path="/data").image.image = mounted_image
        response = messages.CreateContainerResponse
        return self.call("RuntimeService", "CreateContainer", request, response).container_id


def error_of(call: Any) -> grpc.RpcError:
    """The error that a call under way ends with; fails if it succeeds."""
    try:
        result = call.result()
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"the call succeeded with {result!r}")
