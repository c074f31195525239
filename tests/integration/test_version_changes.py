"""What the runtime speaks is found while calls wait, and found again when another runtime takes its place (DESIGN 1)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import grpc
import pytest

from cri import CALL_SECONDS, Client, error_of
from fake_runtime import FakeRuntime
from http2 import PROTOCOL_ERROR, RawConnection
from processes import eventually
from shim import Shim

StartRuntime = Callable[..., FakeRuntime]
CHANGES = [("v1alpha2", "v1"), ("v1", "v1alpha2")]
VERSIONS = ["v1", "v1alpha2"]
LEFT = "a client's connection ended"


@pytest.fixture
def front(new_shim) -> Callable[..., Shim]:
    """front(runtime): a shim in front of it."""

    def start(runtime: FakeRuntime, **settings) -> Shim:
        shim = new_shim(runtime.socket)
        shim.configure(**settings)
        shim.start()
        return shim

    return start


def speaks(client: Client) -> None:
    assert client.list_images() == []
    assert client.version_of_runtime().runtime_api_version == client.version


@pytest.mark.parametrize("caller", VERSIONS)
@pytest.mark.parametrize("version", ["auto", "v1"])
def test_runtime_is_upgraded_and_taken_back_under_one_client(
    start_runtime: StartRuntime, front, caller: str, version: str
) -> None:
    runtime = start_runtime(versions="v1alpha2")
    client = front(runtime, version=version).client(version=caller)
    speaks(client)

    for spoken in ("v1", "v1alpha2"):
        runtime.kill()
        runtime = start_runtime(versions=spoken)
        speaks(client)


@pytest.mark.parametrize("before, after", CHANGES)
@pytest.mark.parametrize("caller", VERSIONS)
def test_runtime_that_was_replaced_while_nobody_was_connected(
    start_runtime: StartRuntime, front, caller: str, before: str, after: str
) -> None:
    old = start_runtime(versions=before)
    shim = front(old)
    first = shim.client(version=caller)
    speaks(first)
    left = shim.log.count(LEFT)
    first.close()
    eventually(lambda: shim.log.count(LEFT) > left, "the client has left")
    old.kill()

    start_runtime(versions=after)

    speaks(shim.client(version=caller))


@pytest.mark.parametrize("before, after", CHANGES)
def test_runtime_is_replaced_while_streams_are_open(
    start_runtime: StartRuntime, front, before: str, after: str
) -> None:
    old = start_runtime(versions=before)
    shim = front(old)
    clients = [shim.client(version=version) for version in VERSIONS]
    old.set_behaviour(f"/runtime.{before}.RuntimeService/GetContainerEvents", kind="echo")
    gone = threading.Event()
    streams = [client.stream(client.method("RuntimeService", "GetContainerEvents"), until(gone)) for client in clients]
    assert [next(stream) for stream in streams] == [b"go"] * 2
    old.kill()
    gone.set()

    new = start_runtime(versions=after)
    new.set_behaviour(f"/runtime.{after}.RuntimeService/GetContainerEvents", kind="stream", messages=1, size=1)

    for client, stream in zip(clients, streams):
        with pytest.raises(grpc.RpcError):
            list(stream)
        assert stream.code() is grpc.StatusCode.UNAVAILABLE
        assert list(client.server_stream(client.method("RuntimeService", "GetContainerEvents"))) == [b"x"]
        speaks(client)


def until(event: threading.Event) -> Iterator[bytes]:
    """Requests of a stream that stays open until then."""
    yield b"go"
    event.wait(CALL_SECONDS)


def test_stream_of_images_outlives_an_upgrade(start_runtime: StartRuntime, front) -> None:
    old = start_runtime(versions="v1alpha2")
    client = front(old).client()
    speaks(client)
    old.kill()

    start_runtime(versions="v1")

    assert client.stream_images() == []


# ── While it is asked ────────────────────────────────────────────────────────────────────────────────────────────────


FS_INFO = "/runtime.v1.ImageService/ImageFsInfo"
LIST_IMAGES = "/runtime.v1alpha2.ImageService/ListImages"


@pytest.fixture
def asked(start_runtime: StartRuntime, front) -> tuple[FakeRuntime, Shim]:
    """A runtime of v1 alone that holds its answers once it is asked what it speaks."""
    runtime = start_runtime(versions="v1")
    shim = front(runtime, force=True)
    runtime.set_behaviour(FS_INFO, hold=True)
    runtime.set_behaviour("/runtime.v1.ImageService/ListImages", kind="echo")
    return runtime, shim


def begin(runtime: FakeRuntime, *clients: Client, calls: int = 1) -> list:
    """Calls that wait for the answer."""
    begun = [client.start(LIST_IMAGES) for client in clients for _ in range(calls)]
    runtime.wait_for_calls(FS_INFO)
    return begun


def test_many_calls_wait_for_one_question(asked: tuple[FakeRuntime, Shim]) -> None:
    runtime, shim = asked
    calls = begin(runtime, shim.client("v1alpha2"), shim.client("v1alpha2"), calls=100)

    runtime.release(FS_INFO)

    assert [call.result() for call in calls] == [b""] * 200
    assert len(runtime.calls(FS_INFO)) == 1


def test_caller_that_cancels_takes_no_other_call_with_it(asked: tuple[FakeRuntime, Shim]) -> None:
    runtime, shim = asked
    client = shim.client("v1alpha2")
    (first,) = begin(runtime, client)
    others = begin(runtime, client, shim.client("v1alpha2"), calls=10)

    first.cancel()
    others[3].cancel()
    client.version_of_runtime()  # so the cancels, sent before it, have arrived
    runtime.release(FS_INFO)

    assert [call.result() for call in others if call is not others[3]] == [b""] * 19
    assert len(runtime.calls(FS_INFO)) == 1
    assert len(runtime.calls("ListImages")) == 19


def test_client_that_leaves_takes_no_other_call_with_it(asked: tuple[FakeRuntime, Shim]) -> None:
    runtime, shim = asked
    leaving = shim.client("v1alpha2")
    begin(runtime, leaving)
    others = begin(runtime, shim.client("v1alpha2"), calls=10)

    leaving.close()
    runtime.wait_for_calls(FS_INFO, 2)
    runtime.release(FS_INFO)

    assert [call.result() for call in others] == [b""] * 10


def test_runtime_that_dies_when_it_is_asked_is_asked_when_it_is_back(start_runtime: StartRuntime, front) -> None:
    runtime = start_runtime(versions="v1")
    client = front(runtime, force=True).client("v1alpha2")
    runtime.set_behaviour(FS_INFO, crash=True)

    assert error_of(client.start(LIST_IMAGES)).code() is grpc.StatusCode.UNAVAILABLE
    runtime.process.wait()
    start_runtime(versions="v1")

    speaks(client)


@pytest.mark.parametrize("answer", ["reset", "no gRPC"])
def test_answer_that_is_none_is_not_kept(start_raw_runtime, bare_shim: Shim, answer: str) -> None:
    questions: list[int] = []
    arrived: list[str] = []

    def on_request(connection: RawConnection, stream: int, headers: dict[str, str]) -> None:
        if not headers[":path"].endswith("/ImageFsInfo"):
            arrived.append(headers[":path"])
            return connection.respond(stream)
        questions.append(stream)
        if len(questions) > 1:
            return connection.respond(stream, trailers=[("grpc-status", "12"), ("grpc-message", "unknown service")])
        if answer == "reset":
            return connection.reset(stream, PROTOCOL_ERROR)
        return connection.respond(stream, body=b"<html>", trailers=[("server", "not a runtime")])

    start_raw_runtime(on_request)  # answers for v1 on its own
    client = bare_shim.client("v1alpha2")

    for _ in range(3):
        client.unary("/runtime.v1alpha2.ImageService/Later")

    assert [path.split(".")[1] for path in arrived] == ["v1alpha2", "v1", "v1"]
    assert len(questions) == 2


def test_call_waits_two_seconds_for_a_slow_runtime_and_the_answer_counts_later(
    asked: tuple[FakeRuntime, Shim],
) -> None:
    runtime, shim = asked
    client = shim.client("v1alpha2")

    impatient = error_of(client.start(LIST_IMAGES))
    began = time.monotonic()
    next_one = error_of(client.start(LIST_IMAGES))
    assert time.monotonic() - began < 1, "only the first one waits"
    assert {impatient.code(), next_one.code()} == {grpc.StatusCode.UNIMPLEMENTED}, "they went on as they came"
    runtime.release(FS_INFO)

    eventually(lambda: client.start(LIST_IMAGES).exception() is None, "calls are translated")
    assert len(runtime.calls(FS_INFO)) == 1
