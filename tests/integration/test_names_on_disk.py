"""Original names outlive the shim, and no disk holds it up (DESIGN 5)."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from cri import Client
from fake_runtime import FakeRuntime, image, image_id, succeeds
from processes import eventually
from registry import Registry
from shim import Shim

NGINX = "library/nginx:1.25"
CANONICAL = "docker.io/library/nginx:1.25"


@pytest.fixture
def registry(start_registry) -> Registry:
    return start_registry(NGINX)


@pytest.fixture
def stopped(runtime: FakeRuntime, new_shim, registry: Registry) -> Shim:
    """A shim whose registry has nginx:1.25, not started yet."""
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    shim = new_shim(runtime.socket)
    shim.configure(address=registry.address)
    return shim


@pytest.fixture
def started(stopped: Shim) -> Shim:
    stopped.start()
    return stopped


def names_file(shim: Shim) -> Path:
    return shim.state / "names.json"


def names_on_disk(shim: Shim) -> dict[str, str]:
    """Pulled names by original."""
    document = json.loads(names_file(shim).read_text())
    assert document["version"] == 1
    return {entry["original"]: entry["pulled"] for entry in document["names"]}


def wait_for_names(shim: Shim, *originals: str) -> None:
    eventually(
        lambda: names_file(shim).exists() and set(originals) == set(names_on_disk(shim)), f"{originals} on disk"
    )


def restart(shim: Shim) -> Client:
    shim.terminate()
    assert shim.process.wait() == 0
    shim.start()
    return shim.client()


def tags(client: Client, number: int) -> list[str]:
    return next(list(found.repo_tags) for found in client.list_images() if found.id == image_id(number))


# A restart


def test_names_survive_a_restart(runtime: FakeRuntime, started: Shim, registry: Registry) -> None:
    started.client().pull("nginx:1.25")

    client = restart(started)

    assert tags(client, 1) == ["nginx:1.25", CANONICAL, registry.name(NGINX)]
    assert client.image_status(CANONICAL).id == image_id(1)
    assert [call.image for call in runtime.calls("ImageStatus")] == [registry.name(NGINX)]


def test_names_survive_a_kill(started: Shim, registry: Registry) -> None:
    started.client().pull("nginx:1.25")
    wait_for_names(started, "nginx:1.25")

    started.process.kill()
    started.accepted_exits.add(-signal.SIGKILL)
    started.start()

    assert tags(started.client(), 1)[0] == "nginx:1.25"


@pytest.mark.parametrize("call", ["list", "stream", "status", "status by ID"])
def test_answers_show_the_original_name_after_a_restart(started: Shim, registry: Registry, call: str) -> None:
    started.client().pull("nginx:1.25")

    client = restart(started)
    found = {
        "list": lambda: client.list_images("nginx:1.25")[0],
        "stream": lambda: client.stream_images()[0],
        "status": lambda: client.image_status("nginx:1.25"),
        "status by ID": lambda: client.image_status(image_id(1)),
    }[call]()

    assert list(found.repo_tags) == ["nginx:1.25", CANONICAL, registry.name(NGINX)]


def test_removal_and_container_by_the_original_name_after_a_restart(runtime: FakeRuntime, started: Shim) -> None:
    started.client().pull("nginx:1.25")

    client = restart(started)

    assert client.create_container("nginx:1.25", mounted_image=CANONICAL) == "container-1"
    client.remove_image(CANONICAL)
    assert runtime.images() == []
    wait_for_names(started)


def test_removed_image_stays_forgotten_after_a_restart(started: Shim) -> None:
    client = started.client()
    client.pull("nginx:1.25")
    client.remove_image("nginx:1.25")

    client = restart(started)

    assert names_on_disk(started) == {}
    assert client.image_status("nginx:1.25") is None


def test_image_that_went_while_the_shim_was_away_is_forgotten_with_the_next_list(
    runtime: FakeRuntime, started: Shim
) -> None:
    started.client().pull("nginx:1.25")
    started.terminate()
    started.process.wait()
    runtime.set_images(image(6, CANONICAL))
    started.start()

    started.client().list_images()

    wait_for_names(started)


def test_names_are_readable_by_their_owner_alone_and_by_people(started: Shim, registry: Registry) -> None:
    started.client().pull("nginx:1.25")
    wait_for_names(started, "nginx:1.25")

    assert stat.S_IMODE(started.state.stat().st_mode) == 0o700
    assert stat.S_IMODE(names_file(started).stat().st_mode) == 0o600
    (line,) = [line for line in names_file(started).read_text().splitlines() if "original" in line]
    assert list(json.loads(line)) == ["original", "pulled", "remembered"]
    assert json.loads(line)["pulled"] == registry.name(NGINX)


# Images that came without the shim


@pytest.mark.parametrize("call", ["status", "remove", "create"])
def test_imported_image_is_found_by_its_original_name_and_remembered(
    runtime: FakeRuntime, started: Shim, registry: Registry, call: str
) -> None:
    runtime.set_images(image(5, registry.name(NGINX)))
    client = started.client()
    assert tags(client, 5) == [registry.name(NGINX)]  # nobody has asked for it by another name yet

    if call == "remove":
        client.remove_image("nginx:1.25")
        assert runtime.images() == []
        return
    if call == "status":
        assert client.image_status("nginx:1.25").id == image_id(5)
    else:
        assert client.create_container("nginx:1.25")

    assert tags(client, 5) == ["nginx:1.25", CANONICAL, registry.name(NGINX)]
    assert tags(restart(started), 5) == ["nginx:1.25", CANONICAL, registry.name(NGINX)]


def test_stale_name_is_corrected_when_another_registrys_copy_is_found(
    runtime: FakeRuntime, new_shim, start_registry
) -> None:
    first, second = start_registry(NGINX), start_registry(NGINX)
    runtime.set_pull(first.name(NGINX), succeeds(1))
    shim = new_shim(runtime.socket)
    shim.configure(registries=[{"address": first.address}, {"address": second.address}])
    shim.start()
    client = shim.client()
    client.pull("nginx:1.25")
    runtime.set_images(image(2, second.name(NGINX)))

    assert client.image_status("nginx:1.25").id == image_id(2)

    client = restart(shim)
    assert names_on_disk(shim) == {"nginx:1.25": second.name(NGINX)}
    assert tags(client, 2) == ["nginx:1.25", CANONICAL, second.name(NGINX)]


def test_stale_name_is_forgotten_when_the_original_is_found(runtime: FakeRuntime, started: Shim) -> None:
    client = started.client()
    client.pull("nginx:1.25")
    runtime.set_images(image(6, CANONICAL))

    assert client.image_status("nginx:1.25").id == image_id(6)

    wait_for_names(started)
    client.image_status("nginx:1.25")
    assert runtime.calls("ImageStatus")[-1].image == "nginx:1.25"


# Disks


@pytest.mark.parametrize(
    "content, why",
    [
        (b"", "no JSON"),
        (b'{"version": 1, "names": [{"orig', "no JSON"),
        (b"\xff\x00garbage", "no JSON"),
        (b'{"version": 7, "names": []}', "its version is 7"),
        (b" " * (8 * 1024 * 1024 + 1), "larger"),
    ],
    ids=["empty", "cut off", "garbage", "version", "large"],
)
def test_unusable_file_is_said_once_and_kept_aside(stopped: Shim, content: bytes, why: str) -> None:
    stopped.state.mkdir()
    names_file(stopped).write_bytes(content)
    aside = stopped.state / "names.json.unreadable"

    stopped.start()
    stopped.client().pull("nginx:1.25")
    wait_for_names(stopped, "nginx:1.25")

    warnings = [line for line in stopped.wait_for_log(why).splitlines() if " warning " in line]
    (warning,) = [line for line in warnings if str(names_file(stopped)) in line]
    assert why in warning and str(aside) in warning
    assert aside.read_bytes() == content


def test_single_names_that_are_invalid_are_skipped(runtime: FakeRuntime, stopped: Shim, registry: Registry) -> None:
    runtime.set_images(image(1, registry.name(NGINX)))
    entries = [
        {"original": "No Name", "pulled": "a.test/b"},
        {"original": "nginx:1.25", "pulled": registry.name(NGINX), "remembered": "not a time"},
    ]
    stopped.state.mkdir()
    names_file(stopped).write_text(json.dumps({"version": 1, "names": entries}))

    stopped.start()

    assert tags(stopped.client(), 1)[0] == "nginx:1.25"
    stopped.wait_for_log("1 of its names are skipped")


def serves_without_disk(shim: Shim, registry: Registry) -> None:
    client = shim.client()
    client.pull("nginx:1.25")
    assert client.image_status(CANONICAL).id == image_id(1)
    assert tags(client, 1) == ["nginx:1.25", CANONICAL, registry.name(NGINX)]


def test_shim_without_a_state_directory_serves(runtime: FakeRuntime, new_shim, registry: Registry) -> None:
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    shim = new_shim(runtime.socket)
    shim.configure(address=registry.address, image="/proc/image-cri-shim")

    shim.start()

    shim.wait_for_log("/proc/image-cri-shim", "`image`")
    serves_without_disk(shim, registry)


@pytest.fixture
def mount(stopped: Shim) -> Iterator[Callable[[str], None]]:
    """Mounts a tmpfs on the state directory."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    stopped.state.mkdir()
    mounted: list[Path] = []

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(stopped.state)]
        if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
            pytest.skip("mounting needs CAP_SYS_ADMIN")
        mounted.append(stopped.state)

    yield mount
    for point in mounted:
        subprocess.run(["umount", "--lazy", str(point)], check=True)


def test_read_only_state_directory_is_said_once(stopped: Shim, registry: Registry, mount) -> None:
    mount("ro,size=64k")

    stopped.start()
    serves_without_disk(stopped, registry)
    stopped.terminate()
    stopped.process.wait()

    assert stopped.log.count("memory only") == 1
    assert "Read-only file system" in stopped.log


def test_full_disk_is_said_once_and_written_to_when_there_is_room(stopped: Shim, registry: Registry, mount) -> None:
    mount("size=16k,mode=0700")
    ballast = stopped.state / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"x" * 4096)

    stopped.start()
    client = stopped.client()
    serves_without_disk(stopped, registry)
    client.image_status("library/nginx:1.25")  # another change
    stopped.wait_for_log("No space left on device")
    ballast.unlink()
    client.image_status("docker.io/nginx:1.25")  # and another

    stopped.wait_for_log("are on disk again")
    assert stopped.log.count("memory only") == 1
    assert "docker.io/nginx:1.25" in tags(restart(stopped), 1)


def test_limit_on_file_size_does_not_end_the_shim(stopped: Shim, registry: Registry) -> None:
    """SIGXFSZ ends a process that does not expect it; its output goes through pipes, which have no size."""
    read, write = os.pipe()

    def prepare() -> None:
        os.dup2(write, 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    stopped.start(prepare=prepare)
    os.close(write)
    with os.fdopen(read) as log:
        serves_without_disk(stopped, registry)
        stopped.terminate()
        assert stopped.process.wait() == 0
        assert "File too large" in log.read()


def test_state_directory_may_be_removed_while_the_shim_runs(started: Shim, registry: Registry) -> None:
    client = started.client()
    client.pull("nginx:1.25")
    wait_for_names(started, "nginx:1.25")

    shutil.rmtree(started.state)
    client.image_status("library/nginx:1.25")  # a change

    wait_for_names(started, "nginx:1.25", "library/nginx:1.25")


# A kill at any moment


def test_kill_at_any_moment_leaves_a_whole_file(runtime: FakeRuntime, new_shim, start_registry) -> None:
    """Each round's names are those of the round before and some of its own."""
    rounds, callers, pulls = 12, 4, 40
    images = [f"team/app{number}:v1" for number in range(rounds * callers * pulls)]
    registry = start_registry(*images)
    for number, name in enumerate(images):
        runtime.set_pull(registry.name(name), succeeds(number))
    shim = new_shim(runtime.socket)
    shim.configure(address=registry.address)
    shim.accepted_exits.add(-signal.SIGKILL)
    dice = random.Random(20240607)
    known: dict[str, str] = {}

    def pull(client: Client, names: list[str]) -> None:
        for name in names:
            try:
                client.pull(name)
            except grpc.RpcError:
                return

    for number in range(rounds):
        shim.start()
        batch = images[number * callers * pulls :][: callers * pulls]
        threads = [
            threading.Thread(target=pull, args=(shim.client(), batch[caller::callers])) for caller in range(callers)
        ]
        for thread in threads:
            thread.start()
        before = len(runtime.calls("PullImage"))
        eventually(lambda: len(runtime.calls("PullImage")) > before, "pulls")
        end = time.monotonic() + dice.uniform(0, 0.15)
        while time.monotonic() < end:
            pass
        shim.process.kill()
        for thread in threads:
            thread.join()

        now = names_on_disk(shim) if names_file(shim).exists() else {}
        assert known.items() <= now.items()
        assert all(pulled == registry.name(original) for original, pulled in now.items())
        known = now

    assert known
