"""All that crictl can ask of a runtime, step by step, each with its outcome as one that can be compared."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import images
from peers import PAUSE, Containerd, Crictl, Registry, Running, message_of
from processes import Workplace, eventually

HOST = "docker.io"
WEB = f"{HOST}/library/nginx:1.25"
BY_DIGEST = f"{HOST}/team/by-digest"
BY_BOTH = f"{HOST}/team/by-both"
LATE = f"{HOST}/team/late:v1"
UNTAGGED = f"{HOST}/team/untagged"
SHORT = "team/short:v1"
SPOKEN_LINES = ["one", "two", "three"]
ECHO = 'while read -r line; do echo "got $line"; done'

# What a client says that has no such command or option, a runtime that has no such method, and a client that finds no
# runtime of its CRI version.
LACKING_CLIENT = r"No help topic for|flag provided but not defined|this client does not have it"
LACKING_RUNTIME = r"Unimplemented|unknown (method|service)|not implemented"


def web_image() -> images.Image:
    says = "; ".join(f"echo {line}" for line in SPOKEN_LINES)
    page = {"var/www/index.html": b"It works.\n"}
    return images.Image(["/bin/sh", "-c", f"{says}; exec httpd -f -p 80 -h /var/www"], files=page)


IMAGES = {name: images.says(name) for name in ("by-digest", "by-both", "late", "short", "untagged", "private")}


def all_images() -> list[images.Image]:
    return [web_image(), *IMAGES.values()]


def fill(mirror: Registry, private: Registry) -> None:
    """With the images that the steps name: `private` has its own by its own name, `mirror` those of the Hub."""
    mirror.push(web_image(), "library/nginx:1.25")
    for name in ("by-digest", "by-both", "late", "short"):
        mirror.push(IMAGES[name], f"team/{name}:v1")
    mirror.push(IMAGES["untagged"], "team/untagged:latest")
    private.push(IMAGES["private"], "team/private:v1")


@dataclass(frozen=True)
class Outcome:
    status: int
    said: Any  # the answer: JSON, or lines
    error: str
    should_fail: bool = False

    @property
    def is_lacking(self) -> bool:
        """The client has no such command, or no way to say it to this runtime."""
        return bool(re.search(f"{LACKING_CLIENT}|{LACKING_RUNTIME}", self.error))

    @property
    def is_right(self) -> bool:
        return not self.is_lacking and bool(self.status) == self.should_fail

    @property
    def code(self) -> str:
        """gRPC's, where the error has one."""
        found = re.search(r"code = (\w+)", self.error)
        return found[1] if found else ""


Steps = dict[str, Outcome]
# Text of a runtime, with names that differ from run to run replaced.
Normalise = Callable[[str], str]


class Surface:
    """One run of all steps. `normalise` replaces what differs between two runs of the same."""

    def __init__(
        self, workplace: Workplace, crictl: Crictl, containerd: Containerd, private: Registry, normalise: Normalise
    ) -> None:
        self._workplace = workplace
        self._crictl = crictl
        self._containerd = containerd
        self._private = f"{private.host}/team/private:v1"
        self._auth = private.auth
        self._normalise = normalise
        self._logs = workplace.path("pod-logs")
        self._logs.mkdir()
        self._pods = 0
        self.steps: Steps = {}

    def run(self) -> Steps:
        self._runtime()
        self._pulls_by_tag()
        self._lists()
        self._pulls_by_digest()
        self._private_image()
        self._inspections()
        pod, container = self._start_pod()
        self._looks(pod, container)
        self._execs(container)
        self._prints(container)
        self._forwards(pod)
        self._measures(container)
        self._attaches(pod)
        self._events(pod)
        self._prunes()
        self._stops(pod, container)
        self._removes_images()
        return self.steps

    # One step.

    def _record(self, name: str, status: int, stdout: str, error: str, should_fail: bool = False) -> str:
        """The outcome of a step, and what it printed."""
        said: Any = self._normalise(stdout)
        try:
            said = json.loads(said)
        except ValueError:
            lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
            said = sorted(lines) if name.startswith(("images", "ps", "rmi")) else lines  # runtimes list in any order
        self.steps[name] = Outcome(status, said, self._normalise(error), should_fail)
        return stdout

    def _step(self, name: str, *arguments: str | Path, stdin: str = "", should_fail: bool = False) -> str:
        try:
            ended = self._crictl.start(*arguments, stdin=stdin)
        except subprocess.TimeoutExpired:
            return self._record(name, -1, "", "did not end")
        # What a command in a container writes to stderr is an answer, too; without a failure there is no message.
        error = message_of(ended.stderr) if ended.returncode else ""
        if re.search(LACKING_CLIENT, ended.stdout + ended.stderr):
            error = "this client does not have it"
        return self._record(name, ended.returncode, ended.stdout, error, should_fail).strip()

    def _failing(self, name: str, *arguments: str | Path) -> None:
        self._step(name, *arguments, should_fail=True)

    def _json_file(self, name: str, content: object) -> Path:
        file = self._workplace.path(f"{name}.json")
        file.write_text(json.dumps(content))
        return file

    # What is asked.

    def _runtime(self) -> None:
        self._step("version", "version")
        self._step("info", "info")
        self._step("runtime-config", "runtime-config")
        self._step("update-runtime-config", "update-runtime-config", "--pod-cidr", "10.1.0.0/16")

    def _pulls_by_tag(self) -> None:
        self._step("pull by tag", "pull", WEB)
        self._step("pull a second time", "pull", WEB)
        self._step("pull by a short name", "pull", SHORT)
        self._step("pull without a tag", "pull", UNTAGGED)
        self._step("pull --pod-config", "pull", "--pod-config", self._pod_file(), WEB)
        self._step("pull --annotation", "pull", "--annotation", "why=because", WEB)
        self._failing("pull what nobody has", "pull", f"{HOST}/no/such:image")
        self._failing("pull what is no name", "pull", "Not A Name")

    def _lists(self) -> None:
        # crictl's order of images with tags and ones without differs between two calls, and with it `before`, `since`.
        self._step("images --filter before", "images", "--output", "json", "--filter", f"before={WEB}")
        self._step("images --filter since", "images", "--output", "json", "--filter", f"since={WEB}")
        self._step("images --filter reference", "images", "--output", "json", "--filter", "reference=.*nginx.*")
        self._step("images --filter dangling=true", "images", "--output", "json", "--filter", "dangling=true")
        self._step("images --filter dangling=false", "images", "--output", "json", "--filter", "dangling=false")
        self._step("images", "images")
        self._step("images --output json", "images", "--output", "json")
        self._step("images --quiet", "images", "--quiet")
        self._step("images --digests", "images", "--digests")
        self._step("images --verbose", "images", "--verbose")
        self._step("images NAME", "images", "--output", "json", WEB)
        self._step("images SHORT-NAME", "images", "--output", "json", SHORT)
        self._step("images of a name that is not there", "images", "--output", "json", f"{HOST}/no/such:image")

    def _pulls_by_digest(self) -> None:
        digests = {name: IMAGES[name].manifest.digest for name in ("by-digest", "by-both")}
        self._step("pull by digest", "pull", f"{BY_DIGEST}@{digests['by-digest']}")
        self._step("pull by tag and digest", "pull", f"{BY_BOTH}:v1@{digests['by-both']}")
        self._failing("pull by a digest that nobody has", "pull", f"{BY_DIGEST}@sha256:{'0' * 64}")

    def _private_image(self) -> None:
        wrong = f"{self._auth.partition(':')[0]}:wrong"
        self._failing("pull without credentials", "pull", self._private)
        self._failing("pull with wrong --creds", "pull", "--creds", wrong, self._private)
        self._step("pull --creds", "pull", "--creds", self._auth, self._private)
        self._step("rmi of a private image", "rmi", self._private)
        self._step("pull --auth", "pull", "--auth", base64.b64encode(self._auth.encode()).decode(), self._private)

    def _inspections(self) -> None:
        digest = IMAGES["by-digest"].manifest.digest
        self._step("inspecti NAME", "inspecti", WEB)
        self._step("inspecti SHORT-NAME", "inspecti", SHORT)
        self._step("inspecti ID", "inspecti", web_image().config.digest)
        self._step("inspecti start of an ID", "inspecti", web_image().config.digest.partition(":")[2][:13])
        self._step("inspecti DIGEST", "inspecti", f"{BY_DIGEST}@{digest}")
        self._step("inspecti TAG@DIGEST", "inspecti", f"{BY_BOTH}:v1@{IMAGES['by-both'].manifest.digest}")
        self._failing("inspecti of nothing", "inspecti", f"{HOST}/no/such:image")
        self._step("imagefsinfo", "imagefsinfo")

    def _pod_file(self) -> Path:
        self._pods += 1
        name = f"pod-{self._pods}"
        return self._json_file(
            name,
            {
                "metadata": {"name": name, "namespace": "default", "uid": name, "attempt": 1},
                "hostname": name,
                "labels": {"app": "web"},
                "log_directory": str(self._logs),
                "linux": {"cgroup_parent": self._containerd.cgroup},
            },
        )

    def _container_file(self, name: str, image: str, **settings: object) -> Path:
        content = {"metadata": {"name": name}, "image": {"image": image}, "log_path": f"{name}.log", "linux": {}}
        return self._json_file(name, {**content, **settings})

    def _start_pod(self) -> tuple[str, str]:
        self._pod = self._pod_file()
        pod = self._step("runp", "runp", self._pod) or "none"
        web = self._container_file("web", WEB, labels={"app": "web"})
        container = self._step("create --no-pull", "create", "--no-pull", pod, web, self._pod) or "none"
        self._step("start", "start", container)
        late = self._container_file("late", LATE)
        self._step("create --with-pull", "create", "--with-pull", pod, late, self._pod)
        by_id = self._container_file("by-id", web_image().config.digest)
        self._step("create by ID", "create", "--no-pull", pod, by_id, self._pod)
        by_digest = self._container_file("by-digest", f"{BY_DIGEST}@{IMAGES['by-digest'].manifest.digest}")
        self._step("create by DIGEST", "create", "--no-pull", pod, by_digest, self._pod)
        missing = self._container_file("missing", f"{HOST}/no/such:image")
        self._failing("create of an image that is not there", "create", "--no-pull", pod, missing, self._pod)
        return pod, container

    def _looks(self, pod: str, container: str) -> None:
        self._step("pods", "pods", "--output", "json")
        self._step("inspectp", "inspectp", pod)
        self._step("ps", "ps", "--output", "json")
        self._step("ps --all", "ps", "--all", "--output", "json")
        self._step("ps --image", "ps", "--image", WEB, "--quiet")
        self._step("ps --resolve-image-path", "ps", "--resolve-image-path")
        self._step("inspect", "inspect", container)

    def _execs(self, container: str) -> None:
        self._step("exec", "exec", container, "echo", "inside")
        self._step("exec -i", "exec", "-i", container, "cat", stdin="from outside\n")
        self._failing("exec with an exit code", "exec", container, "sh", "-c", "exit 7")
        self._step("exec -i --transport websocket", "exec", "-r", "websocket", "-i", container, "cat", stdin="in\n")
        self._step("exec --sync", "exec", "--sync", container, "echo", "inside")
        self._failing("exec --sync with an exit code", "exec", "--sync", container, "sh", "-c", "exit 7")

    def _prints(self, container: str) -> None:
        log = self._logs / "web.log"
        if self.steps["start"].is_right:
            eventually(lambda: log.exists() and SPOKEN_LINES[-1] in log.read_text(), "the container prints its lines")
        self._step("logs", "logs", container)
        self._step("logs --tail", "logs", "--tail", "1", container)
        self._follow("logs --follow", ["logs", "--follow", container], self._spoken)
        self._step("logs --reopen", "logs", "--reopen", container)

    def _spoken(self, running: Running) -> str:
        return running.stdout if SPOKEN_LINES[-1] in running.stdout else ""

    def _follow(self, name: str, arguments: list[str], result: Callable[[Running], str]) -> None:
        """A command that goes on: its outcome is the result, once there is one."""
        found = ""

        def ended_or_found() -> bool:
            nonlocal found
            has_ended = running.exit_status is not None
            found = result(running)
            return bool(found) or has_ended

        with self._crictl.running(self._workplace, *arguments) as running:
            try:
                eventually(ended_or_found, f"crictl {' '.join(arguments)} shows what is waited for")
            except AssertionError as late:
                self._record(name, -1, running.stdout, str(late))
                return
            error = "" if found else message_of(running.stderr) or running.stdout
            self._record(name, 0 if found else running.exit_status or -1, found, error)

    def _forwards(self, pod: str) -> None:
        self._follow("port-forward", ["port-forward", pod, ":80"], _page)

    def _measures(self, container: str) -> None:
        self._step("stats", "stats", "--output", "json")
        self._step("statsp", "statsp", "--output", "json")
        self._step("metricdescs", "metricdescs")
        self._step("metricsp", "metricsp")
        self._step("update", "update", "--cpu-share", "512", container)
        self._step("inspect after update", "inspect", container)
        archive = self._workplace.path("checkpoint.tar")
        self._step("checkpoint", "checkpoint", f"--export={archive}", container)

    def _attaches(self, pod: str) -> None:
        echo = self._container_file("echo", WEB, command=["/bin/sh", "-c", ECHO], stdin=True)
        container = self._crictl.start("create", "--no-pull", pod, echo, self._pod).stdout.strip() or "none"
        self._crictl.start("start", container)
        said = False

        def echo_of(running: Running) -> str:
            nonlocal said
            if not said and running.exit_status is None:
                running.say("hello")
                said = True
            return running.stdout if "got hello\n" in running.stdout else ""

        self._follow("attach -i", ["attach", "-i", container], echo_of)
        self._crictl.start("stop", "--timeout", "0", container)

    def _events(self, pod: str) -> None:
        brief = self._container_file("brief", WEB, command=["/bin/sleep", "60"])

        def events_of_a_life(running: Running) -> str:
            # The stream has begun once it tells of any container: what is made before that may be missed.
            created = self._crictl.start("create", "--no-pull", pod, brief, self._pod).stdout.strip()
            for command in (["start", created], ["stop", created], ["rm", created]):
                self._crictl.start(*command)
            seen = _events_of(running.stdout, created)
            if not seen:
                return ""
            last = "CONTAINER_DELETED_EVENT"
            return "\n".join(eventually(lambda: _until(last, _events_of(running.stdout, created)), last))

        self._follow("events", ["events"], events_of_a_life)

    def _prunes(self) -> None:
        self._step("rmi --prune", "rmi", "--prune")
        self._step("images after rmi --prune", "images", "--output", "json")

    def _stops(self, pod: str, container: str) -> None:
        self._step("stop", "stop", "--timeout", "0", container)
        self._step("rm", "rm", container)
        self._failing("rm of nothing", "rm", "0123456789abc")
        self._step("stopp", "stopp", pod)
        self._step("rmp", "rmp", pod)
        self._step("pods after rmp", "pods", "--output", "json")

    def _removes_images(self) -> None:
        digest = IMAGES["by-digest"].manifest.digest
        for name in (WEB, SHORT, f"{BY_DIGEST}@{digest}"):
            self._crictl.start("pull", name)
        self._step("rmi NAME", "rmi", WEB)
        self._step("rmi DIGEST", "rmi", f"{BY_DIGEST}@{digest}")
        self._step("rmi ID", "rmi", IMAGES["short"].config.digest)
        self._failing("rmi of nothing", "rmi", f"{HOST}/no/such:image")
        self._step("images after rmi", "images", "--output", "json")
        # `rmi --prune` took the pods' own image, too, which runtimes pull on their own.
        self._containerd.import_image(images.pause("sandbox"), PAUSE)
        pod = self._pod_file()
        self._step("run", "run", "--with-pull", self._container_file("at-once", LATE), pod)
        self._step("ps after run", "ps", "--output", "json")
        self._step("rmp --all", "rmp", "--all", "--force")
        self._step("rmi --all", "rmi", "--all")
        self._step("images at the end", "images", "--output", "json")


def _page(running: Running) -> str:
    """What the container's web server says through the port that crictl forwards."""
    port = re.search(r"127\.0\.0\.1:(\d+) ->", running.stdout)
    if not port:
        return ""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port[1]}/", timeout=5) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return ""


def _events_of(stream: str, container: str) -> list[str]:
    """The kinds of events that a stream of JSON objects tells of the container so far."""
    decoder, position, kinds = json.JSONDecoder(), 0, []
    while True:
        position += len(stream[position:]) - len(stream[position:].lstrip())
        try:
            event, position = decoder.raw_decode(stream, position)
        except ValueError:
            return kinds
        if event["containerId"] == container:
            kinds.append(str(event["containerEventType"]))


def _until(last: str, events: list[str]) -> list[str]:
    return events if last in events else []
