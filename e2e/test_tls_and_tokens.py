"""Registries as companies run them: with a private certificate authority, and with a token server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import images
from certificates import Authority
from peers import Containerd, Crictl, Registry, Shim
from processes import Workplace
from token_server import TokenServer

StartShim = Callable[..., tuple[Shim, Crictl]]
StartRegistry = Callable[..., Registry]
APP = "docker.io/team/app:v1"


@pytest.fixture(scope="module")
def authority(workplace: Workplace) -> Authority:
    return Authority(workplace.folder)


@pytest.fixture(scope="module")
def secure(start_registry: StartRegistry, authority: Authority, containerd: Containerd) -> Registry:
    """Whose authority containerd has been told of."""
    registry = start_registry("secure", authority=authority)
    registry.push(images.says("Hello over TLS."), "team/app:v1")
    containerd.trust(registry.host, authority.file)
    return registry


@pytest.fixture(scope="module")
def token_server(workplace: Workplace) -> Iterator[TokenServer]:
    server = TokenServer(workplace.folder)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def with_tokens(start_registry: StartRegistry, token_server: TokenServer) -> Registry:
    registry = start_registry("with-tokens", token_server=token_server)
    registry.push(images.says("Hello with a token."), "team/app:v1")
    return registry


def test_registry_with_a_private_authority_serves(
    secure: Registry, authority: Authority, start_shim: StartShim
) -> None:
    _, crictl = start_shim(
        address=secure.address,
        auth=secure.auth,
        offline={"tls": {"ca": str(authority.file)}},
        fallback="deny",
    )

    crictl.run("pull", "team/app:v1")

    assert APP in crictl.image_names()


def test_unknown_authority_error_says_what_to_set(
    start_registry: StartRegistry, authority: Authority, start_shim: StartShim
) -> None:
    """Of a registry whose authority neither the shim nor containerd has been told of."""
    strange = start_registry("strange", authority=authority)
    _, crictl = start_shim(address=strange.address, auth=strange.auth, fallback="deny")

    error = crictl.error_of("pull", "team/app:v1")

    assert strange.host in error
    assert "its certificate is signed by an unknown authority: set tls.ca" in error


def test_registry_with_a_token_server_serves(
    with_tokens: Registry, token_server: TokenServer, start_shim: StartShim
) -> None:
    _, crictl = start_shim(address=with_tokens.address, auth=token_server.auth, fallback="deny")

    crictl.run("pull", "team/app:v1")

    assert APP in crictl.image_names()
    assert set(token_server.scopes) == {"repository:team/app:pull"}


def test_wrong_password_at_a_token_server_names_the_registry(
    with_tokens: Registry, token_server: TokenServer, start_shim: StartShim
) -> None:
    shim, crictl = start_shim(
        address=with_tokens.address, auth=f"{token_server.username}:not-the-password", fallback="deny"
    )

    error = crictl.error_of("pull", "team/app:v1")

    assert with_tokens.host in error and "401" in error
    assert "not-the-password" not in error + shim.process.stderr
