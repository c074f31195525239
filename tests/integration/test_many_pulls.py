"""Thousands of images over twenty registries: each is asked for once, and the memory of answers has an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from cri import error_of
from fake_runtime import FakeRuntime, image_id
from faulty_registry import FaultyRegistry
from shim import IS_SANITIZED, Shim

REGISTRIES = 20
AT_ONCE = 200
ROUND = 1000  # references; as many are remembered
GROWTH_BYTES = 8 * 1024 * 1024


@pytest.fixture
def registries(start_faulty_registry: Callable[..., FaultyRegistry]) -> list[FaultyRegistry]:
    return [start_faulty_registry() for _ in range(REGISTRIES)]


@pytest.fixture
def shim(start_shim: Callable[..., Shim], runtime: FakeRuntime, registries: list[FaultyRegistry]) -> Shim:
    """Registry number N serves the images of host-N.test."""
    runtime.set_behaviour("/runtime.v1.ImageService/PullImage", id=image_id(1))
    return start_shim(
        registries=[
            {"address": registry.address, "match": [f"host-{number}.test"]}
            for number, registry in enumerate(registries)
        ],
        probe={"timeout": "20s", "hedgeDelay": "20s"},
        cache={"imageCacheSize": ROUND},
        fallback="deny",
    )


def references(round_number: int) -> list[str]:
    return [f"host-{number % REGISTRIES}.test/round-{round_number}/app-{number}:v1" for number in range(ROUND)]


def pull_all(shim: Shim, names: list[str]) -> None:
    """Each by two callers, next to each other."""
    clients = [shim.client() for _ in range(4)]
    twice = [name for name in names for _ in range(2)]
    for begin in range(0, len(twice), AT_ONCE):
        batch = enumerate(twice[begin : begin + AT_ONCE])
        for call in [clients[number % len(clients)].start_pull(name) for number, name in batch]:
            assert image_id(1).encode() in call.result()


def test_each_image_is_asked_for_once(shim: Shim, registries: list[FaultyRegistry]) -> None:
    names = references(0)

    pull_all(shim, names)
    pull_all(shim, names)

    asked = Counter((asked.method, asked.path) for registry in registries for asked in registry.manifests_asked())
    assert len(asked) == 2 * ROUND  # HEAD, and GET of the index
    assert set(asked.values()) == {1}


@pytest.mark.skipif(IS_SANITIZED, reason="sanitizers keep what is freed")
def test_images_without_end_need_no_memory_without_end(shim: Shim) -> None:
    pull_all(shim, references(0))
    before = shim.process.resident_bytes()

    for number in range(1, 4):
        pull_all(shim, references(number))

    assert shim.process.resident_bytes() - before < GROWTH_BYTES


def test_many_pulls_that_fail_at_once_by_a_known_answer(start_shim, start_registry) -> None:
    """Such a call ends without having waited for anything, and its stream closes with those of the others."""
    registry = start_registry()
    client = start_shim(address=registry.address, fallback="deny").client()

    for _ in range(20):
        for call in [client.start_pull("nobody/has:it") for _ in range(50)]:
            assert "404" in error_of(call).details()
