"""A node: containerd, the kubelet, and the shim where the arrangement has it. And the registries around it."""

from __future__ import annotations

import os
import secrets

import images
from leaks import KEPT_COPY, text_below
from peers import Containerd, Crictl, Registry, Shim
from peers.control_plane import ControlPlane
from peers.kubelet import Kubelet
from pods import Pods
from processes import Workplace, eventually
from registry import Registry as FakeRegistry
from slow_link import SlowLink

IMAGE_SERVICE, BOTH = "image service on the shim", "both services on the shim"
NGINX = "nginx:1.25"
GATES = ["ImageVolume"]  # Kubernetes 1.33 has it, but not by default
HELLO = "Hello from the private nginx."

# Hosts of images that nobody serves; `.test` never will be (RFC 2606).
SLOW, REFUSED = "slow.test", "refused.test"


class Registries:
    """mirror: has what the pods ask for; the shim prefers it.
    private: a host that pods name themselves; the shim knows nothing of it, and pods bring a secret.
    configured: a host that pods name themselves; the shim has its password.
    refusing: the shim has a wrong password of it.
    witness: has nothing, and is asked for all; it knows what it was sent.
    link: the way to the mirror for images of SLOW.
    """

    def __init__(self, workplace: Workplace) -> None:
        self.mirror = Registry(workplace, "mirror")
        self.private = Registry(workplace, "private")
        self.configured = Registry(workplace, "configured")
        self.refusing = Registry(workplace, "refusing")
        self.witness = FakeRegistry(credentials=f"witness:{workplace.secrets.new('witness')}")
        workplace.on_close(self.witness.stop)
        self.link = SlowLink(self.mirror.port)
        self.mirror.push(images.says(HELLO), "library/nginx:1.25")

    def settings(self) -> list[dict[str, object]]:
        others = [SLOW, REFUSED]
        return [
            {"address": self.mirror.address, "auth": self.mirror.auth, "priority": 900, "exclude": others},
            {"address": self.witness.address, "auth": self.witness.credentials, "priority": 100, "exclude": others},
            {"address": self.configured.address, "auth": self.configured.auth, "match": [self.configured.host]},
            {"address": self.refusing.address, "auth": "demo:not-the-password", "match": [REFUSED]},
            {"address": self.link.address, "auth": self.mirror.auth, "match": [SLOW]},
        ]


class Node:
    """With one pod that is always there, of NGINX."""

    BYSTANDER = "bystander"

    def __init__(
        self,
        workplace: Workplace,
        control_plane: ControlPlane,
        registries: Registries,
        release: str,
        arrangement: str,
        events: dict[str, str],
    ) -> None:
        self.workplace = workplace
        self.control_plane = control_plane
        self.release = release
        self.arrangement = arrangement
        self.registries = registries
        self.events = events
        for registry in [registries.mirror, registries.private, registries.configured]:
            workplace.secrets.add(registry.password)
        self.containerd = Containerd(workplace, release=release)
        self.shim = Shim(workplace, self.containerd, registries=registries.settings(), debug=True, drainTimeout="8s")
        self.crictl = Crictl(self.shim.socket)
        cri = self.shim.socket if arrangement == BOTH else self.containerd.socket
        gates = dict.fromkeys(GATES, True)
        self.kubelet = Kubelet(
            workplace, control_plane, cri, self.shim.socket, self.containerd.cgroup, featureGates=gates
        )
        self.pods = Pods(control_plane, self.kubelet.node)
        self.pods.run(self.BYSTANDER, NGINX)
        self.pods.wait_until_ready(self.BYSTANDER)

    def close(self) -> None:
        """No pod is left, and no kubelet that would start one."""
        self.pods.clean()
        eventually(lambda: not self.containers_of(self.BYSTANDER), "the last container is gone", 30, pause=0.1)
        self.kubelet.stop()

    def push(self, name: str) -> str:
        """An image that no other test has, into the mirror; what it says."""
        said = f"This is {name}, {secrets.token_hex(4)}."
        self.registries.mirror.push(images.says(said), name)
        return said

    def push_large(self, name: str) -> None:
        """One with a layer of its own, which is to be fetched."""
        image = images.says(f"This is {name}.", files={"ballast": os.urandom(512 * 1024)})
        self.registries.mirror.push(image, name)

    def names(self) -> list[str]:
        """Of all images on it."""
        return self.crictl.image_names()

    def containers_of(self, pod: str) -> list[str]:
        listed = Crictl(self.containerd.socket).json("ps", "--all", "--label", f"io.kubernetes.pod.name={pod}")
        return [container["id"] for container in listed["containers"]]

    def remembers(self, image: str) -> bool:
        """The shim has this name in its folder."""
        return image in text_below(self.shim.state, but=KEPT_COPY)

    def told(self, occasion: str, event: str) -> None:
        """For the end of the run: what a user reads. Registries have their names there instead of their ports."""
        known = self.registries
        for registry in [known.mirror, known.private, known.configured, known.refusing]:
            event = event.replace(registry.host, f"{registry.name}.registry")
        event = event.replace(known.witness.host, "witness.registry")
        self.events[f"{occasion}; containerd {self.release}, {self.arrangement}"] = event
