"""The log: its forms, priorities for journald, one line for each pull, repeats, and a stderr that is stuck."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from cri import Client, error_of
from fake_runtime import FakeRuntime, fails, succeeds
from leaks import Secrets
from processes import eventually
from registry import Registry
from shim import Shim

NGINX = "library/nginx:1.25"
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d (debug|info|warning|error) \S.*")
HOSTILE = 'x"}\n{"level":"error","message":"forged\x1b[2K\u202e镜像'


@pytest.fixture
def registry(start_registry) -> Registry:
    return start_registry(NGINX)


@pytest.fixture
def start_logging(start_shim, registry: Registry) -> Callable[..., Shim]:
    """A shim with one registry that logs in this form."""

    def start(log_format: str = "text", **settings: Any) -> Shim:
        return start_shim(
            registries=[{"address": registry.address, "priority": 600}], log={"format": log_format}, **settings
        )

    return start


def objects(log: str) -> list[dict[str, Any]]:
    """Every line of it; one that is no object fails."""
    return [json.loads(line) for line in log.splitlines()]


def ends_of_pulls(shim: Shim, count: int = 1) -> list[dict[str, Any]]:
    def ends() -> list[dict[str, Any]]:
        return [line for line in objects(shim.log[: shim.log.rfind("\n") + 1]) if line.get("event") == "pull"]

    eventually(lambda: len(ends()) >= count, f"{count} pulls are in the log")
    return ends()


def do_all_kinds_of_pulls(runtime: FakeRuntime, registry: Registry, client: Client) -> None:
    runtime.set_pull(registry.name(NGINX), fails(grpc.StatusCode.UNKNOWN, HOSTILE), succeeds(1))
    runtime.set_pull("nginx:1.25", succeeds(2))
    client.pull("nginx:1.25", namespace="team")
    client.pull("nginx:1.25")
    error_of(client.start_pull("nobody/has:it"))
    error_of(client.start_pull(HOSTILE))


# Forms.


def test_every_line_of_json_is_an_object_with_the_documented_members(
    runtime: FakeRuntime, registry: Registry, start_logging
) -> None:
    shim = start_logging("json")
    do_all_kinds_of_pulls(runtime, registry, shim.client())
    ends_of_pulls(shim, 4)
    shim.terminate()
    assert shim.process.wait() == 0

    for line in objects(shim.log):
        assert list(line)[:3] == ["time", "level", "message"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["level"] in ("debug", "info", "warning", "error")


def test_every_line_of_text_has_time_level_and_message(
    runtime: FakeRuntime, registry: Registry, start_logging
) -> None:
    shim = start_logging()
    do_all_kinds_of_pulls(runtime, registry, shim.client())
    shim.terminate()
    assert shim.process.wait() == 0

    assert all(TEXT_LINE.fullmatch(line) for line in shim.log.splitlines())
    assert "\x1b" not in shim.log and "\u202e" not in shim.log


def test_a_pull_is_one_line_with_a_member_for_each_part(
    runtime: FakeRuntime, registry: Registry, start_logging
) -> None:
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    shim = start_logging("json")
    shim.client().pull("nginx:1.25", namespace="team")

    (line,) = ends_of_pulls(shim)
    assert line["message"].startswith(
        f"priority match: image=nginx:1.25 action=PullImage matched_registry={registry.address} "
        f"priority=600 result={registry.name(NGINX)} duration="
    )
    assert line["duration_seconds"] >= 0
    members = ("outcome", "image", "namespace", "registry", "priority", "result", "attempts", "bytes", "passed_over")
    assert [line[name] for name in members] == [
        "pulled", "nginx:1.25", "team", registry.address, 600, registry.name(NGINX), 1, None, [],
    ]  # fmt: skip


def test_a_failed_pull_is_one_line_with_each_source_and_why(
    runtime: FakeRuntime, registry: Registry, start_logging
) -> None:
    runtime.set_pull(registry.name(NGINX), fails(grpc.StatusCode.UNKNOWN, "unexpected EOF"))
    runtime.set_pull("nginx:1.25", fails(grpc.StatusCode.UNAVAILABLE, "no route to host"))
    shim = start_logging("json")
    error_of(shim.client().start_pull("nginx:1.25"))

    (line,) = ends_of_pulls(shim)
    assert (line["level"], line["outcome"], line["attempts"]) == ("error", "failed", 2)
    assert len(line["tried"]) == 2
    assert "unexpected EOF" in line["tried"][0] and "no route to host" in line["tried"][1]
    assert all(source in line["message"] for source in line["tried"])


def test_a_cancelled_pull_is_one_line(runtime: FakeRuntime, registry: Registry, start_logging) -> None:
    runtime.set_pull(registry.name(NGINX), {"hold": True})
    shim = start_logging("json")
    pull = shim.client().start_pull("nginx:1.25")
    runtime.wait_for_calls("PullImage")
    pull.cancel()

    (line,) = ends_of_pulls(shim)
    assert (line["level"], line["outcome"], line["registry"]) == ("info", "cancelled", registry.address)


def test_no_secret_is_in_any_line_of_json(
    runtime: FakeRuntime, start_shim, start_registry, secrets: Secrets
) -> None:
    """The search for them at the end of each test covers this log."""
    password = secrets.new("password")
    registry = start_registry(NGINX, credentials=f"robot:{password}")
    wrong = start_registry(NGINX, credentials="robot:other-password")
    runtime.set_pull(registry.name(NGINX), fails(grpc.StatusCode.UNKNOWN, "unexpected EOF"), succeeds(1))
    shim = start_shim(
        registries=[
            {"address": wrong.address, "auth": {"username": "robot", "password": secrets.new("wrong")}, "priority": 900},
            {"address": registry.address, "auth": f"robot:{password}"},
        ],
        log={"format": "json"},
    )
    client = shim.client()
    for _ in range(2):
        error = client.start_pull("nginx:1.25")
        error.exception()

    assert len(ends_of_pulls(shim, 2)) == 2
    assert secrets.found_in(shim.log) == []
    assert "401" in shim.log


# journald.


def launch_into_pipe(shim: Shim, is_journal: bool) -> int:
    """Starts it with a pipe as stderr; the end to read from."""
    reader, writer = os.pipe()
    status = os.fstat(writer)
    stream = f"{status.st_dev}:{status.st_ino}" if is_journal else "1:1"

    def redirect() -> None:
        os.dup2(writer, 2)

    shim.launch(environment={"JOURNAL_STREAM": stream}, prepare=redirect)
    os.close(writer)
    return reader


def read_until(reader: int, word: str, seconds: float = 10) -> str:
    text = ""
    end = time.monotonic() + seconds
    while word not in text:
        assert select.select([reader], [], [], max(0, end - time.monotonic()))[0], f"no {word!r} in {text!r}"
        text += os.read(reader, 65536).decode()
    return text


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_journald_is_told_the_priority_of_each_line(runtime: FakeRuntime, new_shim, log_format: str) -> None:
    shim = new_shim(runtime.socket)
    shim.configure(log={"format": log_format}, unknown=1)
    log = read_until(launch_into_pipe(shim, is_journal=True), "serving on")

    for line in log.splitlines():
        level = re.search(r'"level":"(\w+)"' if log_format == "json" else r"T[\d:]+ (\w+) ", line)
        assert level and line[:3] == {"debug": "<7>", "info": "<6>", "warning": "<4>", "error": "<3>"}[level[1]]
    assert "<4>" in log  # the unknown key


def test_nobody_else_is_told_priorities(runtime: FakeRuntime, new_shim) -> None:
    shim = new_shim(runtime.socket)
    shim.configure()
    log = read_until(launch_into_pipe(shim, is_journal=False), "serving on")

    assert not any(line.startswith("<") for line in log.splitlines())


# Storms.


def fail_many_pulls(client: Client, image: str, count: int) -> float:
    begin = time.monotonic()
    for _ in range(count // 50):
        for pull in [client.start_pull(image) for _ in range(50)]:
            assert pull.exception()
    return time.monotonic() - begin


def test_a_storm_of_failing_pulls_is_counted(runtime: FakeRuntime, start_logging) -> None:
    shim = start_logging("json", fallback="deny", debug=False)
    fail_many_pulls(shim.client(), "nobody/has:it", 1000)
    fail_many_pulls(shim.client(), "neither/has:this", 50)
    shim.terminate()
    assert shim.process.wait() == 0

    def counted(image: str) -> int:
        about_it = [line for line in objects(shim.log) if f"cannot pull {image}: " in line["message"]]
        assert len(about_it) < 12
        return sum(line.get("repeats", 1) for line in about_it)

    assert counted("nobody/has:it") == 1000
    assert counted("neither/has:this") == 50


def test_a_storm_of_pulls_that_succeed_is_a_line_each(
    runtime: FakeRuntime, registry: Registry, start_logging
) -> None:
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    shim = start_logging("json", debug=False)
    client = shim.client()
    for _ in range(100):
        client.pull("nginx:1.25")

    assert len(ends_of_pulls(shim, 100)) == 100


def test_a_storm_of_errors_that_differ_loses_none(runtime: FakeRuntime, start_logging) -> None:
    shim = start_logging("json", fallback="deny", debug=False)
    client = shim.client()
    for number in range(200):
        error_of(client.start_pull(f"nobody/has:v{number}"))

    assert len({line["image"] for line in ends_of_pulls(shim, 200)}) == 200


# A stderr that is stuck.


@pytest.fixture
def stuck(runtime: FakeRuntime, new_shim, registry: Registry) -> Iterator[tuple[Shim, int]]:
    """A shim whose stderr takes 4 KiB and then nothing, until somebody reads the other end."""
    shim = new_shim(runtime.socket)
    shim.configure(registries=[{"address": registry.address}], fallback="deny", debug=True)
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    shim.launch(prepare=lambda: os.dup2(writer, 2))
    os.close(writer)
    yield shim, reader
    os.close(reader)


def test_a_stuck_stderr_delays_no_call_and_what_it_cost_is_said(
    runtime: FakeRuntime, registry: Registry, stuck: tuple[Shim, int]
) -> None:
    shim, reader = stuck
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    eventually(lambda: shim.socket.exists(), "it listens")
    client = shim.client()
    for number in range(1000):  # some 200 KiB
        error_of(client.start_pull(f"nobody/has:v{number}"))
    begin = time.monotonic()
    client.pull("nginx:1.25")
    assert time.monotonic() - begin < 2

    log = read_until(reader, "priority match: ")
    dropped = re.search(r"warning log: (\d+) lines were dropped because stderr was blocked", log)
    assert dropped and int(dropped[1]) > 100


def test_a_stuck_stderr_does_not_hold_up_the_end(stuck: tuple[Shim, int]) -> None:
    shim, _ = stuck
    eventually(lambda: shim.socket.exists(), "it listens")
    client = shim.client()
    for number in range(100):
        error_of(client.start_pull(f"nobody/has:v{number}"))
    shim.terminate()

    assert shim.process.wait(10) == 0


def test_what_is_logged_at_the_end_is_written(shim: Shim) -> None:
    shim.terminate()
    assert shim.process.wait() == 0

    assert shim.log.endswith(" info stopped\n")


def test_a_full_disk_costs_lines_and_no_calls(runtime: FakeRuntime, new_shim, registry: Registry) -> None:
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    shim = new_shim(runtime.socket)
    shim.configure(registries=[{"address": registry.address}])
    full = os.open("/dev/full", os.O_WRONLY)
    shim.launch(prepare=lambda: os.dup2(full, 2))
    os.close(full)
    eventually(lambda: shim.socket.exists(), "it listens")

    shim.client().pull("nginx:1.25")
    shim.terminate()
    assert shim.process.wait() == 0
