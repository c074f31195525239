"""`resolve IMAGE`: which registry would serve it, and why not another; the admin socket that it asks (DESIGN 6, 7)."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pty
import signal
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from leaks import Secrets
from processes import accepts_connections, eventually
from registry import Registry
from shim import Shim

NGINX = "library/nginx:1.25"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")


@pytest.fixture
def start_shim(start_shim, secrets: Secrets):
    """Every test here looks for secrets in what the commands print, too."""

    def start(**settings: Any) -> Shim:
        shim = start_shim(**settings)
        eventually(lambda: accepts_connections(admin(shim)), "the admin socket answers")
        return shim

    return start


def admin(shim: Shim) -> Path:
    return Path(json.loads(shim.configuration.read_text())["admin"])


def resolve(shim: Shim, *words: str, image: str = "nginx:1.25", **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shim.command("resolve", image, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, **options
    )


def explained(shim: Shim, *words: str, **options: Any) -> dict[str, Any]:
    ended = resolve(shim, "--json", *words, **options)
    return json.loads(ended.stdout)


def candidate(explanation: dict[str, Any], registry: Registry | str) -> dict[str, Any]:
    address = registry if isinstance(registry, str) else registry.address
    (found,) = [each for each in explanation["candidates"] if each["registry"] == address]
    return found


def line_of(text: str, registry: Registry) -> str:
    """The candidate's own; another's may name it."""
    (line,) = [line for line in text.splitlines() if line[5:].startswith(registry.address)]
    return line


def entry(registry: Registry, priority: int = 500, **more: Any) -> dict[str, Any]:
    return {"address": registry.address, "priority": priority, **more}


def gone(start_registry) -> Registry:
    registry = start_registry()
    registry.stop()
    return registry


# What is said of each registry.


def test_chosen_registry_is_marked_and_others_say_why_not(start_shim, start_registry) -> None:
    absent, holder, spare = start_registry(), start_registry(NGINX), start_registry(NGINX)
    shim = start_shim(registries=[entry(absent, 900), entry(holder, 600), entry(spare, 100)])

    ended = resolve(shim)

    assert ended.returncode == 0
    assert ended.stderr == ""
    assert "\x1b" not in ended.stdout
    assert line_of(ended.stdout, holder).startswith("* 2")
    assert "404" in line_of(ended.stdout, absent)
    assert line_of(ended.stdout, spare).startswith("  3")
    assert f"A pull begins with {holder.name(NGINX)}" in ended.stdout


def test_json_is_alone_on_stdout(start_shim, start_registry) -> None:
    holder = start_registry(NGINX)
    shim = start_shim(address=holder.address)

    explanation = explained(shim)

    assert explanation["canonical"] == "docker.io/library/nginx:1.25"
    assert candidate(explanation, holder)["chosen"] is True
    assert candidate(explanation, holder)["offline"] is True
    assert candidate(explanation, holder)["found"] == "holds"
    assert candidate(explanation, holder)["name"] == holder.name(NGINX)
    assert candidate(explanation, "docker.io") == {
        **candidate(explanation, "docker.io"), "original": True, "found": "not-asked", "chosen": False
    }  # fmt: skip


def test_answers_are_those_of_the_daemons_cache(start_shim, start_registry) -> None:
    holder = start_registry(NGINX)
    shim = start_shim(address=holder.address)

    first, second = explained(shim), explained(shim)

    assert "answeredInMs" in candidate(first, holder)
    assert "knownForMs" in candidate(second, holder)
    assert len(holder.manifest_requests()) == 1
    assert "has it, known for" in line_of(resolve(shim).stdout, holder)


def test_registry_that_is_down_is_left_out_with_its_reason(start_shim, start_registry) -> None:
    down, holder = gone(start_registry), start_registry(NGINX)
    shim = start_shim(registries=[entry(down, 900), entry(holder)], probe={"failureThreshold": 1})
    resolve(shim)

    circuit = candidate(explained(shim), down)["circuit"]

    assert circuit["open"] is True
    assert "connection refused" in circuit["reason"]
    assert circuit["openForMs"] >= 0
    assert "nextCheckInMs" in circuit
    assert "connection refused (circuit open for" in line_of(resolve(shim).stdout, down)


def test_refusal_says_what_to_mend_and_never_the_password(start_shim, start_registry, secrets: Secrets) -> None:
    right, wrong = secrets.new("right"), secrets.new("wrong")
    refusing, holder = start_registry(NGINX, credentials=f"robot:{right}"), start_registry(NGINX)
    shim = start_shim(debug=True, registries=[entry(refusing, 900, auth=f"robot:{wrong}"), entry(holder)])

    ended = [resolve(shim), resolve(shim, "--json")]

    assert "401 Unauthorized: " in line_of(ended[0].stdout, refusing)
    assert '"robot"' in line_of(ended[0].stdout, refusing)
    assert all(each.returncode == 0 for each in ended)
    assert not any(secrets.found_in(each.stdout + each.stderr) for each in ended)


def test_credentials_that_are_right_are_not_shown_either(start_shim, start_registry, secrets: Secrets) -> None:
    password = secrets.new("password")
    holder = start_registry(NGINX, credentials=f"robot:{password}", bearer=True)
    shim = start_shim(address=holder.address, auth=f"robot:{password}")

    ended = resolve(shim, "--json")

    assert candidate(json.loads(ended.stdout), holder)["found"] == "holds"
    assert not secrets.found_in(ended.stdout + ended.stderr)


def test_namespaces_and_match_are_rules_that_it_names(start_shim, start_registry) -> None:
    team, quay = start_registry(NGINX), start_registry(NGINX)
    shim = start_shim(registries=[entry(team, 900, namespaces=["team-*"]), entry(quay, match=["quay.io"])])

    anybody, member = explained(shim), explained(shim, "--namespace", "team-a")

    assert "name" not in candidate(anybody, team)
    assert "team-*" in candidate(anybody, team)["verdict"]
    assert candidate(member, team)["chosen"] is True
    assert member["namespace"] == "team-a"
    assert "quay.io" in candidate(member, quay)["verdict"]
    assert quay.requests == []


def test_options_stand_anywhere(start_shim, start_registry) -> None:
    holder = start_registry(NGINX)
    shim = start_shim(address=holder.address)
    binary, file = shim.command()[0], str(shim.configuration)

    for words in (["resolve", "-f", file, "--json", "nginx:1.25"], ["resolve", "nginx:1.25", "--json", "--file", file]):
        ended = subprocess.run([binary, *words], stdout=subprocess.PIPE, text=True, timeout=30)
        assert candidate(json.loads(ended.stdout), holder)["chosen"] is True


def test_without_registries_it_says_so(start_shim) -> None:
    ended = resolve(start_shim(fallback="deny"))

    assert ended.returncode == 0
    assert "no registry is configured" in ended.stdout


# Exit codes.


def test_image_that_nobody_has_is_1_in_an_air_gap_and_0_with_an_upstream(start_shim, new_shim, runtime, start_registry) -> None:
    empty = start_registry()
    shim = start_shim(address=empty.address, fallback="deny")
    open_shim = new_shim(runtime.socket, name="open")
    open_shim.configure(address=empty.address)
    open_shim.start()

    assert resolve(shim).returncode == 1
    assert "No source is left" in resolve(shim).stdout
    assert resolve(open_shim).returncode == 0
    assert "the image's own registry, with nginx:1.25" in resolve(open_shim).stdout


@pytest.mark.parametrize("name", ["two words", "a//b", "name:", "sha256:" + "a" * 64, "a&namespace=b", ""])
def test_name_of_no_image_is_2(start_shim, start_registry, name: str) -> None:
    registry = start_registry()
    shim = start_shim(address=registry.address)

    ended = resolve(shim, image=name)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.strip()
    assert registry.requests == []


def test_invalid_file_is_2_but_a_running_shim_can_be_asked_all_the_same(start_shim, start_registry) -> None:
    holder = start_registry(NGINX)
    shim = start_shim(address=holder.address)
    socket_path = str(admin(shim))
    shim.configuration.write_text("timeout: soon\n")

    refused, asked = resolve(shim), resolve(shim, "--admin", socket_path)

    assert refused.returncode == 2
    assert "timeout" in refused.stderr and "--admin" in refused.stderr
    assert asked.returncode == 0
    assert f"A pull begins with {holder.name(NGINX)}" in asked.stdout


# Where no shim answers.


def test_without_a_shim_the_registries_are_asked_from_here(new_shim, start_registry, secrets: Secrets) -> None:
    password = secrets.new("password")
    holder, down = start_registry(NGINX, credentials=f"robot:{password}"), gone(start_registry)
    shim = new_shim()
    shim.configure(address=holder.address, auth=f"robot:{password}", registries=[entry(down, 2000)])

    ended = resolve(shim, "--json")

    assert ended.returncode == 0
    assert ended.stderr == f"no shim is running at {admin(shim)}: asking the registries from here\n"
    assert candidate(json.loads(ended.stdout), holder)["chosen"] is True
    assert candidate(json.loads(ended.stdout), down)["found"] == "unreachable"
    assert not secrets.found_in(ended.stdout + ended.stderr)


def test_a_stale_socket_is_no_shim(new_shim, start_registry) -> None:
    holder = start_registry(NGINX)
    shim = new_shim()
    shim.configure(address=holder.address)
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(admin(shim)))

    ended = resolve(shim)

    assert "no shim is running" in ended.stderr
    assert ended.returncode == 0


@needs_root
def test_somebody_else_is_told_to_be_root(start_shim, start_registry, workplace) -> None:
    shim = start_shim(address=start_registry(NGINX).address)
    workplace.folder.chmod(0o755)
    socket_path = workplace.path("elsewhere.sock")
    socket_path.hardlink_to(admin(shim))
    readable = Path("/tmp") / f"ics-resolve-{os.getpid()}"
    readable.write_bytes(Path(shim.command()[0]).read_bytes())
    readable.chmod(0o755)
    try:
        ended = subprocess.run(
            [readable, "resolve", "nginx:1.25", "-f", shim.configuration],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30, user=65534, group=65534, extra_groups=[],
        )  # fmt: skip
    finally:
        readable.unlink()

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "root" in ended.stderr and str(admin(shim)) in ended.stderr


# For people.


def test_terminal_gets_colours_unless_it_wants_none(start_shim, start_registry) -> None:
    shim = start_shim(address=start_registry(NGINX).address)

    def shown(**environment: str) -> str:
        ours, theirs = pty.openpty()
        subprocess.run(
            shim.command("resolve", "nginx:1.25"), stdout=theirs, env={**os.environ, "TERM": "xterm", **environment}, timeout=30
        )
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:  # how the end of a pty shows
            pass
        os.close(ours)
        return text.decode()

    assert "\x1b[1;32m* 1" in shown(NO_COLOR="")
    assert "\x1b" not in shown(NO_COLOR="1")
    assert "\x1b" not in shown(TERM="dumb")


# The admin socket.


def get(shim: Shim, target: str, method: str = "GET") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("shim")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(20)
    connection.sock.connect(str(admin(shim)))
    connection.request(method, target)
    return connection.getresponse()


def test_admin_socket_is_roots_alone_whatever_the_umask(new_shim, runtime) -> None:
    shim = new_shim(runtime.socket)
    shim.configure()
    shim.start(prepare=lambda: os.umask(0) and None)

    assert stat.S_IMODE(admin(shim).stat().st_mode) == 0o600


def test_admin_sockets_folder_is_made(new_shim, runtime, workplace) -> None:
    shim = new_shim(runtime.socket)
    shim.configure(admin=str(workplace.path("run/admin.sock")))
    shim.start()

    assert stat.S_IMODE(admin(shim).parent.stat().st_mode) & ~0o755 == 0
    assert get(shim, "/resolve?image=nginx").status == 200


def test_admin_socket_goes_with_the_shim(start_shim) -> None:
    shim = start_shim()
    shim.terminate()

    assert shim.process.wait() == 0
    assert not admin(shim).exists()


def test_admin_socket_of_a_killed_shim_is_replaced(start_shim) -> None:
    shim = start_shim()
    shim.accepted_exits.add(-signal.SIGKILL)
    shim.process.kill()
    assert admin(shim).exists()

    shim.start()

    assert get(shim, "/resolve?image=nginx").status == 200


def test_admin_socket_that_cannot_be_had_is_an_error_that_stops_nobody(start_shim, new_shim, runtime) -> None:
    first = start_shim()
    second = new_shim(runtime.socket, name="second")
    second.configure(admin=str(admin(first)))
    second.start()

    second.wait_for_log("error", str(admin(first)), str(first.process.pid))
    assert second.client().version_of_runtime().runtime_name == "fake-runtime"
    second.terminate()
    second.process.wait()
    assert get(first, "/resolve?image=nginx").status == 200


def test_it_answers_while_the_shim_waits_for_the_runtime(new_shim, start_registry) -> None:
    holder = start_registry(NGINX)
    shim = new_shim()
    shim.configure(address=holder.address)
    shim.launch()
    shim.process.wait_until(lambda: accepts_connections(admin(shim)), "asked")

    assert candidate(explained(shim), holder)["chosen"] is True


@pytest.mark.parametrize(
    "method, target, status",
    [
        ("GET", "/resolve", 400),
        ("GET", "/resolve?image=a//b", 400),
        ("GET", "/resolve?image=%00", 400),
        ("GET", "/none", 404),
        ("POST", "/resolve?image=nginx", 405),
        ("GET", "/resolve?image=" + "a" * 20_000, 431),
    ],
)
def test_what_it_refuses_is_a_line_of_json(start_shim, method: str, target: str, status: int) -> None:
    response = get(start_shim(), target, method)

    assert response.status == status
    body = response.read().decode()
    assert json.loads(body)["error"]
    assert body.count("\n") == 1


def test_clients_that_hold_on_are_bounded_and_harm_no_pull(start_shim, start_registry, runtime) -> None:
    shim = start_shim(address=start_registry(NGINX).address)
    silent = []
    for _ in range(40):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(admin(shim)))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has been turned away already
            client.send(b"GET /resolve")
        silent.append(client)

    eventually(lambda: shim.process.open_files() < 40, "the connections are bounded")
    assert shim.client().version_of_runtime().runtime_name == "fake-runtime"
    for client in silent:
        client.close()
    eventually(lambda: get(shim, "/resolve?image=nginx").status == 200, "there is room again")
