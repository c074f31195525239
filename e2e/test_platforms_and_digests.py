"""Indexes with and without this node's platform, and names with tag and digest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import images
from peers import Crictl, Registry, Shim

StartShim = Callable[..., tuple[Shim, Crictl]]
FOREIGN = "s390x" if images.architecture() != "s390x" else "amd64"


@pytest.fixture(scope="module")
def full() -> images.Index:
    """What the public registry would have: both platforms."""
    return images.Index(images.says("Hello."), images.says("Hello, mainframe.", architecture=FOREIGN))


@pytest.fixture(scope="module")
def complete(start_registry: Callable[..., Registry], full: images.Index) -> Registry:
    registry = start_registry("complete")
    registry.push(full, "team/app:v1")
    registry.push(full, "team/elsewhere:v1")
    return registry


@pytest.fixture(scope="module")
def trimmed(start_registry: Callable[..., Registry], full: images.Index) -> Registry:
    """A mirror that holds this platform's image only, so that its index has another digest."""
    registry = start_registry("trimmed")
    registry.push(images.Index(full.images[0]), "team/app:v1")
    registry.push(images.Index(full.images[1]), "team/elsewhere:v1")
    return registry


def entries(*registries: Registry, **of_first: object) -> list[dict[str, object]]:
    first, *others = [{"address": registry.address, "auth": registry.auth} for registry in registries]
    return [{**first, **of_first}, *others]


def digest_of(crictl: Crictl, image: str) -> set[str]:
    return {name.partition("@")[2] for name in crictl.json("inspecti", image)["status"]["repoDigests"]}


def test_index_is_pulled_for_this_platform(complete: Registry, start_shim: StartShim, full: images.Index) -> None:
    _, crictl = start_shim(registries=entries(complete), fallback="deny")

    crictl.run("pull", "team/app:v1")

    assert digest_of(crictl, "team/app:v1") == {full.manifest.digest}


def test_index_without_this_platform_is_passed_over(
    complete: Registry, trimmed: Registry, start_shim: StartShim
) -> None:
    shim, crictl = start_shim(registries=entries(trimmed, complete), fallback="deny")

    crictl.run("pull", "team/elsewhere:v1")

    assert f"{complete.host}/team/elsewhere:v1" in shim.process.stderr
    assert f"result={trimmed.host}" not in shim.process.stderr


def test_index_without_this_platform_is_said_to_be_so(trimmed: Registry, start_shim: StartShim) -> None:
    _, crictl = start_shim(registries=entries(trimmed), fallback="deny")

    error = crictl.error_of("pull", "team/elsewhere:v1")

    assert trimmed.host in error
    assert f"linux/{images.architecture()}" in error


def test_name_with_tag_and_digest_is_pulled_by_its_digest(
    complete: Registry, start_shim: StartShim, full: images.Index
) -> None:
    _, crictl = start_shim(registries=entries(complete), fallback="deny")
    name = f"team/app:v1@{full.manifest.digest}"

    crictl.run("pull", name)

    assert crictl.json("inspecti", name)["status"]["id"]
    assert digest_of(crictl, name) == {full.manifest.digest}


def test_trimmed_mirror_does_not_have_the_digest(
    trimmed: Registry, start_shim: StartShim, full: images.Index
) -> None:
    _, crictl = start_shim(registries=entries(trimmed), fallback="deny")

    error = crictl.error_of("pull", f"team/app:v1@{full.manifest.digest}")

    assert trimmed.host in error and "not found" in error.lower()


def test_trimmed_mirror_serves_by_the_tag_where_that_is_allowed(
    trimmed: Registry, start_shim: StartShim, full: images.Index
) -> None:
    shim, crictl = start_shim(registries=entries(trimmed, digestFallback="tag"), fallback="deny")
    name = f"team/app:v1@{full.manifest.digest}"

    crictl.run("pull", name)

    assert crictl.json("inspecti", name)["status"]["id"]
    shim.wait_for_log("digestFallback", trimmed.host)
