"""A control plane of two processes, etcd and kube-apiserver: loopback, TLS, RBAC, the Node authorizer, an audit log.

No controller and no scheduler runs: what they would do (an account, a node for a pod), a test does itself.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import secrets
import signal
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from certificates import Authority, Certificate
from processes import Process, Workplace

from peers.programs import free_port, go_tool

AUDIT_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
START_SECONDS = 60.0  # a busy machine; it takes three

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def end_with_the_tests() -> None:
    """In a new process: also when nobody is left to stop it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(frozen=True)
class Audited:
    """One request as the API server has recorded it."""

    verb: str
    uri: str
    code: int  # 0: not answered yet
    seconds: float  # from receiving it to its answer's first byte


class Etcd:
    def __init__(self, workplace: Workplace) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        peer = f"http://127.0.0.1:{free_port()}"
        # What is written need not survive this machine's end.
        command = ["etcd", "--name=etcd", f"--data-dir={workplace.path('etcd')}", "--unsafe-no-fsync"]
        command += [f"--listen-client-urls={self.url}", f"--advertise-client-urls={self.url}"]
        command += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
        command += [f"--initial-cluster=etcd={peer}", "--logger=zap", "--log-level=warn"]
        # As kubeadm has it: without it the API server has no bookmarks to send where nothing changes.
        command.append("--experimental-watch-progress-notify-interval=5s")
        self.process = workplace.start("etcd", command, prepare=end_with_the_tests)
        self.process.wait_until(lambda: self._run("endpoint", "health").returncode == 0, "healthy")

    def compact(self) -> None:
        """No revision before the present one can be watched from any more."""
        status = json.loads(self._run("endpoint", "status", "--write-out=json").stdout)
        revision = status[0]["Status"]["header"]["revision"]
        compacted = self._run("compact", "--physical", str(revision))
        assert compacted.returncode == 0, compacted.stderr

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["etcdctl", f"--endpoints={self.url}", *arguments]
        environment = {**os.environ, "ETCDCTL_API": "3"}
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class ApiServer:
    """Stopped and started again, it has its port and its past."""

    def __init__(self, workplace: Workplace, etcd: Etcd, authority: Authority, *more: str) -> None:
        self.port = free_port()
        self.authority = authority
        self._workplace = workplace
        self._folder = workplace.path("kube-apiserver")
        self._folder.mkdir()
        self._audit_log = self._folder / "audit.log"
        self._audited: dict[str, dict[str, dict[str, Any]]] = {}  # by request and stage, in order of arrival
        self._audit_offset = 0  # of what is read already
        certificate = authority.issue("kube-apiserver", "IP:127.0.0.1", "DNS:localhost", "DNS:kubernetes.default.svc")
        accounts = authority.issue("service-accounts")
        policy = self._folder / "audit-policy.json"
        policy.write_text(json.dumps(AUDIT_POLICY))
        self._command = [
            go_tool("kube-apiserver"),
            f"--etcd-servers={etcd.url}",
            "--etcd-compaction-interval=0",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--secure-port={self.port}",
            f"--cert-dir={self._folder}",
            f"--tls-cert-file={certificate.file}",
            f"--tls-private-key-file={certificate.key}",
            f"--client-ca-file={authority.file}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={accounts.file}",
            f"--service-account-signing-key-file={accounts.key}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",  # as kubeadm has it
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self._audit_log}",
            *more,
        ]
        self._admin = authority.issue("admin", group="system:masters")
        self.process: Process
        self.start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = self._workplace.start("kube-apiserver", self._command, prepare=end_with_the_tests)
        self.process.wait_until(self._is_ready, "ready", START_SECONDS)

    def stop(self) -> None:
        """As a machine stops that loses its power; a polite end waits for a minute for the watches to end."""
        self.process.kill()

    def _is_ready(self) -> bool:
        try:
            return self.client().request("GET", "/readyz")[0] == 200
        except (OSError, HTTPException):
            return False

    def client(self) -> Client:
        """The administrator's."""
        return Client(self.port, self.authority, self._admin)

    def audited(self, user: str) -> list[Audited]:
        """What this user has asked so far, in order of arrival; a watch is one request."""
        with self._audit_log.open("rb") as log:
            log.seek(self._audit_offset)
            lines = log.read()
        lines = lines[: lines.rfind(b"\n") + 1]  # one may be half written
        self._audit_offset += len(lines)
        for line in lines.splitlines():
            event = json.loads(line)
            self._audited.setdefault(event["auditID"], {})[event["stage"]] = event
        requests = [stages for stages in self._audited.values() if _user(stages) == user]
        return [_audited(stages) for stages in requests]


def _user(stages: Mapping[str, dict[str, Any]]) -> str:
    return next(iter(stages.values()))["user"].get("username", "")


def _audited(stages: Mapping[str, dict[str, Any]]) -> Audited:
    answered = stages.get("ResponseStarted") or stages.get("ResponseComplete") or {}
    event = answered or next(iter(stages.values()))
    seconds = 0.0
    if answered:
        seconds = _second(answered["stageTimestamp"]) - _second(answered["requestReceivedTimestamp"])
    return Audited(event["verb"], event["requestURI"], event.get("responseStatus", {}).get("code", 0), seconds)


def _second(timestamp: str) -> float:
    """Of its hour: `2026-01-02T03:04:05.678901Z`."""
    _, minute, second = timestamp.rstrip("Z").split(":")
    return int(minute) * 60 + float(second)


class Client:
    """A plain HTTP client of the API, on one connection."""

    def __init__(self, port: int, authority: Authority, certificate: Certificate) -> None:
        context = ssl.create_default_context(cafile=str(authority.file))
        context.load_cert_chain(certificate.file, certificate.key)
        self._connection = HTTPSConnection("127.0.0.1", port, context=context, timeout=30)

    def close(self) -> None:
        self._connection.close()

    def request(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, bytes]:
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, {"Content-Type": kind})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def watch(self, path: str, resource_version: str) -> Any:
        """The answer to a watch of one object, to read lines from."""
        collection, _, name = path.rpartition("/")
        query = f"watch=true&fieldSelector=metadata.name%3D{name}&resourceVersion={resource_version}"
        self._connection.request("GET", f"{collection}?{query}")
        answer = self._connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer


class Kubectl:
    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self.program = go_tool("kubectl")
        self._command = [self.program, f"--kubeconfig={kubeconfig}", f"--cache-dir={folder / 'kubectl'}"]
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}

    def start(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs it to its end, whatever that is."""
        command = [str(part) for part in (*self._command, *arguments)]
        return subprocess.run(
            command, env=self.environment, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60
        )

    def begin(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Does not wait for its end."""
        command = [str(part) for part in (*self._command, *arguments)]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)

    def run(self, *arguments: str | Path, stdin: str = "") -> str:
        ended = self.start(*arguments, stdin=stdin)
        assert ended.returncode == 0, f"kubectl {' '.join(map(str, arguments))}: {ended.stderr}"
        return ended.stdout

    def apply(self, *objects: dict[str, Any]) -> None:
        self.run("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def can(self, *what: str) -> bool:
        return self.start("auth", "can-i", "-q", *what).returncode == 0


class ControlPlane:
    """`server` of a kubeconfig is the API server's own address unless it is given, such as a relay's.

    `more` are arguments of kube-apiserver.
    """

    def __init__(self, workplace: Workplace, *more: str) -> None:
        self.workplace = workplace
        self.authority = Authority(workplace.folder, "kubernetes")
        self.etcd = Etcd(workplace)
        # As kubeadm has it: whom kubelets let read logs and run commands.
        client = self.authority.issue("kube-apiserver-kubelet-client", group="system:masters")
        to_kubelets = [
            f"--kubelet-client-certificate={client.file}",
            f"--kubelet-client-key={client.key}",
            "--kubelet-preferred-address-types=InternalIP",
        ]
        self.api = ApiServer(workplace, self.etcd, self.authority, *to_kubelets, *more)
        self.kubeconfig = workplace.path("admin.conf")
        self._admin = self.authority.issue("kubectl", group="system:masters")
        self.kubeconfig.write_text(json.dumps(self.kubeconfig_of("admin", self.with_certificate(self._admin))))
        self.kubectl = Kubectl(self.kubeconfig, workplace.folder)
        self.kubectl.apply(account("default", "default"), account("default", "kube-system"))

    def with_certificate(self, certificate: Certificate) -> dict[str, str]:
        """As kubeadm writes admin.conf: in the file itself."""
        content = {"client-certificate-data": certificate.file, "client-key-data": certificate.key}
        return {name: base64.b64encode(path.read_bytes()).decode() for name, path in content.items()}

    def write_kubeconfig(self, path: Path, name: str, user: Mapping[str, Any], server: str = "") -> Path:
        path.touch(mode=0o600)
        path.write_text(json.dumps(self.kubeconfig_of(name, user, server), indent=2))
        return path

    def node_kubeconfig(self, folder: Path, node: str, server: str = "") -> Path:
        """As the kubelet has it after its TLS bootstrap: certificate and key in one file, which it rotates."""
        made = self.authority.issue(f"system:node:{node}", group="system:nodes")
        both = folder / f"kubelet-client-{node}.pem"
        both.touch(mode=0o600)
        both.write_text(made.file.read_text() + made.key.read_text())
        user = {"client-certificate": str(both), "client-key": str(both)}
        return self.write_kubeconfig(folder / f"kubelet-{node}.conf", f"system:node:{node}", user, server)

    def kubeconfig_of(self, name: str, user: Mapping[str, Any], server: str = "") -> dict[str, Any]:
        authority = base64.b64encode(self.authority.file.read_bytes()).decode()
        cluster = {"server": server or self.api.url, "certificate-authority-data": authority}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": name, "user": dict(user)}],
            "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": name}}],
            "current-context": "context",
        }

    def token(self, name: str, namespace: str) -> str:
        """Of a service account, as `kubectl create token` gives it."""
        return self.kubectl.run("create", "token", name, "--namespace", namespace).strip()

    def forget_the_past(self) -> None:
        """No revision before the present one can be watched from: etcd has none, and a new process's cache neither."""
        self.etcd.compact()
        self.api.stop()
        self.api.start()


def account(name: str, namespace: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
