"""Which secret goes where, and nowhere else (DESIGN 3, 4)."""

from __future__ import annotations

import base64

import pytest

from cri import error_of, messages
from fake_runtime import FakeRuntime, image_id, succeeds
from leaks import Secrets
from processes import Workplace

APP = "team/app:v1"


@pytest.fixture
def pod_secret(secrets: Secrets):
    """An imagePullSecret as the kubelet sends it, with fields that we know nothing of."""
    auth = messages.AuthConfig(username="pod", password=secrets.new("pod-password"), server_address="whatever it said")
    return messages.AuthConfig.FromString(auth.SerializeToString() + b"\xfa\x3f\x03new")


def request_with(client, image: str, auth) -> bytes:
    return client.pull_request(image, auth).SerializeToString()


@pytest.mark.parametrize("form", ["string", "mapping", "file", "variable"])
def test_configured_credential_goes_to_its_registry(
    runtime: FakeRuntime, new_shim, start_registry, secrets: Secrets, workplace: Workplace, form: str
) -> None:
    password = secrets.new("password") + ":with-a-colon"
    registry = start_registry(APP, credentials=f"robot:{password}")
    runtime.set_pull(registry.name(APP), succeeds(1))
    workplace.path("password").write_text(password + "\n")
    auth = {
        "string": f"robot:{password}",
        "mapping": {"username": "robot", "password": password},
        "file": {"username": "robot", "passwordFile": str(workplace.path("password"))},
        "variable": "robot:${ICS_TEST_PASSWORD}",
    }[form]
    shim = new_shim(runtime.socket)
    shim.configure(registries=[{"address": registry.address, "auth": auth}])
    shim.start(environment={"ICS_TEST_PASSWORD": password})

    shim.client().pull(APP)

    (call,) = runtime.calls("PullImage")
    assert (call.auth.username, call.auth.password) == ("robot", password)
    assert call.auth.server_address == registry.address  # a full URL, which containerd compares the host of
    assert {request.authorization for request in registry.manifest_requests()} - {""} == {registry.basic()}


def test_bearer_challenge_is_answered(runtime: FakeRuntime, start_shim, start_registry, secrets: Secrets) -> None:
    registry = start_registry(APP, credentials=f"robot:{secrets.new('password')}", bearer=True)
    runtime.set_pull(registry.name(APP), succeeds(1))

    start_shim(address=registry.address, auth=registry.credentials).client().pull(APP)

    assert runtime.pulled_names() == [registry.name(APP)]
    sent = {request.path.partition("?")[0]: request.authorization for request in registry.requests}
    assert sent["/token"] == registry.basic()
    assert sent["/v2/team/app/manifests/v1"] == f"Bearer {registry.token}"


def test_anonymous_bearer_token_is_fetched(runtime: FakeRuntime, start_shim, start_registry) -> None:
    registry = start_registry(APP, bearer=True)
    runtime.set_pull(registry.name(APP), succeeds(1))

    start_shim(address=registry.address).client().pull(APP)

    assert runtime.calls("PullImage")[0].auth is None


def test_identity_token_is_passed_to_the_runtime(
    runtime: FakeRuntime, start_shim, start_registry, secrets: Secrets
) -> None:
    token = secrets.new("identity")
    registry = start_registry(APP)
    runtime.set_pull(registry.name(APP), succeeds(1))

    start_shim(registries=[{"address": registry.address, "auth": {"identityToken": token}}]).client().pull(APP)

    assert runtime.calls("PullImage")[0].auth.identity_token == token


def test_pod_secret_goes_to_no_registry_of_the_configuration(
    runtime: FakeRuntime, start_shim, start_registry, pod_secret
) -> None:
    registry = start_registry(APP)
    runtime.set_pull(registry.name(APP), succeeds(1))
    client = start_shim(address=registry.address).client()

    client.unary(client.method("ImageService", "PullImage"), request_with(client, APP, pod_secret))

    (call,) = runtime.calls("PullImage")
    assert call.image == registry.name(APP)
    assert pod_secret.password.encode() not in call.body
    sent = "".join(request.authorization for request in registry.requests)
    assert base64.b64encode(b"pod:").decode()[:4] not in sent


def test_pod_secret_goes_to_the_original_byte_for_byte(
    runtime: FakeRuntime, start_shim, start_registry, pod_secret
) -> None:
    empty = start_registry()
    runtime.set_pull("registry.test/team/app:v1", succeeds(1))
    client = start_shim(address=empty.address).client()
    request = request_with(client, "registry.test/team/app:v1", pod_secret)

    client.unary(client.method("ImageService", "PullImage"), request)

    (call,) = runtime.calls("PullImage")
    assert call.image == "registry.test/team/app:v1"
    assert pod_secret.SerializeToString() in call.body


def test_configured_credential_does_not_go_to_the_original(
    runtime: FakeRuntime, start_shim, start_registry, secrets: Secrets
) -> None:
    registry = start_registry(credentials=f"robot:{secrets.new('password')}")
    runtime.set_pull(APP, succeeds(1))

    start_shim(address=registry.address, auth=registry.credentials).client().pull(APP)

    (call,) = runtime.calls("PullImage")
    assert (call.image, call.auth) == (APP, None)


def test_credentials_of_one_entry_do_not_go_to_another(
    runtime: FakeRuntime, start_shim, start_registry, secrets: Secrets
) -> None:
    first = start_registry(credentials=f"one:{secrets.new('first')}")
    second = start_registry(APP, credentials=f"two:{secrets.new('second')}")
    runtime.set_pull(second.name(APP), succeeds(1))
    entries = [{"address": registry.address, "auth": registry.credentials} for registry in (first, second)]

    start_shim(registries=entries).client().pull(APP)

    assert {request.authorization for request in first.requests} <= {"", first.basic()}
    assert {request.authorization for request in second.requests} <= {"", second.basic()}
    assert runtime.calls("PullImage")[0].auth.username == "two"


def test_pod_secret_for_a_configured_host_is_used_there_first_and_unprobed(
    runtime: FakeRuntime, start_shim, start_registry, secrets: Secrets, pod_secret
) -> None:
    """An anonymous 404 must not block a valid secret."""
    registry = start_registry(credentials=f"robot:{secrets.new('password')}")
    other = start_registry(APP)
    runtime.set_pull(registry.name(APP), succeeds(1))
    client = start_shim(
        registries=[
            {"address": other.address, "priority": 900},
            {"address": registry.address, "auth": registry.credentials, "priority": 100},
        ],
        fallback="deny",
    ).client()
    request = request_with(client, registry.name(APP), pod_secret)

    client.unary(client.method("ImageService", "PullImage"), request)

    (call,) = runtime.calls("PullImage")
    assert call.image == registry.name(APP)
    assert pod_secret.SerializeToString() in call.body
    assert registry.manifest_requests() == []


def test_image_of_a_configured_host_is_pulled_with_its_credential(
    runtime: FakeRuntime, start_shim, start_registry, secrets: Secrets
) -> None:
    registry = start_registry(APP, credentials=f"robot:{secrets.new('password')}")
    runtime.set_pull(registry.name(APP), succeeds(1))
    client = start_shim(
        registries=[{"address": registry.address, "auth": registry.credentials}], fallback="deny"
    ).client()

    assert client.pull(registry.name(APP)) == image_id(1)
    (call,) = runtime.calls("PullImage")
    assert call.auth.username == "robot"


def test_no_error_or_log_shows_a_secret_when_everything_fails(
    runtime: FakeRuntime, start_shim, start_registry, secrets: Secrets, pod_secret
) -> None:
    """The fixture `secrets` looks through all logs of all tests; here there is much to log."""
    registry = start_registry(APP, credentials=f"robot:{secrets.new('right')}")
    shim = start_shim(address=registry.address, auth=f"robot:{secrets.new('wrong')}", debug=True)
    client = shim.client()

    error = error_of(
        client.start(client.method("ImageService", "PullImage"), request_with(client, APP, pod_secret))
    )

    assert registry.host in error.details()
    assert not secrets.found_in(error.details())
