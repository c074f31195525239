"""Images by every way that a pod can name them, under each pull policy, and what the node says that it has."""

from __future__ import annotations

import json

import pytest

import images
from node import NGINX, Node
from peers import Crictl
from pods import Pods, container
from processes import eventually

STATUS_SECONDS = 60.0  # the kubelet lists images every 30 s


def digest_of(node: Node, name: str) -> str:
    """Pushes an image of its own under this name."""
    image = images.says(f"This is {name}.")
    node.registries.mirror.push(image, name)
    return image.manifest.digest


def test_image_by_digest_runs(node: Node, pods: Pods) -> None:
    digest = digest_of(node, "team/by-digest:v1")
    name = f"example.test/team/by-digest@{digest}"

    pods.run("web", name)

    assert digest in pods.wait_until_ready("web")["imageID"]
    assert pods.log("web") == "This is team/by-digest:v1.\n"


def test_image_by_tag_and_digest_runs(node: Node, pods: Pods) -> None:
    digest = digest_of(node, "team/by-both:v1")

    pods.run("web", f"example.test/team/by-both:v1@{digest}")

    assert digest in pods.wait_until_ready("web")["imageID"]
    assert pods.log("web") == "This is team/by-both:v1.\n"


def test_policy_always_fetches_what_the_tag_is_now(node: Node, pods: Pods) -> None:
    image = "example.test/team/moving:v1"
    node.push("team/moving:v1")
    pods.run("first", image, imagePullPolicy="Always")
    pods.wait_until_ready("first")
    said = node.push("team/moving:v1")

    pods.run("second", image, imagePullPolicy="Always")

    pods.wait_until_ready("second")
    assert pods.log("second") == f"{said}\n"


def test_policy_if_not_present_keeps_what_is_there(node: Node, pods: Pods) -> None:
    image = "example.test/team/kept:v1"
    said = node.push("team/kept:v1")
    pods.run("first", image, imagePullPolicy="IfNotPresent")
    pods.wait_until_ready("first")
    node.push("team/kept:v1")

    pods.run("second", image, imagePullPolicy="IfNotPresent")

    pods.wait_until_ready("second")
    assert pods.log("second") == f"{said}\n"
    assert pods.wait_for_event("second", "Pulled") == f'Pulled: Container image "{image}" already present on machine'


def test_policy_never_does_not_fetch(node: Node, pods: Pods) -> None:
    node.push("team/absent:v1")

    pods.run("web", "example.test/team/absent:v1", imagePullPolicy="Never")

    pods.wait_for_reason("web", "ErrImageNeverPull")


def test_policy_never_runs_what_is_there_under_the_mirrors_name(node: Node, pods: Pods) -> None:
    said = node.push("team/present:v1")
    mirror = node.registries.mirror
    Crictl(node.containerd.socket).run("pull", "--creds", mirror.auth, f"{mirror.host}/team/present:v1")

    pods.run("web", "example.test/team/present:v1", imagePullPolicy="Never")

    pods.wait_until_ready("web")
    assert pods.log("web") == f"{said}\n"


def test_image_is_a_volume(node: Node, pods: Pods) -> None:
    if node.release < "2":
        pytest.skip("this runtime has no image volumes")
    node.registries.mirror.push(images.says("-", files={"greeting": b"from an image\n"}), "team/volume:v1")
    volume = {"name": "data", "image": {"reference": "example.test/team/volume:v1"}}
    mount = {"name": "data", "mountPath": "/data"}

    pods.create("web", {"containers": [container(NGINX, volumeMounts=[mount])], "volumes": [volume]})

    pods.wait_until_ready("web")
    assert pods.exec("web", "cat", "/data/greeting") == "from an image\n"


def test_node_names_images_as_users_wrote_them(node: Node, pods: Pods) -> None:
    digest = digest_of(node, "team/on-the-node:v1")
    node.push("team/without-tag:latest")
    written = {
        "a": "example.test/team/on-the-node:v1",
        "b": f"example.test/team/on-the-node@{digest}",
        "c": "team/without-tag",
    }
    for name, image in written.items():
        pods.run(name, image)
    for name in written:
        pods.wait_until_ready(name)
    # What the scheduler compares: the pod's spelling, with the tag that is meant where there is none.
    wanted = {NGINX, f"docker.io/library/{NGINX}", *written.values(), "team/without-tag:latest"} - {"team/without-tag"}

    def listed() -> set[str]:
        status = json.loads(node.control_plane.kubectl.run("get", "node", node.kubelet.node, "--output=json"))["status"]
        return {name for image in status.get("images", []) for name in image["names"]}

    eventually(lambda: wanted <= listed(), f"the node has images {wanted}", STATUS_SECONDS, pause=0.5)
