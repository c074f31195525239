"""A configuration file that changes under a running shim (DESIGN 6, Reload)."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fake_runtime import FakeRuntime, image_id, succeeds
from faulty_registry import Fault, FaultyRegistry
from processes import Workplace, eventually
from registry import Registry
from shim import IS_RELAY, IS_SANITIZED, Shim

pytestmark = pytest.mark.skipif(IS_RELAY, reason="a relay has no configuration")

NEVER = "24h"  # as reloadInterval: what takes effect was seen by inotify
RELOADED = "reloaded shim auth configuration from"


class Deployment:
    """A shim whose file a test writes as it likes, and the registries that its images may come from."""

    def __init__(self, shim: Shim, runtime: FakeRuntime, registries: list[Registry]) -> None:
        self.shim = shim
        self.runtime = runtime
        self.registries = registries
        self.file = shim.configuration
        shim.configure(**self.settings(0))
        self._defaults = json.loads(self.file.read_text())
        for number, registry in enumerate(registries):
            runtime.set_pull(registry.name("library/app:v1"), succeeds(number))

    def settings(self, number: int, **more: Any) -> dict[str, Any]:
        """Images come from the registry of that number."""
        address = self.registries[number].address
        return {"registries": [{"address": address}], "reloadInterval": NEVER, "fallback": "deny", **more}

    def text(self, number: int, **more: Any) -> str:
        return json.dumps({**self._defaults, **self.settings(number, **more)}, indent=2)

    def source(self) -> str:
        """Where an image comes from now."""
        self.shim.client().pull("app:v1")
        return self.runtime.pulled_names()[-1]

    def wait_for_source(self, number: int) -> None:
        expected = self.registries[number].name("library/app:v1")
        eventually(lambda: self.source() == expected, f"images come from registry {number}")


@pytest.fixture
def deployment(new_shim: Callable[..., Shim], runtime: FakeRuntime, start_registry: Callable[..., Registry]) -> Deployment:
    registries = [start_registry("library/app:v1") for _ in range(2)]
    return Deployment(new_shim(runtime.socket), runtime, registries)


@pytest.fixture
def running(deployment: Deployment) -> Deployment:
    deployment.shim.start()
    deployment.wait_for_source(0)
    return deployment


# Whichever way it is written.


def write_in_place(file: Path, text: str) -> None:
    file.write_text(text)


def rename_over(file: Path, text: str) -> None:
    beside = file.with_name(f".{file.name}.swp")
    beside.write_text(text)
    beside.rename(file)


def rename_away_and_write(file: Path, text: str) -> None:
    file.rename(file.with_name(f"{file.name}~"))
    file.write_text(text)


def delete_and_write(file: Path, text: str) -> None:
    file.unlink()
    file.write_text(text)


def write_in_pieces(file: Path, text: str) -> None:
    with file.open("w") as writer:
        for start in range(0, len(text), 50):
            writer.write(text[start : start + 50])
            writer.flush()


def replace_its_folder(file: Path, text: str) -> None:
    folder = file.parent
    folder.rename(folder.with_name("replaced"))
    folder.mkdir()
    file.write_text(text)


STYLES = [write_in_place, rename_over, rename_away_and_write, delete_and_write, write_in_pieces]


@pytest.mark.parametrize("write", STYLES)
def test_change_takes_effect_however_it_is_written(running: Deployment, write: Callable[[Path, str], None]) -> None:
    for number in (1, 0, 1):
        write(running.file, running.text(number))
        running.wait_for_source(number)

    assert " error " not in running.shim.log


def in_folder(deployment: Deployment, workplace: Workplace) -> Path:
    folder = workplace.path("etc")
    folder.mkdir()
    deployment.shim.configuration = deployment.file = folder / "shim.yaml"
    return folder


def test_change_takes_effect_where_the_folder_is_replaced(deployment: Deployment, workplace: Workplace) -> None:
    in_folder(deployment, workplace)
    deployment.file.write_text(deployment.text(0))
    deployment.shim.start()
    deployment.wait_for_source(0)

    replace_its_folder(deployment.file, deployment.text(1))

    deployment.wait_for_source(1)


def test_change_takes_effect_as_kubernetes_mounts_it(deployment: Deployment, workplace: Workplace) -> None:
    folder = in_folder(deployment, workplace)

    def swap(generation: str, text: str) -> None:
        (folder / generation).mkdir()
        (folder / generation / "shim.yaml").write_text(text)
        (folder / "..data_tmp").symlink_to(generation)
        (folder / "..data_tmp").rename(folder / "..data")

    swap("..first", deployment.text(0))
    deployment.file.symlink_to("..data/shim.yaml")
    deployment.shim.start()
    deployment.wait_for_source(0)

    swap("..second", deployment.text(1))
    deployment.wait_for_source(1)
    swap("..third", deployment.text(0))
    deployment.wait_for_source(0)

    assert " error " not in deployment.shim.log


def test_change_is_found_by_polling_where_the_kernel_gives_no_watch(
    new_shim: Callable[..., Shim], runtime: FakeRuntime, start_registry: Callable[..., Registry]
) -> None:
    limit = "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$@\""
    wrapper = ["unshare", "--user", "--map-root-user", "sh", "-c", limit, "sh"]
    if os.system("unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_inotify_instances' 2>/dev/null"):
        pytest.skip("needs user namespaces")
    registries = [start_registry("library/app:v1") for _ in range(2)]
    deployment = Deployment(new_shim(runtime.socket, wrapper=wrapper), runtime, registries)
    deployment.file.write_text(deployment.text(0, reloadInterval="1s"))
    deployment.shim.start()
    deployment.wait_for_source(0)
    deployment.shim.wait_for_log("every reloadInterval only", "inotify")

    deployment.file.write_text(deployment.text(1, reloadInterval="1s"))

    deployment.wait_for_source(1)
    assert deployment.shim.log.count("every reloadInterval only") == 1


def test_hangup_reads_the_file(running: Deployment) -> None:
    running.file.write_text(running.text(1))

    running.shim.hang_up()

    running.wait_for_source(1)
    running.shim.wait_for_log("SIGHUP: reading the configuration", f"{RELOADED} {running.file}")


def test_hangup_says_that_nothing_has_changed(running: Deployment) -> None:
    running.shim.hang_up()

    running.shim.wait_for_log("nothing has changed")
    assert RELOADED not in running.shim.log


def test_change_of_a_comment_is_no_change(running: Deployment) -> None:
    running.file.write_text(running.text(0) + "\n# a comment\n")
    running.shim.hang_up()

    running.shim.wait_for_log("nothing has changed")
    assert RELOADED not in running.shim.log


# What it changes.


def test_debug_and_log_format_take_effect(running: Deployment) -> None:
    running.file.write_text(running.text(0, debug=False, log={"format": "json"}))
    running.shim.wait_for_log('"message":"config: processing 1 configured registries"')
    running.file.write_text(running.text(0, debug=False))
    eventually(lambda: running.shim.log.count(RELOADED) == 2, "text again")
    before = running.shim.log.count(" debug ")

    running.source()
    running.shim.hang_up()
    running.shim.wait_for_log("nothing has changed")

    assert running.shim.log.count(" debug ") == before


def test_message_limit_takes_effect(running: Deployment) -> None:
    running.file.write_text(running.text(0, maxMessageSize="64Ki"))
    running.shim.wait_for_log(RELOADED)

    call = running.shim.client().start_pull("app:" + "v" * 100_000)

    assert "64" in call.details()


def test_drain_time_takes_effect(running: Deployment) -> None:
    running.runtime.set_pull(running.registries[0].name("library/app:v1"), {"hold": True})
    before = len(running.runtime.pulled_names())
    running.file.write_text(running.text(0, drainTimeout="100ms"))
    running.shim.wait_for_log(RELOADED)
    running.shim.client().start_pull("app:v1")
    running.runtime.wait_for_calls("PullImage", before + 1)

    running.shim.terminate()

    assert running.shim.process.wait() == 0
    assert "calls in flight have 100ms to end" in running.shim.log


def test_interval_of_statistics_takes_effect(running: Deployment) -> None:
    running.file.write_text(running.text(0, cache={"statsLogInterval": "1s"}))

    running.shim.wait_for_log("cache: size=")


def test_keys_that_need_a_restart_are_named_once_and_stay(running: Deployment, workplace: Workplace) -> None:
    elsewhere = {"shim": str(workplace.path("other.sock")), "image": str(workplace.path("other"))}

    running.file.write_text(running.text(1, **elsewhere))
    running.wait_for_source(1)
    running.file.write_text(running.text(0, **elsewhere))
    running.wait_for_source(0)

    assert running.shim.log.count("shim, image changed, which takes effect at the next start only") == 1
    assert not workplace.path("other").exists()


def test_pull_under_way_ends_on_what_it_began_with(running: Deployment) -> None:
    old, new = running.registries
    running.runtime.set_pull(old.name("library/app:v1"), {"hold": True, **succeeds(7)})
    before = len(running.runtime.pulled_names())
    call = running.shim.client().start_pull("app:v1")
    running.runtime.wait_for_calls("PullImage", before + 1)

    running.file.write_text(running.text(1))
    running.shim.wait_for_log(RELOADED)
    running.wait_for_source(1)
    running.runtime.release()

    assert image_id(7).encode() in call.result()


def test_registry_that_is_left_out_stays_so(
    start_shim: Callable[..., Shim], runtime: FakeRuntime, start_faulty_registry: Callable[..., FaultyRegistry]
) -> None:
    down, up = start_faulty_registry(), start_faulty_registry()
    down.fault = Fault.THROTTLED
    runtime.set_pull(f"{up.host}/team/app:v1", succeeds(1))
    registries = [{"address": down.address, "priority": 900}, {"address": up.address}]
    settings: dict[str, Any] = {
        "registries": registries,
        "fallback": "deny",
        "probe": {"timeout": "5s", "recoveryInterval": "1h"},
    }
    shim = start_shim(**settings)
    shim.client().pull("team/app:v1")
    shim.wait_for_log(f"registry {down.address} is left out")
    asked = len(down.asked)

    shim.configure(**{**settings, "registries": [*registries, {"address": up.address, "match": ["other.test"]}]})
    shim.wait_for_log(RELOADED)
    shim.client().pull("team/app:v1")

    assert len(down.asked) == asked


# What is wrong with it.


def test_bad_file_is_said_once_and_changes_nothing(running: Deployment) -> None:
    running.file.write_text(running.text(1, timeout="soon", reloadInterval="1s"))
    running.shim.wait_for_log(f"{running.file} is not used, the last good configuration stays: ", "timeout")
    running.wait_for_source(0)
    status, body = running.shim.ask_admin("/readyz?verbose")
    assert (status, body.splitlines()[0]) == (200, "degraded")
    assert "timeout" in body

    running.file.write_text(running.text(1, reloadInterval="1s"))
    running.wait_for_source(1)

    running.shim.wait_for_log("is valid again")
    assert running.shim.log.count("is not used") == 1
    assert running.shim.ask_admin("/readyz?verbose") == (200, "ok\n[+]runtime\n[+]configuration\n")


def test_deleted_file_changes_nothing(running: Deployment) -> None:
    running.file.unlink()

    running.shim.wait_for_log("is not used, the last good configuration stays: ", "No such file")
    assert running.source() == running.registries[0].name("library/app:v1")
    running.file.write_text(running.text(1))
    running.wait_for_source(1)


def test_empty_file_is_a_configuration_only_when_it_stays_empty(running: Deployment) -> None:
    running.file.write_text("")
    running.file.write_text(running.text(1))
    running.wait_for_source(1)
    assert "processing 0 configured registries" not in running.shim.log

    running.file.write_text("")
    running.shim.wait_for_log("processing 0 configured registries")


def test_start_with_a_bad_file_is_on_the_kept_copy(running: Deployment) -> None:
    eventually(lambda: running.shim.kept_copy.exists(), "a copy is kept")
    assert running.shim.kept_copy.stat().st_mode & 0o777 == 0o600
    running.shim.process.stop()
    running.file.write_text(running.text(1, timeout="soon"))

    running.shim.start()

    assert running.source() == running.registries[0].name("library/app:v1")
    log = running.shim.wait_for_log(f"serving with the last good configuration, kept in {running.shim.kept_copy}: ")
    assert log.count(" error ") == 1
    assert running.shim.ask_admin("/readyz")[1].startswith("degraded\n[!]configuration: ")
    running.file.write_text(running.text(1))
    running.wait_for_source(1)
    assert running.shim.ask_admin("/readyz") == (200, "ok\n")


def test_change_that_took_effect_is_what_is_kept(running: Deployment) -> None:
    running.file.write_text(running.text(1))
    eventually(lambda: running.shim.kept_copy.read_text() == running.text(1), "the copy is the new one")
    running.shim.process.stop()
    running.file.write_text(running.text(0) + "]")

    running.shim.start()

    running.wait_for_source(1)


def test_dry_run_does_not_know_the_kept_copy(running: Deployment) -> None:
    eventually(lambda: running.shim.kept_copy.exists(), "a copy is kept")
    running.file.write_text(running.text(0, timeout="soon"))

    assert running.shim.run("--dry-run").returncode == 2


def test_runtime_that_is_away_is_seen_in_readyz(running: Deployment) -> None:
    running.runtime.kill()

    status, body = running.shim.ask_admin("/readyz")

    assert status == 503
    assert body.startswith("failed\n[-]runtime: ")
    assert running.shim.ask_admin("/livez") == (200, "ok\n")


def test_waiting_for_the_runtime_ends_when_it_is_forced(
    runtime: FakeRuntime, new_shim: Callable[..., Shim], workplace: Workplace
) -> None:
    runtime.kill()
    shim = new_shim(runtime.socket)
    shim.configure(force=False)
    shim.launch()
    shim.wait_for_log("waiting for the container runtime")

    shim.configure(force=True)

    shim.wait_for_log("serving on")


# The ConfigMap, as far as no API server is needed.

NO_CLIENT = "skip syncing image-cri-shim config; unable to create kube client: "


@pytest.mark.parametrize("enabled, level", [("auto", "debug"), (True, "warning")])
def test_node_without_a_kubeconfig_is_served_all_the_same(
    deployment: Deployment, workplace: Workplace, enabled: str | bool, level: str
) -> None:
    kubeconfig = workplace.path("no-such.conf")
    settings = {"configMap": {"enabled": enabled, "kubeconfig": str(kubeconfig)}}
    deployment.file.write_text(deployment.text(0, **settings))

    deployment.shim.start()

    deployment.wait_for_source(0)
    log = deployment.shim.wait_for_log(f"{level} {NO_CLIENT}", str(kubeconfig))
    deployment.file.write_text(deployment.text(1, **settings))
    deployment.wait_for_source(1)
    assert log.count(NO_CLIENT) == 1


def test_config_map_is_looked_for_when_it_is_enabled(deployment: Deployment, workplace: Workplace) -> None:
    deployment.file.write_text(deployment.text(0))
    deployment.shim.start()
    kubeconfig = str(workplace.path("no-such.conf"))

    deployment.file.write_text(deployment.text(0, configMap={"enabled": True, "kubeconfig": kubeconfig}))

    deployment.shim.wait_for_log(NO_CLIENT, kubeconfig)


# Without end, under load.

RELOADS = 1000
GROWTH_BYTES = 4 * 1024 * 1024


def test_no_call_notices_a_thousand_reloads(running: Deployment) -> None:
    """Pulls, Status calls, a file that changes all the time."""
    shim, stop = running.shim, threading.Event()
    failures: list[str] = []
    calls = [0]

    def load(make_call: Callable[[Any], Any]) -> None:
        client = shim.client()
        while not stop.is_set():
            try:
                make_call(client)
                calls[0] += 1
            except Exception as error:  # noqa: BLE001
                failures.append(str(error))

    callers = [
        threading.Thread(target=load, args=[lambda client: client.pull("app:v1")]),
        threading.Thread(target=load, args=[lambda client: client.image_status("app:v1")]),
        threading.Thread(target=load, args=[lambda client: client.version_of_runtime()]),
    ]
    for caller in callers:
        caller.start()
    memory: list[int] = []
    try:
        for number in range(RELOADS):
            rename_over(running.file, running.text(number % 2, timeout=f"{number + 1}m" if number < 1000 else "1m"))
            shim.hang_up()
            reached = number + 1
            eventually(lambda: shim.log.count(RELOADED) >= reached, f"reload {reached}", 20)
            if number in (RELOADS // 5, RELOADS - 1):
                memory.append(shim.process.resident_bytes())
    finally:
        stop.set()
        for caller in callers:
            caller.join()

    assert failures == []
    assert calls[0] > RELOADS
    assert shim.log.count(RELOADED) == RELOADS
    if not IS_SANITIZED:
        assert memory[1] - memory[0] < GROWTH_BYTES, memory
