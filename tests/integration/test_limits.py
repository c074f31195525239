"""Bounds, and that what is within them works (DESIGN 1)."""

from __future__ import annotations

import contextlib
import gzip
import resource

import grpc
import h2.events
import pytest

from cri import Client, error_of, messages
from fake_runtime import FakeRuntime, image, succeeds
from http2 import (
    END_HEADERS,
    END_STREAM,
    HEADERS,
    REFUSED_STREAM,
    RawClient,
    frame,
    grpc_message,
    request_headers,
)
from processes import eventually
from shim import IS_SANITIZED, Shim

MIB = 1024 * 1024
EXEC = "/runtime.v1.RuntimeService/ExecSync"
STATUS = "/runtime.v1.RuntimeService/Status"


def image_of(size: int) -> dict[str, object]:
    """An image that fills a response of about this many bytes."""
    name = "registry.test/" + "x" * (10_000 - len("registry.test/:00000") - 4)
    return image(1, *[f"{name}:{number:05}" for number in range(size // 10_000)])


def padded_pull(size: int) -> bytes:
    request = messages.PullImageRequest(image=messages.ImageSpec(image="nginx:1.25"))
    request.image.annotations["padding"] = "x" * (size - 100)
    return request.SerializeToString()


def test_image_response_of_15_9_mib_passes(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_images(image_of(int(15.9 * MIB)))

    (listed,) = client.list_images()

    assert listed.ByteSize() > 15.8 * MIB


def test_image_response_of_16_1_mib_is_resource_exhausted(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_images(image_of(int(16.1 * MIB)))

    error = error_of(client.start(client.method("ImageService", "ListImages")))

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_image_request_of_15_9_mib_passes(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_pull("nginx:1.25", succeeds(1))

    client.unary(client.method("ImageService", "PullImage"), padded_pull(int(15.9 * MIB)))

    assert runtime.calls("PullImage")[0].bytes > 15.8 * MIB


def test_image_request_of_16_1_mib_is_resource_exhausted(runtime: FakeRuntime, client: Client) -> None:
    error = error_of(client.start(client.method("ImageService", "PullImage"), padded_pull(int(16.1 * MIB))))

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert runtime.calls("PullImage") == []


def test_message_bound_is_configured(runtime: FakeRuntime, start_shim) -> None:
    runtime.set_images(image_of(2 * MIB))
    client = start_shim(maxMessageSize="1Mi").client()

    error = error_of(client.start(client.method("ImageService", "ListImages")))

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_compressed_image_request_is_refused_so_that_the_client_can_send_it_plain(shim: Shim) -> None:
    client = shim.raw_client()
    stream = client.request("/runtime.v1.ImageService/ListImages", None, [("grpc-encoding", "gzip")])
    client.http2.send_data(stream, grpc_message(gzip.compress(b""), is_compressed=True), end_stream=True)
    client.flush()

    headers, _ = client.answer(stream)

    assert headers["grpc-status"] == "12"
    assert headers["grpc-accept-encoding"] == "identity"


def test_header_list_over_64_kib_is_refused_and_harms_no_other_client(runtime: FakeRuntime, shim: Shim) -> None:
    runtime.set_behaviour(STATUS, kind="echo")
    greedy, modest = shim.client(), shim.client()
    modest.unary(STATUS)

    error = error_of(greedy.start(STATUS, metadata=[(f"header-{number}", "v" * 1000) for number in range(100)]))

    assert error.code() is not grpc.StatusCode.OK
    assert modest.unary(STATUS, b"fine") == b"fine"
    assert greedy.unary(STATUS, b"again") == b"again"


def test_1000_concurrent_streams_over_50_connections_are_all_answered(runtime: FakeRuntime, shim: Shim) -> None:
    runtime.set_behaviour(EXEC, kind="stream", messages=1, size=100, hold=True)
    clients = [shim.raw_client() for _ in range(50)]

    streams = [(client, client.request(EXEC, b"call")) for client in clients for _ in range(20)]
    runtime.wait_for_calls(EXEC, 1000)
    released = runtime.release()

    assert released == 1000
    for client, stream in streams:
        headers, body = client.answer(stream)
        assert (headers["grpc-status"], body) == ("0", grpc_message(b"x" * 100))


def test_1000_slow_calls_on_a_connection_do_not_block_a_quick_one(runtime: FakeRuntime, shim: Shim) -> None:
    runtime.set_behaviour(EXEC, kind="stream", messages=1, size=1, hold=True)
    runtime.set_behaviour(STATUS, kind="echo")
    client = shim.raw_client()
    slow = [client.request(EXEC) for _ in range(1000)]
    runtime.wait_for_calls(EXEC, 1000)

    headers, body = client.answer(client.request(STATUS, b"quick"))

    assert (headers["grpc-status"], body) == ("0", grpc_message(b"quick"))
    assert runtime.release() == len(slow)
    assert all(client.answer(stream)[0]["grpc-status"] == "0" for stream in slow)


def test_4096_streams_are_offered(shim: Shim) -> None:
    client = shim.raw_client()
    client.wait_for_event(h2.events.RemoteSettingsChanged)

    assert client.http2.remote_settings.max_concurrent_streams == 4096


def test_stream_over_4096_is_refused_and_the_others_go_on(runtime: FakeRuntime, shim: Shim) -> None:
    runtime.set_behaviour(EXEC, kind="stream", messages=1, size=1, hold=True)
    client = shim.raw_client()
    streams = [client.request(EXEC) for _ in range(4096)]
    runtime.wait_for_calls(EXEC, 4096)

    # h2 itself would not go over the limit that it was told.
    too_many = streams[-1] + 2
    block = client.http2.encoder.encode(request_headers(EXEC))
    client.send_raw(frame(HEADERS, END_HEADERS | END_STREAM, too_many, block))
    refused = client.wait_for_refusal(too_many)
    runtime.release()

    assert refused == REFUSED_STREAM
    assert all(client.answer(stream)[0]["grpc-status"] == "0" for stream in streams)


def test_2000_quick_resets_leave_the_connection_open(runtime: FakeRuntime, shim: Shim) -> None:
    runtime.set_behaviour(EXEC, hold=True)
    runtime.set_behaviour(STATUS, kind="echo")
    client = shim.raw_client()

    for _ in range(2000):
        client.reset(client.request(EXEC))

    _, body = client.answer(client.request(STATUS, b"alive"))
    assert body == grpc_message(b"alive")
    eventually(lambda: all(call.cancelled_ns for call in runtime.calls(EXEC)), "the runtime sees all cancels")


@pytest.mark.parametrize("speaks", [False, True], ids=["silent", "with a call"])
def test_10000_connections_leave_no_file_and_no_memory_behind(
    runtime: FakeRuntime, shim: Shim, speaks: bool
) -> None:
    runtime.set_behaviour(STATUS, kind="echo")

    def connect(times: int) -> None:
        for _ in range(times):
            client = RawClient(shim.socket)
            if speaks:
                client.answer(client.request(STATUS, b"hello"))
            client.close()

    total = 500 if speaks else 10_000
    connect(total // 10)
    files, memory = shim.process.open_files(), shim.process.resident_bytes()
    connect(total)

    eventually(lambda: shim.process.open_files() <= files, f"no more than {files} files open")
    if not IS_SANITIZED:
        assert shim.process.resident_bytes() - memory < 2 * MIB


def test_connection_over_1024_is_refused_and_room_is_made_when_others_leave(runtime: FakeRuntime, shim: Shim) -> None:
    runtime.set_behaviour(STATUS, kind="echo")
    clients = [RawClient(shim.socket) for _ in range(1024)]
    clients[-1].answer(clients[-1].request(STATUS))

    assert not is_served(shim)

    for client in clients:
        client.close()
    eventually(lambda: is_served(shim), "there is room again")


def is_served(shim: Shim) -> bool:
    with contextlib.suppress(AssertionError, OSError):
        client = RawClient(shim.socket)
        client.socket.settimeout(0.5)
        try:
            return client.answer(client.request(STATUS))[0]["grpc-status"] == "0"
        finally:
            client.close()
    return False


def test_usual_limit_of_open_files_is_no_limit_of_connections(runtime: FakeRuntime, new_shim) -> None:
    """Services start with a soft limit of 1024; each connection with a call takes two files."""
    runtime.set_behaviour(STATUS, kind="echo")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    shim = new_shim(runtime.socket)
    shim.configure()
    shim.start(prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard)))

    clients = [shim.raw_client() for _ in range(700)]
    statuses = [client.answer(client.request(STATUS))[0]["grpc-status"] for client in clients]

    assert statuses == ["0"] * 700
