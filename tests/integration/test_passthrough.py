"""Every RPC that is not an image call goes through as it is (DESIGN 1)."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import grpc
import pytest

from cri import Client, error_of
from fake_runtime import FakeRuntime

POD_LIST = "/runtime.v1.RuntimeService/ListPodSandbox"
FROM_THE_FUTURE = "/runtime.v9.TeleportService/Beam"


@pytest.mark.parametrize(
    "method",
    [POD_LIST, "/runtime.v1alpha2.RuntimeService/ListPodSandbox", FROM_THE_FUTURE, "/grpc.health.v1.Health/Check"],
)
def test_unary_call_of_any_service_is_answered_by_the_runtime(
    runtime: FakeRuntime, client: Client, method: str
) -> None:
    runtime.set_behaviour(method, kind="echo")

    assert client.unary(method, b"any bytes \x00\xff") == b"any bytes \x00\xff"


def test_empty_message_arrives_as_an_empty_message(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(POD_LIST, kind="echo")

    assert client.unary(POD_LIST, b"") == b""
    assert runtime.calls(POD_LIST)[0].messages == 1


def test_server_stream_arrives_whole_and_in_order(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(FROM_THE_FUTURE, kind="stream", messages=1000, size=1500)

    sizes = [len(message) for message in client.server_stream(FROM_THE_FUTURE, b"go")]

    assert sizes == [1500] * 1000


def test_client_stream_arrives_whole(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(FROM_THE_FUTURE, kind="count")

    answer = client.client_stream(FROM_THE_FUTURE, itertools.repeat(b"x" * 10_000, 500))

    assert json.loads(answer) == {"messages": 500, "bytes": 5_000_000}


def test_bidirectional_stream_is_interactive(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(FROM_THE_FUTURE, kind="echo")
    questions: list[bytes] = [b"%d" % number for number in range(100)]
    asked = iter(questions)
    call = client.stream(FROM_THE_FUTURE, asked)

    # grpcio sends the next message only once the last was accepted; each answer comes while the stream is open.
    answers = [next(call) for _ in questions]

    assert answers == questions
    assert call.code() is grpc.StatusCode.OK


def test_large_messages_of_other_methods_are_not_bounded(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(POD_LIST, kind="echo")
    message = bytes(range(256)) * (40 * 1024 * 1024 // 256)

    assert client.unary(POD_LIST, message) == message


def test_metadata_reaches_the_runtime(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(POD_LIST, kind="echo")
    sent = [("tracestate", "a=1"), ("repeated", "one"), ("repeated", "two"), ("blob-bin", b"\x00\xff\x80")]

    client.unary(POD_LIST, metadata=sent)

    (call,) = runtime.calls(POD_LIST)
    assert call.metadata_values("tracestate") == ["a=1"]
    assert call.metadata_values("repeated") == ["one", "two"]
    assert call.metadata_values("blob-bin") == ["00ff80"]
    assert any("grpc-python" in agent for agent in call.metadata_values("user-agent"))


def test_initial_and_trailing_metadata_reach_the_caller(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(POD_LIST, kind="echo")
    sent = [
        ("echo-initial-name", "early"),
        ("echo-initial-blob-bin", b"\x01\xfe"),
        ("echo-trailing-name", "late"),
        ("echo-trailing-blob-bin", b"\x02\xfd"),
    ]

    call = client.start(POD_LIST, metadata=sent)
    call.result()

    assert {("echo-initial-name", "early"), ("echo-initial-blob-bin", b"\x01\xfe")} <= set(call.initial_metadata())
    assert {("echo-trailing-name", "late"), ("echo-trailing-blob-bin", b"\x02\xfd")} <= set(call.trailing_metadata())


def test_header_list_of_60_kib_passes(runtime: FakeRuntime, new_shim, workplace) -> None:
    runtime.set_behaviour(POD_LIST, kind="echo")
    shim = new_shim(runtime.socket)
    shim.configure()
    shim.start()
    client = shim.client(options=[("grpc.max_metadata_size", 256 * 1024)])
    sent = [(f"header-{number}", "v" * 1000) for number in range(58)]

    client.unary(POD_LIST, metadata=sent)

    arrived = dict(runtime.calls(POD_LIST)[0].metadata)
    assert {name: arrived.get(name) for name, _ in sent} == dict(sent)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_error_keeps_its_code_message_details_and_trailers(
    runtime: FakeRuntime, client: Client, code: grpc.StatusCode
) -> None:
    message = 'no such pod: "a%20b"\n\tünïcode'
    runtime.set_behaviour(
        POD_LIST, code=code.value[0], message=message, details=b"\x08\x05details".hex(), trailers={"why": "because"}
    )

    error = error_of(client.start(POD_LIST))

    assert (error.code(), error.details()) == (code, message)
    trailers = dict(error.trailing_metadata())
    assert trailers["why"] == "because"
    assert trailers["grpc-status-details-bin"] == b"\x08\x05details"


def test_error_after_messages_of_a_stream_is_kept(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(FROM_THE_FUTURE, kind="stream", messages=2, size=3, code=8, message="no more")
    call = client.server_stream(FROM_THE_FUTURE)

    received = [next(call), next(call)]
    with pytest.raises(grpc.RpcError) as error:
        next(call)

    assert received == [b"xxx", b"xxx"]
    assert (error.value.code(), error.value.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "no more")


def test_method_that_the_runtime_lacks_is_unimplemented_in_its_own_words(client: Client) -> None:
    error = error_of(client.start("/runtime.v1.RuntimeService/RuntimeConfig"))

    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error.details() == "unknown method RuntimeConfig for service runtime.v1.RuntimeService"


def test_compressed_call_passes(runtime: FakeRuntime, client: Client) -> None:
    runtime.set_behaviour(POD_LIST, kind="echo")
    message = b"compressible " * 10_000

    answer = client.unary(
        POD_LIST, message, compression=grpc.Compression.Gzip, metadata=[("echo-compress", "gzip")]
    )

    assert answer == message


def test_authority_of_a_grpc_go_1_38_client_is_accepted(
    runtime: FakeRuntime, shim, grpc_go_client: Path, workplace
) -> None:
    """Kubelets up to 1.25 send the socket's path, which is no valid :authority."""
    runtime.set_behaviour(POD_LIST, kind="echo")
    command = [grpc_go_client, shim.socket, POD_LIST, b"hello".hex()]

    client = workplace.start("grpc-go-client", command)

    assert client.wait() == 0, client.stderr
    assert json.loads(client.stdout) == {"code": "OK", "message": "", "response": b"hello".hex()}


@pytest.mark.parametrize("method", ["/runtime.v1.ImageService/ListImages", "/runtime.v1.RuntimeService/Version"])
def test_grpc_go_1_38_client_gets_image_calls_and_version(shim, grpc_go_client: Path, workplace, method: str) -> None:
    client = workplace.start("grpc-go-client", [grpc_go_client, shim.socket, method, ""])

    assert client.wait() == 0, client.stderr
    assert json.loads(client.stdout)["code"] == "OK"
