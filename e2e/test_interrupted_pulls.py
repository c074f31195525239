"""A registry that dies while containerd pulls from it, and comes back."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable

import pytest

import images
from peers import Crictl, Registry, Shim
from processes import eventually
from slow_link import SlowLink

StartShim = Callable[..., tuple[Shim, Crictl]]
PULLED = "team/app:v1"


@pytest.fixture(scope="module")
def registries(start_registry: Callable[..., Registry]) -> tuple[Registry, Registry]:
    first, second = start_registry("first"), start_registry("second")
    for name in [PULLED, "team/other:v1"]:
        # Blobs that containerd has in no other image.
        image = images.says(f"Hello from {name}.", files={"ballast": os.urandom(512 * 1024)})
        for registry in [first, second]:
            registry.push(image, name)
    return first, second


@pytest.fixture
def link(registries: tuple[Registry, Registry]) -> SlowLink:
    return SlowLink(registries[0].port)


@pytest.fixture
def peers(
    registries: tuple[Registry, Registry], link: SlowLink, start_shim: StartShim
) -> tuple[Shim, Crictl]:
    """The first registry is preferred, and reached over the link."""
    first, second = registries
    return start_shim(
        registries=[
            {"address": link.address, "auth": first.auth, "priority": 900},
            {"address": second.address, "auth": second.auth, "priority": 800},
        ],
        probe={"timeout": "1s", "failureThreshold": 1, "recoveryInterval": "200ms"},
        fallback="deny",
    )


def pulled_from(crictl: Crictl, image: str) -> set[str]:
    """The hosts of the digests that the runtime knows the image by, without the public one."""
    names = crictl.json("inspecti", image)["status"]["repoDigests"]
    return {name.partition("/")[0] for name in names if name.startswith("127.0.0.1:")}


def test_pull_goes_on_at_the_second_and_comes_back_to_the_first(
    peers: tuple[Shim, Crictl], link: SlowLink, registries: tuple[Registry, Registry]
) -> None:
    shim, crictl = peers
    link.is_slow = True
    ended: list[subprocess.CompletedProcess[str]] = []
    pull = threading.Thread(target=lambda: ended.append(crictl.start("pull", PULLED)))
    pull.start()
    assert link.is_in_blob.wait(20), "containerd pulls from the first registry"

    link.cut()
    pull.join()

    assert ended[0].returncode == 0, ended[0].stderr
    assert pulled_from(crictl, PULLED) == {registries[1].host}
    shim.wait_for_log(f"registry {link.address} is left out")

    link.mend()
    shim.wait_for_log(f"registry {link.address} answers again")
    crictl.run("pull", "team/other:v1")
    assert pulled_from(crictl, "team/other:v1") == {link.host}


def test_cancel_of_a_pull_reaches_containerd(
    peers: tuple[Shim, Crictl], link: SlowLink, registries: tuple[Registry, Registry]
) -> None:
    shim, crictl = peers
    link.is_slow = True
    command = [str(crictl.program), "pull", PULLED]
    pull = subprocess.Popen(command, env=crictl.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert link.is_in_blob.wait(20), "containerd pulls from the first registry"
    connections = link.connections()

    pull.terminate()
    pull.wait()

    eventually(lambda: link.connections() < connections, "containerd gives the transfer up")
    assert "failed" not in shim.process.stderr
