"""Pods for one node, made and read through the API server; there is no scheduler that would choose it."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any
from urllib.parse import quote

from peers.control_plane import ControlPlane
from processes import eventually

Object = dict[str, Any]

NAMESPACE = "default"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
EVENTS = f"/api/v1/namespaces/{NAMESPACE}/events"
FORCED = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0}
# The kubelet repeats what failed after ten seconds, more or less, and then after twenty.
RUN_SECONDS = 60.0


def container(image: str, name: str = "main", **more: Any) -> Object:
    return {"name": name, "image": image, **more}


class Pods:
    def __init__(self, control_plane: ControlPlane, node: str) -> None:
        self._control_plane = control_plane
        self._client = control_plane.api.client()
        self._node = node

    def _ask(self, method: str, path: str, body: Object | None = None) -> Object:
        status, answer = self._client.request(method, path, body)
        assert status < 300, f"{method} {path}: {status} {answer.decode()}"
        return dict(json.loads(answer))

    # Making and removing.

    def run(self, name: str, image: str, secret: str = "", **more: Any) -> None:
        """A pod of one container; `more` are the container's fields."""
        spec: Object = {"containers": [container(image, **more)]}
        if secret:
            spec["imagePullSecrets"] = [{"name": secret}]
        self.create(name, spec)

    def create(self, name: str, spec: Object) -> None:
        fixed = {
            "nodeName": self._node,
            "hostNetwork": True,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
        }
        metadata = {"name": name, "namespace": NAMESPACE}
        self._ask("POST", PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**fixed, **spec}})

    def add_pull_secret(self, name: str, host: str, username: str, password: str) -> None:
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        content = base64.b64encode(json.dumps({"auths": {host: {"auth": pair}}}).encode()).decode()
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": content},
        }
        self._ask("POST", SECRETS, secret)

    def remove(self, name: str) -> None:
        self._ask("DELETE", f"{PODS}/{name}", FORCED)

    def clean(self, *kept: str) -> None:
        """Removes all but those, and the secrets."""
        for pod in self._ask("GET", PODS)["items"]:
            if pod["metadata"]["name"] not in kept:
                self.remove(pod["metadata"]["name"])
        self._ask("DELETE", SECRETS)

    # Reading.

    def status(self, name: str) -> Object:
        return dict(self._ask("GET", f"{PODS}/{name}")["status"])

    def main(self, name: str) -> Object:
        """The status of its first container; empty before the kubelet has reported one."""
        return dict((self.status(name).get("containerStatuses") or [{}])[0])

    def waiting_reason(self, name: str) -> str:
        return str(self.main(name).get("state", {}).get("waiting", {}).get("reason", ""))

    def events(self, name: str) -> list[str]:
        """`Reason: message`, each once."""
        pod = self._ask("GET", f"{PODS}/{name}")["metadata"]["uid"]
        found = self._ask("GET", f"{EVENTS}?fieldSelector={quote(f'involvedObject.uid={pod}')}")["items"]
        return list(dict.fromkeys(f"{event['reason']}: {event['message']}" for event in found))

    def is_ready(self, name: str) -> bool:
        conditions = self.status(name).get("conditions", [])
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def wait_until_running(self, name: str) -> None:
        """Whatever its probes say."""
        what = f"the container of pod {name} runs"
        eventually(lambda: "running" in self.main(name).get("state", {}), what, RUN_SECONDS, pause=0.1)

    def wait_until_ready(self, name: str, seconds: float = RUN_SECONDS) -> Object:
        """Its first container's status then."""
        try:
            eventually(lambda: self.is_ready(name), f"pod {name} is Ready", seconds, pause=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.main(name)}\n" + "\n".join(self.events(name))) from None
        return self.main(name)

    def wait_for_reason(self, name: str, *reasons: str) -> None:
        """Why its first container waits."""
        what = f"pod {name} waits for {' or '.join(reasons)}"
        eventually(lambda: self.waiting_reason(name) in reasons, what, RUN_SECONDS, pause=0.05)

    def wait_for_event(self, name: str, beginning: str) -> str:
        def found() -> str:
            return next((event for event in self.events(name) if event.startswith(beginning)), "")

        return eventually(found, f"pod {name} has an event {beginning!r}", RUN_SECONDS, pause=0.1)

    # What the API server asks the kubelet.

    def log(self, name: str) -> str:
        return eventually(lambda: self._control_plane.kubectl.run("logs", name), f"{name} prints something", pause=0.2)

    def exec(self, name: str, *command: str) -> str:
        return self._control_plane.kubectl.run("exec", name, "--", *command)

    def start_exec(self, name: str, *command: str) -> subprocess.Popen[str]:
        return self._control_plane.kubectl.begin("exec", name, "--", *command)
