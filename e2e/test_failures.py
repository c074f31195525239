"""What an operator sees when something is wrong with a registry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import images
from peers import Crictl, Registry, Shim

StartShim = Callable[..., tuple[Shim, Crictl]]


@pytest.fixture(scope="module")
def first(start_registry: Callable[[str], Registry]) -> Registry:
    registry = start_registry("first")
    registry.push(images.says("Hello from the first."), "team/app:v1")
    return registry


@pytest.fixture(scope="module")
def second(start_registry: Callable[[str], Registry]) -> Registry:
    registry = start_registry("second")
    registry.push(images.says("Hello from the second."), "team/app:v1")
    registry.push(images.says("Only the second has this."), "team/extra:v1")
    return registry


def entries(*registries: Registry) -> list[dict[str, object]]:
    return [
        {"address": registry.address, "auth": registry.auth, "priority": 900 - rank}
        for rank, registry in enumerate(registries)
    ]


def pulled_from(crictl: Crictl, image: str) -> set[str]:
    """The hosts of the names that the runtime knows the image by, without the public one."""
    status = crictl.json("inspecti", image)["status"]
    names = [name for name in status["repoTags"] + status["repoDigests"] if name.startswith("127.0.0.1:")]
    return {name.partition("/")[0] for name in names}


def test_wrong_password_error_names_the_registry_and_the_reason(first: Registry, start_shim: StartShim) -> None:
    shim, crictl = start_shim(address=first.address, auth=f"{first.username}:not-the-password", fallback="deny")

    error = crictl.error_of("pull", "team/app:v1")

    assert first.host in error
    assert "401" in error or "unauthorized" in error.lower() or "credentials" in error.lower()
    assert "not-the-password" not in error + shim.process.stderr


def test_missing_password_error_names_the_registry(first: Registry, start_shim: StartShim) -> None:
    _, crictl = start_shim(address=first.address, fallback="deny")

    assert first.host in crictl.error_of("pull", "team/app:v1")


def test_stopped_registry_error_names_the_registry_and_the_reason(first: Registry, start_shim: StartShim) -> None:
    _, crictl = start_shim(address=first.address, auth=first.auth, fallback="deny")
    first.stop()
    try:
        error = crictl.error_of("pull", "team/app:v1")
    finally:
        first.start()

    assert first.host in error
    assert "RegistryUnavailable" in error


def test_registry_that_is_back_is_used_without_a_restart(first: Registry, start_shim: StartShim) -> None:
    _, crictl = start_shim(address=first.address, auth=first.auth, fallback="deny")
    first.stop()
    try:
        crictl.error_of("pull", "team/app:v1")
    finally:
        first.start()

    crictl.run("pull", "team/app:v1")

    assert pulled_from(crictl, "team/app:v1") == {first.host}


def test_higher_priority_serves_where_both_have_the_image(
    first: Registry, second: Registry, start_shim: StartShim
) -> None:
    _, crictl = start_shim(registries=list(reversed(entries(first, second))), fallback="deny")

    crictl.run("pull", "team/app:v1")

    assert pulled_from(crictl, "team/app:v1") == {first.host}


def test_second_registry_serves_what_the_first_lacks(first: Registry, second: Registry, start_shim: StartShim) -> None:
    _, crictl = start_shim(registries=entries(first, second), fallback="deny")

    crictl.run("pull", "team/extra:v1")

    assert pulled_from(crictl, "team/extra:v1") == {second.host}


def test_second_registry_serves_while_the_first_is_down(
    first: Registry, second: Registry, start_shim: StartShim
) -> None:
    _, crictl = start_shim(registries=entries(first, second), fallback="deny")
    first.stop()
    try:
        crictl.run("pull", "team/app:v1")
    finally:
        first.start()

    assert pulled_from(crictl, "team/app:v1") == {second.host}


def test_pull_secret_of_a_pod_is_not_sent_to_a_registry_of_the_configuration(
    first: Registry, start_shim: StartShim
) -> None:
    """The kubelet's imagePullSecret is for docker.io here; it would open the private registry, but is not its."""
    _, crictl = start_shim(address=first.address, fallback="deny")

    error = crictl.error_of("pull", "--creds", first.auth, "docker.io/team/app:v1")

    assert first.host in error
    assert first.password not in error


def test_pull_secret_of_a_pod_opens_the_registry_that_the_image_names(
    first: Registry, second: Registry, start_shim: StartShim
) -> None:
    _, crictl = start_shim(address=second.address, auth=second.auth)

    crictl.run("pull", "--creds", first.auth, f"{first.host}/team/app:v1")

    assert first.host in pulled_from(crictl, f"{first.host}/team/app:v1")
