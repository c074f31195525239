"""Private images: with a pod's secret, with the shim's own credentials, and what a user reads where one is wrong."""

from __future__ import annotations

import images
from node import REFUSED, Node
from pods import Pods


def test_pull_secret_reaches_the_host_that_the_pod_names(node: Node, pods: Pods) -> None:
    private = node.registries.private
    private.push(images.says("Private."), "team/private:v1")
    pods.add_pull_secret("team", private.host, private.username, private.password)

    pods.run("web", f"{private.host}/team/private:v1", secret="team", imagePullPolicy="Always")

    pods.wait_until_ready("web")
    assert pods.log("web") == "Private.\n"


def test_pull_secret_reaches_no_other_registry(node: Node, pods: Pods) -> None:
    private, witness = node.registries.private, node.registries.witness
    private.push(images.says("Secret."), "team/secret:v1")
    pods.add_pull_secret("team", private.host, private.username, private.password)
    witness.requests.clear()

    pods.run("web", f"{private.host}/team/secret:v1", secret="team", imagePullPolicy="Always")

    pods.wait_until_ready("web")
    sent = {request.authorization for request in witness.requests}
    assert witness.basic() in sent, "it was asked"
    assert sent <= {"", witness.basic()}


def test_private_image_needs_no_secret_where_the_shim_has_credentials(node: Node, pods: Pods) -> None:
    configured = node.registries.configured
    configured.push(images.says("Configured."), "team/configured:v1")

    pods.run("web", f"{configured.host}/team/configured:v1")

    pods.wait_until_ready("web")
    assert pods.log("web") == "Configured.\n"


def test_wrong_secret_is_told_with_the_host_that_refused_it(node: Node, pods: Pods) -> None:
    private = node.registries.private
    private.push(images.says("Closed."), "team/closed:v1")
    pods.add_pull_secret("wrong", private.host, private.username, "not-the-password")

    pods.run("web", f"{private.host}/team/closed:v1", secret="wrong")

    event = pods.wait_for_event("web", "Failed: Failed to pull image")
    node.told("wrong pull secret", event)
    assert private.host in event
    assert "unauthorized" in event.lower() or "authorization failed" in event.lower()


def test_wrong_password_of_the_shims_is_told_with_the_registry_that_refused_it(node: Node, pods: Pods) -> None:
    pods.run("web", f"{REFUSED}/team/app:v1")

    event = pods.wait_for_event("web", "Failed: Failed to pull image")

    node.told("wrong password in the shim's configuration", event)
    assert node.registries.refusing.host in event
    assert event.index(node.registries.refusing.host) < event.rindex(f"{REFUSED}/team/app")


def test_image_that_exists_nowhere_is_told_with_what_was_tried(node: Node, pods: Pods) -> None:
    registries = node.registries
    pods.run("web", f"{registries.configured.host}/no/such:v1")

    event = pods.wait_for_event("web", "Failed: Failed to pull image")

    node.told("image that exists nowhere", event)
    for registry in [registries.configured, registries.mirror, registries.witness]:
        assert registry.host in event
    pods.wait_for_reason("web", "ErrImagePull", "ImagePullBackOff")
