"""What scripts/conformance/runtimes does with a runtime: the cases, each in the way that it is told."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from runtime_use import LATEST, OTHER, SAYS, TAGGED, Use, expect

WITH_IDENTITY_TOKEN = "a registry that wants an identity token"
CANNOT = {("cri-o", WITH_IDENTITY_TOKEN)}

Case = Callable[[Use], None]
CASES: dict[str, Case] = {}
# Cases that are about calls of the RuntimeService, which do not reach an image-service plugin.
RUNTIME_CASES: set[str] = set()
# Cases that are about what the shim is for: nothing to compare with.
SHIM_CASES: set[str] = set()


def case(name: str, of_runtime: bool = False, of_shim: bool = False) -> Callable[[Case], Case]:
    def register(function: Case) -> Case:
        CASES[name] = function
        if of_runtime:
            RUNTIME_CASES.add(name)
        if of_shim:
            SHIM_CASES.add(name)
        return function

    return register


@case("`Version`, the CRI version found by `auto`", of_runtime=True)
def version(use: Use) -> None:
    expect("RuntimeApiVersion:  v1\n" in use.crictl.run("version"), "another version")


@case("pull by tag")
def pull_by_tag(use: Use) -> None:
    use.pull(use.name())
    expect(len(use.stored()) == 1, "no image")


@case("pull without a tag")
def pull_latest(use: Use) -> None:
    use.pull(use.name("library/nginx"))
    expect(len(use.stored()) == 1, "no image")


@case("pull by digest")
def pull_by_digest(use: Use) -> None:
    use.pull(use.by_digest)
    expect(use.digest in str(use.status(use.by_digest)["repoDigests"]), "another digest")


@case("pull by tag and digest")
def pull_by_tag_and_digest(use: Use) -> None:
    use.pull(use.by_tag_and_digest)
    expect(use.digest in str(use.status(use.by_tag_and_digest)["repoDigests"]), "another digest")


@case("pull with `--auth`")
def pull_with_auth(use: Use) -> None:
    first = use.node.registries.first
    auth = base64.b64encode(f"{first.username}:{first.password}".encode()).decode()
    use.crictl.run("pull", *([] if use.is_rewriting else ["--auth", auth]), use.name())
    expect(len(use.stored()) == 1, "no image")


@case("the same pull again")
def pull_again(use: Use) -> None:
    expect(use.pull(use.name()) == use.pull(use.name()), "another reference")


@case("two names of one image")
def two_names(use: Use) -> None:
    use.pull(use.name())
    use.pull(use.name(LATEST))
    expect(use.status(use.name())["id"] == use.status(use.name(LATEST))["id"], "two images")


@case("`images` shows the name")
def list_all(use: Use) -> None:
    use.pull(use.name())
    expect(use.name() in use.crictl.image_names(), f"names {use.crictl.image_names()}")


@case("`images` shows the name with the digest")
def list_digest(use: Use) -> None:
    use.pull(use.by_digest)
    listed = [name for listed in use.crictl.json("images")["images"] for name in listed["repoDigests"]]
    expect(use.by_digest in listed, f"digests {listed}")


@case("`images NAME` shows that image alone")
def list_by_name(use: Use) -> None:
    use.pull(use.name())
    use.pull(use.name(OTHER))
    listed = use.crictl.json("images", use.name())["images"]
    expect([image["id"] for image in listed] == [use.status(use.name())["id"]], f"{len(listed)} images")


@case("`images NAME` shows none where it is not there")
def list_absent(use: Use) -> None:
    use.pull(use.name(OTHER))
    expect(not use.crictl.json("images", use.name())["images"], "an image")


@case("`inspecti NAME`")
def status_by_name(use: Use) -> None:
    use.pull(use.name())
    expect(use.name() in use.status(use.name())["repoTags"], "other names")


@case("`inspecti NAME` of an image that is not there")
def status_absent(use: Use) -> None:
    error = use.crictl.error_of("inspecti", use.name())
    expect("no such image" in error, error)


@case("`inspecti NAME` after the kubelet's garbage collection of the image")
def status_after_collection(use: Use) -> None:
    use.pull(use.name())
    use.crictl.run("rmi", *use.stored())
    error = use.crictl.error_of("inspecti", use.name())
    expect("no such image" in error, error)


@case("`inspecti ID`")
def status_by_id(use: Use) -> None:
    use.pull(use.name())
    (image,) = use.stored()
    expect(use.status(image)["id"] == image, "another image")


@case("`inspecti` by the reference that the pull answered")
def status_by_answer(use: Use) -> None:
    answered = use.pull(use.name())
    expect([use.status(answered)["id"]] == use.stored(), "another image")


@case("pod, container by name, logs, exec", of_runtime=True)
def run_by_name(use: Use) -> None:
    use.pull(use.name())
    container = use.run(use.name())
    expect(use.crictl.logs(container) == SAYS + "\n", "other output")
    expect(use.crictl.run("exec", "--sync", container, "echo", "inside").strip() == "inside", "other output")


@case("container by digest", of_runtime=True)
def run_by_digest(use: Use) -> None:
    use.pull(use.by_digest)
    expect(use.crictl.logs(use.run(use.by_digest)) == SAYS + "\n", "other output")


@case("container by tag and digest", of_runtime=True)
def run_by_tag_and_digest(use: Use) -> None:
    use.pull(use.by_tag_and_digest)
    expect(use.crictl.logs(use.run(use.by_tag_and_digest)) == SAYS + "\n", "other output")


@case("container by the reference that the pull answered, as of the kubelet")
def run_by_answer(use: Use) -> None:
    container = use.run(use.pull(use.name()), use.name())
    expect(use.crictl.logs(container) == SAYS + "\n", "other output")


@case("`rmi NAME` removes the image")
def remove_by_name(use: Use) -> None:
    use.pull(use.name())
    use.crictl.run("rmi", use.name())
    expect(not use.stored(), "the image is still there")


@case("`rmi NAME` removes an image of two names")
def remove_one_of_two_names(use: Use) -> None:
    use.pull(use.name())
    use.pull(use.name(LATEST))
    use.crictl.run("rmi", use.name())
    expect(not use.stored(), "the image is still there")


@case("`rmi NAME@DIGEST` removes the image")
def remove_by_digest(use: Use) -> None:
    use.pull(use.by_digest)
    use.crictl.run("rmi", use.by_digest)
    expect(not use.stored(), "the image is still there")


@case("`rmi ID`, as of the kubelet's garbage collection")
def remove_by_id(use: Use) -> None:
    use.pull(use.name())
    use.crictl.run("rmi", *use.stored())
    expect(not use.stored(), "the image is still there")


@case("`rmi` by the first digits of the ID")
def remove_by_short_id(use: Use) -> None:
    use.pull(use.name())
    (image,) = use.stored()
    use.crictl.run("rmi", image.removeprefix("sha256:")[:13])
    expect(not use.stored(), "the image is still there")


@case("`rmi NAME` of an image that is not there")
def remove_absent(use: Use) -> None:
    # crictl itself asks for the image first, and says that there is none.
    error = use.crictl.error_of("rmi", use.name())
    expect("no such image" in error, error)


@case("`imagefsinfo`")
def image_filesystem(use: Use) -> None:
    expect(use.crictl.json("imagefsinfo")["status"]["imageFilesystems"], "no file system")


@case("a wrong password: the error names the registry, and says so")
def wrong_password(use: Use) -> None:
    first = use.node.registries.first
    wrong = f"{first.username}:wrong"
    if use.is_rewriting:
        use.shim.restart(**use.settings(registries=[{"address": first.address, "auth": wrong}]))
    try:
        error = use.crictl.error_of("pull", *([] if use.is_rewriting else ["--creds", wrong]), use.name())
    finally:
        if use.is_rewriting:
            use.shim.restart(**use.settings())
    expect(first.host in error, error)
    expect(re.search("unauthorized|authentication|401|credentials", error), error)


@case("a registry that is down: the error names it")
def registry_down(use: Use) -> None:
    if use.is_rewriting:
        use.shim.restart(**use.settings(registries=[{"address": use.node.registries.down.address}]))
    try:
        error = use.crictl.error_of("pull", use.name() if use.is_rewriting else f"{use.node.registries.down.host}/{TAGGED}")
    finally:
        if use.is_rewriting:
            use.shim.restart(**use.settings())
    expect(use.node.registries.down.host in error, error)


@case("the runtime restarts")
def restart(use: Use) -> None:
    use.pull(use.name())
    use.node.image_service.restart()
    expect(use.name() in use.status(use.name())["repoTags"], "other names")
    use.crictl.run("rmi", use.name())
    use.pull(use.name())
    expect(len(use.stored()) == 1, "no image")


@case("the first registry is down: the second serves", of_shim=True)
def failover(use: Use) -> None:
    second = use.node.registries.second
    entries = [
        {"address": use.node.registries.down.address, "priority": 600},
        {"address": second.address, "auth": second.auth},
    ]
    use.shim.restart(**use.settings(registries=entries))
    try:
        use.pull(use.name())
        expect(use.name() in use.crictl.image_names(), "other names")
    finally:
        use.shim.restart(**use.settings())


@case("the first registry has lost a layer: the second serves", of_shim=True)
def failover_of_the_runtime(use: Use) -> None:
    broken, second = use.node.registries.broken, use.node.registries.second
    entries = [
        {"address": broken.address, "auth": broken.auth, "priority": 600},
        {"address": second.address, "auth": second.auth},
    ]
    use.shim.restart(**use.settings(registries=entries))
    try:
        use.pull(use.name())
        expect(f"{second.host}/{TAGGED}" in use.direct.image_names(), f"names {use.direct.image_names()}")
    finally:
        use.shim.restart(**use.settings())


@case("names are shown after the shim's restart, too", of_shim=True)
def names_after_restart(use: Use) -> None:
    use.pull(use.name())
    use.shim.restart(**use.settings())
    expect(use.name() in use.crictl.image_names(), "other names")


@case("`images` shows the canonical name, too", of_shim=True)
def canonical_name(use: Use) -> None:
    use.pull(use.name())
    expect(f"docker.io/{TAGGED}" in use.crictl.image_names(), "other names")


@case(WITH_IDENTITY_TOKEN, of_shim=True)
def identity_token(use: Use) -> None:
    registries = use.node.registries
    auth = {"identityToken": registries.tokens.identity_token}
    entry = {"address": registries.with_tokens.address, "auth": auth}
    use.shim.restart(**use.settings(registries=[entry]))
    try:
        use.pull(use.name())
    finally:
        use.shim.restart(**use.settings())
