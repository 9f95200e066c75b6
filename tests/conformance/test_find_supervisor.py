"""Which supervisor a command means."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from supervisor.adapters.control_client import Address, UnansweredError
from supervisor.adapters.find_supervisor import (
    API_VARIABLE,
    Found,
    MeaningError,
    find_api,
    find_socket,
    is_listening,
    named_api,
    parse_address,
)

HERE = os.getpid()


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    """Keeps sockets open until the test is over."""
    with ExitStack() as stack:
        yield stack


def listen(sockets: ExitStack, path: Path) -> Path:
    server = sockets.enter_context(socket.socket(socket.AF_UNIX))
    server.bind(str(path))
    server.listen()
    return path


@pytest.mark.parametrize(
    ("text", "path", "host", "port", "shown"),
    [
        ("unix:/run/x.api", "/run/x.api", "", 0, "unix:/run/x.api"),
        ("/run/x.api", "/run/x.api", "", 0, "unix:/run/x.api"),
        (" http://127.0.0.1:80/ ", "", "127.0.0.1", 80, "127.0.0.1:80"),
        ("localhost:8080", "", "localhost", 8080, "localhost:8080"),
        ("[::1]:8080", "", "::1", 8080, "[::1]:8080"),
        ("0.0.0.0:8080", "", "127.0.0.1", 8080, "127.0.0.1:8080"),
        ("[::]:8080", "", "::1", 8080, "[::1]:8080"),
    ],
)
def test_an_address_as_people_and_supervisors_write_it(
    text: str, path: str, host: str, port: int, shown: str
) -> None:
    """The option's forms and the variable's; one that listens everywhere is asked on the loopback."""
    address = parse_address(text)
    assert address == Address(path, host, port)
    assert str(address) == shown


@pytest.mark.parametrize("text", ["", "run.api", ":80", "host", "host:0", "host:70000", "host:8o", "hóst:80"])
def test_what_is_no_address_is_told(text: str) -> None:
    """With the two forms that would be."""
    with pytest.raises(MeaningError, match="write unix:PATH or HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("", None),
        ("auto", None),
        ("none", None),
        ("auto;127.0.0.1:80", Address("", "127.0.0.1", 80)),
        ("unix:/a;unix:/b", Address("/a", "", 0)),
    ],
)
def test_the_variable_may_be_the_supervisors_own_option(said: str, means: Address | None) -> None:
    """A shell in the container sees what the task definition says; `auto` leaves it to the search."""
    assert named_api({API_VARIABLE: said}) == means


def test_what_is_given_comes_before_what_is_named() -> None:
    """A flag wins over the variable."""
    assert find_api("host:1", None, {API_VARIABLE: "host:2"}).port == 1
    assert find_api("", None, {API_VARIABLE: "host:2"}).port == 2


def test_the_only_one_that_listens_is_meant(tmp_path: Path, sockets: ExitStack) -> None:
    """Other names, and sockets of supervisors that are gone, do not count."""
    path = listen(sockets, tmp_path / "ecs-supervisor-9.api")
    listen(sockets, tmp_path / "ecs-supervisor-9.sock")
    listen(sockets, tmp_path / "somebody-else.api")
    with ExitStack() as gone:
        dead = listen(gone, tmp_path / "ecs-supervisor-8.api")
    assert not is_listening(str(dead))
    places = (str(tmp_path / "missing"), str(tmp_path))
    assert find_api("", None, {}, places) == Address(str(path), "", 0)


def test_of_several_one_has_to_be_chosen(tmp_path: Path, sockets: ExitStack) -> None:
    """They are listed with what to write; the listening process counts, not the number in the name."""
    paths = [listen(sockets, tmp_path / f"ecs-supervisor-{number}.api") for number in (8, 9)]
    with pytest.raises(MeaningError) as told:
        find_socket(".api", None, (str(tmp_path),))
    assert [f"--pid {HERE} ({path})" in str(told.value) for path in paths] == [True, True]
    paths[0].unlink()
    assert find_socket(".api", HERE, (str(tmp_path),)) == Found(str(paths[1]), HERE)
    with pytest.raises(
        UnansweredError, match=f"process 1 is no supervisor that can be asked; there is {HERE}"
    ):
        find_socket(".api", 1, (str(tmp_path),))


def test_where_there_is_none_it_is_told_where_was_looked(tmp_path: Path) -> None:
    """And what to do."""
    with pytest.raises(
        UnansweredError, match=f"^no supervisor was found in {tmp_path}; run this in its container"
    ):
        find_api("", None, {API_VARIABLE: "auto"}, (str(tmp_path),))
