"""The kubelet removes images by ID, those that no container has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import images
from node import NGINX, Node
from peers import PAUSE
from pods import Pods
from processes import eventually

# Any image that is not in use is too old. By age and not by the use of the disk, whose size the kubelet knows on no
# machine at its start, and on some never. The first collection is at the kubelet's start.
SETTINGS = {"imageMinimumGCAge": "1ns", "imageMaximumGCAge": "2ns"}
REMOVE_SECONDS = 30.0


@pytest.fixture
def collecting(node: Node) -> Iterator[None]:
    """Afterwards it collects no more, and has what pods need: containerd 1.6 does not keep its pause image from it."""
    yield
    node.kubelet.restart()
    node.containerd.import_image(images.pause("sandbox"), PAUSE)


def test_unused_image_goes_and_used_one_stays(node: Node, pods: Pods, collecting: None) -> None:
    used, unused = "example.test/team/used:v1", "example.test/team/unused:v1"
    for name, image in {"used": used, "unused": unused}.items():
        node.push(image.partition("/")[2])
        pods.run(name, image)
    for name in ["used", "unused"]:
        pods.wait_until_ready(name)
    pods.remove("unused")
    eventually(lambda: not node.containers_of("unused"), "its container is gone", 30, pause=0.1)
    assert node.remembers(unused)

    node.kubelet.restart(**SETTINGS)

    eventually(lambda: unused not in node.names(), "the unused image is removed", REMOVE_SECONDS, pause=0.2)
    assert {used, f"docker.io/library/{NGINX}"} <= set(node.names())
    eventually(lambda: not node.remembers(unused), "its name is forgotten")
    assert node.remembers(used)
