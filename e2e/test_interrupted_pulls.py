"""A registry that dies while containerd pulls from it, and comes back."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable

import pytest

import images
from peers import Containerd, Crictl, Registry, Shim
from processes import eventually
from slow_link import SlowLink

StartShim = Callable[..., tuple[Shim, Crictl]]
# Each is pulled by one test: containerd keeps blobs for a while.
INTERRUPTED, NEXT, CANCELLED = "team/interrupted:v1", "team/next:v1", "team/cancelled:v1"


@pytest.fixture(scope="module")
def registries(start_registry: Callable[..., Registry]) -> tuple[Registry, Registry]:
    first, second = start_registry("first"), start_registry("second")
    for name in [INTERRUPTED, NEXT, CANCELLED]:
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
    pull = threading.Thread(target=lambda: ended.append(crictl.start("pull", INTERRUPTED)))
    pull.start()
    assert link.is_in_blob.wait(20), "containerd pulls from the first registry"

    link.cut()
    pull.join()

    assert ended[0].returncode == 0, ended[0].stderr
    assert pulled_from(crictl, INTERRUPTED) == {registries[1].host}
    shim.wait_for_log(f"registry {link.address} is left out")

    link.mend()
    shim.wait_for_log(f"registry {link.address} answers again")
    crictl.run("pull", NEXT)
    assert pulled_from(crictl, NEXT) == {link.host}


def test_cancel_of_a_pull_reaches_containerd(
    peers: tuple[Shim, Crictl], link: SlowLink, containerd: Containerd
) -> None:
    _, crictl = peers
    link.is_slow = True
    command = [str(crictl.program), "pull", CANCELLED]
    pull = subprocess.Popen(command, env=crictl.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert link.is_in_blob.wait(20), "containerd pulls from the first registry"

    pull.terminate()
    pull.wait()

    def failed_pulls() -> list[str]:
        lines = containerd.process.stderr.splitlines()
        return [line for line in lines if f"/{CANCELLED}" in line and "failed" in line]

    (failed,) = eventually(failed_pulls, "containerd gives the pull up")
    assert link.host in failed and "code = Canceled" in failed
