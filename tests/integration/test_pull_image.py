"""PullImage: where an image is pulled from, and what is said when it cannot be (DESIGN 2, 3)."""

from __future__ import annotations

import re

import grpc
import pytest

from cri import Client, error_of, messages
from fake_runtime import FakeRuntime, fails, image_id, succeeds
from processes import eventually
from registry import Registry
from shim import Shim

NGINX = "library/nginx:1.25"
DIGEST = "sha256:" + "ab" * 32
UNKNOWN, NOT_FOUND, UNAVAILABLE = grpc.StatusCode.UNKNOWN, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE


def entry(registry: Registry, priority: int = 500, **more: object) -> dict[str, object]:
    return {"address": registry.address, "priority": priority, **more}


def pull_error(client: Client, image: str = "nginx:1.25", **options: object) -> grpc.RpcError:
    return error_of(client.start_pull(image, **options))


# What is not rewritten.


def test_without_registries_the_request_is_forwarded_byte_for_byte(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_pull("nginx:1.25", succeeds(1))
    request = client.pull_request("nginx:1.25", messages.AuthConfig(username="u"), "team")
    request.image.annotations["key"] = "value"
    from_the_future = request.SerializeToString() + b"\xfa\x3f\x03new"  # field 1023

    client.unary(client.method("ImageService", "PullImage"), from_the_future)

    assert [call.body for call in runtime.calls("PullImage")] == [from_the_future]


@pytest.mark.parametrize("name", [image_id(7), image_id(7).removeprefix("sha256:"), f"docker://{image_id(7)}"])
def test_image_id_is_forwarded_as_it_is(runtime: FakeRuntime, start_shim, start_registry, name: str) -> None:
    registry = start_registry(NGINX)
    client = start_shim(address=registry.address, fallback="deny").client()

    error = pull_error(client, name)

    assert runtime.pulled_names() == [name]
    assert error.code() is NOT_FOUND  # the runtime's own answer
    assert registry.requests == []


@pytest.mark.parametrize("name", ["UPPER/Case:tag", "two words", "a//b", "name:", ":tag", "ünïcode", "x" * 300, ""])
def test_name_that_is_none_is_forwarded_for_the_runtime_to_refuse(
    runtime: FakeRuntime, start_shim, start_registry, name: str
) -> None:
    registry = start_registry(NGINX)
    client = start_shim(address=registry.address, fallback="deny").client()

    pull_error(client, name)

    assert runtime.pulled_names() == [name]
    assert registry.requests == []


# Where it is pulled from.


@pytest.mark.parametrize(
    "asked, held",
    [
        ("nginx", "library/nginx:latest"),
        ("nginx:1.25", "library/nginx:1.25"),
        ("docker.io/library/nginx:1.25", "library/nginx:1.25"),
        ("index.docker.io/nginx:1.25", "library/nginx:1.25"),
        ("team/app:v1", "team/app:v1"),
        ("ghcr.io/org/app:v1", "org/app:v1"),
        ("registry.test:5000/a/b/c:v1", "a/b/c:v1"),
        (f"nginx@{DIGEST}", f"library/nginx@{DIGEST}"),
    ],
)
def test_image_is_pulled_from_the_offline_registry(
    runtime: FakeRuntime, start_shim, start_registry, asked: str, held: str
) -> None:
    registry = start_registry(held)
    runtime.set_pull(registry.name(held), succeeds(1))
    client = start_shim(address=registry.address).client()

    assert client.pull(asked) == image_id(1)
    assert runtime.pulled_names() == [registry.name(held)]


def test_digest_is_never_dropped(runtime: FakeRuntime, start_shim, start_registry) -> None:
    registry = start_registry(f"library/nginx@{DIGEST}", NGINX)
    client = start_shim(address=registry.address, fallback="deny").client()

    pull_error(client, f"nginx:1.25@{DIGEST}")

    assert runtime.pulled_names()
    assert all(name.endswith(f"@{DIGEST}") for name in runtime.pulled_names())


def test_rest_of_the_request_is_kept(runtime: FakeRuntime, start_shim, start_registry) -> None:
    registry = start_registry(NGINX)
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    client = start_shim(address=registry.address).client()
    request = client.pull_request("nginx:1.25", namespace="team")
    request.image.annotations["key"] = "value"
    request.image.runtime_handler = "kata"
    request.sandbox_config.labels["app"] = "web"

    client.unary(client.method("ImageService", "PullImage"), request.SerializeToString() + b"\xfa\x3f\x03new")

    (call,) = runtime.calls("PullImage")
    request.image.image = registry.name(NGINX)
    received = messages.PullImageRequest.FromString(call.body)
    assert b"\xfa\x3f\x03new" in call.body
    received.DiscardUnknownFields()
    assert received == request


def test_path_of_an_address_is_a_prefix(runtime: FakeRuntime, start_shim, start_registry) -> None:
    registry = start_registry("proxy/library/nginx:1.25")
    runtime.set_pull(registry.name("proxy/library/nginx:1.25"), succeeds(1))
    client = start_shim(address=f"{registry.address}/proxy").client()

    assert client.pull("nginx:1.25") == image_id(1)


def test_highest_priority_that_has_the_image_serves_it(runtime: FakeRuntime, start_shim, start_registry) -> None:
    low, high, empty = start_registry(NGINX), start_registry(NGINX), start_registry()
    runtime.set_pull(high.name(NGINX), succeeds(1))
    client = start_shim(registries=[entry(low, 100), entry(high, 600), entry(empty, 900)]).client()

    client.pull("nginx:1.25")

    assert runtime.pulled_names() == [high.name(NGINX)]


def test_offline_registry_comes_before_entries_of_the_same_priority(
    runtime: FakeRuntime, start_shim, start_registry
) -> None:
    offline, other = start_registry(NGINX), start_registry(NGINX)
    runtime.set_pull(offline.name(NGINX), succeeds(1))
    client = start_shim(address=offline.address, offlinePriority=700, registries=[entry(other, 700)]).client()

    client.pull("nginx:1.25")

    assert runtime.pulled_names() == [offline.name(NGINX)]


def test_equal_priorities_are_tried_in_the_order_of_the_file(runtime: FakeRuntime, start_shim, start_registry) -> None:
    first, second = start_registry(NGINX), start_registry(NGINX)
    runtime.set_pull(first.name(NGINX), succeeds(1))
    client = start_shim(registries=[entry(first), entry(second)]).client()

    client.pull("nginx:1.25")

    assert runtime.pulled_names() == [first.name(NGINX)]


def test_registry_that_lacks_the_image_is_never_pulled_from(
    runtime: FakeRuntime, start_shim, start_registry
) -> None:
    empty = start_registry()
    runtime.set_pull("nginx:1.25", succeeds(1))
    client = start_shim(address=empty.address).client()

    assert client.pull("nginx:1.25") == image_id(1)
    assert runtime.pulled_names() == ["nginx:1.25"]
    assert len(empty.manifest_requests()) >= 1


def test_match_limits_an_entry_to_its_images(runtime: FakeRuntime, start_shim, start_registry) -> None:
    registry = start_registry(NGINX, "org/app:v1")
    runtime.set_pull("nginx:1.25", succeeds(1))
    runtime.set_pull(registry.name("org/app:v1"), succeeds(2))
    client = start_shim(registries=[entry(registry, match=["ghcr.io/org"])]).client()

    assert client.pull("nginx:1.25") == image_id(1)
    assert client.pull("ghcr.io/org/app:v1") == image_id(2)


def test_namespaces_limit_an_entry_to_their_pods(runtime: FakeRuntime, start_shim, start_registry) -> None:
    registry = start_registry(NGINX)
    runtime.set_pull("nginx:1.25", succeeds(1))
    runtime.set_pull(registry.name(NGINX), succeeds(2))
    client = start_shim(registries=[entry(registry, namespaces=["team"])]).client()

    assert client.pull("nginx:1.25", namespace="other") == image_id(1)
    assert client.pull("nginx:1.25", namespace="team") == image_id(2)


def test_choice_is_logged_in_the_words_that_operators_grep_for(
    runtime: FakeRuntime, start_shim, start_registry
) -> None:
    registry = start_registry(NGINX)
    runtime.set_pull(registry.name(NGINX), succeeds(1))
    shim = start_shim(registries=[entry(registry, 600)])

    shim.client().pull("nginx:1.25")

    line = re.search(r"priority match: .*\n", shim.wait_for_log("priority match: ", "result="))
    assert line
    for word in ["image=nginx:1.25", "action=PullImage", f"{registry.host}", "priority=600", "result="]:
        assert word in line.group()


# Failing over.


def test_next_registry_is_tried_when_the_pull_fails(runtime: FakeRuntime, start_shim, start_registry) -> None:
    first, second = start_registry(NGINX), start_registry(NGINX)
    runtime.set_pull(first.name(NGINX), fails(UNKNOWN, "unexpected EOF"))
    runtime.set_pull(second.name(NGINX), succeeds(2))
    client = start_shim(registries=[entry(first, 900), entry(second, 800)]).client()

    assert client.pull("nginx:1.25") == image_id(2)
    assert runtime.pulled_names() == [first.name(NGINX), second.name(NGINX)]


def test_original_is_tried_last(runtime: FakeRuntime, start_shim, start_registry) -> None:
    registry = start_registry(NGINX)
    runtime.set_pull(registry.name(NGINX), fails(UNKNOWN, "unexpected EOF"))
    runtime.set_pull("nginx:1.25", succeeds(3))
    client = start_shim(address=registry.address).client()

    assert client.pull("nginx:1.25") == image_id(3)
    assert runtime.pulled_names() == [registry.name(NGINX), "nginx:1.25"]


def test_registry_that_is_down_does_not_stop_the_others(runtime: FakeRuntime, start_shim, start_registry) -> None:
    down, up = start_registry(NGINX), start_registry(NGINX)
    down.stop()
    runtime.set_pull(up.name(NGINX), succeeds(1))
    client = start_shim(registries=[entry(down, 900), entry(up, 100)]).client()

    assert client.pull("nginx:1.25") == image_id(1)


def test_error_names_every_source_the_users_own_registry_first(
    runtime: FakeRuntime, start_shim, start_registry
) -> None:
    first, second = start_registry(NGINX), start_registry(NGINX)
    runtime.set_pull(first.name(NGINX), fails(UNKNOWN, "first is broken"))
    runtime.set_pull(second.name(NGINX), fails(UNKNOWN, "second is broken"))
    runtime.set_pull("nginx:1.25", fails(grpc.StatusCode.NOT_FOUND, "docker.io has no idea"))
    client = start_shim(registries=[entry(first, 900), entry(second, 800)]).client()

    error = pull_error(client)

    said = [first.host, "first is broken", second.host, "second is broken", "docker.io has no idea"]
    places = [error.details().find(words) for words in said]
    assert -1 not in places and places == sorted(places), error.details()
    assert error.code() is grpc.StatusCode.NOT_FOUND  # the last one's


def test_wrong_password_error_names_the_registry_first(
    runtime: FakeRuntime, start_shim, start_registry, secrets
) -> None:
    registry = start_registry(NGINX, credentials=f"admin:{secrets.new('right')}")
    refused = "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized"
    runtime.set_pull(registry.name(NGINX), fails(UNKNOWN, refused))
    client = start_shim(address=registry.address, auth=f"admin:{secrets.new('wrong')}").client()

    error = pull_error(client)

    details = error.details()
    assert registry.host in details and "401" in details
    assert details.find(registry.host) < (details.find("docker.io") if "docker.io" in details else len(details))
    assert not secrets.found_in(details)


def test_denied_fallback_never_pulls_the_original(runtime: FakeRuntime, start_shim, start_registry) -> None:
    registry = start_registry(NGINX)
    runtime.set_pull("nginx:1.25", succeeds(1))
    runtime.set_pull(registry.name(NGINX), fails(UNKNOWN, "broken"))
    client = start_shim(address=registry.address, fallback="deny").client()

    error = pull_error(client)

    assert runtime.pulled_names() == [registry.name(NGINX)]
    assert registry.host in error.details()


def test_denied_fallback_is_not_found_when_every_entry_said_no(
    runtime: FakeRuntime, start_shim, start_registry
) -> None:
    first, second = start_registry(), start_registry()
    client = start_shim(registries=[entry(first), entry(second)], fallback="deny").client()

    error = pull_error(client)

    assert error.code() is NOT_FOUND
    assert first.host in error.details() and second.host in error.details()
    assert runtime.pulled_names() == []


def test_no_source_in_reach_is_registry_unavailable(runtime: FakeRuntime, start_shim, start_registry) -> None:
    """The kubelet knows the words only at the beginning of a message with code UNKNOWN."""
    registry = start_registry(NGINX)
    registry.stop()
    refused = f'failed to do request: Head "{registry.address}/v2/": dial tcp {registry.host}: connect: connection refused'
    runtime.set_pull(registry.name(NGINX), fails(UNKNOWN, refused))
    client = start_shim(address=registry.address, fallback="deny").client()

    error = pull_error(client)

    assert error.code() is UNKNOWN
    assert error.details().startswith("RegistryUnavailable: ")
    assert registry.host in error.details()


def test_registry_unavailable_of_the_runtime_stays_at_the_beginning(
    runtime: FakeRuntime, start_shim, start_registry
) -> None:
    registry = start_registry(NGINX)
    runtime.set_pull(registry.name(NGINX), fails(UNKNOWN, "broken pipe"))
    runtime.set_pull("nginx:1.25", fails(UNKNOWN, "RegistryUnavailable: registry-1.docker.io: i/o timeout"))
    client = start_shim(address=registry.address).client()

    error = pull_error(client)

    assert error.code() is UNKNOWN
    assert error.details().startswith("RegistryUnavailable")
    assert registry.host in error.details() and "broken pipe" in error.details()


# What is not tried again elsewhere.


@pytest.fixture
def two_holders(runtime: FakeRuntime, start_shim, start_registry) -> tuple[Client, Registry, Registry]:
    """The second registry and the original would serve the image."""
    first, second = start_registry(NGINX), start_registry(NGINX)
    runtime.set_pull(second.name(NGINX), succeeds(2))
    runtime.set_pull("nginx:1.25", succeeds(3))
    shim = start_shim(registries=[entry(first, 900), entry(second, 800)])
    return shim.client(), first, second


def test_signature_that_failed_ends_the_pull(runtime: FakeRuntime, two_holders) -> None:
    client, first, _ = two_holders
    runtime.set_pull(first.name(NGINX), fails(UNKNOWN, "SignatureValidationFailed: image is not signed"))

    error = pull_error(client)

    assert runtime.pulled_names() == [first.name(NGINX)]
    assert error.code() is UNKNOWN
    assert error.details().startswith("SignatureValidationFailed")


def test_full_disk_ends_the_pull(runtime: FakeRuntime, two_holders) -> None:
    client, first, _ = two_holders
    runtime.set_pull(first.name(NGINX), fails(UNKNOWN, "write /var/lib/x/layer: no space left on device"))

    error = pull_error(client)

    assert runtime.pulled_names() == [first.name(NGINX)]
    assert "no space left on device" in error.details()


def test_cancel_of_the_caller_ends_the_pull(runtime: FakeRuntime, two_holders) -> None:
    client, first, _ = two_holders
    runtime.set_pull(first.name(NGINX), {"hold": True})
    call = client.start_pull("nginx:1.25")
    runtime.wait_for_calls("PullImage")

    call.cancel()
    runtime.wait_for_cancel("PullImage")
    client.list_images()

    assert runtime.pulled_names() == [first.name(NGINX)]


def test_deadline_of_the_caller_ends_the_pull(runtime: FakeRuntime, two_holders) -> None:
    client, first, _ = two_holders
    runtime.set_pull(first.name(NGINX), {"hold": True})

    error = pull_error(client, timeout=0.5)
    runtime.wait_for_cancel("PullImage")
    client.list_images()

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert runtime.pulled_names() == [first.name(NGINX)]


def test_lost_runtime_ends_the_pull(runtime: FakeRuntime, two_holders) -> None:
    client, first, _ = two_holders
    runtime.set_pull(first.name(NGINX), {"crash": True})

    error = pull_error(client)

    assert error.code() is UNAVAILABLE


def test_pull_attempt_that_times_out_is_followed_by_the_next(
    runtime: FakeRuntime, start_shim, start_registry
) -> None:
    first, second = start_registry(NGINX), start_registry(NGINX)
    runtime.set_pull(first.name(NGINX), {"hold": True})
    runtime.set_pull(second.name(NGINX), succeeds(2))
    client = start_shim(registries=[entry(first, 900), entry(second, 800)], timeout="1s").client()

    assert client.pull("nginx:1.25") == image_id(2)
    runtime.wait_for_cancel("PullImage")


def test_pulls_at_once_do_not_disturb_each_other(runtime: FakeRuntime, start_shim, start_registry) -> None:
    images = {f"team/app-{number}:v1": number for number in range(30)}
    registry = start_registry(*images)
    for name, number in images.items():
        runtime.set_pull(registry.name(name), {**succeeds(number), "delay_ms": number})
    shim = start_shim(address=registry.address)
    clients = [shim.client() for _ in range(3)]

    calls = {name: clients[number % 3].start_pull(name) for name, number in images.items()}

    answers = {name: messages.PullImageResponse.FromString(call.result()).image_ref for name, call in calls.items()}
    assert answers == {name: image_id(number) for name, number in images.items()}


def test_registry_that_never_answers_does_not_hold_up_other_calls(
    runtime: FakeRuntime, start_shim, start_registry
) -> None:
    hanging = start_registry(NGINX, hangs=True)
    runtime.set_pull("nginx:1.25", succeeds(1))
    client = start_shim(address=hanging.address).client()

    call = client.start_pull("nginx:1.25")
    eventually(lambda: hanging.requests, "the registry is asked")
    listed = client.list_images()

    assert listed == [] and not call.done()
    assert image_id(1).encode() in call.result()  # in the end, the original


def test_cancel_while_registries_are_asked_reaches_no_runtime(
    runtime: FakeRuntime, start_shim, start_registry
) -> None:
    hanging = start_registry(NGINX, hangs=True)
    shim: Shim = start_shim(address=hanging.address)
    client = shim.client()
    call = client.start_pull("nginx:1.25")
    eventually(lambda: hanging.requests, "the registry is asked")

    call.cancel()
    hanging.stop()
    client.list_images()

    assert runtime.pulled_names() == []
