"""`status`: how the running shim and its surroundings are (DESIGN 7, 8)."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from cri import error_of
from fake_runtime import FakeRuntime, succeeds
from leaks import Secrets
from processes import accepts_connections, eventually
from shim import IS_RELAY, Shim

pytestmark = pytest.mark.skipif(IS_RELAY, reason="a relay has no status")

NGINX = "library/nginx:1.25"


def admin(shim: Shim) -> Path:
    return Path(json.loads(shim.configuration.read_text())["admin"])


def status(shim: Shim) -> dict[str, Any]:
    return json.loads(shim.run("status", "--json").stdout)


@pytest.fixture
def start_answering(start_shim):
    """A shim whose admin socket answers."""

    def start(**settings: Any) -> Shim:
        shim = start_shim(**settings)
        eventually(lambda: accepts_connections(admin(shim)), "the admin socket answers")
        return shim

    return start


def test_where_all_is_well_it_ends_with_0(start_answering) -> None:
    shim = start_answering()

    ended = shim.run("status")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ": all is well\n" in ended.stdout
    assert "fake-runtime" in ended.stdout and "CRI v1" in ended.stdout
    assert "No registry is configured" in ended.stdout
    assert "\x1b" not in ended.stdout, "colours are for terminals"


def test_a_pull_is_told_with_its_source_and_why(start_answering, start_registry, runtime: FakeRuntime) -> None:
    empty, holder = start_registry(), start_registry(NGINX)
    runtime.set_pull(holder.name(NGINX), succeeds(1))
    shim = start_answering(registries=[{"address": empty.address, "priority": 900}, {"address": holder.address}])
    shim.client().pull("nginx:1.25", namespace="team-a")

    (decision,) = status(shim)["decisions"]

    assert decision["image"] == "nginx:1.25" and decision["namespace"] == "team-a"
    assert decision["source"] == holder.address and decision["name"] == holder.name(NGINX)
    assert decision["why"] == f"priority 500, has it; not {empty.address}: 404 Not Found"
    assert decision["pulled"] is True and decision["attempts"] == 1
    assert f"nginx:1.25 ← {holder.address}, because priority 500, has it" in shim.run("status").stdout


def test_a_pull_that_failed_is_told_with_the_error(start_answering, start_registry) -> None:
    shim = start_answering(address=start_registry().address, fallback="deny")
    error = error_of(shim.client().start_pull("nginx:1.25"))

    (decision,) = status(shim)["decisions"]

    assert decision["pulled"] is False and decision["why"] == error.details()


@pytest.mark.parametrize("is_pulling", [True, False], ids=["while-pulling", "while-asking"])
def test_a_pull_that_its_caller_gave_up_is_told(start_answering, start_registry, runtime: FakeRuntime, is_pulling) -> None:
    registry = start_registry(NGINX)
    registry.hangs = not is_pulling
    runtime.set_pull(registry.name(NGINX), {"hold": True})
    shim = start_answering(address=registry.address, fallback="deny")
    call = shim.client().start_pull("nginx:1.25")
    if is_pulling:
        runtime.wait_for_calls("PullImage")
    else:
        eventually(registry.manifest_requests, "the registry is asked")

    call.cancel()

    (decision,) = eventually(lambda: status(shim)["decisions"], "it has ended")
    assert (decision["pulled"], decision["why"]) == (False, "given up by the caller")
    assert decision["attempts"] == int(is_pulling)


def test_a_registry_that_is_left_out_is_a_concern(start_answering, start_registry, runtime: FakeRuntime) -> None:
    down, holder = start_registry(), start_registry(NGINX)
    down.stop()
    runtime.set_pull(holder.name(NGINX), succeeds(1))
    shim = start_answering(
        registries=[{"address": down.address, "priority": 900}, {"address": holder.address}],
        probe={"failureThreshold": 1, "recoveryInterval": "60s"},
    )
    shim.client().pull("nginx:1.25")

    ended = shim.run("status")

    assert ended.returncode == 1
    assert f"! {down.address} is left out: connection refused" in ended.stdout
    assert "next check in" in ended.stdout
    first, second = status(shim)["registries"]
    assert (first["state"], second["state"]) == ("left-out", "well")
    assert second["pullsSucceeded"] == 1 and second["latencyUs"] > 0


def test_a_registry_that_refuses_is_a_concern_until_it_does_not(
    start_answering, start_registry, runtime: FakeRuntime
) -> None:
    locked = start_registry(NGINX, credentials="robot:right-password")
    shim = start_answering(address=locked.address, auth="robot:wrong-password", fallback="deny")
    error_of(shim.client().start_pull("nginx:1.25"))
    assert status(shim)["registries"][0]["state"] == "failing"
    assert 'refused user "robot"' in shim.run("status").stdout

    locked.credentials = ""
    runtime.set_pull(locked.name(NGINX), succeeds(1))
    shim.client().pull("nginx:1.25")

    (registry,) = status(shim)["registries"]
    assert registry["state"] == "well"
    assert 'refused user "robot"' in registry["lastFailure"], "what was, is still told"
    assert shim.run("status").returncode == 0


def test_a_runtime_that_went_is_a_concern(start_answering, runtime: FakeRuntime) -> None:
    shim = start_answering()
    runtime.kill()

    ended = shim.run("status")

    assert ended.returncode == 1
    assert f"✗ the container runtime at {runtime.socket} cannot be reached" in ended.stdout


def test_it_answers_while_the_shim_waits_for_the_runtime(new_shim, workplace) -> None:
    shim = new_shim(workplace.path("nobody.sock"))
    shim.configure()
    shim.launch()
    eventually(lambda: accepts_connections(admin(shim)), "the admin socket answers")

    assert status(shim)["shim"]["serving"] is False
    shim.process.kill()
    shim.accepted_exits.add(-signal.SIGKILL)


def test_a_bad_file_is_a_concern_and_the_shim_is_still_found(start_answering) -> None:
    shim = start_answering()
    good = shim.configuration.read_text()
    shim.configuration.write_text(good.replace('"debug": true', '"debug": "maybe"'))
    shim.hang_up()
    eventually(lambda: status(shim)["configuration"].get("problem"), "the file is not in use")

    ended = shim.run("status")

    assert ended.returncode == 1
    assert f"! {shim.configuration} is not in use as it is now: " in ended.stdout and "debug" in ended.stdout


def test_a_config_map_that_was_refused_is_a_concern_until_it_is_corrected(api, follow) -> None:
    api.put("timeout: 1m")
    shim = follow(api)

    def config_map() -> dict[str, Any]:
        return status(shim)["configuration"]["configMap"]

    eventually(lambda: config_map()["state"] == "following", "it is followed")
    assert config_map()["name"] == "kube-system/image-cri-shim" and config_map()["lastSeen"]
    api.wait_for_watch()

    api.put("timeout: soon")
    eventually(lambda: "timeout" in config_map().get("problem", ""), "it is refused")
    ended = shim.run("status")
    assert ended.returncode == 1
    assert "! What the ConfigMap kube-system/image-cri-shim says has no effect: " in ended.stdout

    api.put("timeout: 2m")
    eventually(lambda: "problem" not in config_map(), "it is corrected")
    assert shim.run("status").returncode == 0


def test_a_config_map_that_may_not_be_read_is_a_concern(api, follow) -> None:
    api.allowed = set()
    shim = follow(api)

    eventually(lambda: status(shim)["configuration"]["configMap"]["state"] == "unknown", "it is known to be unknown")

    assert "cannot be read: " in shim.run("status").stdout


def test_no_secret_is_shown(start_answering, start_registry, secrets: Secrets) -> None:
    password, token = secrets.new("password"), secrets.new("token")
    shim = start_answering(
        address="http://127.0.0.1:1",
        auth={"username": "robot", "password": password},
        registries=[{"address": "http://127.0.0.1:2", "auth": {"identityToken": token}}],
    )
    error_of(shim.client().start_pull("nginx:1.25"))
    page = shim.ask_admin("/")[1]

    for text in (shim.run("status").stdout, shim.run("status", "--json").stdout, page):
        assert password not in text and token not in text
    assert "(set)" in page


def test_without_a_shim_it_ends_with_1_and_says_where_to_look(new_shim, workplace) -> None:
    shim = new_shim(workplace.path("nobody.sock"))
    shim.configure()

    ended = shim.run("status")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert str(admin(shim)) in ended.stderr and "systemctl status image-cri-shim" in ended.stderr


def heed_interrupts() -> None:
    """In a new process: a shell has its background jobs ignore them, and what those start as well."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_watch_appends_blocks_where_nobody_looks(start_answering) -> None:
    shim = start_answering()
    command = shim.command("status", "--watch=200ms")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heed_interrupts) as watching:
        assert watching.stdout
        begins = [line for line in (watching.stdout.readline() for _ in range(40)) if line.startswith("image-cri-shim")]
        watching.send_signal(signal.SIGINT)
    assert len(begins) >= 2
    assert watching.returncode == -signal.SIGINT


def test_watch_goes_on_when_the_shim_is_back(start_answering) -> None:
    shim = start_answering()
    with subprocess.Popen(
        shim.command("status", "--watch=200ms"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout

        def reads(words: str) -> None:
            while words not in watching.stdout.readline():
                assert watching.poll() is None

        reads("all is well")
        shim.terminate()
        shim.process.wait()
        reads(str(admin(shim)))
        shim.start()
        reads("all is well")
        watching.kill()


def test_on_a_terminal_it_keeps_to_it(start_answering) -> None:
    shim = start_answering(address="http://127.0.0.1:1")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 60, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": ""}
    with subprocess.Popen(shim.command("status", "--watch=200ms"), stdout=theirs, env=environment) as watching:
        os.close(theirs)
        shown = ""
        end = time.monotonic() + 10
        while shown.count("\x1b[H") < 3 and time.monotonic() < end:
            shown += os.read(ours, 65536).decode()
        watching.terminate()
    os.close(ours)
    frame = shown.split("\x1b[H")[1]
    assert "\x1b[1;32m" in frame, "colours"
    assert frame.count("\n") == 9, "a row less than it has"


def test_the_page_is_served_with_a_policy(start_answering) -> None:
    shim = start_answering()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(admin(shim)))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    for field in (
        "Content-Type: text/html; charset=utf-8",
        "Content-Security-Policy: default-src 'none'; style-src 'sha256-",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        "Cache-Control: no-store",
    ):
        assert field in head
    assert body.startswith("<!DOCTYPE html>") and "image-cri-shim" in body
