"""The control plane with what tests of the ConfigMap do in it: its object, the shim's account, nodes and pods of it.

No controller, scheduler or kubelet runs: what they would do (an account, a pod on a node), a test does itself.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peers.control_plane import ApiServer, Audited, ControlPlane
from processes import eventually

NAMESPACE = "kube-system"
NAME = "image-cri-shim"
KEY = "registries.yaml"
PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{NAME}"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{NAME}"


class Cluster(ControlPlane):
    def token_kubeconfig(self, folder: Path, token: str, server: str = "") -> Path:
        """With the token in a file of its own, `token`, to be rotated."""
        file = folder / "token"
        file.touch(mode=0o600)
        file.write_text(token)
        return self.write_kubeconfig(folder / "account.conf", NAME, {"tokenFile": str(file)}, server)

    def account_token(self) -> str:
        """The shim's."""
        return self.token(NAME, NAMESPACE)

    def apply_config_map(self, text: str) -> None:
        self.kubectl.apply(config_map(text))

    def delete_config_map(self) -> None:
        self.kubectl.run("delete", "configmap", NAME, "--namespace", NAMESPACE, "--ignore-not-found")

    def add_node(self) -> str:
        node = f"node-{secrets.token_hex(3)}"
        self.kubectl.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})
        return node

    def run_pod_of(self, daemon_set: str, node: str) -> None:
        """What its controller would do for this node."""
        found = json.loads(self.kubectl.run("get", "daemonset", daemon_set, "--namespace", NAMESPACE, "--output=json"))
        template = found["spec"]["template"]
        metadata = {**template["metadata"], "name": f"{daemon_set}-{node}", "namespace": NAMESPACE}
        spec = {**template["spec"], "nodeName": node}
        self.kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    def clean(self) -> None:
        """Removes what tests leave; no kubelet confirms the end of a pod."""
        self.delete_config_map()
        kinds = "pods,daemonsets,roles,rolebindings,serviceaccounts"
        self.kubectl.run("delete", kinds, "--namespace", NAMESPACE, "--selector", f"app.kubernetes.io/name={NAME}",
                         "--ignore-not-found", "--force", "--grace-period=0")  # fmt: skip


def config_map(text: str) -> dict[str, Any]:
    metadata = {"name": NAME, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: text}}


def requests_of(asked: Sequence[Audited], verb: str) -> list[Audited]:
    return [each for each in asked if each.verb == verb]


def wait_for_request(api: ApiServer, user: str, verb: str, count: int = 1) -> None:
    eventually(lambda: len(requests_of(api.audited(user), verb)) >= count, f"{user} sends {verb}")
