"""A pod lives as it does without the shim: it starts, is probed, read, entered, and started again."""

from __future__ import annotations

from node import HELLO, NGINX, Node
from peers import free_port
from pods import Pods, container
from processes import eventually


def test_pod_is_ready_and_its_log_is_read(pods: Pods) -> None:
    pods.run("web", NGINX)

    pods.wait_until_ready("web")

    assert pods.log("web") == f"{HELLO}\n"


def test_command_runs_in_a_container(pods: Pods) -> None:
    pods.run("web", NGINX)
    pods.wait_until_ready("web")

    assert pods.exec("web", "echo", "inside") == "inside\n"


def test_exec_probe_is_heard(pods: Pods) -> None:
    probe = {"exec": {"command": ["test", "-e", "/tmp/open"]}, "periodSeconds": 1}
    pods.run("web", NGINX, readinessProbe=probe)
    pods.wait_until_running("web")
    assert not pods.is_ready("web")

    pods.exec("web", "touch", "/tmp/open")

    pods.wait_until_ready("web")


def test_http_probe_is_heard(node: Node, pods: Pods) -> None:
    port = free_port()
    script = f"mkdir /tmp/www; exec httpd -f -p {node.kubelet.node}:{port} -h /tmp/www"
    probe = {"httpGet": {"path": "/open", "port": port}, "periodSeconds": 1}
    pods.run("web", NGINX, command=["sh", "-c", script], readinessProbe=probe)
    pods.wait_until_running("web")
    assert not pods.is_ready("web")

    pods.exec("web", "touch", "/tmp/www/open")

    pods.wait_until_ready("web")


def test_container_that_fails_its_probe_is_started_again(pods: Pods) -> None:
    probe = {"exec": {"command": ["test", "!", "-e", "/tmp/broken"]}, "periodSeconds": 1, "failureThreshold": 1}
    pods.run("web", NGINX, livenessProbe=probe)
    first = pods.wait_until_ready("web")

    pods.exec("web", "touch", "/tmp/broken")

    eventually(lambda: pods.main("web").get("restartCount") == 1, "it is started again", 30, pause=0.1)
    again = pods.wait_until_ready("web")
    assert again["containerID"] != first["containerID"]


def test_init_container_has_an_image_of_its_own(node: Node, pods: Pods) -> None:
    node.push("team/init:v1")
    init = container("example.test/team/init:v1", "init", command=["true"])

    pods.create("web", {"initContainers": [init], "containers": [container(NGINX)]})

    pods.wait_until_ready("web")
    (status,) = pods.status("web")["initContainerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 0
