"""Every method of CRI between a caller of one version and a runtime of the other (DESIGN 1), unary and streaming."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from cri import error_of
from crossed import METHODS, Crossed
from newer_cri import filled

DECODED = {"PullImage", "ImageStatus", "ListImages", "StreamImages", "RemoveImage", "CreateContainer"}
ANY_BYTES = b"any bytes \x00\xff"


def names(is_streaming: bool) -> list[str]:
    return [f"{each['service']}/{each['method']}" for each in METHODS if each["server_streaming"] == is_streaming]


PULL = "ImageService/PullImage"
UNARY, STREAMING = names(is_streaming=False), names(is_streaming=True)


def request_of(method: str) -> Any:
    """Bytes that mean nothing, for a method that is not decoded."""
    name = method.partition("/")[2]
    if name not in DECODED:
        return ANY_BYTES
    request = filled("ListImagesRequest" if name == "StreamImages" else f"{name}Request")
    if name == "RemoveImage":
        request.image.image = "sha256:" + "1" * 64  # by ID, as the kubelet does
    return request


def response_of(method: str) -> Any:
    name = method.partition("/")[2]
    if name not in DECODED:
        return b"\xfe\xff" + ANY_BYTES
    return filled("ListImagesResponse" if name == "StreamImages" else f"{name}Response")


def to_bytes(message: Any) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)


def read_as(example: Any, message: bytes) -> Any:
    return message if isinstance(example, bytes) else type(example).FromString(message)


def test_list_of_methods_has_those_of_both_services() -> None:
    assert {method["service"] for method in METHODS} == {"ImageService", "RuntimeService"}
    assert not any(method["client_streaming"] for method in METHODS)
    assert len(UNARY) + len(STREAMING) >= 41


@pytest.mark.parametrize("method", UNARY)
def test_unary_call_and_its_answer_arrive_as_they_are(crossed: Crossed, method: str) -> None:
    request, response = request_of(method), response_of(method)
    crossed.reply(method, to_bytes(response), trailers={"why": "because"})
    sent = [("tracestate", "a=1"), ("blob-bin", b"\x00\xff"), ("echo-initial-name", "early")]

    call = crossed.client.start(crossed.asked(method), to_bytes(request), metadata=sent)

    assert read_as(response, call.result()) == response
    assert ("echo-initial-name", "early") in call.initial_metadata()
    assert ("why", "because") in call.trailing_metadata()
    arrived = crossed.last_call(method)
    assert read_as(request, arrived.body) == request
    assert arrived.metadata_values("tracestate") == ["a=1"]
    assert arrived.metadata_values("blob-bin") == ["00ff"]


@pytest.mark.parametrize("method", STREAMING)
def test_stream_arrives_whole_and_in_order(crossed: Crossed, method: str) -> None:
    request, response = request_of(method), response_of(method)
    responses = [to_bytes(response), b"", b"\xfd" + ANY_BYTES, b"\xfc" * 70_000, to_bytes(response)]
    crossed.reply(method, *responses, trailers={"why": "because"})
    sent = [("tracestate", "a=1"), ("echo-initial-name", "early")]

    call = crossed.client.server_stream(crossed.asked(method), to_bytes(request), metadata=sent)

    assert list(call) == responses
    assert ("echo-initial-name", "early") in call.initial_metadata()
    assert ("why", "because") in call.trailing_metadata()
    arrived = crossed.last_call(method)
    assert read_as(request, arrived.body) == request
    assert arrived.metadata_values("tracestate") == ["a=1"]


@pytest.mark.parametrize("method", [method for method in UNARY if method != PULL])
def test_error_keeps_its_code_message_details_and_trailers(crossed: Crossed, method: str) -> None:
    message = "100% of ünïcode"
    crossed.behave(method, code=9, message=message, details=b"details".hex(), trailers={"why": "because"})

    error = error_of(crossed.client.start(crossed.asked(method), to_bytes(request_of(method))))

    assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, message)
    trailers = dict(error.trailing_metadata())
    assert (trailers["why"], trailers["grpc-status-details-bin"]) == ("because", b"details")


def test_error_of_a_pull_keeps_its_code_and_names_the_runtimes_reason(crossed: Crossed) -> None:
    crossed.behave(PULL, code=9, message="100% of ünïcode")

    error = error_of(crossed.client.start(crossed.asked(PULL), to_bytes(request_of(PULL))))

    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "100% of ünïcode" in error.details()


@pytest.mark.parametrize("method", STREAMING)
def test_error_after_messages_of_a_stream_is_kept(crossed: Crossed, method: str) -> None:
    crossed.reply(method, b"\xfe1", b"\xfe2", code=8, message="no more", trailers={"why": "because"})
    call = crossed.client.server_stream(crossed.asked(method), to_bytes(request_of(method)))

    received = [next(call), next(call)]
    with pytest.raises(grpc.RpcError) as error:
        next(call)

    assert received == [b"\xfe1", b"\xfe2"]
    assert (error.value.code(), error.value.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "no more")
    assert dict(error.value.trailing_metadata())["why"] == "because"


@pytest.mark.parametrize("method", UNARY)
def test_cancel_of_a_call_reaches_the_runtime(crossed: Crossed, method: str) -> None:
    crossed.behave(method, hold=True)
    before = len(crossed.runtime.calls(crossed.arrives(method)))
    call = crossed.client.start(crossed.asked(method), to_bytes(request_of(method)))
    crossed.runtime.wait_for_calls(crossed.arrives(method), before + 1)

    call.cancel()

    assert crossed.runtime.wait_for_cancel(crossed.arrives(method)) == crossed.last_call(method)


@pytest.mark.parametrize("method", STREAMING)
def test_cancel_in_the_middle_of_a_stream_reaches_the_runtime(crossed: Crossed, method: str) -> None:
    crossed.behave(method, kind="stream", messages=1_000_000, size=1000)
    call = crossed.client.server_stream(crossed.asked(method), to_bytes(request_of(method)))
    next(call)

    call.cancel()

    assert crossed.runtime.wait_for_cancel(crossed.arrives(method)).id == crossed.last_call(method).id


@pytest.mark.parametrize("method", ["ImageService/DreamOfImages", "RuntimeService/Teleport"])
def test_unknown_method_of_a_known_service_is_translated(crossed: Crossed, method: str) -> None:
    crossed.behave(method, kind="echo")
    answers = crossed.client.stream(crossed.asked(method), iter([b"one", b"two"]))

    assert list(answers) == [b"one", b"two"]
    assert crossed.last_call(method).messages == 2


@pytest.mark.parametrize(
    "method", ["/runtime.v2.ImageService/PullImage", "/runtime.v1beta1.RuntimeService/Version", "/foo.Bar/Version"]
)
def test_unknown_service_or_package_is_untouched(crossed: Crossed, method: str) -> None:
    crossed.runtime.set_behaviour(method, kind="echo")

    assert crossed.client.unary(method, ANY_BYTES) == ANY_BYTES
    assert crossed.runtime.calls(method)[-1].body == ANY_BYTES


@pytest.mark.parametrize("method", ["ImageService/StreamImages", "RuntimeService/GetContainerEvents"])
def test_stream_that_an_older_runtime_lacks_is_unimplemented(crossed: Crossed, method: str) -> None:
    """A newer kubelet falls back to the unary call then."""
    crossed.behave(method, code=12, message="unknown method")

    with pytest.raises(grpc.RpcError) as error:
        list(crossed.client.server_stream(crossed.asked(method), to_bytes(request_of(method))))

    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
