"""The shim on a real cluster: what `kubectl` does to the ConfigMap, and when the node knows (DESIGN 6)."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cluster import ACCOUNT, KEY, NAME, NAMESPACE, PATH, Cluster, config_map, requests_of, wait_for_request
from config_map import APP, Source, messages, registries, reloaded_line, synced_lines, wait_for_lines
from fake_runtime import FakeRuntime
from peers import ROOT
from processes import Workplace, eventually
from relay import Relay
from shim import Shim

DEPLOY = ROOT / "deploy"
UPDATES = 20
RELOADED = "reloaded shim auth configuration from"
SYNCED = "synced image-cri-shim config from ConfigMap into"
REST_SECONDS = 30
OF_THE_NODE = """\
# Of this node.
offlinePriority: 700   # less than the cluster's
x-owner: "team a"
"""


@pytest.fixture
def account(cluster: Cluster, workplace: Workplace) -> Path:
    """The kubeconfig of deploy/rbac.yaml's account."""
    cluster.kubectl.run("apply", "-f", DEPLOY / "rbac.yaml")
    eventually(lambda: cluster.kubectl.can("watch", f"configmaps/{NAME}", "-n", NAMESPACE, f"--as={ACCOUNT}"), "rights")
    return cluster.token_kubeconfig(workplace.folder, workplace.secrets.add(cluster.account_token()))


@pytest.fixture
def relay(cluster: Cluster, workplace: Workplace) -> Relay:
    return Relay(workplace, cluster.api.port)


def seen(cluster: Cluster, verb: str) -> int:
    return len(requests_of(cluster.api.audited(ACCOUNT), verb))


@pytest.fixture
def follow(cluster: Cluster, start_shim: Callable[..., Shim]) -> Callable[..., Shim]:
    """follow(kubeconfig, text): as start_shim, once its watch is open."""

    def start(*arguments: object, **settings: object) -> Shim:
        before = seen(cluster, "watch")
        shim = start_shim(*arguments, **settings)
        wait_for_request(cluster.api, ACCOUNT, "watch", before + 1)
        return shim

    return start


# What operators do.


def test_create_update_patch_delete_recreate(
    cluster: Cluster, account: Path, follow, runtime: FakeRuntime, start_registry
) -> None:
    created, updated, patched, recreated = (start_registry() for _ in range(4))
    shim = follow(account)
    source = Source(shim, runtime)
    source.holds(created, updated, patched, recreated)

    cluster.apply_config_map(registries(created))
    source.wait_until(created)
    cluster.apply_config_map(registries(updated))
    source.wait_until(updated)
    patch = json.dumps({"data": {KEY: registries(patched)}})
    cluster.kubectl.run("patch", "configmap", NAME, "--namespace", NAMESPACE, "--type=merge", "--patch", patch)
    source.wait_until(patched)
    cluster.delete_config_map()
    eventually(lambda: any("deleted" in line and NAME in line for line in messages(shim)), "the end of it is said")
    assert source.now() == patched.name(APP)
    cluster.apply_config_map(registries(recreated))
    source.wait_until(recreated)


def test_documented_log_lines_appear_in_their_order(cluster: Cluster, account: Path, follow) -> None:
    shim = follow(account)

    cluster.kubectl.run("apply", "-f", DEPLOY / "config-map.yaml")

    wait_for_lines(
        shim,
        "configmap kube-system/image-cri-shim not found; skip syncing",
        "configmap: synced offlinePriority=1000",
        "configmap: syncing registry docker.io with priority=600",
        "configmap: syncing registry registry.example.com with priority=800",
        "configmap: syncing registry fast-registry.io with priority=1200",
        "configmap: merged 3 registries into config",
        *synced_lines(shim.configuration),
    )
    wait_for_lines(shim, "configmap: merged 3 registries into config", reloaded_line(shim.configuration))


def test_sample_is_synced_into_the_file_and_the_rest_of_it_stays(cluster: Cluster, account: Path, follow) -> None:
    shim = follow(account, OF_THE_NODE)
    before = shim.configuration.read_text()
    sample = yaml.safe_load((DEPLOY / "config-map.yaml").read_text())["data"][KEY]

    cluster.kubectl.run("apply", "-f", DEPLOY / "config-map.yaml")

    wait_for_lines(shim, *synced_lines(shim.configuration))
    after = shim.configuration.read_text()
    wanted = yaml.safe_load(sample)
    merged = yaml.safe_load(after)
    assert [merged[key] for key in ("offlinePriority", "registries", "debug")] == [
        wanted[key] for key in ("offlinePriority", "registries", "debug")
    ]
    for key in ("reloadInterval", "timeout", "cache"):  # not written where they are the defaults
        assert merged.get(key, wanted[key]) == wanted[key]
    assert merged["address"] == wanted["sealos"]["address"]
    replaced = ("offlinePriority:", "debug:")
    kept = [line for line in before.splitlines() if not line.startswith(replaced)]
    assert [line for line in kept if line not in after.splitlines()] == []


def test_sample_with_variables_takes_them_from_the_node(
    cluster: Cluster, account: Path, workplace: Workplace, runtime: FakeRuntime, start_shim
) -> None:
    password = workplace.secrets.new("password")
    environment = {"SEALOS_USERNAME": "admin", "SEALOS_PASSWORD": password, "DOCKER_USERNAME": "u", "DOCKER_PASSWORD": password}
    cluster.kubectl.run("apply", "-f", DEPLOY / "config-map-with-variables.yaml")

    shim = start_shim(account, environment=environment)

    wait_for_lines(shim, *synced_lines(shim.configuration))
    assert "${SEALOS_PASSWORD}" in shim.configuration.read_text()


# How soon.


class Follower:
    """A plain watch of the ConfigMap, and when each of its changes arrived."""

    def __init__(self, cluster: Cluster, resource_version: str) -> None:
        self.arrivals: list[float] = []
        self._answer = cluster.api.client().watch(PATH, resource_version)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while len(self.arrivals) < UPDATES:
            if json.loads(self._answer.readline())["type"] == "MODIFIED":
                self.arrivals.append(time.monotonic())


def test_update_takes_effect_at_once(
    cluster: Cluster, account: Path, follow, runtime: FakeRuntime, start_registry, measured: list[str]
) -> None:
    """A slow machine fails nothing here; an update without an effect does."""
    first, second = start_registry(), start_registry()
    cluster.apply_config_map(registries(first))
    shim = follow(account)
    source = Source(shim, runtime)
    source.holds(first, second)
    source.wait_until(first)
    wait_for_lines(shim, *synced_lines(shim.configuration))  # a change during a write waits for its end
    api = cluster.api.client()
    version = json.loads(api.request("GET", PATH)[1])["metadata"]["resourceVersion"]
    plain = Follower(cluster, version)
    effects, files, answers, watches = [], [], [], []

    for number in range(UPDATES):
        registry = (second, first)[number % 2]
        reloads, syncs = _count(shim, RELOADED), _count(shim, SYNCED)
        began = time.monotonic()
        code, _ = api.request("PUT", PATH, config_map(registries(registry)))
        answered = time.monotonic()
        assert code == 200
        eventually(lambda: _count(shim, RELOADED) > reloads, f"update {number} is applied", pause=0.0005)
        effects.append(time.monotonic() - answered)
        eventually(lambda: _count(shim, SYNCED) > syncs, f"update {number} is written", pause=0.0005)
        files.append(time.monotonic() - answered)
        assert source.now() == registry.name(APP)
        eventually(lambda: len(plain.arrivals) > number, "the plain watch has it as well")
        answers.append(answered - began)
        watches.append(plain.arrivals[number] - answered)

    measured.append(
        f"a change of the ConfigMap, median of {UPDATES}: the API server's answer after {_ms(answers)}, and from there "
        f"on a plain watch has it after {_ms(watches)}, the shim runs on it after {_ms(effects)} (worst "
        f"{max(effects) * 1000:.1f} ms) and its file is written after {_ms(files)}"
    )


def _count(shim: Shim, words: str) -> int:
    return shim.log.count(words)


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.1f} ms"


def test_nothing_but_the_watch_is_asked_at_rest(
    cluster: Cluster, account: Path, follow, measured: list[str]
) -> None:
    cluster.apply_config_map("debug: true\nreloadInterval: 1s\n")
    shim = follow(account, reloadInterval="1s")
    before = cluster.api.audited(ACCOUNT)

    # An observation of how much happens in a time has no other end than that time.
    ends = time.monotonic() + REST_SECONDS
    eventually(lambda: time.monotonic() >= ends, "time goes by", REST_SECONDS + 5)

    asked = cluster.api.audited(ACCOUNT)[len(before) :]
    measured.append(f"requests in {REST_SECONDS} s at rest, by the audit log: {len(asked)}, beside one open watch")
    assert asked == []
    cluster.apply_config_map("debug: true\nreloadInterval: 2s\n")  # and the watch is a live one
    wait_for_lines(shim, *synced_lines(shim.configuration))


# Disturbances.


def test_api_server_that_is_stopped_and_started_is_followed_again(
    cluster: Cluster, account: Path, follow, runtime: FakeRuntime, start_registry
) -> None:
    before, after = start_registry(), start_registry()
    cluster.apply_config_map(registries(before))
    source = Source(follow(account), runtime)
    source.holds(before, after)
    source.wait_until(before)

    cluster.api.stop()
    assert source.now() == before.name(APP)
    cluster.api.start()
    cluster.apply_config_map(registries(after))

    source.wait_until(after, seconds=60)


def test_change_that_was_compacted_while_the_node_was_cut_off_takes_effect(
    cluster: Cluster, account: Path, relay: Relay, workplace: Workplace, follow, runtime: FakeRuntime, start_registry
) -> None:
    before, after = start_registry(), start_registry()
    cluster.apply_config_map(registries(before))
    kubeconfig = cluster.token_kubeconfig(workplace.folder, workplace.path("token").read_text(), relay.url)
    source = Source(follow(kubeconfig), runtime)
    source.holds(before, after)
    source.wait_until(before)
    gets = seen(cluster, "get")

    relay.cut()
    cluster.apply_config_map(registries(after))
    cluster.forget_the_past()
    relay.mend()

    source.wait_until(after, seconds=60)
    assert seen(cluster, "get") > gets  # the watch alone could not tell


def test_start_while_the_api_server_is_away_delays_nothing(
    cluster: Cluster, account: Path, relay: Relay, workplace: Workplace, start_shim, runtime: FakeRuntime, start_registry
) -> None:
    local, ours = start_registry(), start_registry()
    cluster.apply_config_map(registries(ours, offlinePriority=100))
    kubeconfig = cluster.token_kubeconfig(workplace.folder, workplace.path("token").read_text(), relay.url)
    relay.cut()

    shim = start_shim(kubeconfig, f"address: {local.address}\n")
    source = Source(shim, runtime)
    source.holds(local, ours)
    assert source.now() == local.name(APP)
    relay.mend()

    source.wait_until(ours, seconds=40)
