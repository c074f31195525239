"""The chart, read by Helm and by a real API server: what it puts where, what it refuses, and what a node gets by it."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from cluster import KEY, NAME, NAMESPACE, Cluster
from peers import ROOT
from peers.control_plane import Kubectl
from peers.programs import go_tool
from processes import Workplace, eventually

CHART = ROOT / "deploy/chart/image-cri-shim"
IMAGE = "image.repository=registry.example.com/image-cri-shim"
Ended = subprocess.CompletedProcess[str]

# Sets of values that an operator would use; each as arguments of --set.
USES = {
    "defaults": [],
    "kubelet": ["kubelet=enable"],
    "cluster's registries": ["registries.sealos.address=http://sealos.hub:5000", "access.byGroup=true"],
    "other runtime": ["nodeConfig=cri: /run/crio/crio.sock"],
    "preloaded image": ["image.pullPolicy=Never", f"image.digest=sha256:{'0' * 64}"],
    "private registry": ["image.pullSecrets[0].name=mine", "image.tag=v1"],
    "some nodes": ["nodeSelector.shim=yes", "updateStrategy.maxUnavailable=10%", "podAnnotations.a=b"],
    "strict policy": ["privileged=true", "priorityClassName=", "resources=null"],
    "uninstall": ["action=uninstall", "uninstall.purge=true", "uninstall.withoutKubelet=true"],
}


def helm(*arguments: str) -> Ended:
    command = [go_tool("helm"), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def template(*values: str, image: str = IMAGE, namespace: str = NAMESPACE) -> Ended:
    settings = [word for value in (image, *values) if value for word in ("--set", value)]
    return helm("template", NAME, str(CHART), "--namespace", namespace, *settings)


def objects(*values: str) -> list[dict[str, Any]]:
    rendered = template(*values)
    assert rendered.returncode == 0, rendered.stderr
    return [each for each in yaml.safe_load_all(rendered.stdout) if each]


def only(kind: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    (one,) = [each for each in found if each["kind"] == kind]
    return one


def pod(*values: str) -> dict[str, Any]:
    return only("DaemonSet", objects(*values))["spec"]["template"]["spec"]


# ── What Helm says ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("use", USES)
def test_lint_finds_nothing(use: str) -> None:
    settings = [word for value in (IMAGE, *USES[use]) for word in ("--set", value)]

    said = helm("lint", "--strict", str(CHART), "--namespace", NAMESPACE, *settings)

    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize(
    "value",
    [
        "action=remove",
        "kubelet=true",
        "image.tag=a b",
        "image.digest=sha256:12",
        "image.pullPolicy=Sometimes",
        "image.repo=typo",
        "install.timeoutSeconds=0",
        "install.timeoutSeconds=1m",
        "uninstall.force=true",
        "updateStrategy.maxUnavailable=0",
        "updateStrategy.maxUnavailable=0%",
        "registries.version=v2",
        "registries.registries[0].priority=600",
        "access.byPod=true",
        "tolerations=all",
        "privileged=yes please",
        "noSuchKey=1",
    ],
)
def test_value_that_makes_no_sense_is_refused(value: str) -> None:
    said = template(value)

    assert said.returncode != 0
    assert "values don't meet the specifications of the schema" in said.stderr


def test_image_has_no_default() -> None:
    said = template(image="")

    assert said.returncode != 0
    assert "image.repository is missing" in said.stderr


def test_namespace_is_the_config_maps() -> None:
    said = template(namespace="default")

    assert said.returncode != 0
    assert "--namespace kube-system" in said.stderr


def test_version_is_the_projects() -> None:
    project = re.search(r"project\(image-cri-shim VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert project
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (project[1], project[1])


def test_plain_manifest_is_the_chart_with_its_defaults() -> None:
    rendered = subprocess.run([ROOT / "deploy/chart/render"], check=True, stdout=subprocess.PIPE, text=True).stdout

    assert rendered == (ROOT / "deploy/daemonset.yaml").read_text(), "deploy/chart/render >deploy/daemonset.yaml"


# ── What is in it ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_kubelet_is_left_alone_by_default() -> None:
    (install,) = pod()["initContainers"]

    assert install["args"] == ["install", "--timeout", "60", "--kubelet", "leave"]


def test_uninstall_takes_the_shim_away_and_follows_nothing() -> None:
    found = pod("action=uninstall", "uninstall.purge=true")

    assert found["initContainers"][0]["args"] == ["uninstall", "--purge"]
    assert found["containers"][0]["args"] == ["stay"]


def test_scripts_of_the_pod_are_in_the_image() -> None:
    """The image has the tarball unpacked at /opt/image-cri-shim."""
    commands = {each["command"][0] for kind in ("initContainers", "containers") for each in pod()[kind]}

    assert commands == {"/opt/image-cri-shim/host/on-node"}
    assert (ROOT / "packaging/host/on-node").stat().st_mode & 0o111


def test_container_that_stays_has_the_host_read_only_and_no_right_but_chroot() -> None:
    (follow,) = pod()["containers"]

    assert [mount for mount in follow["volumeMounts"] if mount["name"] == "host"][0]["readOnly"]
    assert follow["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["SYS_CHROOT"]}
    assert not follow["securityContext"]["privileged"]


def test_pod_starts_on_every_node_and_before_the_network() -> None:
    found = pod()

    assert found["tolerations"] == [{"operator": "Exists"}]
    assert (found["hostNetwork"], found["priorityClassName"]) == (True, "system-node-critical")


def test_node_is_changed_one_at_a_time() -> None:
    assert only("DaemonSet", objects())["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 1}


def test_pod_references_the_config_map_and_reads_nothing_of_it() -> None:
    reference = pod()["containers"][0]["env"][0]["valueFrom"]["configMapKeyRef"]

    assert reference == {"name": NAME, "key": "not-there", "optional": True}


def test_digest_wins_over_the_tag() -> None:
    digest = f"sha256:{'0' * 64}"

    images = {each["image"] for each in pod(f"image.digest={digest}", "image.tag=v1")["containers"]}

    assert images == {f"registry.example.com/image-cri-shim@{digest}"}


def test_config_map_is_what_the_values_say() -> None:
    values = ["registries.sealos.address=http://sealos.hub:5000", "registries.registries[0].address=docker.io"]

    text = only("ConfigMap", objects(*values))["data"][KEY]

    assert yaml.safe_load(text) == {
        "version": "v1",
        "sealos": {"address": "http://sealos.hub:5000"},
        "registries": [{"address": "docker.io"}],
    }


def test_without_values_a_config_map_that_is_there_is_not_touched() -> None:
    assert {each["kind"] for each in objects()} == {"ServiceAccount", "DaemonSet"}


def test_configuration_of_the_nodes_is_a_secret_as_it_was_written() -> None:
    secret = only("Secret", objects("nodeConfig=cri: /run/crio/crio.sock"))

    assert secret["stringData"] == {"image-cri-shim.yaml": "cri: /run/crio/crio.sock\n"}


# ── What a real API server says ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("use", USES)
def test_api_server_takes_all_of_it(cluster: Cluster, use: str) -> None:
    rendered = template(*USES[use]).stdout

    said = cluster.kubectl.run("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=rendered)

    assert "daemonset.apps/image-cri-shim created (server dry run)" in said


def test_node_reads_the_config_map_once_the_pod_is_there(cluster: Cluster, workplace: Workplace) -> None:
    cluster.apply_config_map("version: v1\n")
    cluster.kubectl.run("apply", "-f", "-", stdin=template().stdout)
    node = cluster.add_node()
    kubelet = Kubectl(cluster.node_kubeconfig(workplace.folder, node), workplace.folder)
    question = ["get", "configmap", NAME, "--namespace", NAMESPACE]
    assert kubelet.start(*question).returncode != 0

    cluster.run_pod_of(NAME, node)

    eventually(lambda: kubelet.start(*question).returncode == 0, "the node authorizer knows of the pod")
