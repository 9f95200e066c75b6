"""Where the API listens, who may connect there, and where it refuses to listen."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from supervisor.adapters.http_api.listen import UNIX, is_loopback, open_entrance, read_address, shut


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_a_unix_socket_is_made_for_whom_it_is_meant(tmp_path: Path, mode: int) -> None:
    """Its file has the mode and the group that were asked for, and a connection finds us."""
    path, group = tmp_path / "api", os.getgid()
    entrance = open_entrance(f"{UNIX}{path}", mode, group)
    assert (entrance.address, entrance.path) == (f"{UNIX}{path}", str(path))
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (mode, group)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    shut(entrance)
    os.close(entrance.descriptor)
    assert not path.exists()


def test_a_socket_that_cannot_have_its_group_is_not_made(tmp_path: Path) -> None:
    """Nothing is left of it: a file that nobody listens at would be in the way of the next try."""
    path = tmp_path / "api"
    with pytest.raises((OSError, OverflowError)):
        open_entrance(f"{UNIX}{path}", 0o660, 2**40)
    assert not path.exists()


def test_one_finds_a_place_by_itself() -> None:
    """Beside the hooks' socket, under a name of its own."""
    entrance = open_entrance("auto")
    assert entrance.path.endswith(".api")
    assert entrance.address == f"{UNIX}{entrance.path}"
    shut(entrance)
    os.close(entrance.descriptor)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "[::1]:0"])
def test_a_port_of_this_machine_is_listened_at(address: str) -> None:
    """The address that is told has the number that the system chose."""
    entrance = open_entrance(address)
    host, port = read_address(entrance.address.removeprefix("http://"))
    assert port > 0
    with socket.create_connection((host, port), timeout=5):
        pass
    shut(entrance)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, port), timeout=5)
    os.close(entrance.descriptor)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_others_come_in_only_where_that_is_meant(address: str) -> None:
    """Whoever reaches the API can keep the task alive for ever."""
    with pytest.raises(ValueError, match="--api-remote"):
        open_entrance(address)
    os.close(open_entrance(address, remote=True).descriptor)


@pytest.mark.parametrize(
    "address", ["", "8126", "localhost", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "::1:x"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """With what an address looks like."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        open_entrance(address)


def test_names_are_not_looked_up() -> None:
    """A name server that does not answer would keep the worker from starting."""
    with pytest.raises(ValueError, match="no IP address"):
        open_entrance("example.com:80", remote=True)


def test_a_port_that_is_taken_is_said() -> None:
    """And no descriptor is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(OSError, match="in use"):
            open_entrance(f"127.0.0.1:{taken.getsockname()[1]}")
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("128.0.0.1", False),
        ("::2", False),
        ("localhost", False),
    ],
)
def test_what_only_this_task_can_reach(host: str, is_ours: bool) -> None:
    """The whole of 127/8, and one address of the other kind; names mean nothing here."""
    assert is_loopback(host) is is_ours
