"""What `check` says about containerd's own settings, done to the letter: the pull that failed before then succeeds."""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import images
from certificates import Authority
from peers import PAUSE, Containerd, Crictl, Registry, Shim, shim_binary
from processes import Workplace

StartShim = Callable[..., tuple[Shim, Crictl]]
StartRegistry = Callable[..., Registry]


@pytest.fixture(scope="module")
def beyond_loopback(workplace: Workplace) -> str:
    """An address of this machine that containerd takes for another's."""
    if not shutil.which("ip"):
        pytest.skip("it takes iproute2 to add an address")
    # Of the network for benchmarks (RFC 2544), which nobody routes.
    address = f"198.18.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    remove = ["ip", "address", "delete", f"{address}/32", "dev", "lo"]
    workplace.on_close(lambda: subprocess.run(remove, check=False) and None)
    return address


def check(shim: Shim) -> subprocess.CompletedProcess[str]:
    command = [shim_binary(), "check", "-f", shim.configuration]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


def obey(said: str) -> list[Path]:
    """Writes each file that the text says to write, with the lines indented below it."""
    written = []
    for file, content in re.findall(r"^    write (\S+):\n((?:      .*\n|\n)+)", said, re.M):
        path = Path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(re.sub(r"^      ", "", content, flags=re.M))
        written.append(path)
    return written


def test_plain_http_registry_can_be_pulled_from_once_what_is_said_is_written(
    start_registry: StartRegistry, start_shim: StartShim, beyond_loopback: str
) -> None:
    registry = start_registry("plain", ip=beyond_loopback)
    registry.push(images.says("Hello over plain HTTP."), "team/app:v1")
    shim, crictl = start_shim(address=registry.address, auth=registry.auth, fallback="deny")

    error = crictl.error_of("pull", "team/app:v1")
    assert "http: server gave HTTP response to HTTPS client" in error
    assert "image-cri-shim check" in error

    before = check(shim)
    assert before.returncode == 1, before.stderr
    assert f"✗ registry {registry.address}: containerd asks it over https" in before.stdout
    assert len(obey(before.stdout)) == 1

    crictl.run("pull", "team/app:v1")
    after = check(shim)
    assert after.returncode == 0, after.stdout
    assert "✗" not in after.stdout


def test_registry_with_a_private_authority_can_be_pulled_from_once_what_is_said_is_written(
    start_registry: StartRegistry, start_shim: StartShim, beyond_loopback: str, workplace: Workplace
) -> None:
    authority = Authority(workplace.folder)
    registry = start_registry("private", authority=authority, ip=beyond_loopback)
    registry.push(images.says("Hello over TLS."), "team/app:v1")
    entry = {"address": registry.address, "auth": registry.auth, "tls": {"ca": str(authority.file)}}
    shim, crictl = start_shim(registries=[entry], fallback="deny")

    error = crictl.error_of("pull", "team/app:v1")
    assert "x509: certificate signed by unknown authority" in error
    assert "image-cri-shim check" in error

    before = check(shim)
    assert before.returncode == 1, before.stderr
    assert f"✗ registry {registry.address}: containerd has no authority (ca) for it" in before.stdout
    (hosts_file,) = obey(before.stdout)

    crictl.run("pull", "team/app:v1")
    assert str(authority.file) in hosts_file.read_text()
    assert check(shim).returncode == 0


def test_sandbox_image_that_is_absent_is_named_with_the_registry_that_has_it(
    start_registry: StartRegistry, start_shim: StartShim, containerd: Containerd
) -> None:
    registry = start_registry("pause", username="")
    registry.push(images.pause("sandbox"), "pause:3.6")
    shim, _ = start_shim(address=registry.address, fallback="deny")
    direct = Crictl(containerd.socket)

    assert f"✓ sandbox image {PAUSE}: it is on the node" in check(shim).stdout
    direct.run("rmi", PAUSE)
    said = check(shim).stdout

    containerd.import_image(images.pause("sandbox"), PAUSE)
    assert f"! sandbox image {PAUSE}: not on the node" in said
    assert f'sandbox_image = "{registry.host}/pause:3.6"' in said
