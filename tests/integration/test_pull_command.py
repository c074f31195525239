"""`pull IMAGE`: what a kubelet's pull through the shim comes to, and where the image came from (DESIGN 7)."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess

import grpc
import pytest

from fake_runtime import FakeRuntime, fails, image_id, succeeds
from leaks import Secrets
from processes import eventually
from shim import Shim

NGINX = "library/nginx:1.25"


@pytest.fixture
def holder(start_registry, runtime: FakeRuntime):
    registry = start_registry(NGINX)
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    return registry


def run(shim: Shim, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in shim.command(*words)], input=stdin, capture_output=True, text=True, timeout=20
    )


def test_pull_names_the_source_and_the_image(start_shim, holder) -> None:
    shim = start_shim(address=holder.address)

    ended = run(shim, "pull", "nginx:1.25")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "✓ nginx:1.25: pulled in " in ended.stdout
    assert f"{holder.address}, as {holder.name(NGINX)}" in ended.stdout
    assert image_id(1) in ended.stdout
    assert "it was not on the node" in ended.stdout


def test_pull_in_json(start_shim, holder) -> None:
    shim = start_shim(address=holder.address)
    run(shim, "pull", "nginx:1.25")

    answer = json.loads(run(shim, "pull", "nginx:1.25", "--json").stdout)

    assert answer["pulled"] and answer["wasPresent"]
    assert answer["imageId"] == image_id(1)
    assert answer["source"]["registry"] == holder.address


def test_pull_asks_as_a_kubelet_does(start_shim, holder, runtime: FakeRuntime) -> None:
    shim = start_shim(registries=[{"address": holder.address, "namespaces": ["team-a"]}])
    runtime.set_pull("nginx:1.25", succeeds(2))

    of_team = run(shim, "pull", "nginx:1.25", "--namespace", "team-a")
    of_others = run(shim, "pull", "nginx:1.25", "--namespace", "team-b")

    assert holder.name(NGINX) in of_team.stdout
    assert holder.name(NGINX) not in of_others.stdout
    assert runtime.pulled_names() == [holder.name(NGINX), "nginx:1.25"]


def test_password_comes_from_stdin_and_shows_nowhere(
    start_shim, runtime: FakeRuntime, secrets: Secrets
) -> None:
    password = secrets.new("password")
    runtime.set_pull("own.test/app:v1", succeeds(3))
    shim = start_shim()

    ended = run(shim, "pull", "own.test/app:v1", "--creds", "robot", stdin=password + "\n")

    assert ended.returncode == 0, ended.stdout
    (call,) = runtime.calls("PullImage")
    assert (call.auth.username, call.auth.password) == ("robot", password)
    assert not secrets.found_in(ended.stdout + ended.stderr)


def test_credentials_without_a_password_are_refused(start_shim, runtime: FakeRuntime) -> None:
    ended = run(start_shim(), "pull", "nginx", "--creds", "robot")

    assert ended.returncode == 2
    assert "no password" in ended.stderr
    assert not runtime.calls("PullImage")


def test_password_is_asked_for_on_a_terminal_and_not_shown(start_shim, runtime: FakeRuntime) -> None:
    runtime.set_pull("own.test/app:v1", succeeds(3))
    shim = start_shim()
    ours, theirs = pty.openpty()
    command = [str(word) for word in shim.command("pull", "own.test/app:v1", "--creds", "robot")]
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)

    said = os.read(ours, 4096).decode()
    os.write(ours, b"typed-secret\n")
    while True:
        try:
            said += os.read(ours, 4096).decode()
        except OSError:  # the terminal's end
            break

    assert child.wait(20) == 0, said
    assert said.startswith("Password of robot: ")
    assert "typed-secret" not in said
    assert runtime.calls("PullImage")[0].auth.password == "typed-secret"


def test_error_is_that_of_a_pod_word_for_word(start_shim, holder, runtime: FakeRuntime) -> None:
    runtime.set_pull(holder.name(NGINX), fails(grpc.StatusCode.UNKNOWN, "no space for it"))
    shim = start_shim(address=holder.address, fallback="deny")
    with pytest.raises(grpc.RpcError) as raised:
        shim.client().pull("nginx:1.25")

    ended = run(shim, "pull", "nginx:1.25")
    in_json = json.loads(run(shim, "pull", "nginx:1.25", "--json").stdout)

    assert ended.returncode == 1
    assert f"✗ nginx:1.25: {raised.value.code().name}: " in ended.stdout
    assert "no space for it" in ended.stdout
    assert in_json["error"]["code"] == raised.value.code().name
    assert "no space for it" in in_json["error"]["message"]


def test_interrupt_cancels_the_pull_at_the_runtime(start_shim, runtime: FakeRuntime) -> None:
    runtime.set_pull("nginx", {"hold": True})
    shim = start_shim()
    command = [str(word) for word in shim.command("pull", "nginx")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    runtime.wait_for_calls("PullImage")

    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=20)

    assert child.returncode == 130
    assert "interrupted" in said
    runtime.wait_for_cancel("PullImage")


def test_shim_that_does_not_run_is_named(new_shim) -> None:
    shim = new_shim()
    shim.configure()

    ended = run(shim, "pull", "nginx")

    assert ended.returncode == 1
    assert f"nobody answers at {shim.socket}: is image-cri-shim running?" in ended.stdout
