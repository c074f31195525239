"""As whom a real API server lets the shim read the ConfigMap, and what is said where it does not (DESIGN 6)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cluster import ACCOUNT, NAME, NAMESPACE, Cluster, requests_of
from config_map import APP, Source, registries
from fake_runtime import FakeRuntime
from peers import ROOT
from processes import Workplace, eventually
from shim import Shim

DEPLOY = ROOT / "deploy"
WITHIN = 60.0  # the longest pause is 30 s


@pytest.fixture
def account(cluster: Cluster, workplace: Workplace) -> Path:
    """The kubeconfig of an account that has no rights yet."""
    cluster.kubectl.run("create", "serviceaccount", NAME, "--namespace", NAMESPACE)
    cluster.kubectl.run("label", "serviceaccount", NAME, "--namespace", NAMESPACE, f"app.kubernetes.io/name={NAME}")
    return cluster.token_kubeconfig(workplace.folder, workplace.secrets.add(cluster.account_token()))


def test_missing_rule_is_named_and_its_arrival_is_noticed(
    cluster: Cluster, account: Path, start_shim, runtime: FakeRuntime, start_registry
) -> None:
    registry = start_registry()
    cluster.apply_config_map(registries(registry))
    shim = start_shim(account)
    source = Source(shim, runtime)
    source.holds(registry)
    eventually(lambda: shim.said("configmaps", NAME, NAMESPACE, "get", "watch"), "the missing rule is named")
    assert source.is_original()

    cluster.kubectl.run("apply", "-f", DEPLOY / "rbac.yaml")

    source.wait_until(registry, WITHIN)
    assert len(shim.said("configmaps", NAME, NAMESPACE, "get", "watch")) == 1


def test_with_get_only_it_is_read_every_interval(
    cluster: Cluster, account: Path, start_shim, runtime: FakeRuntime, start_registry
) -> None:
    before, after = start_registry(), start_registry()
    cluster.kubectl.run("apply", "-f", DEPLOY / "rbac-get-only.yaml")
    eventually(lambda: cluster.kubectl.can("get", f"configmaps/{NAME}", "-n", NAMESPACE, f"--as={ACCOUNT}"), "rights")
    cluster.apply_config_map(registries(before))
    earlier = len(cluster.api.audited(ACCOUNT))
    shim = start_shim(account, reloadInterval="1s")
    source = Source(shim, runtime)
    source.holds(before, after)
    source.wait_until(before)

    cluster.apply_config_map(registries(after))

    source.wait_until(after)
    assert shim.said("watch", "configmaps", NAME)
    asked = cluster.api.audited(ACCOUNT)[earlier:]
    assert {each.code for each in requests_of(asked, "watch")} == {403}
    assert {each.code for each in requests_of(asked, "get")} == {200}


def test_kubelets_credentials_count_once_a_pod_on_the_node_references_the_config_map(
    cluster: Cluster, workplace: Workplace, start_shim, runtime: FakeRuntime, start_registry
) -> None:
    registry = start_registry()
    cluster.apply_config_map(registries(registry))
    cluster.kubectl.run("apply", "-f", DEPLOY / "nodes-by-pod.yaml")
    node = cluster.add_node()
    shim = start_shim(cluster.node_kubeconfig(workplace.folder, node))
    source = Source(shim, runtime)
    source.holds(registry)
    eventually(lambda: shim.said("configmaps", NAME, NAMESPACE), "the refusal is said")
    assert source.is_original()

    cluster.run_pod_of("image-cri-shim-access", node)

    source.wait_until(registry, WITHIN)
    assert requests_of(cluster.api.audited(f"system:node:{node}"), "watch")


def test_kubelets_credentials_count_by_their_group(
    cluster: Cluster, workplace: Workplace, start_shim, runtime: FakeRuntime, start_registry
) -> None:
    registry = start_registry()
    cluster.kubectl.run("apply", "-f", DEPLOY / "nodes-by-group.yaml")
    node = cluster.add_node()
    source = Source(start_shim(cluster.node_kubeconfig(workplace.folder, node)), runtime)
    source.holds(registry)

    cluster.apply_config_map(registries(registry))

    source.wait_until(registry, WITHIN)


def test_config_map_that_is_not_there_yet_is_followed_with_the_kubelets_credentials(
    cluster: Cluster, workplace: Workplace, start_shim, runtime: FakeRuntime, start_registry
) -> None:
    registry = start_registry()
    cluster.kubectl.run("apply", "-f", DEPLOY / "nodes-by-pod.yaml")
    node = cluster.add_node()
    cluster.run_pod_of("image-cri-shim-access", node)
    shim = start_shim(cluster.node_kubeconfig(workplace.folder, node))
    source = Source(shim, runtime)
    source.holds(registry)
    shim.wait_for_log("configmap kube-system/image-cri-shim not found; skip syncing")

    cluster.apply_config_map(registries(registry))

    source.wait_until(registry, WITHIN)


def test_kubeconfig_of_the_environment_is_found(
    cluster: Cluster, account: Path, start_shim, runtime: FakeRuntime, start_registry
) -> None:
    registry = start_registry()
    cluster.kubectl.run("apply", "-f", DEPLOY / "rbac.yaml")
    cluster.apply_config_map(registries(registry))

    source = Source(start_shim(environment={"KUBECONFIG": str(account)}), runtime)

    source.holds(registry)
    source.wait_until(registry, WITHIN)


# What a pod of the account has, in a mount namespace of the shim's own.
IN_CLUSTER = """
mount -t tmpfs tmpfs /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount &&
cp "$1/token" /run/secrets/kubernetes.io/serviceaccount/token &&
cp "$2" /run/secrets/kubernetes.io/serviceaccount/ca.crt &&
printf kube-system >/run/secrets/kubernetes.io/serviceaccount/namespace &&
shift 2 && exec "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace needs root")
def test_service_account_of_a_pod_is_found(
    cluster: Cluster, account: Path, workplace: Workplace, start_shim, runtime: FakeRuntime, start_registry
) -> None:
    registry = start_registry()
    cluster.kubectl.run("apply", "-f", DEPLOY / "rbac.yaml")
    cluster.apply_config_map(registries(registry))
    environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(cluster.api.port)}
    wrapper = ["unshare", "--mount", "sh", "-c", IN_CLUSTER, "sh", workplace.folder, cluster.authority.file]

    source = Source(start_shim(environment=environment, wrapper=wrapper), runtime)

    source.holds(registry)
    source.wait_until(registry, WITHIN)


def test_rotated_token_is_used_when_the_old_one_is_refused(
    cluster: Cluster, account: Path, workplace: Workplace, start_shim, runtime: FakeRuntime, start_registry
) -> None:
    """A token is refused as soon as the account that it was made for is gone, also when it is made anew."""
    before, after = start_registry(), start_registry()
    cluster.kubectl.run("apply", "-f", DEPLOY / "rbac.yaml")
    cluster.apply_config_map(registries(before))
    source = Source(start_shim(account), runtime)
    source.holds(before, after)
    source.wait_until(before)

    cluster.kubectl.run("delete", "serviceaccount", NAME, "--namespace", NAMESPACE)
    cluster.kubectl.run("apply", "-f", DEPLOY / "rbac.yaml")
    fresh = workplace.path("fresh")
    fresh.write_text(workplace.secrets.add(cluster.account_token()))
    fresh.rename(workplace.path("token"))
    cluster.api.stop()  # so that the open watch of the old one ends
    cluster.api.start()
    cluster.apply_config_map(registries(after))

    source.wait_until(after, WITHIN)
    assert source.now() == after.name(APP)
