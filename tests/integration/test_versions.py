"""A caller and a runtime of different CRI versions understand each other (DESIGN 1)."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest

from cri import error_of
from crossed import DIFFERENT
from fake_runtime import FakeRuntime, image, image_id, succeeds

StartRuntime = Callable[..., FakeRuntime]
VERSIONS = ["v1", "v1alpha2"]


@pytest.fixture
def start(start_runtime: StartRuntime, new_shim):
    """start(caller, runtime): a client of one version in front of a runtime of others."""

    def start_pair(caller: str, runtime_versions: str, services: str = "ImageService,RuntimeService", without: str = "", **settings):
        runtime = start_runtime(versions=runtime_versions, services=services, without=without)
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
@pytest.mark.parametrize("spoken", [*VERSIONS, "v1,v1alpha2"])
def test_pinned_version_is_used_where_the_runtime_has_it(start, spoken: str, pinned: str) -> None:
    """Documents said v1alpha2 for years, where it had no effect: a pin never breaks a node."""
    _, runtime, shim = start("v1", spoken, version=pinned)
    used = pinned if pinned in spoken.split(",") else spoken

    for caller in VERSIONS:
        client = shim.client(version=caller)
        assert client.list_images() == []
        assert client.version_of_runtime().runtime_api_version == caller

        assert runtime.calls("ListImages")[-1].method == f"/runtime.{used}.ImageService/ListImages"
        assert runtime.calls("Version")[-1].method == f"/runtime.{used}.RuntimeService/Version"


def test_stale_pin_is_warned_about_once(start) -> None:
    client, runtime, shim = start("v1", "v1", version="v1alpha2")

    for _ in range(3):
        client.list_images()
        client.version_of_runtime()
        shim.client(version="v1alpha2").list_images()
    shim.hang_up()
    shim.wait_for_log("warn", "v1alpha2")
    client.list_images()

    assert len(shim.said("warn", "v1alpha2 is not spoken")) == 1


def test_pin_of_a_plugin_with_the_image_service_alone_is_not_stale(start) -> None:
    client, _, shim = start("v1", "v1alpha2", services="ImageService", version="v1alpha2")

    assert client.list_images() == []
    assert error_of(client.start(client.method("RuntimeService", "Status"))).code() is grpc.StatusCode.UNIMPLEMENTED
    shim.terminate()
    shim.process.wait()

    assert not shim.said("is not spoken")


@pytest.mark.parametrize("pinned", [*VERSIONS, "auto"])
@pytest.mark.parametrize("without", ["v1.ImageService,v1alpha2.RuntimeService", "v1alpha2.ImageService,v1.RuntimeService"])
def test_version_is_found_for_each_service_alone(start, without: str, pinned: str) -> None:
    _, runtime, shim = start("v1", "v1,v1alpha2", without=without, version=pinned)
    runtime.set_images(image(1, "docker.io/library/redis:7"))

    for caller in VERSIONS:
        client = shim.client(version=caller)
        assert [listed.id for listed in client.list_images()] == [image_id(1)]
        assert client.version_of_runtime().runtime_api_version == caller
        assert client.create_container("docker.io/library/redis:7")


@pytest.mark.parametrize("caller, spoken", DIFFERENT)
def test_plugin_without_image_fs_info_is_translated(start, caller: str, spoken: str) -> None:
    without = f"{spoken}.ImageService/ImageFsInfo"
    client, _, _ = start(caller, spoken, services="ImageService", without=without)

    assert client.list_images() == []
    error = error_of(client.start(client.method("ImageService", "ImageFsInfo")))
    assert error.details() == f"unknown method ImageFsInfo for service runtime.{spoken}.ImageService"


@pytest.mark.parametrize("caller", VERSIONS)
@pytest.mark.parametrize("runtime_version", VERSIONS)
def test_plugin_with_the_image_service_alone_is_served(start, caller: str, runtime_version: str) -> None:
    client, runtime, _ = start(caller, runtime_version, services="ImageService")
    runtime.set_images(image(1, "docker.io/library/redis:7"))

    assert [listed.id for listed in client.list_images()] == [image_id(1)]
    assert error_of(client.start(client.method("RuntimeService", "Version"))).code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("runtime_version", VERSIONS)
def test_check_says_what_the_runtime_is(start, runtime_version: str) -> None:
    _, runtime, shim = start("v1", runtime_version)

    assert f"✓ runtime {runtime.socket}: fake-runtime 1.2.3" in shim.run("check").stdout


def test_check_of_a_plugin_with_the_image_service_alone_passes(start) -> None:
    _, runtime, shim = start("v1", "v1", services="ImageService")

    assert f"✓ runtime {runtime.socket}: it answers" in shim.run("check").stdout
