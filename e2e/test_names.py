"""The names that users wrote outlive the shim, and find what it did not pull itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import images
from peers import PAUSE, Containerd, Crictl, Registry, Shim

StartShim = Callable[..., tuple[Shim, Crictl]]
NGINX = "docker.io/library/nginx:1.25"


@pytest.fixture(scope="module")
def registry(start_registry: Callable[..., Registry]) -> Registry:
    registry = start_registry("registry")
    registry.push(images.says("Hello from the private nginx."), "library/nginx:1.25")
    return registry


@pytest.fixture
def settings(registry: Registry) -> dict[str, object]:
    return {"address": registry.address, "auth": registry.auth, "fallback": "deny"}


def test_names_outlive_a_restart(settings: dict[str, object], start_shim: StartShim) -> None:
    shim, crictl = start_shim(**settings)
    crictl.run("pull", "nginx:1.25")
    before = crictl.json("images")

    shim.restart(**settings)

    assert crictl.json("images") == before
    assert NGINX in crictl.json("inspecti", "nginx:1.25")["status"]["repoTags"]


def test_names_outlive_a_kill_and_a_configuration_without_the_registry(
    settings: dict[str, object], start_shim: StartShim
) -> None:
    shim, crictl = start_shim(**settings)
    crictl.run("pull", "nginx:1.25")

    shim.process.kill()
    shim.start(address="http://127.0.0.1:9", fallback="deny")

    assert NGINX in crictl.image_names()


def test_image_that_was_removed_behind_the_shims_back_has_no_name(
    settings: dict[str, object], start_shim: StartShim, containerd: Containerd, registry: Registry
) -> None:
    _, crictl = start_shim(**settings)
    crictl.run("pull", "nginx:1.25")

    Crictl(containerd.socket).run("rmi", f"{registry.host}/library/nginx:1.25")

    assert crictl.image_names() == [PAUSE]


@pytest.fixture
def imported(settings: dict[str, object], start_shim: StartShim, containerd: Containerd, registry: Registry) -> Crictl:
    """In front of a containerd that has been given an image under the registry's name, by hand."""
    containerd.import_image(images.says("Hello from an archive."), f"{registry.host}/library/nginx:1.25")
    _, crictl = start_shim(**settings)
    return crictl


@pytest.mark.parametrize("name", ["nginx:1.25", NGINX])
def test_imported_image_is_found_by_the_public_name(imported: Crictl, registry: Registry, name: str) -> None:
    status = imported.json("inspecti", name)["status"]

    assert f"{registry.host}/library/nginx:1.25" in status["repoTags"]


def test_imported_image_is_listed_by_the_public_name(imported: Crictl, registry: Registry) -> None:
    listed = imported.json("images", "nginx:1.25")["images"]

    assert f"{registry.host}/library/nginx:1.25" in [tag for image in listed for tag in image["repoTags"]]


def test_imported_image_is_removed_by_the_public_name(imported: Crictl, containerd: Containerd) -> None:
    imported.run("rmi", "nginx:1.25")

    assert Crictl(containerd.socket).image_names() == [PAUSE]
