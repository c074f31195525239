"""What deploy/ gives to whom, by the API server's own word; the daemon is not needed for it."""

from __future__ import annotations

import os
import subprocess

import pytest
import yaml

from cluster import ACCOUNT, KEY, NAME, NAMESPACE, Cluster
from peers import ROOT
from peers.control_plane import Kubectl
from processes import Workplace, eventually

DEPLOY = ROOT / "deploy"
MANIFESTS = sorted(path.name for path in DEPLOY.glob("*.yaml"))
OURS = [f"configmaps/{NAME}", "--namespace", NAMESPACE]


def apply(cluster: Cluster, *names: str) -> None:
    for name in names:
        cluster.kubectl.run("apply", "-f", DEPLOY / name)


def can(cluster: Cluster, verb: str, *what: str) -> bool:
    return cluster.kubectl.can(verb, *(what or OURS), f"--as={ACCOUNT}")


def reads_it(kubectl: Kubectl) -> bool:
    return kubectl.start("get", "configmap", NAME, "--namespace", NAMESPACE).returncode == 0


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_is_valid_and_applying_it_again_changes_nothing(cluster: Cluster, name: str) -> None:
    cluster.kubectl.run("apply", "--validate=strict", "-f", DEPLOY / name)

    again = cluster.kubectl.run("apply", "--validate=strict", "-f", DEPLOY / name)

    assert again and all(line.endswith("unchanged") for line in again.splitlines())


@pytest.mark.parametrize("name", ["config-map.yaml", "config-map-with-variables.yaml"])
def test_sample_has_the_key_that_the_daemon_reads(name: str) -> None:
    config_map = yaml.safe_load((DEPLOY / name).read_text())

    assert (config_map["metadata"]["namespace"], config_map["metadata"]["name"]) == (NAMESPACE, NAME)
    assert yaml.safe_load(config_map["data"][KEY])["version"] == "v1"


def test_account_may_get_and_watch_the_one_config_map(cluster: Cluster) -> None:
    apply(cluster, "rbac.yaml")

    eventually(lambda: can(cluster, "get") and can(cluster, "watch"), "the rule is in effect")


@pytest.mark.parametrize(
    "verb, what",
    [
        ("list", OURS),
        ("update", OURS),
        ("patch", OURS),
        ("delete", OURS),
        ("get", ["configmaps/another", "--namespace", NAMESPACE]),
        ("get", ["configmaps", "--namespace", NAMESPACE]),
        ("watch", ["configmaps", "--namespace", NAMESPACE]),
        ("get", [f"configmaps/{NAME}", "--namespace", "default"]),
        ("get", [f"secrets/{NAME}", "--namespace", NAMESPACE]),
    ],
)
def test_account_may_do_nothing_else(cluster: Cluster, verb: str, what: list[str]) -> None:
    apply(cluster, "rbac.yaml")
    eventually(lambda: can(cluster, "get"), "the rule is in effect")

    assert not can(cluster, verb, *what)


def test_get_only_takes_watch_away(cluster: Cluster) -> None:
    apply(cluster, "rbac.yaml")
    eventually(lambda: can(cluster, "watch"), "the rule is in effect")

    apply(cluster, "rbac-get-only.yaml")

    eventually(lambda: not can(cluster, "watch"), "the rule is in effect")
    assert can(cluster, "get")


def test_kubeconfig_of_the_recipe_reads_the_config_map_and_nothing_else(cluster: Cluster, workplace: Workplace) -> None:
    apply(cluster, "rbac.yaml", "config-map.yaml")
    eventually(lambda: can(cluster, "get"), "the rule is in effect")
    workplace.path("kubectl").symlink_to(cluster.kubectl.program)
    path = f"{workplace.folder}:{os.environ['PATH']}"
    environment = {"PATH": path, "KUBECONFIG": str(cluster.kubeconfig), "HOME": str(workplace.folder)}

    made = subprocess.run([DEPLOY / "make-kubeconfig", "1h"], env=environment, check=True, stdout=subprocess.PIPE)

    workplace.path("kubeconfig").write_bytes(made.stdout)
    account = Kubectl(workplace.path("kubeconfig"), workplace.folder)
    assert reads_it(account)
    assert account.start("get", "configmaps", "--namespace", NAMESPACE).returncode != 0
    assert account.start("get", "secrets", "--namespace", NAMESPACE).returncode != 0


def test_node_reads_the_config_map_once_a_pod_on_it_references_it(cluster: Cluster, workplace: Workplace) -> None:
    apply(cluster, "config-map.yaml", "nodes-by-pod.yaml")
    nodes = [cluster.add_node(), cluster.add_node()]
    kubelets = [Kubectl(cluster.node_kubeconfig(workplace.folder, node), workplace.folder) for node in nodes]
    assert not reads_it(kubelets[0])

    cluster.run_pod_of("image-cri-shim-access", nodes[0])

    eventually(lambda: reads_it(kubelets[0]), "the node authorizer knows of the pod")
    assert not reads_it(kubelets[1])  # the other node has no such pod
    assert kubelets[0].start("get", "configmaps", "--namespace", NAMESPACE).returncode != 0


def test_every_node_reads_the_config_map_by_its_group(cluster: Cluster, workplace: Workplace) -> None:
    apply(cluster, "config-map.yaml")
    kubelet = Kubectl(cluster.node_kubeconfig(workplace.folder, cluster.add_node()), workplace.folder)
    assert not reads_it(kubelet)

    apply(cluster, "nodes-by-group.yaml")

    eventually(lambda: reads_it(kubelet), "the rule is in effect")
    assert kubelet.start("get", "configmaps", "--namespace", NAMESPACE).returncode != 0
