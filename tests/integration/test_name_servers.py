"""A name server that hangs holds up nothing but the look-ups that need it (DESIGN 3)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from statistics import quantiles

import pytest

from cri import Client, error_of
from fake_runtime import FakeRuntime, succeeds
from name_server import Mood, NameServer
from processes import Workplace, eventually
from shim import Shim

REGISTRIES = 30
NAMES = [f"registry-{number}.test" for number in range(REGISTRIES)]
RESOLVER_THREADS = 16
OTHER_THREADS = 4  # for files and programs
# glibc waits 5 s for a name server.
LOOK_UP_SECONDS = 5.0
CALLS = 1000


@pytest.fixture
def name_server(start_name_server: Callable[..., NameServer]) -> NameServer:
    return start_name_server(dict.fromkeys(NAMES, "127.0.0.1"))


@pytest.fixture
def shim(new_shim: Callable[..., Shim], runtime: FakeRuntime, name_server: NameServer, workplace: Workplace) -> Shim:
    """Each of its registries has a name to look up, and one half of a second is all that a pull waits for them."""
    shim = new_shim(runtime.socket, wrapper=name_server.private_resolution(workplace))
    shim.configure(
        registries=[{"address": f"http://{name}:5000"} for name in NAMES],
        probe={"timeout": "500ms", "hedgeDelay": "1ms", "recoveryInterval": "100ms"},
    )
    shim.start(environment={"NO_PROXY": "*"})
    return shim


def hang(name_server: NameServer) -> None:
    name_server.moods = dict.fromkeys(NAMES, Mood.SILENT)


def p99_us(client: Client, calls: int) -> float:
    durations = []
    for _ in range(calls):
        started = time.perf_counter()
        client.version_of_runtime()
        durations.append(time.perf_counter() - started)
    assert max(durations) < LOOK_UP_SECONDS / 5
    return quantiles(durations, n=100)[98] * 1e6


def test_other_calls_go_on_as_before(runtime: FakeRuntime, name_server: NameServer, shim: Shim) -> None:
    client = shim.client()
    client.version_of_runtime()
    well = p99_us(client, CALLS)

    hang(name_server)
    is_over = threading.Event()

    def keep_pulling() -> None:
        number = 0
        puller = shim.client()
        while not is_over.is_set():
            number += 1
            runtime.set_pull(f"team/app-{number}:v1", succeeds(1))
            puller.pull(f"team/app-{number}:v1")

    pulling = threading.Thread(target=keep_pulling)
    pulling.start()
    try:
        eventually(name_server.asked.copy, "a name is looked up")
        hanging = p99_us(client, CALLS)
    finally:
        is_over.set()
        pulling.join()
    print(f"\np99 of Version: {well:.0f} µs; while every name server hangs and images are pulled: {hanging:.0f} µs")


def test_pull_goes_to_the_original_in_time(runtime: FakeRuntime, name_server: NameServer, shim: Shim) -> None:
    hang(name_server)
    runtime.set_pull("team/app:v1", succeeds(1))
    started = time.monotonic()

    shim.client().pull("team/app:v1")

    assert runtime.pulled_names()[-1] == "team/app:v1"
    assert time.monotonic() - started < LOOK_UP_SECONDS


def test_threads_of_look_ups_are_bounded(runtime: FakeRuntime, name_server: NameServer, shim: Shim) -> None:
    hang(name_server)
    client = shim.client()
    client.version_of_runtime()
    before = threads_of(shim)

    calls = [client.start_pull(f"team/app-{number}:v1") for number in range(20)]
    most = 0
    while not all(call.done() for call in calls):
        most = max(most, threads_of(shim))
        time.sleep(0.01)
    for call in calls:
        error_of(call)

    assert most - before <= RESOLVER_THREADS + OTHER_THREADS


def test_shim_ends_at_once_during_a_look_up(runtime: FakeRuntime, name_server: NameServer, shim: Shim) -> None:
    hang(name_server)
    call = shim.client().start_pull("team/app:v1")
    eventually(name_server.asked.copy, "a name is looked up")
    error_of(call)
    started = time.monotonic()

    shim.terminate()

    assert shim.process.wait() == 0
    assert time.monotonic() - started < LOOK_UP_SECONDS / 2


def threads_of(shim: Shim) -> int:
    return len(os.listdir(f"/proc/{shim.process.pid}/task"))
