"""Image calls whose names are replaced lose nothing else, between a caller of one version and a runtime of the other.

Their messages are those of a later release, in both directions: fields that the shim does not know, in each message
down to the last nested one.
"""

from __future__ import annotations

from typing import Any

import pytest

from crossed import Crossed
from newer_cri import filled, newer

APP = "mirrored/app:1"
ORIGINAL = f"docker.io/{APP}"
PULL, STATUS, LIST, STREAM, REMOVE = (
    f"ImageService/{name}" for name in ("PullImage", "ImageStatus", "ListImages", "StreamImages", "RemoveImage")
)
CREATE = "RuntimeService/CreateContainer"
ID = "sha256:" + "1" * 64


@pytest.fixture
def pulled(crossed: Crossed) -> str:
    """The name under which the runtime has the image that users call APP."""
    crossed.registry.manifests.add(APP)
    crossed.reply(PULL, filled("PullImageResponse", image_ref=ID).SerializeToString())
    request = newer.PullImageRequest()
    request.image.image = APP
    crossed.client.unary(crossed.asked(PULL), request.SerializeToString())
    crossed.reply(STATUS, present(crossed).SerializeToString())
    return crossed.registry.name(APP)


def present(crossed: Crossed) -> Any:
    response = filled("ImageStatusResponse")
    response.image.CopyFrom(held(crossed))
    return response


def held(crossed: Crossed) -> Any:
    """The image as the runtime has it."""
    return filled("Image", id=ID, repo_tags=[crossed.registry.name(APP)], repo_digests=[])


def ask(crossed: Crossed, method: str, request: Any) -> bytes:
    return crossed.client.unary(crossed.asked(method), request.SerializeToString())


def arrived(crossed: Crossed, method: str, request: Any) -> Any:
    return type(request).FromString(crossed.last_call(method).body)


def without_tags(image: Any) -> Any:
    copy = type(image)()
    copy.CopyFrom(image)
    copy.ClearField("repo_tags")
    return copy


def test_pull(crossed: Crossed, pulled: str) -> None:
    response = filled("PullImageResponse", image_ref=ID)
    crossed.reply(PULL, response.SerializeToString())
    request = filled("PullImageRequest")
    request.image.image = APP
    request.ClearField("auth")  # goes to the host of the original name only

    answer = ask(crossed, PULL, request)

    assert newer.PullImageResponse.FromString(answer) == response
    expected = newer.PullImageRequest.FromString(request.SerializeToString())
    expected.image.image = pulled
    assert arrived(crossed, PULL, request) == expected


def test_credentials_of_a_pull_under_the_original_name(crossed: Crossed) -> None:
    crossed.reply(PULL, filled("PullImageResponse").SerializeToString())
    request = filled("PullImageRequest")
    request.image.image = "private.test/app:1"

    ask(crossed, PULL, request)

    assert arrived(crossed, PULL, request) == request


def test_status(crossed: Crossed, pulled: str) -> None:
    request = filled("ImageStatusRequest")
    request.image.image = APP

    answer = newer.ImageStatusResponse.FromString(ask(crossed, STATUS, request))

    assert list(answer.image.repo_tags)[0] in (APP, ORIGINAL)
    assert without_tags(answer.image) == without_tags(held(crossed))
    answer.image.CopyFrom(held(crossed))
    assert answer == present(crossed)
    expected = type(request).FromString(request.SerializeToString())
    expected.image.image = pulled
    assert arrived(crossed, STATUS, request) == expected


@pytest.mark.parametrize("method", [LIST, STREAM])
def test_list(crossed: Crossed, pulled: str, method: str) -> None:
    response = filled("ListImagesResponse")
    response.images[1].CopyFrom(held(crossed))
    crossed.reply(method, response.SerializeToString())
    request = filled("ListImagesRequest")
    request.filter.image.image = APP

    if method == STREAM:
        (message,) = crossed.client.server_stream(crossed.asked(method), request.SerializeToString())
    else:
        message = ask(crossed, method, request)

    answer = newer.ListImagesResponse.FromString(message)
    assert list(answer.images[1].repo_tags)[0] in (APP, ORIGINAL)
    answer.images[1].CopyFrom(held(crossed))
    assert answer == response
    expected = type(request).FromString(request.SerializeToString())
    expected.filter.image.image = pulled
    assert arrived(crossed, method, request) == expected


def test_removal(crossed: Crossed, pulled: str) -> None:
    response = filled("RemoveImageResponse")
    crossed.reply(REMOVE, response.SerializeToString())
    request = filled("RemoveImageRequest")
    request.image.image = APP

    answer = ask(crossed, REMOVE, request)

    assert newer.RemoveImageResponse.FromString(answer) == response
    expected = type(request).FromString(request.SerializeToString())
    expected.image.image = ID
    assert arrived(crossed, REMOVE, request) == expected


def test_container_with_an_image_volume(crossed: Crossed, pulled: str) -> None:
    response = filled("CreateContainerResponse")
    crossed.reply(CREATE, response.SerializeToString())
    request = filled("CreateContainerRequest")
    request.config.image.image = APP
    request.config.mounts[1].image.image = ORIGINAL

    answer = ask(crossed, CREATE, request)

    assert newer.CreateContainerResponse.FromString(answer) == response
    expected = type(request).FromString(request.SerializeToString())
    expected.config.image.image = pulled
    expected.config.mounts[1].image.image = pulled
    assert arrived(crossed, CREATE, request) == expected


def test_version_is_told_in_the_callers_dialect(crossed: Crossed) -> None:
    response = filled("VersionResponse", runtime_api_version=crossed.spoken)
    crossed.reply("RuntimeService/Version", response.SerializeToString())
    request = filled("VersionRequest", version="0.1.0")

    answer = newer.VersionResponse.FromString(ask(crossed, "RuntimeService/Version", request))

    assert answer == filled("VersionResponse", runtime_api_version=crossed.caller)
    assert arrived(crossed, "RuntimeService/Version", request) == request
