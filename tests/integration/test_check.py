"""What `check` finds out about the runtime and the registries, how it says so, and how it ends (DESIGN 7)."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from fake_runtime import FakeRuntime, fails, image
from faulty_registry import Certificates
from leaks import Secrets
from processes import Workplace
from shim import Shim

PAUSE = "registry.k8s.io/pause:3.6"


@pytest.fixture
def stopped(runtime: FakeRuntime, new_shim) -> Shim:
    return new_shim(runtime.socket)


@pytest.fixture
def become_containerd(runtime: FakeRuntime, workplace: Workplace) -> Callable[..., Path]:
    """The runtime says that it is containerd 1.6; the folder of its hosts.toml files."""

    def become(mirrors: dict[str, Any] | None = None) -> Path:
        folder = workplace.path("certs.d")
        config = {
            "sandboxImage": PAUSE,
            "registry": {"configPath": "" if mirrors else str(folder), "mirrors": mirrors},
        }
        runtime.set_identity("containerd", "1.6.20", config=json.dumps(config))
        runtime.set_images(image(1, PAUSE))
        return folder

    return become


def lines(text: str) -> list[str]:
    """The findings, without their hints, and without that of this machine's kubelet."""
    return [line for line in text.splitlines() if re.match("[✓!✗] (?!kubelet:)", line)]


def test_everything_that_is_well_has_a_line(stopped: Shim, runtime: FakeRuntime, start_registry, become_containerd) -> None:
    registry = start_registry()
    become_containerd()
    stopped.configure(address=registry.address)

    ended = stopped.run("check")

    assert ended.returncode == 0, ended.stdout
    assert lines(ended.stdout) == [
        f"✓ configuration {stopped.configuration}: valid",
        f"✓ runtime {runtime.socket}: containerd 1.6.20",
        f"✓ sandbox image {PAUSE}: it is on the node",
        f"✓ registry {registry.address}: it answers",
    ]


def test_json_is_an_array_alone_on_stdout(stopped: Shim, start_registry, become_containerd) -> None:
    registry = start_registry()
    become_containerd()
    stopped.configure(address=registry.address, regestries=[])

    ended = stopped.run("check", "--json")

    findings = json.loads(ended.stdout)
    assert [finding["mark"] for finding in findings[:4]] == ["ok"] * 4
    assert findings[3] == {"mark": "ok", "subject": f"registry {registry.address}", "what": "it answers"}
    assert [finding["subject"] for finding in findings[4:]] == ["kubelet"]
    assert "regestries" in ended.stderr


def test_json_of_an_invalid_file_names_its_errors(stopped: Shim) -> None:
    stopped.configuration.write_text("timeout: soon\n")

    ended = stopped.run("check", "--json")

    assert ended.returncode == 2
    (finding,) = json.loads(ended.stdout)
    assert finding["mark"] == "failed" and "timeout" in finding["what"]


def test_refused_credentials_fail_the_check_and_are_not_shown(
    stopped: Shim, start_registry, become_containerd, secrets: Secrets
) -> None:
    wrong = secrets.new("wrong")
    registry = start_registry(credentials=f"admin:{secrets.new('right')}")
    become_containerd()
    stopped.configure(address=registry.address, auth=f"admin:{wrong}")

    ended = stopped.run("check")

    assert ended.returncode == 1
    assert f"✗ registry {registry.address}: 401" in ended.stdout
    assert not secrets.found_in(ended.stdout + ended.stderr)


def test_registry_that_is_down_fails_the_check(stopped: Shim, start_registry, become_containerd) -> None:
    down = start_registry()
    down.stop()
    up = start_registry()
    become_containerd()
    stopped.configure(registries=[{"address": down.address}, {"address": up.address}])

    ended = stopped.run("check")

    assert ended.returncode == 1
    assert f"✗ registry {down.address}: " in ended.stdout
    assert f"✓ registry {up.address}: it answers" in ended.stdout


def test_silent_registries_cost_the_time_of_one(stopped: Shim, start_registry, become_containerd) -> None:
    silent = [start_registry(hangs=True) for _ in range(4)]
    become_containerd()
    stopped.configure(
        registries=[{"address": registry.address} for registry in silent], probe={"timeout": "1s"}
    )

    began = time.monotonic()
    ended = stopped.run("check")

    assert ended.returncode == 1
    assert ended.stdout.count("✗ registry") == 4
    assert time.monotonic() - began < 3


def test_runtime_that_is_down_fails_the_check_and_registries_are_asked_all_the_same(
    stopped: Shim, runtime: FakeRuntime, start_registry
) -> None:
    registry = start_registry()
    stopped.configure(address=registry.address)
    runtime.kill()

    ended = stopped.run("check")

    assert ended.returncode == 1
    assert f"✗ runtime {runtime.socket}: " in ended.stdout
    assert f"✓ registry {registry.address}: it answers" in ended.stdout


def test_runtime_of_the_older_version_is_asked_in_it(start_runtime, new_shim) -> None:
    runtime = start_runtime(versions="v1alpha2")
    runtime.set_identity("containerd", "1.4.13", config=json.dumps({"sandboxImage": PAUSE, "registry": {}}))
    runtime.set_images(image(1, PAUSE))
    shim = new_shim(runtime.socket)
    shim.configure()

    ended = shim.run("check")

    assert ended.returncode == 0
    assert f"✓ runtime {runtime.socket}: containerd 1.4.13" in ended.stdout
    assert f"✓ sandbox image {PAUSE}: it is on the node" in ended.stdout


def test_image_only_plugin_is_a_runtime_that_answers(start_runtime, new_shim) -> None:
    runtime = start_runtime(services="ImageService")
    shim = new_shim(runtime.socket)
    shim.configure()

    ended = shim.run("check")

    assert ended.returncode == 0
    assert f"✓ runtime {runtime.socket}: it answers" in ended.stdout


# ── The runtime's own settings ───────────────────────────────────────────────────────────────────────────────────────


def test_plain_http_registry_that_containerd_is_not_told_of_fails_the_check(stopped: Shim, become_containerd) -> None:
    """The host of .test does not exist: nobody answers, and what containerd lacks is said all the same."""
    folder = become_containerd()
    stopped.configure(address="http://sealos.test:5000")

    ended = stopped.run("check")

    assert ended.returncode == 1
    assert (
        f"✗ registry http://sealos.test:5000: containerd asks it over https: {folder} has no hosts.toml for "
        "sealos.test:5000\n"
        f"    write {folder}/sealos.test:5000/hosts.toml:\n"
        '      server = "http://sealos.test:5000"\n'
        "\n"
        '      [host."http://sealos.test:5000"]\n'
        '        capabilities = ["pull", "resolve"]\n'
    ) in ended.stdout


def test_plain_http_registry_that_containerd_is_told_of_is_well(stopped: Shim, become_containerd) -> None:
    folder = become_containerd()
    (folder / "sealos.test:5000").mkdir(parents=True)
    (folder / "sealos.test:5000/hosts.toml").write_text('[host."http://sealos.test:5000"]\n')
    stopped.configure(address="http://sealos.test:5000")

    assert "containerd asks" not in stopped.run("check").stdout


def test_mirror_of_the_old_style_is_enough(stopped: Shim, become_containerd) -> None:
    become_containerd({"sealos.test:5000": {"endpoint": ["http://sealos.test:5000"]}})
    stopped.configure(address="http://sealos.test:5000")

    assert "containerd asks" not in stopped.run("check").stdout


def test_mirrors_keep_containerd_in_the_old_style(stopped: Shim, become_containerd) -> None:
    become_containerd({"docker.io": {"endpoint": ["https://mirror.test"]}})
    stopped.configure(address="http://sealos.test:5000")

    said = stopped.run("check").stdout

    assert '.registry.mirrors."sealos.test:5000"]\n        endpoint = ["http://sealos.test:5000"]\n' in said


def test_authority_that_containerd_does_not_know_fails_the_check(
    stopped: Shim, start_faulty_registry, become_containerd, workplace: Workplace
) -> None:
    certificates = Certificates(workplace.folder, "IP:127.0.0.1")
    registry = start_faulty_registry(certificates=certificates)
    folder = become_containerd()
    (folder / registry.host).mkdir(parents=True)
    (folder / registry.host / "hosts.toml").write_text(f'[host."{registry.address}"]\n')
    stopped.configure(registries=[{"address": registry.address, "tls": {"ca": str(certificates.trusted)}}])

    ended = stopped.run("check")

    assert ended.returncode == 1
    assert f"✗ registry {registry.address}: containerd has no authority (ca) for it" in ended.stdout
    assert f'        ca = "{certificates.trusted}"\n' in ended.stdout


def test_runtime_that_does_not_tell_its_settings_is_a_hint_and_no_failure(
    stopped: Shim, start_faulty_registry, workplace: Workplace
) -> None:
    certificates = Certificates(workplace.folder, "IP:127.0.0.1")
    registry = start_faulty_registry(certificates=certificates)
    stopped.configure(registries=[{"address": registry.address, "tls": {"ca": str(certificates.trusted)}}])

    said = stopped.run("check").stdout

    assert f"! registry {registry.address}: whether the runtime speaks to it in the same way cannot be seen" in said


# ── The sandbox image ────────────────────────────────────────────────────────────────────────────────────────────────


def test_absent_sandbox_image_is_a_warning_that_names_where_it_is_and_where_to_write_that(
    stopped: Shim, runtime: FakeRuntime, start_registry, become_containerd
) -> None:
    registry = start_registry("pause:3.6")
    become_containerd()
    runtime.set_images()
    stopped.configure(address=registry.address, fallback="deny")

    ended = stopped.run("check")

    assert ended.returncode == 0, ended.stdout
    assert f"! sandbox image {PAUSE}: not on the node, and containerd pulls it by itself" in ended.stdout
    host = registry.address.removeprefix("http://")
    assert f'        sandbox_image = "{host}/pause:3.6"\n' in ended.stdout
    assert "ctr -n k8s.io images import" in ended.stdout


def test_absent_sandbox_image_that_no_registry_has_is_to_be_brought(
    stopped: Shim, runtime: FakeRuntime, start_registry, become_containerd
) -> None:
    registry = start_registry()
    become_containerd()
    runtime.set_images()
    stopped.configure(address=registry.address, fallback="deny")

    said = stopped.run("check").stdout

    assert f"! sandbox image {PAUSE}: not on the node" in said
    assert "    bring it onto the node: ctr -n k8s.io images import" in said


def test_unknown_sandbox_image_is_a_warning_where_nothing_may_come_from_outside(
    stopped: Shim, runtime: FakeRuntime
) -> None:
    runtime.set_identity("cri-o", "1.31.0")
    stopped.configure(fallback="deny")

    ended = stopped.run("check")

    assert ended.returncode == 0
    assert "! sandbox image: CRI-O does not tell which one it uses" in ended.stdout


# ── The error that leads here ────────────────────────────────────────────────────────────────────────────────────────

OVER_TLS = 'failed to do request: Head "https://h/v2/": http: server gave HTTP response to HTTPS client'


def test_pull_that_the_runtime_asks_for_otherwise_than_the_shim_names_the_check(
    runtime: FakeRuntime, start_registry, start_shim
) -> None:
    registry = start_registry("library/nginx:1.25")
    runtime.set_pull(registry.name("library/nginx:1.25"), fails(grpc.StatusCode.UNKNOWN, OVER_TLS))
    shim = start_shim(address=registry.address, fallback="deny")

    with pytest.raises(grpc.RpcError) as raised:
        shim.client().pull("nginx:1.25")

    assert OVER_TLS in raised.value.details()
    assert "`image-cri-shim check` on the node says what to write where" in raised.value.details()


def test_pull_that_fails_so_from_the_images_own_registry_does_not(
    runtime: FakeRuntime, start_registry, start_shim
) -> None:
    registry = start_registry()
    runtime.set_pull("nginx:1.25", fails(grpc.StatusCode.UNKNOWN, OVER_TLS))
    shim = start_shim(address=registry.address)

    with pytest.raises(grpc.RpcError) as raised:
        shim.client().pull("nginx:1.25")

    assert OVER_TLS in raised.value.details()
    assert "image-cri-shim check" not in raised.value.details()
