"""The main job: images that exist only in a private registry, used by the names that users write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import images
from peers import PAUSE, Containerd, Crictl, Registry, Shim
from processes import Workplace

StartShim = Callable[..., tuple[Shim, Crictl]]
NGINX = "docker.io/library/nginx:1.25"


@pytest.fixture(scope="module")
def registry(start_registry: Callable[[str], Registry]) -> Registry:
    registry = start_registry("registry")
    registry.push(images.says("Hello from the private nginx."), "library/nginx:1.25")
    registry.push(images.says("Hello from the private app."), "team/app:v1")
    return registry


@pytest.fixture
def crictl(registry: Registry, start_shim: StartShim) -> Crictl:
    _, crictl = start_shim(address=registry.address, auth=registry.auth, fallback="deny")
    return crictl


def test_runtime_answers_through_the_shim(crictl: Crictl) -> None:
    assert "RuntimeName:  containerd" in crictl.run("version")
    assert crictl.json("info")["status"]["conditions"]


def test_images_of_the_runtime_are_listed(crictl: Crictl) -> None:
    assert crictl.image_names() == [PAUSE]


def test_image_is_pulled_by_its_public_name(crictl: Crictl) -> None:
    crictl.run("pull", "nginx:1.25")

    assert NGINX in crictl.image_names()


def test_image_of_another_public_registry_is_pulled_from_the_private_one(crictl: Crictl) -> None:
    crictl.run("pull", "ghcr.io/team/app:v1")

    assert "ghcr.io/team/app:v1" in crictl.image_names()


def test_pull_by_digest_finds_the_same_image(crictl: Crictl) -> None:
    crictl.run("pull", "nginx:1.25")
    (digest,) = {
        name.partition("@")[2] for name in crictl.json("inspecti", "nginx:1.25")["status"]["repoDigests"]
    }

    crictl.run("pull", f"docker.io/library/nginx@{digest}")

    assert crictl.json("inspecti", f"docker.io/library/nginx@{digest}")["status"]["id"]


@pytest.mark.parametrize("name", ["nginx:1.25", "library/nginx:1.25", NGINX])
def test_status_finds_the_image_by_every_spelling(crictl: Crictl, name: str) -> None:
    crictl.run("pull", "nginx:1.25")

    status = crictl.json("inspecti", name)["status"]

    assert NGINX in status["repoTags"]


def test_status_finds_the_image_by_its_id(crictl: Crictl) -> None:
    crictl.run("pull", "nginx:1.25")
    image_id = crictl.json("inspecti", "nginx:1.25")["status"]["id"]

    assert crictl.json("inspecti", image_id)["status"]["id"] == image_id


def test_list_by_name_finds_the_image(crictl: Crictl) -> None:
    crictl.run("pull", "nginx:1.25")

    listed = crictl.json("images", "nginx:1.25")["images"]

    assert NGINX in [tag for image in listed for tag in image["repoTags"]]


def test_container_runs_from_the_public_name(crictl: Crictl, workplace: Workplace, containerd: Containerd) -> None:
    crictl.run("pull", "nginx:1.25")

    container = crictl.run_container(workplace, containerd, "nginx:1.25")

    assert crictl.logs(container) == "Hello from the private nginx.\n"


def test_exec_streams_through_the_runtimes_own_server(
    crictl: Crictl, workplace: Workplace, containerd: Containerd
) -> None:
    crictl.run("pull", "nginx:1.25")
    container = crictl.run_container(workplace, containerd, "nginx:1.25", name="exec")

    assert crictl.run("exec", container, "echo", "inside") == "inside\n"
    assert crictl.run("exec", "--sync", container, "echo", "inside").rstrip("\n") == "inside"


@pytest.mark.parametrize("name", ["nginx:1.25", NGINX])
def test_image_is_removed_by_its_public_name(crictl: Crictl, containerd: Containerd, name: str) -> None:
    crictl.run("pull", "nginx:1.25")

    crictl.run("rmi", name)

    assert Crictl(containerd.socket).image_names() == [PAUSE]


def test_image_is_removed_by_its_id(crictl: Crictl, containerd: Containerd) -> None:
    crictl.run("pull", "nginx:1.25")

    crictl.run("rmi", crictl.json("inspecti", "nginx:1.25")["status"]["id"])

    assert Crictl(containerd.socket).image_names() == [PAUSE]


def test_image_that_no_registry_has_is_not_found(crictl: Crictl, registry: Registry) -> None:
    error = crictl.error_of("pull", "no/such:image")

    assert registry.host in error
    assert "not found" in error.lower()
