"""Whatever ends in the middle of a pull and comes back, the pod gets to run, and the ones that run go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from node import NGINX, SLOW, Node
from pods import Pods
from processes import eventually


@pytest.fixture
def undisturbed(node: Node) -> Iterator[None]:
    """The pod that was there before has its container, ready, and never started again."""
    before = node.pods.wait_until_ready(Node.BYSTANDER)
    yield
    after = node.pods.wait_until_ready(Node.BYSTANDER)
    assert (after["containerID"], after["restartCount"]) == (before["containerID"], before["restartCount"])


@pytest.fixture
def pulling(node: Node, undisturbed: None, request: pytest.FixtureRequest) -> Iterator[str]:
    """A pod whose image is on its way, slowly for as long as the link is slow."""
    link = node.registries.link
    repository = f"team/{request.node.originalname.removeprefix('test_').replace('_', '-')}"
    node.push_large(f"{repository}:v1")
    link.is_in_blob.clear()
    link.is_slow = True
    node.pods.run("web", f"{SLOW}/{repository}:v1")
    assert link.is_in_blob.wait(20), "the runtime fetches a blob"
    yield "web"
    link.is_slow = False


def test_kubelet_starts_again_during_a_pull(node: Node, pods: Pods, pulling: str) -> None:
    node.kubelet.restart()
    node.registries.link.is_slow = False

    pods.wait_until_ready(pulling)


def test_shim_starts_again_during_a_pull(node: Node, pods: Pods, pulling: str) -> None:
    node.shim.process.stop()
    assert node.shim.process.exit_status == 0
    node.shim.start_again()
    node.registries.link.is_slow = False

    pods.wait_until_ready(pulling)


def test_shim_that_stops_lets_a_pull_end_in_time(node: Node, pods: Pods, pulling: str) -> None:
    node.registries.link.is_slow = False
    node.shim.process.stop()
    assert node.shim.process.exit_status == 0
    node.shim.start_again()

    pods.wait_until_ready(pulling)
    # The calls that come after the pull may find nobody.
    assert not [event for event in pods.events(pulling) if event.startswith("Failed: Failed to pull image")]


def test_shim_is_killed_during_a_pull(node: Node, pods: Pods, pulling: str) -> None:
    node.shim.process.kill()
    node.shim.start_again()
    node.registries.link.is_slow = False

    pods.wait_until_ready(pulling)


def test_runtime_starts_again_during_a_pull(node: Node, pods: Pods, pulling: str) -> None:
    node.containerd.restart()
    node.registries.link.is_slow = False

    pods.wait_until_ready(pulling)


def test_pod_waits_for_a_shim_that_is_absent(node: Node, pods: Pods, undisturbed: None) -> None:
    began = len(node.kubelet.process.stderr)
    node.shim.process.stop()
    pods.run("web", NGINX)
    pods.wait_for_event("web", "Failed")
    assert node.kubelet.complaints(since=began)

    node.shim.start_again()

    pods.wait_until_ready("web")


def test_command_in_a_container_outlives_the_shim(node: Node, pods: Pods) -> None:
    pods.run("web", NGINX)
    pods.wait_until_ready("web")
    with pods.start_exec("web", "sh", "-c", "until test -e /tmp/go; do sleep 0.1; done; echo done") as command:
        eventually(lambda: "until" in pods.exec("web", "ps"), "it runs", pause=0.2)
        node.shim.process.kill()
        node.shim.start_again()
        pods.exec("web", "touch", "/tmp/go")

        assert command.communicate(timeout=30)[0] == "done\n"


def test_kubelet_has_nothing_to_say_about_its_connections(node: Node, pods: Pods) -> None:
    node.kubelet.stop()
    began = len(node.kubelet.process.stderr)
    node.kubelet.start()
    pods.run("calm", NGINX, imagePullPolicy="Always")
    pods.wait_until_ready("calm")
    pods.exec("calm", "true")
    pods.remove("calm")
    eventually(lambda: not node.containers_of("calm"), "its container is gone", 30, pause=0.1)

    assert node.kubelet.complaints(since=began) == []
