"""As whom the API server is asked, and what happens when it says no (DESIGN 6)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from certificates import Authority, Certificate
from config_map import APP, Follow, Source, registries, wait_until_read
from fake_api_server import FakeApiServer
from fake_runtime import FakeRuntime
from leaks import Secrets
from processes import Workplace, eventually
from shim import Shim


@pytest.fixture
def authority(workplace: Workplace) -> Authority:
    return Authority(workplace.folder)


@pytest.fixture
def api(start_api: Callable[..., FakeApiServer], authority: Authority) -> FakeApiServer:
    return start_api(authority)


@pytest.fixture
def took_effect(api: FakeApiServer, runtime: FakeRuntime, start_registry) -> Callable[[Shim], None]:
    """took_effect(shim): a change that is made now reaches it."""

    def check(shim: Shim) -> None:
        registry = start_registry()
        source = Source(shim, runtime)
        source.holds(registry)
        api.put(registries(registry))
        source.wait_until(registry)

    return check


def replace(file: Path, content: str) -> None:
    """As a kubelet or a Secret's volume does it: by rename."""
    fresh = file.with_suffix(".fresh")
    fresh.touch(mode=0o600)
    fresh.write_text(content)
    fresh.rename(file)


def content_of(certificate: Certificate) -> str:
    return certificate.file.read_text() + certificate.key.read_text()


# Tokens.


def test_token_of_the_kubeconfig_is_sent(api: FakeApiServer, follow: Follow, secrets: Secrets, took_effect) -> None:
    token = secrets.new("token")
    api.tokens = {token}

    took_effect(follow(api, user={"token": token}))

    assert {asked.authorization for asked in api.asked} == {f"Bearer {token}"}


def test_rotated_token_file_is_read_again_after_a_401(
    api: FakeApiServer, follow: Follow, workplace: Workplace, secrets: Secrets, took_effect
) -> None:
    old, new = secrets.new("token"), secrets.new("token")
    file = workplace.path("token")
    file.write_text(f"{old}\n")
    api.tokens = {old}
    shim = follow(api, user={"tokenFile": str(file)})
    api.wait_for_watch()

    api.tokens = {new}
    api.disconnect()
    eventually(lambda: shim.said("401 Unauthorized"), "it is said")
    replace(file, new)

    took_effect(shim)
    assert api.asked[-1].authorization == f"Bearer {new}"


def test_refused_token_is_said_once(
    api: FakeApiServer, follow: Follow, workplace: Workplace, secrets: Secrets
) -> None:
    api.tokens = {secrets.new("another")}
    shim = follow(api, user={"token": secrets.new("token")}, reloadInterval="1s")

    api.wait_for("get", 3)

    assert len(shim.said("401 Unauthorized")) == 1


# Certificates.


@pytest.mark.parametrize("is_in_the_kubeconfig", [True, False])
def test_client_certificate_is_shown(
    api: FakeApiServer, follow: Follow, authority: Authority, secrets: Secrets, took_effect, is_in_the_kubeconfig: bool
) -> None:
    made = authority.issue("system:node:worker-1", group="system:nodes")
    user: dict[str, Any] = {"client-certificate": str(made.file), "client-key": str(made.key)}
    if is_in_the_kubeconfig:
        user = {f"{name}-data": base64.b64encode(Path(path).read_bytes()).decode() for name, path in user.items()}
        secrets.add(user["client-key-data"])
    api.users = {"system:node:worker-1"}

    took_effect(follow(api, user=user))

    assert {asked.user for asked in api.asked} == {"system:node:worker-1"}


def test_rotated_client_certificate_is_used(
    api: FakeApiServer, follow: Follow, authority: Authority, workplace: Workplace, took_effect
) -> None:
    """Certificate and key in one file, replaced by rename, as the kubelet's `kubelet-client-current.pem`."""
    both = workplace.path("kubelet-client-current.pem")
    both.write_text(content_of(authority.issue("old")))
    api.users = {"old"}
    shim = follow(api, user={"client-certificate": str(both), "client-key": str(both)})
    api.wait_for_watch()

    replace(both, content_of(authority.issue("new")))
    api.users = {"new"}
    api.disconnect()

    took_effect(shim)
    assert api.asked[-1].user == "new"


def test_rotated_certificate_of_the_server_disturbs_nothing(api: FakeApiServer, follow: Follow, took_effect) -> None:
    shim = follow(api)
    api.wait_for_watch()

    api.rotate_certificate()
    api.disconnect()

    took_effect(shim)


def test_server_of_another_authority_is_not_asked(
    api: FakeApiServer, start_api, follow: Follow, workplace: Workplace, secrets: Secrets
) -> None:
    token = secrets.new("token")
    impostor = start_api(Authority(workplace.folder, "impostor"))
    kubeconfig = api.write_kubeconfig(workplace.path("kubeconfig"), token=token)
    kubeconfig.write_text(kubeconfig.read_text().replace(api.url, impostor.url))

    shim = follow(kubeconfig=kubeconfig)

    eventually(lambda: shim.said(impostor.url.removeprefix("https://"), "certificate"), "it is said")
    assert impostor.asked == []


# Programs.

PLUGIN = """\
#!/bin/sh
echo run >>{folder}/runs
cat {folder}/credential
"""


class Plugin:
    """An exec plugin of a kubeconfig."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = folder / "plugin"
        self._program.write_text(PLUGIN.format(folder=folder))
        self._program.chmod(0o755)

    @property
    def user(self) -> dict[str, Any]:
        version = "client.authentication.k8s.io/v1"
        return {"exec": {"apiVersion": version, "command": str(self._program), "interactiveMode": "Never"}}

    @property
    def runs(self) -> int:
        runs = self._folder / "runs"
        return len(runs.read_text().splitlines()) if runs.exists() else 0

    def gives(self, token: str, seconds: float | None = None) -> None:
        status: dict[str, Any] = {"token": token}
        if seconds is not None:
            expires = datetime.now(timezone.utc) + timedelta(seconds=seconds)
            status["expirationTimestamp"] = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
        (self._folder / "credential").write_text(json.dumps(answer))


@pytest.fixture
def plugin(workplace: Workplace) -> Plugin:
    folder = workplace.path("plugin")
    folder.mkdir()
    return Plugin(folder)


def test_plugin_gives_the_token_and_is_run_once(
    api: FakeApiServer, follow: Follow, secrets: Secrets, plugin: Plugin, took_effect
) -> None:
    token = secrets.new("token")
    api.tokens = {token}
    plugin.gives(token, seconds=3600)
    shim = follow(api, user=plugin.user)

    took_effect(shim)
    wait_until_read(api, shim)

    assert plugin.runs == 1


@pytest.mark.parametrize("seconds", [1, 3600], ids=["expired", "refused before it expires"])
def test_token_of_a_plugin_that_counts_no_more_is_got_anew(
    api: FakeApiServer, follow: Follow, secrets: Secrets, plugin: Plugin, took_effect, seconds: int
) -> None:
    old, new = secrets.new("token"), secrets.new("token")
    api.tokens = {old}
    plugin.gives(old, seconds=seconds)
    shim = follow(api, user=plugin.user)
    api.wait_for_watch()

    plugin.gives(new, seconds=3600)
    api.tokens = {new}
    api.disconnect()

    took_effect(shim)


# Rights.


def test_missing_right_is_named_once_and_counts_as_soon_as_it_is_given(
    api: FakeApiServer, follow: Follow, took_effect
) -> None:
    api.allowed = set()
    api.put("debug: true\n")
    shim = follow(api, reloadInterval="1s")
    api.wait_for("get", 3)

    (said,) = shim.said("configmaps", "image-cri-shim", "kube-system")
    assert "get" in said and "watch" in said

    api.allowed = {"get", "watch"}
    took_effect(shim)


def test_where_watching_is_forbidden_it_is_read_every_interval(
    api: FakeApiServer, follow: Follow, runtime: FakeRuntime, start_registry
) -> None:
    registry = start_registry()
    api.allowed = {"get"}
    api.put("debug: true\n")
    shim = follow(api, reloadInterval="1s")
    source = Source(shim, runtime)
    source.holds(registry)
    before, after = api.wait_for("get", 4)[2:4]
    assert 0.5 <= after.at - before.at <= 3

    api.put(registries(registry))

    source.wait_until(registry)
    (said,) = shim.said("watch", "configmaps", "image-cri-shim")
    assert "kube-system" in said
    assert source.now() == registry.name(APP)
