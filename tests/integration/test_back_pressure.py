"""A reader that pauses stops its sender and nobody else, and costs a bounded buffer (DESIGN 1)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import grpc
import pytest

from cri import Client, error_of
from fake_runtime import FakeRuntime, image
from processes import Process, eventually
from shim import IS_SANITIZED, Shim

EVENTS = "/runtime.v1.RuntimeService/GetContainerEvents"
OTHER_EVENTS = "/runtime.v1.RuntimeService/StreamContainers"
STATUS = "/runtime.v1.RuntimeService/Status"
MIB = 1024 * 1024


class Memory:
    """How far a process' resident memory rose above what it was at first."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._before = process.resident_bytes()
        self.growth = 0

    def sample(self) -> None:
        self.growth = max(self.growth, self._process.resident_bytes() - self._before)

    def watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.sample()
            time.sleep(0.02)


@pytest.fixture
def memory(shim: Shim, client: Client, runtime: FakeRuntime) -> Memory:
    """From after the first call on, which brings the connection's own buffers."""
    runtime.set_behaviour(STATUS, kind="echo")
    client.unary(STATUS, b"warm")
    return Memory(shim.process)


def assert_bounded(memory: Memory, limit: int = 8 * MIB) -> None:
    if not IS_SANITIZED:
        assert memory.growth < limit, f"{memory.growth / MIB:.1f} MiB more"


def test_stream_of_1_gb_with_a_reader_that_pauses_needs_less_than_8_mib(
    runtime: FakeRuntime, client: Client, memory: Memory
) -> None:
    runtime.set_behaviour(EVENTS, kind="stream", messages=1024, size=MIB)
    stream = client.server_stream(EVENTS, timeout=120)

    received = 0
    for count, message in enumerate(stream):
        received += len(message)
        if count in (10, 500):
            memory.watch(seconds=0.5)  # the reader's pause
        elif count % 16 == 0:
            memory.sample()

    assert received == 1024 * MIB
    assert_bounded(memory)


def test_reader_that_pauses_stops_the_runtime(runtime: FakeRuntime, client: Client, memory: Memory) -> None:
    runtime.set_behaviour(EVENTS, kind="stream", messages=64, size=MIB)
    stream = client.server_stream(EVENTS)
    next(stream)

    memory.watch(seconds=0.5)

    assert runtime.calls(EVENTS)[0].finished_ns == 0
    assert sum(1 for _ in stream) == 63


def test_runtime_that_does_not_read_stops_the_caller(runtime: FakeRuntime, client: Client, memory: Memory) -> None:
    runtime.set_behaviour(EVENTS, kind="deaf")
    taken = 0

    def messages() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * MIB

    call = client.stream(EVENTS, messages())
    runtime.wait_for_calls(EVENTS)
    memory.watch(seconds=0.5)
    taken_while_paused = taken
    call.cancel()

    assert taken_while_paused < 16
    assert_bounded(memory)


def test_upload_of_256_mib_needs_less_than_8_mib(runtime: FakeRuntime, client: Client, memory: Memory) -> None:
    runtime.set_behaviour(EVENTS, kind="count")

    def messages() -> Iterator[bytes]:
        for _ in range(256):
            memory.sample()
            yield b"x" * MIB

    client.client_stream(EVENTS, messages(), timeout=60)

    assert runtime.calls(EVENTS)[0].bytes == 256 * MIB
    assert_bounded(memory)


def test_paused_stream_does_not_stall_others_of_its_connection(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(EVENTS, kind="stream", messages=64, size=MIB)
    runtime.set_behaviour(OTHER_EVENTS, kind="stream", messages=64, size=MIB)
    runtime.set_behaviour(STATUS, kind="echo")
    paused = client.server_stream(EVENTS)
    next(paused)

    answers = [client.unary(STATUS, b"%d" % number) for number in range(200)]
    streamed = sum(len(message) for message in client.server_stream(OTHER_EVENTS))

    assert answers == [b"%d" % number for number in range(200)]
    assert streamed == 64 * MIB
    assert sum(1 for _ in paused) == 63


def test_call_that_the_runtime_does_not_read_does_not_stall_others_of_its_connection(
    runtime: FakeRuntime, client: Client
) -> None:
    runtime.set_behaviour(EVENTS, kind="deaf")
    runtime.set_behaviour(STATUS, kind="echo")
    unread = client.stream(EVENTS, iter([b"x" * (4 * MIB)]))
    runtime.wait_for_calls(EVENTS)

    answers = [client.unary(STATUS, b"x" * 10_000) for _ in range(200)]

    assert len(answers) == 200
    unread.cancel()


def test_busy_connection_does_not_starve_another(runtime: FakeRuntime, shim: Shim) -> None:
    """The best of several answers: how quick the others are depends on the machine."""
    runtime.set_behaviour(EVENTS, kind="stream", messages=1_000_000, size=64 * 1024)
    runtime.set_behaviour(STATUS, kind="echo")
    busy, quick = shim.client(), shim.client()
    stream = busy.server_stream(EVENTS, timeout=60)
    reader = threading.Thread(target=lambda: [None for _ in iter(lambda: next(stream, None), None)], daemon=True)
    threading.excepthook = lambda _: None  # the stream ends by a cancel
    reader.start()

    took = []
    for _ in range(20):
        began = time.monotonic()
        quick.unary(STATUS, b"hello")
        took.append(time.monotonic() - began)
    stream.cancel()
    reader.join()

    assert min(took) < 0.1, took


def test_large_image_lists_at_once_stay_within_the_memory_bound(
    runtime: FakeRuntime, client: Client, shim: Shim, memory: Memory
) -> None:
    tag = "registry.test/" + "x" * 1000
    runtime.set_images(image(1, *[f"{tag}:{number}" for number in range(12_000)]))
    clients = [shim.client() for _ in range(16)]

    calls = [client.start(client.method("ImageService", "ListImages"), timeout=60) for client in clients]
    while not all(call.done() for call in calls):
        memory.sample()
        time.sleep(0.01)

    # 64 MiB of messages, and what is made of them; without a bound it would be 192 MiB of messages alone.
    assert_bounded(memory, 160 * MIB)
    codes = [call.code() for call in calls]
    assert grpc.StatusCode.OK in codes
    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}  # which the kubelet tries again
    assert len(client.list_images()) == 1


def test_memory_is_given_back_after_a_cancelled_stream(runtime: FakeRuntime, client: Client, memory: Memory) -> None:
    runtime.set_behaviour(EVENTS, kind="stream", messages=1_000_000, size=MIB)

    for _ in range(50):
        stream = client.server_stream(EVENTS)
        next(stream)
        stream.cancel()

    runtime.set_behaviour(STATUS, code=5, message="still there")
    assert error_of(client.start(STATUS)).details() == "still there"
    eventually(lambda: all(call.finished_ns for call in runtime.calls(EVENTS)), "all streams end at the runtime")
    memory.sample()
    assert_bounded(memory)
