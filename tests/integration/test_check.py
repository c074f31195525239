"""What `check` finds out about the runtime and the registries, how it says so, and how it ends (DESIGN 7)."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest

from fake_api_server import FakeApiServer
from fake_api_server import Fault as ApiFault
from fake_kubelet import IMAGE_FS_INFO, FakeKubelet
from fake_runtime import FakeRuntime, fails, image
from faulty_registry import Certificates, Fault
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


# ── What a registry shows ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def trusted_registry(start_faulty_registry, workplace: Workplace):
    """It speaks TLS by a certificate of two days, of an authority that is configured."""
    certificates = Certificates(workplace.folder, "IP:127.0.0.1")
    registry = start_faulty_registry(certificates=certificates)
    entry = {"address": registry.address, "tls": {"ca": str(certificates.trusted)}}
    return registry, entry


@pytest.mark.parametrize(
    ("fault", "what", "hint"),
    [
        (Fault.TLS_WRONG_HOST, 'its certificate is not valid for the name "127.0.0.1"', "for elsewhere.test, signed by"),
        (Fault.TLS_EXPIRED, "its certificate has expired", "valid from 20"),
        (Fault.TLS_UNKNOWN_CA, "its certificate is not signed by an authority in tls.ca", "signed by CN = unknown-authority"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_refused_certificate_fails_the_check_and_is_described(
    stopped: Shim, trusted_registry, fault: Fault, what: str, hint: str
) -> None:
    registry, entry = trusted_registry
    registry.fault = fault
    stopped.configure(registries=[entry])

    ended = stopped.run("check")

    assert ended.returncode == 1
    assert f"✗ registry {registry.address}: {what}" in ended.stdout
    assert "    its certificate: CN = " in ended.stdout and hint in ended.stdout


def test_credentials_do_not_go_to_a_certificate_that_is_only_looked_at(
    stopped: Shim, trusted_registry, secrets: Secrets
) -> None:
    registry, entry = trusted_registry
    registry.fault = Fault.TLS_WRONG_HOST
    stopped.configure(registries=[{**entry, "auth": f"admin:{secrets.new('password')}"}])

    stopped.run("check")

    assert registry.asked
    assert not any("authorization" in asked.headers for asked in registry.asked)


def test_certificate_that_ends_soon_is_a_warning(stopped: Shim, trusted_registry) -> None:
    registry, entry = trusted_registry
    stopped.configure(registries=[entry])

    said = stopped.run("check").stdout

    assert f"✓ registry {registry.address}: it answers; its certificate, signed by CN = authority, is valid until 20" in said
    assert f"! registry {registry.address}: its certificate expires on 20" in said


@pytest.fixture
def start_answering(workplace: Workplace) -> Callable[..., str]:
    """start_answering(status, headers): the address of a server that answers everything so."""

    def start(status: int, headers: dict[str, str]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response_only(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        workplace.on_close(server.server_close)
        workplace.on_close(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}"

    return start


def test_clock_that_is_wrong_is_a_warning(stopped: Shim, start_answering) -> None:
    address = start_answering(200, {"Date": formatdate(time.time() + 7200, usegmt=True)})
    stopped.configure(address=address)

    ended = stopped.run("check")

    assert re.search(rf"! registry {address}: its clock is (2h|1h59m)\S* ahead of that of this node", ended.stdout)
    assert "timedatectl" in ended.stdout


def test_redirect_is_a_warning(stopped: Shim, start_registry, start_answering) -> None:
    registry = start_registry()
    address = start_answering(301, {"Location": f"{registry.address}/v2/"})
    stopped.configure(address=address)

    assert f"! registry {address}: it redirects to {registry.address}/v2/" in stopped.run("check").stdout


# ── The runtime's socket and version ─────────────────────────────────────────────────────────────────────────────────


def test_missing_socket_says_so(new_shim, workplace: Workplace) -> None:
    shim = new_shim(workplace.path("missing.sock"))
    shim.configure()

    ended = shim.run("check")

    assert ended.returncode == 1
    assert "    there is no such socket: start the runtime" in ended.stdout


def test_socket_of_a_runtime_that_has_ended_says_so(stopped: Shim, runtime: FakeRuntime) -> None:
    stopped.configure()
    runtime.kill()

    assert "    nobody listens there: the runtime has ended" in stopped.run("check").stdout


def test_version_that_the_runtime_does_not_speak_is_a_warning(start_runtime, new_shim) -> None:
    runtime = start_runtime(versions="v1")
    shim = new_shim(runtime.socket)
    shim.configure(version="v1alpha2")

    ended = shim.run("check")

    assert ended.returncode == 0, ended.stdout
    assert f"! runtime {runtime.socket}: it speaks CRI v1 and not v1alpha2" in ended.stdout


def test_version_that_the_runtime_speaks_beside_another_is_well(stopped: Shim) -> None:
    stopped.configure(version="v1alpha2")

    assert "speaks CRI" not in stopped.run("check").stdout


# ── The ConfigMap ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def wanting(stopped: Shim, api: FakeApiServer, workplace: Workplace) -> Shim:
    """A shim whose file wants the ConfigMap of `api`."""
    kubeconfig = api.write_kubeconfig(workplace.path("kubeconfig"))
    stopped.configure(configMap={"enabled": True, "kubeconfig": str(kubeconfig)})
    return stopped


def test_config_map_that_can_be_read_is_well(wanting: Shim, api: FakeApiServer) -> None:
    api.put("offlinePriority: 1000\n")

    assert "✓ ConfigMap kube-system/image-cri-shim: it can be read" in wanting.run("check").stdout


def test_config_map_that_is_missing_is_a_warning(wanting: Shim) -> None:
    ended = wanting.run("check")

    assert ended.returncode == 0
    assert "! ConfigMap kube-system/image-cri-shim: there is none" in ended.stdout


def test_config_map_that_is_forbidden_fails_the_check_with_the_rule_to_add(wanting: Shim, api: FakeApiServer) -> None:
    api.allowed = set()

    ended = wanting.run("check")

    assert ended.returncode == 1
    assert "✗ ConfigMap kube-system/image-cri-shim: " in ended.stdout
    assert "resourceNames: [image-cri-shim], verbs: [get, watch]" in ended.stdout


def test_config_map_that_is_not_valid_fails_the_check(wanting: Shim, api: FakeApiServer) -> None:
    api.put("timeout: soon\n")

    ended = wanting.run("check")

    assert ended.returncode == 1
    assert "✗ ConfigMap kube-system/image-cri-shim: " in ended.stdout
    assert "timeout" in ended.stdout


def test_api_server_that_is_away_fails_the_check(wanting: Shim, api: FakeApiServer) -> None:
    api.stop()

    ended = wanting.run("check")

    assert ended.returncode == 1
    assert "✗ ConfigMap kube-system/image-cri-shim: " in ended.stdout


# ── The kubelet ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def kubelet(workplace: Workplace) -> FakeKubelet:
    return FakeKubelet(workplace)


def check_on(kubelet: FakeKubelet, shim: Shim) -> str:
    return shim.run("check", "--root", str(kubelet.root)).stdout


def test_kubelet_that_goes_past_the_shim_is_a_warning(stopped: Shim, kubelet: FakeKubelet) -> None:
    stopped.configure()

    said = check_on(kubelet, stopped)

    assert "! kubelet: its images come from unix:///run/containerd/containerd.sock" in said
    assert "    once the shim runs: image-cri-shim kubelet enable" in said


def test_kubelet_that_points_at_a_shim_that_does_not_run_fails_the_check(stopped: Shim, kubelet: FakeKubelet) -> None:
    stopped.configure()
    kubelet.configuration(f"imageServiceEndpoint: unix://{stopped.socket}\n")

    said = check_on(kubelet, stopped)

    assert "✗ kubelet: it points at the shim" in said
    assert "image-cri-shim kubelet disable" in said


def test_kubelet_that_is_served_is_well(start_shim, runtime: FakeRuntime, kubelet: FakeKubelet) -> None:
    runtime.set_behaviour(IMAGE_FS_INFO, kind="echo")
    shim = start_shim()
    kubelet.configuration(f"imageServiceEndpoint: unix://{shim.socket}\n")
    kubelet.restart()

    assert "✓ kubelet: its images come through the shim" in check_on(kubelet, shim)


def test_all_that_hangs_costs_the_time_of_one(
    start_registry, stopped: Shim, start_api, workplace: Workplace
) -> None:
    api = start_api()
    api.faults = dict.fromkeys(api.faults, ApiFault.HUNG)
    kubeconfig = api.write_kubeconfig(workplace.path("kubeconfig"))
    silent = start_registry(hangs=True)
    stopped.configure(
        registries=[{"address": silent.address}],
        probe={"timeout": "1s"},
        configMap={"enabled": True, "kubeconfig": str(kubeconfig)},
    )

    began = time.monotonic()
    ended = stopped.run("check")

    assert ended.returncode == 1
    assert "the API server did not answer in time" in ended.stdout
    assert time.monotonic() - began < 8


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
