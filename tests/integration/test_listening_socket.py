"""The socket that the kubelet connects to (DESIGN 1)."""

from __future__ import annotations

import os
import socket
import stat

import pytest

from fake_runtime import FakeRuntime
from processes import Workplace
from shim import Shim

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_mode_is_that_of_the_runtimes_socket(runtime: FakeRuntime, start_shim, mode: int) -> None:
    runtime.socket.chmod(mode)

    shim = start_shim()

    assert stat.S_IMODE(shim.socket.stat().st_mode) == mode


@needs_root
def test_owner_and_group_are_those_of_the_runtimes_socket(runtime: FakeRuntime, start_shim) -> None:
    os.chown(runtime.socket, 1234, 2345)
    runtime.socket.chmod(0o660)

    shim = start_shim()

    assert (shim.socket.stat().st_uid, shim.socket.stat().st_gid) == (1234, 2345)


def test_mode_is_0600_where_the_runtime_is_not_there_yet(bare_shim: Shim) -> None:
    assert stat.S_IMODE(bare_shim.socket.stat().st_mode) == 0o600


def test_socket_is_never_open_wider_than_it_ends_up(runtime: FakeRuntime, new_shim, workplace: Workplace) -> None:
    """Whatever the umask; made with the right mode, not corrected afterwards."""
    runtime.socket.chmod(0o600)
    shim = new_shim(runtime.socket)
    shim.configure()
    shim.start(prepare=lambda: os.umask(0) and None)

    assert stat.S_IMODE(shim.socket.stat().st_mode) == 0o600


def test_stale_socket_file_is_replaced(runtime: FakeRuntime, new_shim) -> None:
    shim = new_shim(runtime.socket)
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(shim.socket))
    shim.configure()

    shim.start()

    assert shim.client().version_of_runtime().runtime_name == "fake-runtime"


def test_socket_of_a_killed_shim_is_replaced(shim: Shim) -> None:
    shim.accepted_exits.add(-9)
    shim.process.kill()
    assert shim.socket.exists()

    shim.start()

    assert shim.client().version_of_runtime().runtime_name == "fake-runtime"


def test_live_socket_is_an_error_that_names_its_holder(shim: Shim, new_shim, runtime: FakeRuntime) -> None:
    second = new_shim(runtime.socket, name="second")
    second.configure(shim=str(shim.socket))
    second.accepted_exits.add(1)

    second.launch()

    assert second.process.wait() == 1
    assert str(shim.process.pid) in second.log
    assert str(shim.socket) in second.log
    assert shim.client().version_of_runtime().runtime_name == "fake-runtime"


def test_file_that_is_no_socket_is_left_alone(runtime: FakeRuntime, new_shim) -> None:
    shim = new_shim(runtime.socket)
    shim.socket.write_text("precious")
    shim.configure()
    shim.accepted_exits.add(1)

    shim.launch()

    assert shim.process.wait() == 1
    assert shim.socket.read_text() == "precious"


def test_missing_folder_of_the_socket_is_an_error_that_names_it(
    runtime: FakeRuntime, new_shim, workplace: Workplace
) -> None:
    shim = new_shim(runtime.socket)
    shim.socket = workplace.path("not/there/shim.sock")
    shim.configure()
    shim.accepted_exits.add(1)

    shim.launch()

    assert shim.process.wait() == 1
    assert str(shim.socket.parent) in shim.log


def test_unix_scheme_is_accepted_for_both_sockets(runtime: FakeRuntime, new_shim) -> None:
    shim = new_shim(runtime.socket)
    shim.configure(shim=f"unix://{shim.socket}", cri=f"unix://{runtime.socket}")

    shim.start()

    assert shim.client().version_of_runtime().runtime_name == "fake-runtime"


def test_shim_that_points_at_itself_is_an_error(new_shim) -> None:
    shim = new_shim()
    shim.configure(cri=str(shim.socket), force=True)
    shim.accepted_exits |= {1, 2}

    shim.launch()

    assert shim.process.wait() in (1, 2)
    assert "shim:" in shim.log and "cri" in shim.log
