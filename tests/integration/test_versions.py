"""A caller and a runtime of different CRI versions understand each other (DESIGN 1)."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest

from cri import error_of
from fake_runtime import FakeRuntime, image, image_id, succeeds

StartRuntime = Callable[..., FakeRuntime]
VERSIONS = ["v1", "v1alpha2"]
DIFFERENT = [("v1", "v1alpha2"), ("v1alpha2", "v1")]


@pytest.fixture
def start(start_runtime: StartRuntime, new_shim):
    """start(caller, runtime): a client of one version in front of a runtime of others."""

    def start_pair(caller: str, runtime_versions: str, services: str = "ImageService,RuntimeService", **settings):
        runtime = start_runtime(versions=runtime_versions, services=services)
        shim = new_shim(runtime.socket)
        shim.configure(**settings)
        shim.start()
        return shim.client(version=caller), runtime, shim

    return start_pair


@pytest.mark.parametrize("caller, runtime_version", DIFFERENT)
def test_image_calls_are_translated(start, caller: str, runtime_version: str) -> None:
    client, runtime, _ = start(caller, runtime_version)
    runtime.set_images(image(1, "docker.io/library/redis:7"))
    runtime.set_pull("nginx:1.25", succeeds(2))

    assert client.pull("nginx:1.25") == image_id(2)
    assert client.image_status("nginx:1.25").id == image_id(2)
    assert {listed.id for listed in client.list_images()} == {image_id(1), image_id(2)}
    client.remove_image(image_id(1))

    assert {call.method.split(".")[1] for call in runtime.calls("PullImage")} == {runtime_version}
    assert [each["id"] for each in runtime.images()] == [image_id(2)]


@pytest.mark.parametrize("caller, runtime_version", DIFFERENT)
def test_other_calls_are_translated(start, caller: str, runtime_version: str) -> None:
    client, runtime, _ = start(caller, runtime_version)
    runtime.set_behaviour(f"/runtime.{runtime_version}.RuntimeService/ListPodSandbox", kind="echo")
    runtime.set_behaviour(f"/runtime.{runtime_version}.RuntimeService/Events", kind="stream", messages=3, size=2)

    assert client.unary(client.method("RuntimeService", "ListPodSandbox"), b"bytes") == b"bytes"
    assert list(client.server_stream(client.method("RuntimeService", "Events"))) == [b"xx"] * 3


@pytest.mark.parametrize("caller, runtime_version", DIFFERENT)
def test_version_response_is_in_the_callers_dialect(start, caller: str, runtime_version: str) -> None:
    client, _, _ = start(caller, runtime_version)

    response = client.version_of_runtime()

    assert response.runtime_api_version == caller
    assert (response.runtime_name, response.runtime_version) == ("fake-runtime", "1.2.3")


@pytest.mark.parametrize("caller", VERSIONS)
def test_runtime_of_both_versions_is_asked_in_the_callers(start, caller: str) -> None:
    client, runtime, _ = start(caller, "v1,v1alpha2")

    client.list_images()

    assert runtime.calls("ListImages")[-1].method == f"/runtime.{caller}.ImageService/ListImages"
    assert client.version_of_runtime().runtime_api_version == caller


@pytest.mark.parametrize("caller, runtime_version", [("v1", "v1"), ("v1", "v1alpha2"), ("v1alpha2", "v1")])
def test_runtime_is_asked_once_what_it_speaks(start, caller: str, runtime_version: str) -> None:
    client, runtime, shim = start(caller, runtime_version)

    for _ in range(10):
        client.list_images()
        shim.client(version=caller).list_images()

    assert len(runtime.calls("ImageFsInfo")) + len(runtime.calls("Version")) <= 4  # two services, two versions


@pytest.mark.parametrize("caller, runtime_version", DIFFERENT)
def test_method_that_the_runtime_lacks_stays_unimplemented(start, caller: str, runtime_version: str) -> None:
    client, _, _ = start(caller, runtime_version)

    error = error_of(client.start(client.method("RuntimeService", "RuntimeConfig")))

    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "RuntimeConfig" in error.details()


@pytest.mark.parametrize("pinned", VERSIONS)
@pytest.mark.parametrize("runtime_version", VERSIONS)
@pytest.mark.parametrize("caller", VERSIONS)
def test_pinned_version_never_breaks_a_node(start, caller: str, runtime_version: str, pinned: str) -> None:
    """Documents said v1alpha2 for years, where it had no effect."""
    client, _, _ = start(caller, runtime_version, version=pinned)

    assert client.list_images() == []
    assert client.version_of_runtime().runtime_api_version == caller


def test_stale_pin_is_warned_about(start) -> None:
    client, _, shim = start("v1", "v1", version="v1alpha2")

    client.list_images()

    shim.wait_for_log("warn", "v1alpha2")


@pytest.mark.parametrize("caller", VERSIONS)
@pytest.mark.parametrize("runtime_version", VERSIONS)
def test_plugin_with_the_image_service_alone_is_served(start, caller: str, runtime_version: str) -> None:
    client, runtime, _ = start(caller, runtime_version, services="ImageService")
    runtime.set_images(image(1, "docker.io/library/redis:7"))

    assert [listed.id for listed in client.list_images()] == [image_id(1)]
    assert error_of(client.start(client.method("RuntimeService", "Version"))).code() is grpc.StatusCode.UNIMPLEMENTED


def test_runtime_that_comes_back_with_another_version_is_asked_again(
    start_runtime: StartRuntime, new_shim
) -> None:
    old = start_runtime(versions="v1alpha2")
    shim = new_shim(old.socket)
    shim.configure()
    shim.start()
    client = shim.client(version="v1alpha2")
    client.list_images()
    old.kill()

    start_runtime(versions="v1")

    assert client.list_images() == []
    assert client.version_of_runtime().runtime_api_version == "v1alpha2"


def test_service_of_no_cri_package_is_not_translated(start) -> None:
    client, runtime, _ = start("v1", "v1alpha2")
    runtime.set_behaviour("/runtime.v1beta3.ImageService/ListImages", kind="echo")

    assert client.unary("/runtime.v1beta3.ImageService/ListImages", b"as it is") == b"as it is"
