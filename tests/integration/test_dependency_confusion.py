"""A public registry among the entries is asked for its own images only (DESIGN 3): nobody takes the place of a private
image by pushing one of its name to the public registry.

docker.io is a registry of the test's own: in the shim's mount namespace its names lead to loopback.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from cri import Client, error_of
from fake_runtime import FakeRuntime, image_id, succeeds
from faulty_registry import Certificates, Fault, FaultyRegistry
from name_server import NameServer
from processes import Workplace
from shim import Shim

HUB_NAMES = ["docker.io", "index.docker.io", "registry-1.docker.io", "auth.docker.io"]
PRIVATE = ["ghcr.io/org/app:v1", "sealos.hub:5000/org/app:v1", "ghcr.io/library/nginx:1.25", "harbor.test/nginx:1.25"]


def own_address(number: int) -> str:
    """An address of loopback where every port is this process's to take."""
    return f"127.{number}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"


class Internet:
    """docker.io, sealos.hub, and whoever resolves their names."""

    def __init__(self, hub: FaultyRegistry, sealos: FaultyRegistry, names: NameServer) -> None:
        self.hub = hub
        self.sealos = sealos
        self.names = names

    def hub_was_touched(self) -> bool:
        looked_up = [name for name in self.names.asked if name.endswith("docker.io")]
        return bool(self.hub.connections or self.hub.asked or looked_up)


@pytest.fixture
def internet(start_name_server, start_faulty_registry, workplace: Workplace) -> Internet:
    hub_address, sealos_address = own_address(61), own_address(62)
    names = start_name_server({**dict.fromkeys(HUB_NAMES, hub_address), "sealos.hub": sealos_address})
    certificates = Certificates(workplace.folder, *(f"DNS:{name}" for name in HUB_NAMES))
    hub = start_faulty_registry(certificates=certificates, name="registry-1.docker.io", listen=(hub_address, 443))
    sealos = start_faulty_registry(name="sealos.hub", listen=(sealos_address, 5000))
    return Internet(hub, sealos, names)


@pytest.fixture
def start_client(
    internet: Internet, new_shim: Callable[..., Shim], runtime: FakeRuntime, workplace: Workplace
) -> Callable[..., Client]:
    """start_client(**of_docker): with the offline registry sealos.hub, and docker.io preferred to it."""

    def start(**of_docker: object) -> Client:
        shim = new_shim(runtime.socket, wrapper=internet.names.private_resolution(workplace))
        docker = {"address": "docker.io", "priority": 2000, "tls": {"ca": str(workplace.path("authority.pem"))}}
        shim.configure(address=internet.sealos.address, registries=[{**docker, **of_docker}])
        shim.start(environment={"NO_PROXY": "*"})
        return shim.client()

    return start


def test_image_of_docker_io_is_asked_for_there(internet: Internet, start_client, runtime: FakeRuntime) -> None:
    """So that the tests below can fail."""
    runtime.set_pull("nginx:1.25", succeeds(1))

    assert start_client().pull("nginx:1.25") == image_id(1)

    assert [asked.path for asked in internet.hub.manifests_asked()][0] == "/v2/library/nginx/manifests/1.25"


def test_any_image_is_asked_for_there_where_match_says_so(
    internet: Internet, start_client, runtime: FakeRuntime
) -> None:
    """Nor is it the name server that keeps them away."""
    runtime.set_pull("docker.io/org/app:v1", succeeds(1))

    assert start_client(match=["*"]).pull("ghcr.io/org/app:v1") == image_id(1)

    assert internet.hub.manifests_asked()


@pytest.mark.parametrize("image", PRIVATE)
def test_private_image_is_never_asked_for_at_docker_io(
    internet: Internet, start_client, runtime: FakeRuntime, image: str
) -> None:
    client = start_client()
    name = "sealos.hub:5000/" + image.partition("/")[2]
    runtime.set_pull(name, succeeds(1))

    assert client.pull(image) == image_id(1)
    client.image_status(image)
    client.remove_image(image)

    assert runtime.pulled_names() == [name]
    assert not internet.hub_was_touched()


@pytest.mark.parametrize("fault", [Fault.NOT_FOUND, Fault.REFUSED, Fault.UNAUTHORIZED, Fault.BROKEN])
@pytest.mark.parametrize("image", PRIVATE)
def test_private_image_that_fails_everywhere_is_never_asked_for_at_docker_io(
    internet: Internet, start_client, runtime: FakeRuntime, image: str, fault: Fault
) -> None:
    internet.sealos.fault = fault
    client = start_client()

    for _ in range(2):
        error_of(client.start_pull(image))

    assert not [name for name in runtime.pulled_names() if name.startswith("docker.io/")]
    assert not internet.hub_was_touched()
