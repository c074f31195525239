"""A pull's way from one source to the next (DESIGN 3): in which order, with what knowledge, and when it stops.

What a single failed pull leads to is in test_pull_image.py, and each way to fail in test_fault_matrix.py.
"""

from __future__ import annotations

from collections.abc import Callable

import grpc
import pytest

from cri import Client, error_of, messages
from fake_runtime import FakeRuntime, fails, image_id, succeeds
from faulty_registry import INDEX_DIGEST, Fault, FaultyRegistry
from leaks import Secrets
from processes import eventually
from shim import Shim

UNKNOWN = grpc.StatusCode.UNKNOWN
PROBE = {"timeout": "500ms", "hedgeDelay": "50ms", "recoveryInterval": "200ms"}
LONG_PROBE = {**PROBE, "timeout": "20s", "hedgeDelay": "20s"}
BROKEN = fails(UNKNOWN, "unexpected EOF")

StartRegistry = Callable[..., FaultyRegistry]


def entries(*registries: FaultyRegistry) -> list[dict[str, object]]:
    """Preferred in this order."""
    return [
        {"address": registry.address, "priority": 900 - rank, "auth": f"robot:robot-{rank}-password"}
        for rank, registry in enumerate(registries)
    ]


@pytest.fixture
def start_with(start_shim: Callable[..., Shim]) -> Callable[..., Shim]:
    def start(*registries: FaultyRegistry, **settings: object) -> Shim:
        return start_shim(**{"registries": entries(*registries), "probe": PROBE, "fallback": "deny", **settings})

    return start


def named(registry: FaultyRegistry, image: str = "team/app:v1") -> str:
    return f"{registry.host}/{image}"


# The order.


def test_holders_go_before_those_that_gave_no_answer_and_the_original_before_those_that_are_left_out(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    left_out, silent, lacking, first, second = (start_faulty_registry() for _ in range(5))
    left_out.fault = Fault.THROTTLED  # for a second at least
    shim = start_with(left_out, silent, lacking, first, second, fallback="upstream")
    client = shim.client()
    for registry in [silent, first, second]:
        runtime.set_pull(named(registry, "team/other:v1"), succeeds(1))
    client.pull("team/other:v1")
    shim.wait_for_log(f"registry {left_out.address} is left out")
    silent.fault, lacking.fault = Fault.REDIRECT_LOOP, Fault.NOT_FOUND
    before = len(runtime.pulled_names())

    error = error_of(client.start_pull("team/app:v1"))

    in_order = [named(first), named(second), named(silent), "team/app:v1", named(left_out)]
    assert runtime.pulled_names()[before:] == in_order, error.details()


def test_next_registry_is_asked_only_when_the_pull_from_the_first_has_failed(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    first, second = start_faulty_registry(), start_faulty_registry()
    runtime.set_pull(named(first), {"hold": True, **BROKEN})
    runtime.set_pull(named(second), succeeds(2))
    client = start_with(first, second, probe=LONG_PROBE).client()
    call = client.start_pull("team/app:v1")
    runtime.wait_for_calls("PullImage")
    assert second.asked == []

    runtime.release()

    assert image_id(2).encode() in call.result()
    assert second.manifests_asked()


def test_registry_that_says_no_after_a_failed_pull_is_not_pulled_from(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    first, second = start_faulty_registry(), start_faulty_registry()
    second.fault = Fault.NOT_FOUND
    runtime.set_pull(named(first), BROKEN)
    client = start_with(first, second).client()

    error = error_of(client.start_pull("team/app:v1"))

    assert runtime.pulled_names() == [named(first)]
    assert "unexpected EOF" in error.details() and "404 Not Found" in error.details()


# A registry that dies while the runtime pulls from it.


def test_registry_that_dies_during_the_pull_is_left_out_until_it_is_back(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    first, second = start_faulty_registry(), start_faulty_registry()
    shim = start_with(first, second, probe={**PROBE, "failureThreshold": 1})
    client = shim.client()
    runtime.set_pull(named(first), {"hold": True, **fails(UNKNOWN, "read: connection reset by peer")}, succeeds(1))
    runtime.set_pull(named(second), succeeds(2))
    call = client.start_pull("team/app:v1")
    runtime.wait_for_calls("PullImage")

    first.fault = Fault.REFUSED
    runtime.release()

    assert image_id(2).encode() in call.result()
    shim.wait_for_log(f"registry {first.address} is left out: ", "connection refused")
    assert client.pull("team/app:v1") == image_id(2)  # though its yes is still cached

    first.fault = Fault.NONE
    shim.wait_for_log(f"registry {first.address} answers again")
    assert client.pull("team/app:v1") == image_id(1)
    assert runtime.pulled_names() == [named(first), named(second), named(second), named(first)]


def test_registry_that_hangs_during_the_pull_is_given_up_after_the_timeout(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    first, second = start_faulty_registry(), start_faulty_registry()
    shim = start_with(first, second, timeout="500ms")
    runtime.set_pull(named(first), {"hold": True})
    runtime.set_pull(named(second), succeeds(2))
    call = shim.client().start_pull("team/app:v1")
    runtime.wait_for_calls("PullImage")

    first.fault = Fault.HUNG_AFTER_ACCEPT

    assert image_id(2).encode() in call.result()
    assert runtime.wait_for_cancel("PullImage").image == named(first)
    shim.wait_for_log(f"registry {first.address} is left out: ")


def test_failed_pull_of_one_image_does_not_leave_a_well_registry_out(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    first, second = start_faulty_registry(), start_faulty_registry()
    shim = start_with(first, second)
    client = shim.client()
    for number in range(3):
        runtime.set_pull(named(first, f"team/bad-{number}:v1"), BROKEN)
        runtime.set_pull(named(second, f"team/bad-{number}:v1"), succeeds(2))
        client.pull(f"team/bad-{number}:v1")
    eventually(first.checks, "the first registry is checked")
    runtime.set_pull(named(first), succeeds(1))

    assert client.pull("team/app:v1") == image_id(1)
    assert "is left out" not in shim.log


# What is remembered.


def test_answer_is_asked_for_once(runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry) -> None:
    registry = start_faulty_registry()
    runtime.set_pull(named(registry), succeeds(1))
    client = start_with(registry).client()
    client.pull("team/app:v1")
    asked = len(registry.asked)

    client.pull("team/app:v1")

    assert len(registry.asked) == asked


def test_pulls_of_one_image_at_once_share_one_question(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    registry = start_faulty_registry()
    registry.fault = Fault.HUNG_AFTER_HEADERS
    runtime.set_pull(named(registry), succeeds(1))
    client = start_with(registry, probe={**PROBE, "timeout": "1s"}).client()

    calls = [client.start_pull("team/app:v1") for _ in range(20)]
    eventually(registry.asked.copy, "the registry is asked")
    calls[0].cancel()
    answers = [call.result() for call in calls[1:]]

    assert all(image_id(1).encode() in answer for answer in answers)
    assert [asked.method for asked in registry.manifests_asked()] == ["HEAD", "GET"]  # of the index


def test_image_that_appears_is_found_once_its_absence_is_forgotten(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    registry = start_faulty_registry()
    registry.fault = Fault.NOT_FOUND
    runtime.set_pull(named(registry), succeeds(1))
    client = start_with(registry, cache={"notFoundTTL": "100ms"}).client()
    error_of(client.start_pull("team/app:v1"))

    registry.fault = Fault.NONE

    eventually(lambda: client.start_pull("team/app:v1").code() is grpc.StatusCode.OK, "it is found")


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.BROKEN, Fault.REDIRECT_LOOP, Fault.RESET])
def test_error_is_never_taken_for_absence(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry, fault: Fault
) -> None:
    registry = start_faulty_registry()
    registry.fault = fault
    client = start_with(registry, cache={"notFoundTTL": "1h"}).client()
    error_of(client.start_pull("team/app:v1"))
    runtime.set_pull(named(registry), succeeds(1))

    registry.fault = Fault.NONE

    assert client.pull("team/app:v1") == image_id(1)


# digestFallback


@pytest.mark.parametrize("allowed", [True, False])
def test_digest_is_given_up_for_the_tag_only_where_that_is_allowed(
    runtime: FakeRuntime, start_shim, start_registry, allowed: bool
) -> None:
    trimmed = start_registry("team/app:v1")
    runtime.set_pull(trimmed.name("team/app:v1"), succeeds(1))
    runtime.set_pull(f"team/app:v1@{INDEX_DIGEST}", succeeds(2))
    entry = {"address": trimmed.address, **({"digestFallback": "tag"} if allowed else {})}
    shim = start_shim(registries=[entry])

    pulled = shim.client().pull(f"team/app:v1@{INDEX_DIGEST}")

    assert pulled == image_id(1 if allowed else 2)
    if allowed:
        line = next(line for line in shim.wait_for_log("digestFallback").splitlines() if "digestFallback" in line)
        assert INDEX_DIGEST in line and trimmed.host in line


# The caller's cancel and deadline, between and during probes; test_pull_image.py has those inside an attempt.


@pytest.fixture
def first_fails_then_second_hangs(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> tuple[Client, FaultyRegistry]:
    first, second = start_faulty_registry(), start_faulty_registry()
    second.fault = Fault.HUNG_AFTER_ACCEPT
    runtime.set_pull(named(first), BROKEN)
    return start_with(first, second, probe=LONG_PROBE, fallback="upstream").client(), second


def test_cancel_between_two_attempts_ends_the_pull(runtime: FakeRuntime, first_fails_then_second_hangs) -> None:
    client, second = first_fails_then_second_hangs
    call = client.start_pull("team/app:v1")
    eventually(lambda: second.connections, "the second registry is asked")

    call.cancel()
    client.list_images()
    second.fault = Fault.NONE

    client.list_images()
    assert len(runtime.pulled_names()) == 1


def test_deadline_between_two_attempts_ends_the_pull(runtime: FakeRuntime, first_fails_then_second_hangs) -> None:
    client, second = first_fails_then_second_hangs

    error = error_of(client.start_pull("team/app:v1", timeout=0.5))

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    client.list_images()
    assert len(runtime.pulled_names()) == 1


def test_deadline_while_registries_are_asked_reaches_no_runtime(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    registry = start_faulty_registry()
    registry.fault = Fault.BLACK_HOLED
    client = start_with(registry, probe=LONG_PROBE, fallback="upstream").client()

    error = error_of(client.start_pull("team/app:v1", timeout=0.5))

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    client.list_images()
    assert runtime.pulled_names() == []


# Whose credentials.


def test_pod_secret_stays_with_its_host_when_the_pull_goes_on_elsewhere(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry, secrets: Secrets
) -> None:
    own, other = start_faulty_registry(), start_faulty_registry()
    runtime.set_pull(named(own), fails(UNKNOWN, "401 Unauthorized"))
    runtime.set_pull(named(other), succeeds(2))
    client = start_with(other, own).client()
    pod_secret = messages.AuthConfig(username="pod", password=secrets.new("pod-password"))

    assert client.pull(named(own), auth=pod_secret) == image_id(2)

    to_own, to_other = runtime.calls("PullImage")
    assert to_own.auth == pod_secret
    assert to_other.image == named(other)
    assert (to_other.auth.username, to_other.auth.password) == ("robot", "robot-0-password")
    sent = [asked.headers.get("authorization", "") for asked in other.asked]
    assert not [value for value in sent if secrets.found_in(value) or "cG9kOn" in value]


def test_credentials_do_not_follow_a_redirect(
    runtime: FakeRuntime, start_with, start_faulty_registry: StartRegistry
) -> None:
    elsewhere = start_faulty_registry()
    registry = start_faulty_registry(elsewhere=elsewhere.address)
    registry.fault = Fault.REDIRECTED
    runtime.set_pull(named(registry), succeeds(1))

    start_with(registry).client().pull("team/app:v1")

    assert elsewhere.manifests_asked()
    assert all("authorization" not in asked.headers for asked in elsewhere.asked)
