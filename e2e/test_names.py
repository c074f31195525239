"""Images keep the names that users write, whoever brought them, also after a restart of the shim (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import images
from peers import Containerd, Crictl, Registry, Shim
from processes import eventually

StartShim = Callable[..., tuple[Shim, Crictl]]
NGINX = "docker.io/library/nginx:1.25"


@pytest.fixture(scope="module")
def registry(start_registry: Callable[[str], Registry]) -> Registry:
    registry = start_registry("registry")
    registry.push(images.says("Hello from the private nginx."), "library/nginx:1.25")
    return registry


@pytest.fixture
def settings(registry: Registry) -> dict[str, str]:
    return {"address": registry.address, "auth": registry.auth, "fallback": "deny"}


def restarted(shim: Shim, settings: dict[str, str]) -> Crictl:
    shim.restart(**settings)
    return Crictl(shim.socket)


def test_pulled_image_keeps_its_name(registry: Registry, start_shim: StartShim, settings: dict[str, str]) -> None:
    shim, crictl = start_shim(**settings)
    crictl.run("pull", "nginx:1.25")

    crictl = restarted(shim, settings)

    tags = crictl.json("inspecti", "nginx:1.25")["status"]["repoTags"]
    assert tags == ["nginx:1.25", NGINX, f"{registry.host}/library/nginx:1.25"]
    assert set(tags) <= set(crictl.image_names())


def test_name_outlives_a_kill_and_a_configuration_without_the_registry(
    start_shim: StartShim, settings: dict[str, str]
) -> None:
    shim, crictl = start_shim(**settings)
    crictl.run("pull", "nginx:1.25")
    names = shim.state / "names.json"
    eventually(lambda: names.exists() and "nginx:1.25" in names.read_text(), "the name is on disk")

    shim.process.kill()
    shim.start(address="http://127.0.0.1:9", fallback="deny")

    assert NGINX in crictl.image_names()


def test_image_of_tag_and_digest_keeps_its_name(start_shim: StartShim, settings: dict[str, str]) -> None:
    """containerd lists it by its digest alone."""
    shim, crictl = start_shim(**settings)
    crictl.run("pull", "nginx:1.25")
    (digest,) = {name.partition("@")[2] for name in crictl.json("inspecti", "nginx:1.25")["status"]["repoDigests"]}
    crictl.run("rmi", "nginx:1.25")
    original = f"nginx:1.25@{digest}"
    crictl.run("pull", original)

    crictl.json("images")
    crictl = restarted(shim, settings)

    (image,) = [image for image in crictl.json("images")["images"] if original in image["repoDigests"]]
    assert image["repoDigests"][:2] == [original, f"{NGINX}@{digest}"]
    assert crictl.json("inspecti", original)["status"]["id"] == image["id"]


def test_imported_image_gets_its_name_when_it_is_asked_for(
    registry: Registry, containerd: Containerd, start_shim: StartShim, settings: dict[str, str]
) -> None:
    name = f"{registry.host}/library/nginx:1.25"
    containerd.import_image(images.says("Hello from an archive."), name)
    shim, crictl = start_shim(**settings)
    assert name in crictl.image_names()
    assert NGINX not in crictl.image_names()

    crictl.run("inspecti", "nginx:1.25")
    assert NGINX in crictl.image_names()

    crictl = restarted(shim, settings)
    assert NGINX in crictl.image_names()
    crictl.run("rmi", "nginx:1.25")
    assert name not in crictl.image_names()


def test_image_that_went_without_the_shim_is_forgotten(
    registry: Registry, containerd: Containerd, start_shim: StartShim, settings: dict[str, str]
) -> None:
    shim, crictl = start_shim(**settings)
    crictl.run("pull", "nginx:1.25")
    Crictl(containerd.socket).run("rmi", f"{registry.host}/library/nginx:1.25")

    crictl = restarted(shim, settings)

    assert NGINX not in crictl.image_names()
    assert "no such image" in crictl.error_of("inspecti", "nginx:1.25")
    crictl.run("pull", "nginx:1.25")
    assert NGINX in crictl.image_names()
