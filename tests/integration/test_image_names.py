"""Images are found by the names that users write, wherever they were pulled from (DESIGN 2)."""

from __future__ import annotations

import time

import grpc
import pytest

from cri import Client, error_of, messages
from fake_runtime import FakeRuntime, image, image_id, succeeds
from registry import Registry

NGINX = "library/nginx:1.25"
CANONICAL = "docker.io/library/nginx:1.25"


@pytest.fixture
def registry(start_registry) -> Registry:
    return start_registry(NGINX)


@pytest.fixture
def mirrored(runtime: FakeRuntime, start_shim, registry: Registry) -> Client:
    """In front of a shim whose registry has nginx:1.25."""
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    return start_shim(address=registry.address).client()


# ImageStatus


def test_status_of_a_pulled_image_asks_for_the_name_it_was_pulled_by(
    runtime: FakeRuntime, mirrored: Client, registry: Registry
) -> None:
    mirrored.pull("nginx:1.25")

    status = mirrored.image_status("nginx:1.25")

    assert status.id == image_id(1)
    assert runtime.calls("ImageStatus")[0].image == registry.name(NGINX)
    assert len(runtime.calls("ImageStatus")) == 1


@pytest.mark.parametrize("spelling", ["nginx:1.25", "library/nginx:1.25", CANONICAL])
def test_status_finds_a_pulled_image_by_every_spelling(mirrored: Client, spelling: str) -> None:
    mirrored.pull("nginx:1.25")

    assert mirrored.image_status(spelling).id == image_id(1)


def test_status_finds_an_image_that_was_there_before_the_shim(
    runtime: FakeRuntime, mirrored: Client, registry: Registry
) -> None:
    runtime.set_images(image(5, registry.name(NGINX)))

    assert mirrored.image_status("nginx:1.25").id == image_id(5)


def test_status_prefers_the_original_name_where_it_was_not_pulled_by_another(
    runtime: FakeRuntime, mirrored: Client, registry: Registry
) -> None:
    runtime.set_images(image(5, registry.name(NGINX)), image(6, CANONICAL))

    assert mirrored.image_status("nginx:1.25").id == image_id(6)


def test_status_prefers_the_best_registry(runtime: FakeRuntime, start_shim, start_registry) -> None:
    low, high = start_registry(), start_registry()
    runtime.set_images(image(1, low.name(NGINX)), image(2, high.name(NGINX)))
    client = start_shim(
        registries=[
            {"address": low.address, "priority": 100},
            {"address": high.address, "priority": 900},
        ]
    ).client()

    assert client.image_status("nginx:1.25").id == image_id(2)


def test_status_never_touches_the_network(runtime: FakeRuntime, start_shim, start_registry) -> None:
    hanging = start_registry(NGINX, hangs=True)
    client = start_shim(address=hanging.address).client()

    began = time.monotonic()
    assert client.image_status("nginx:1.25") is None

    assert time.monotonic() - began < 1
    assert hanging.requests == []


def test_status_of_an_absent_image_is_the_runtimes_own_empty_answer(mirrored: Client) -> None:
    answer = mirrored.unary(
        mirrored.method("ImageService", "ImageStatus"),
        messages.ImageStatusRequest(image=messages.ImageSpec(image="no/such:image")).SerializeToString(),
    )

    assert answer == b""


@pytest.mark.parametrize("name", [image_id(5), image_id(5).removeprefix("sha256:"), image_id(5)[:19]])
def test_status_by_id_is_forwarded(runtime: FakeRuntime, mirrored: Client, name: str) -> None:
    runtime.set_images(image(5, "docker.io/library/redis:7"))

    assert mirrored.image_status(name).id == image_id(5)
    assert [call.image for call in runtime.calls("ImageStatus")] == [name]


def test_status_keeps_verbose_and_annotations(runtime: FakeRuntime, mirrored: Client) -> None:
    mirrored.pull("nginx:1.25")
    request = messages.ImageStatusRequest(verbose=True)
    request.image.image = "nginx:1.25"
    request.image.annotations["key"] = "value"

    answer = mirrored.unary(mirrored.method("ImageService", "ImageStatus"), request.SerializeToString())

    assert messages.ImageStatusResponse.FromString(answer).info["info"] == "{}"
    received = messages.ImageStatusRequest.FromString(runtime.calls("ImageStatus")[0].body)
    assert (received.verbose, dict(received.image.annotations)) == (True, {"key": "value"})


def test_status_error_of_the_runtime_is_passed_on(runtime: FakeRuntime, mirrored: Client) -> None:
    runtime.set_behaviour("/runtime.v1.ImageService/ImageStatus", code=13, message="snapshotter is broken")

    request = messages.ImageStatusRequest(image=messages.ImageSpec(image="nginx:1.25")).SerializeToString()
    error = error_of(mirrored.start(mirrored.method("ImageService", "ImageStatus"), request))

    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "snapshotter is broken")


# RemoveImage


@pytest.mark.parametrize("name", [image_id(5), image_id(5).removeprefix("sha256:"), image_id(5)[:19]])
def test_removal_by_id_is_forwarded_as_spelled(runtime: FakeRuntime, mirrored: Client, name: str) -> None:
    runtime.set_images(image(5, "docker.io/library/redis:7"))

    mirrored.remove_image(name)

    assert [call.image for call in runtime.calls("RemoveImage")] == [name]
    assert runtime.images() == []


def test_removal_by_name_uses_the_id_that_was_found(runtime: FakeRuntime, mirrored: Client) -> None:
    """By name, cri-dockerd does nothing and CRI-O only takes a tag away."""
    mirrored.pull("nginx:1.25")

    mirrored.remove_image("nginx:1.25")

    assert [call.image for call in runtime.calls("RemoveImage")] == [image_id(1)]
    assert runtime.images() == []


def test_removal_of_an_absent_image_succeeds_and_is_forwarded_unchanged(
    runtime: FakeRuntime, mirrored: Client
) -> None:
    mirrored.remove_image("no/such:image")

    assert [call.image for call in runtime.calls("RemoveImage")] == ["no/such:image"]


def test_removed_image_is_forgotten(runtime: FakeRuntime, mirrored: Client, registry: Registry) -> None:
    mirrored.pull("nginx:1.25")
    mirrored.remove_image("nginx:1.25")

    assert mirrored.image_status("nginx:1.25") is None
    runtime.set_images(image(6, CANONICAL), image(7, registry.name(NGINX)))
    assert mirrored.image_status("nginx:1.25").id == image_id(6)  # a remembered name would come first


def test_removal_error_of_the_runtime_is_passed_on(runtime: FakeRuntime, mirrored: Client) -> None:
    mirrored.pull("nginx:1.25")
    runtime.set_behaviour("/runtime.v1.ImageService/RemoveImage", code=9, message="image is in use")

    with pytest.raises(grpc.RpcError) as error:
        mirrored.remove_image("nginx:1.25")

    assert (error.value.code(), error.value.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "image is in use")
    assert mirrored.image_status("nginx:1.25").id == image_id(1)


# ListImages and StreamImages


def test_list_with_nothing_to_restore_is_forwarded_untouched(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_images(image(1, "docker.io/library/redis:7"), image(2, "quay.io/a/b:c"))
    method = client.method("ImageService", "ListImages")
    future_answer = messages.ListImagesResponse(images=client.list_images()).SerializeToString() + b"\xfa\x3f\x03new"
    runtime.set_behaviour(method, kind="echo")

    assert client.unary(method, future_answer) == future_answer


@pytest.mark.parametrize("call", ["list_images", "stream_images"])
def test_name_in_a_filter_is_translated(runtime: FakeRuntime, mirrored: Client, call: str) -> None:
    mirrored.pull("nginx:1.25")
    runtime.set_images(*runtime.images(), image(2, "docker.io/library/redis:7"))

    assert [found.id for found in getattr(mirrored, call)("nginx:1.25")] == [image_id(1)]


@pytest.mark.parametrize("call", ["list_images", "stream_images"])
def test_name_in_a_filter_that_needs_no_translation_is_kept(
    runtime: FakeRuntime, mirrored: Client, call: str
) -> None:
    runtime.set_images(image(1, "docker.io/library/redis:7"), image(2, "quay.io/a/b:c"))

    assert [found.id for found in getattr(mirrored, call)("quay.io/a/b:c")] == [image_id(2)]


@pytest.mark.parametrize("call", ["list_images", "stream_images"])
def test_all_images_are_listed_without_a_filter(runtime: FakeRuntime, mirrored: Client, call: str) -> None:
    runtime.set_images(*[image(number, f"docker.io/library/i{number}:v1") for number in range(100)])

    assert {found.id for found in getattr(mirrored, call)()} == {image_id(number) for number in range(100)}


def test_image_fs_info_is_forwarded(client: Client) -> None:
    answer = client.unary(client.method("ImageService", "ImageFsInfo"))

    (filesystem,) = messages.ImageFsInfoResponse.FromString(answer).image_filesystems
    assert filesystem.fs_id.mountpoint == "/var/lib/fake-runtime"


# CreateContainer


def test_container_of_a_pulled_image_is_created(
    runtime: FakeRuntime, mirrored: Client, registry: Registry
) -> None:
    mirrored.pull("nginx:1.25")

    assert mirrored.create_container("nginx:1.25") == "container-1"
    request = messages.CreateContainerRequest.FromString(runtime.calls("CreateContainer")[0].body)
    assert request.config.image.image in (registry.name(NGINX), image_id(1))
    assert request.pod_sandbox_id == "sandbox"


def test_image_of_a_mount_is_translated(runtime: FakeRuntime, mirrored: Client) -> None:
    mirrored.pull("nginx:1.25")

    assert mirrored.create_container(image_id(1), mounted_image="nginx:1.25") == "container-1"


def test_container_of_an_image_id_is_forwarded_untouched(runtime: FakeRuntime, mirrored: Client) -> None:
    mirrored.pull("nginx:1.25")
    request = messages.CreateContainerRequest(pod_sandbox_id="sandbox")
    request.config.image.image = image_id(1)
    request.config.image.user_specified_image = "nginx:1.25"
    sent = request.SerializeToString() + b"\xfa\x3f\x03new"

    mirrored.unary(mirrored.method("RuntimeService", "CreateContainer"), sent)

    assert runtime.calls("CreateContainer")[0].body == sent


def test_container_of_an_image_that_the_shim_did_not_pull_is_forwarded_untouched(
    runtime: FakeRuntime, mirrored: Client
) -> None:
    runtime.set_images(image(3, "docker.io/library/redis:7"))

    mirrored.create_container("redis:7")

    request = messages.CreateContainerRequest.FromString(runtime.calls("CreateContainer")[0].body)
    assert request.config.image.image == "redis:7"


def test_kubelets_way_to_a_container_works(mirrored: Client) -> None:
    """ImageStatus, PullImage, ImageStatus, then CreateContainer by the ID that it was told."""
    assert mirrored.image_status("nginx:1.25") is None
    reference = mirrored.pull("nginx:1.25")
    status = mirrored.image_status("nginx:1.25")

    assert status.id == reference
    assert mirrored.create_container(status.id)
