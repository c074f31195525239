"""A ConfigMap's way into a running shim and into its file (DESIGN 6)."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
import yaml

from certificates import Authority
from config_map import (
    APP,
    Follow,
    Source,
    are_in_order,
    messages,
    registries,
    reloaded_line,
    synced_lines,
    wait_for_lines,
    wait_until_read,
)
from fake_api_server import FakeApiServer
from fake_runtime import FakeRuntime
from leaks import Secrets
from processes import Workplace, eventually
from shim import Shim

NOT_FOUND = "configmap kube-system/image-cri-shim not found; skip syncing"


@pytest.fixture(params=["http", "https"])
def either_api(request: pytest.FixtureRequest, workplace: Workplace, start_api) -> FakeApiServer:
    return start_api(Authority(workplace.folder) if request.param == "https" else None)


def complaints(shim: Shim, words: str) -> list[str]:
    return [line for line in shim.log.splitlines() if words in line and (" warn" in line or " error" in line)]


# Effect.


def test_config_map_that_is_there_takes_effect(either_api, follow: Follow, runtime, start_registry) -> None:
    registry = start_registry()
    either_api.put(registries(registry))

    shim = follow(either_api)

    source = Source(shim, runtime)
    source.holds(registry)
    source.wait_until(registry)


def test_every_change_takes_effect(either_api, follow: Follow, runtime, start_registry) -> None:
    first, second = start_registry(), start_registry()
    source = Source(follow(either_api), runtime)
    source.holds(first, second)

    either_api.wait_for_watch()
    either_api.put(registries(first, second))
    source.wait_until(first)
    either_api.put(registries(second, first))
    source.wait_until(second)
    either_api.put(registries(first))
    source.wait_until(first)

    assert len(either_api.requests("get")) == 1  # the rest is the watch's


def test_config_map_that_is_made_later_takes_effect(api, follow: Follow, runtime, start_registry) -> None:
    registry = start_registry()
    shim = follow(api)
    source = Source(shim, runtime)
    source.holds(registry)
    api.wait_for_watch()
    assert "resourceVersion" not in api.requests("watch")[0].query  # there is none after a 404
    shim.wait_for_log(NOT_FOUND)

    api.put(registries(registry))

    source.wait_until(registry)


def test_deleted_config_map_leaves_the_last_configuration(api, follow: Follow, runtime, start_registry) -> None:
    registry = start_registry()
    api.put(registries(registry))
    shim = follow(api, reloadInterval="1s")
    source = Source(shim, runtime)
    source.holds(registry)
    source.wait_until(registry)
    synced = shim.configuration.read_bytes()

    api.wait_for_watch()
    api.delete()
    wait_until_read(api, shim)
    wait_until_read(api, shim)

    assert source.now() == registry.name(APP)
    assert shim.configuration.read_bytes() == synced
    said = [line for line in messages(shim) if "kube-system/image-cri-shim" in line and "deleted" in line]
    assert len(said) == 1, said


def test_recreated_config_map_takes_effect(api, follow: Follow, runtime, start_registry) -> None:
    first, second = start_registry(), start_registry()
    api.put(registries(first))
    source = Source(follow(api), runtime)
    source.holds(first, second)
    source.wait_until(first)

    api.wait_for_watch()
    api.delete()
    api.put(registries(second))

    source.wait_until(second)


def test_config_map_without_the_key_changes_nothing(api, follow: Follow, runtime, start_registry) -> None:
    registry = start_registry()
    api.put(None)
    shim = follow(api, f"address: {registry.address}\n")
    source = Source(shim, runtime)
    source.holds(registry)

    api.wait_for_watch()

    assert source.now() == registry.name(APP)


def test_frames_in_small_pieces_are_put_together(api, follow: Follow, runtime, start_registry) -> None:
    registry = start_registry()
    api.splits_frames = True
    source = Source(follow(api), runtime)
    source.holds(registry)
    api.wait_for_watch()

    api.put(registries(registry))

    source.wait_until(registry)


def test_another_name_and_key_are_not_ours(api, follow: Follow, runtime, start_registry) -> None:
    registry = start_registry()
    api.put(registries(registry), key="config.yaml")
    source = Source(follow(api), runtime)
    source.holds(registry)

    api.wait_for_watch()

    assert source.is_original()


# What operators grep for.


def test_log_lines_are_the_documented_ones_in_their_order(api, follow: Follow, start_registry) -> None:
    registry = start_registry()
    shim = follow(api, f"address: {registry.address}\n")
    api.wait_for_watch()
    entries = [{"address": "docker.io", "priority": 600}, {"address": registry.address}]

    api.put(yaml.safe_dump({"version": "v1", "offlinePriority": 1000, "registries": entries}))

    wait_for_lines(
        shim,
        "configmap: synced offlinePriority=1000",
        "configmap: syncing registry docker.io with priority=600",
        "configmap: merged 2 registries into config",
        *synced_lines(shim.configuration),
    )
    wait_for_lines(shim, "configmap: merged 2 registries into config", reloaded_line(shim.configuration))
    log = [line for line in shim.log.splitlines() if "configmap: " in line or "ConfigMap" in line]
    assert all(" info " in line for line in log), log


def test_missing_config_map_is_said_at_debug_level_only(api, follow: Follow) -> None:
    loud, quiet = follow(api), follow(api, name="quiet", debug=False)

    wait_for_lines(loud, NOT_FOUND)
    api.wait_for("watch", 2)

    assert f" debug {NOT_FOUND}" in loud.log
    assert NOT_FOUND not in quiet.log


def test_missing_kubeconfig_is_said_at_debug_level(api, follow: Follow, workplace: Workplace) -> None:
    shim = follow(kubeconfig=workplace.path("not-there"), enabled="auto")

    shim.wait_for_log(" debug skip syncing image-cri-shim config; unable to create kube client: ")


# The file.

FILE = """\
# Of this node.
address: http://127.0.0.1:9   # nobody there
offlinePriority: 700
cache:
  imageCacheSize: 64   # small
  notFoundTTL: 5s
x-owner: "team a"
registries:   # ours
- address: http://127.0.0.1:9
  priority: 3
# The end.
"""


def test_only_what_the_config_map_sets_is_replaced_in_the_file(api, follow: Follow) -> None:
    shim = follow(api, FILE)
    before = shim.configuration.read_text()
    shim.configuration.chmod(0o640)
    api.wait_for_watch()

    api.put("version: v1\nofflinePriority: 900\ncache: {imageCacheSize: 128}\n")

    wait_for_lines(shim, *synced_lines(shim.configuration))
    after = shim.configuration.read_text()
    assert yaml.safe_load(after) == {
        **yaml.safe_load(before),
        "offlinePriority": 900,
        "cache": {"imageCacheSize": 128, "notFoundTTL": "5s"},
    }
    kept = [line for line in before.splitlines() if "offlinePriority" not in line and "imageCacheSize" not in line]
    assert [line for line in kept if line not in after.splitlines()] == []
    assert shim.configuration.stat().st_mode & 0o777 == 0o640


def test_config_map_that_changes_nothing_leaves_the_file_untouched(api, follow: Follow) -> None:
    shim = follow(api, FILE)
    before = (shim.configuration.read_bytes(), shim.configuration.stat())
    api.wait_for_watch()

    api.put("offlinePriority: 700\ncache:\n  notFoundTTL: 5s\ntimeout:\nregistries: null\n")
    wait_until_read(api, shim)
    wait_until_read(api, shim)

    after = shim.configuration.stat()
    assert shim.configuration.read_bytes() == before[0]
    assert (after.st_ino, after.st_mtime_ns) == (before[1].st_ino, before[1].st_mtime_ns)
    assert not any("synced image-cri-shim config" in line for line in messages(shim))


def test_key_that_disappears_keeps_its_synced_value(api, follow: Follow) -> None:
    shim = follow(api, FILE)
    api.wait_for_watch()
    api.put("offlinePriority: 900\n")
    wait_for_lines(shim, *synced_lines(shim.configuration))

    api.put("timeout: 5m\n")

    eventually(lambda: yaml.safe_load(shim.configuration.read_text()).get("timeout") == "5m", "the file is synced")
    assert yaml.safe_load(shim.configuration.read_text())["offlinePriority"] == 900


def test_version_of_the_form_is_not_the_version_of_cri(api, follow: Follow) -> None:
    shim = follow(api, FILE)
    api.wait_for_watch()

    api.put("version: v7\nofflinePriority: 900\n")

    wait_for_lines(shim, *synced_lines(shim.configuration))
    assert "version" not in yaml.safe_load(shim.configuration.read_text())


def test_variables_stay_unexpanded_in_the_file_and_count_when_used(
    api, follow: Follow, runtime: FakeRuntime, start_registry, secrets: Secrets
) -> None:
    password = secrets.new("password")
    registry = start_registry(credentials=f"robot:{password}")
    auth = {"username": "robot", "password": "${REGISTRY_PASSWORD}"}
    shim = follow(api, environment={"REGISTRY_PASSWORD": password})
    source = Source(shim, runtime)
    source.holds(registry)
    api.wait_for_watch()

    api.put(yaml.safe_dump({"registries": [{"address": registry.address, "auth": auth}]}))

    source.wait_until(registry)
    assert runtime.calls("PullImage")[-1].auth.password == password
    eventually(lambda: "${REGISTRY_PASSWORD}" in shim.configuration.read_text(), "the file is synced")
    assert password not in shim.configuration.read_text()


def test_password_of_the_config_map_is_used_and_shown_nowhere(
    api, follow: Follow, runtime: FakeRuntime, start_registry, secrets: Secrets
) -> None:
    password = secrets.new("password")
    registry = start_registry(credentials=f"robot:{password}")
    shim = follow(api)
    source = Source(shim, runtime)
    source.holds(registry)
    api.wait_for_watch()

    auth = {"username": "robot", "password": password}
    api.put(yaml.safe_dump({"registries": [{"address": registry.address, "auth": auth}]}))
    source.wait_until(registry)
    # Mistakes beside and in it: what is said of them must not show it either.
    wrong = {"username": "robot", "password": password, "identityToken": [password]}
    api.put(yaml.safe_dump({"registries": [{"address": registry.address, "auth": wrong, "priority": "high"}]}))

    eventually(lambda: complaints(shim, "image-cri-shim"), "the mistake is said")


@pytest.mark.skipif(os.geteuid() != 0, reason="a bind mount needs root")
def test_read_only_file_is_said_once_and_the_config_map_has_effect(
    api, follow: Follow, runtime, start_registry
) -> None:
    first, second = start_registry(), start_registry()
    script = 'f=$1; shift; mount --bind "$f" "$f" && mount -o remount,ro,bind "$f" && exec "$@"'
    shim = follow(api, FILE, reloadInterval="1s", wrapper=lambda file: ["unshare", "--mount", "sh", "-c", script, "sh", file])
    before = shim.configuration.read_bytes()
    source = Source(shim, runtime)
    source.holds(first, second)
    api.wait_for_watch()

    api.put(registries(first))
    source.wait_until(first)
    api.put(registries(second))
    source.wait_until(second)

    assert shim.configuration.read_bytes() == before
    assert len(complaints(shim, str(shim.configuration))) == 1
    assert not any("synced image-cri-shim config" in line for line in messages(shim))


def test_manual_edits_and_updates_at_the_same_time_are_all_there(api, follow: Follow, workplace: Workplace) -> None:
    shim = follow(api, FILE)
    file = shim.configuration
    api.wait_for_watch()

    for number in range(1, 21):
        # As an editor that takes the file as it is at this moment, and replaces it.
        update = threading.Thread(target=api.put, args=[f"offlinePriority: {number + 900}\n"])
        update.start()
        edited = workplace.path("edited")
        edited.write_text(file.read_text().replace("# The end.", f"# Edit {number}.\n# The end."))
        os.rename(edited, file)
        update.join()
        eventually(lambda: _priority(file) == number + 900, f"update {number} is in the file")

    text = file.read_text()
    assert [number for number in range(1, 21) if f"# Edit {number}.\n" not in text] == []


def _priority(file: Path) -> int:
    return yaml.safe_load(file.read_text())["offlinePriority"]


# What it must not say.


@pytest.mark.parametrize(
    "text",
    [
        "registries: [",
        "- a list",
        "offlinePriority: high",
        "registries: [{address: 'ftp://harbor.local'}]",
        "registries: [{address: harbor.local, auth: {username: u, passwordFile: /etc/shadow}}]",
        "registries: [{address: harbor.local, tls: {cert: /etc/kubernetes/pki/ca.crt, key: /etc/kubernetes/pki/ca.key}}]",
        "registries: [{address: harbor.local, auth: {username: u, password: '${AWS_SECRET_ACCESS_KEY}'}}]",
        "sealos: {address: 'http://${AWS_SECRET_ACCESS_KEY}.harbor.local'}",
        "registries: [{address: harbor.local, auth: {username: u, password: '${REGISTRY_NOT_SET}'}}]",
        "debug: \x07",
    ],
)
def test_invalid_config_map_changes_nothing_and_is_said_once(
    api, follow: Follow, runtime, start_registry, secrets: Secrets, text: str
) -> None:
    registry, elsewhere = start_registry(), start_registry()
    environment = {"AWS_SECRET_ACCESS_KEY": secrets.new("of-the-node")}
    shim = follow(api, registries(registry).replace("version: v1\n", ""), reloadInterval="1s", environment=environment)
    before = shim.configuration.read_bytes()
    source = Source(shim, runtime)
    source.holds(registry, elsewhere)
    api.wait_for_watch()

    api.put(text)
    eventually(lambda: complaints(shim, "image-cri-shim"), "it is said")
    lines = len(complaints(shim, "image-cri-shim"))
    wait_until_read(api, shim)
    wait_until_read(api, shim)

    assert source.now() == registry.name(APP)
    assert shim.configuration.read_bytes() == before
    assert len(complaints(shim, "image-cri-shim")) == lines
    api.put(registries(elsewhere))
    source.wait_until(elsewhere)


# The file in use changes as well.


def test_file_and_config_map_change_in_turns(api, follow: Follow, runtime, start_registry) -> None:
    ours, theirs = start_registry(), start_registry()
    shim = follow(api, "# Of this node.\n")
    source = Source(shim, runtime)
    source.holds(ours, theirs)
    api.wait_for_watch()

    api.put(registries(theirs))
    source.wait_until(theirs)
    eventually(lambda: theirs.address in shim.configuration.read_text(), "the file is synced")
    text = shim.configuration.read_text()
    shim.configuration.write_text(text + f"\naddress: {ours.address}\nofflinePriority: 1000\n")

    source.wait_until(ours)
    assert theirs.address in shim.configuration.read_text()


def test_bad_file_takes_no_config_map_away(api, follow: Follow, runtime, start_registry) -> None:
    first, second = start_registry(), start_registry()
    api.put(registries(first))
    shim = follow(api)
    source = Source(shim, runtime)
    source.holds(first, second)
    source.wait_until(first)
    api.wait_for_watch()

    shim.configuration.write_text("registries: [")
    eventually(lambda: complaints(shim, str(shim.configuration)), "the bad file is said")
    api.put(registries(second))

    source.wait_until(second)
    assert shim.configuration.read_text() == "registries: ["
    assert are_in_order(["configmap: merged 1 registries into config"], messages(shim))


# Where a value comes from.


def test_config_show_names_the_config_map_also_after_its_sync(api: FakeApiServer, follow: Follow) -> None:
    def setting(path: str) -> tuple[str, str, int | None]:
        asked = shim.run("config", "show", "--json")
        (found,) = [each for each in json.loads(asked.stdout)["settings"] if each["path"] == path]
        return str(found["value"]), found["origin"], found.get("line")

    def line_of(start: str) -> int:
        return 1 + [line.startswith(start) for line in shim.configuration.read_text().splitlines()].index(True)

    api.put("timeout: 4m\nforce: true\n")
    shim = follow(api, "timeout: 3m  # ours\n")
    shim.wait_for_log("synced image-cri-shim config from ConfigMap into")

    assert "timeout: 4m" in shim.configuration.read_text()
    assert setting("timeout")[:2] == ("4m0s", "configMap")
    assert setting("force")[1] == "configMap"
    assert setting("probe.timeout")[1] == "default"

    api.put("force: true\n")

    eventually(lambda: setting("timeout") == ("4m0s", "file", line_of("timeout:")), "what is left in the file is its own")
    assert setting("force")[1] == "configMap"
