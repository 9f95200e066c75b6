"""Finds the supervisor that a command means: the one that is named, else the one that listens in the usual places.

The names in the environment are the supervisor's own option (several addresses, `auto` among them, or `none`) or what it
has put there for its worker; both are read. A socket counts when somebody listens and when that somebody is this user or root: in
a directory that all may write to, anybody may leave a socket of that name and wait for a token.
"""

from __future__ import annotations

import _socket
import os
import sys

from supervisor.core.frozen import Frozen

from .control_client import Address, ControlError, ForbiddenError, UnansweredError, open_unix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

API_VARIABLE = "ECS_SUPERVISOR_API"

# Where `auto` puts sockets.
PLACES = ("/run", "/dev/shm", "/tmp")
_PREFIX = "ecs-supervisor-"

# struct ucred: pid, uid, gid, four bytes each (unix(7)).
_CREDENTIALS_BYTES = 12

_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class MeaningError(ControlError):
    """What was asked for cannot be understood, or could mean several supervisors."""


class Found(Frozen):
    """A socket where somebody listens. pid: the listening process."""

    path: str
    pid: int


def find_api(
    given: str, pid: int | None, environ: Mapping[str, str], places: Sequence[str] = PLACES
) -> Address:
    """Return where to ask. given: an address somebody wrote, or empty. Raise ControlError."""
    if given:
        return parse_address(given)
    if pid is None and (named := named_api(environ)) is not None:
        return named
    return Address(find_socket(".api", pid, places).path, "", 0)


def named_api(environ: Mapping[str, str]) -> Address | None:
    """Return the first address that the environment names, None where it leaves that to the search. Raise MeaningError."""
    for word in environ.get(API_VARIABLE, "").split(";"):
        if word.strip() not in ("", "auto", "none"):
            return parse_address(word)
    return None


def is_listening(path: str) -> bool:
    """Say whether anybody listens at a socket that this user may use."""
    try:
        open_unix(path).close()
    except OSError:
        return False
    return True


def find_socket(ending: str, pid: int | None, places: Sequence[str] = PLACES) -> Found:
    """Return the one socket with that ending in these places, of that supervisor if one is named. Raise ControlError."""
    found: list[Found] = []
    denied = []
    for path in _candidates(ending, places):
        try:
            if (each := _listening(path)) is not None:
                found.append(each)
        except PermissionError:
            denied.append(path)
        except OSError:
            # Nobody listens there any more.
            continue
    wanted = [each for each in found if pid in (None, each.pid)]
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        listed = ", ".join(f"--pid {each.pid} ({each.path})" for each in wanted)
        raise MeaningError(
            f"several supervisors are here, and it was not said which one is meant; give {listed}"
        )
    if found:
        listed = ", ".join(str(each.pid) for each in found)
        raise UnansweredError(f"process {pid} is no supervisor that can be asked; there is {listed}")
    if denied:
        raise ForbiddenError(
            f"the supervisor at {denied[0]} may not be asked by this user; run this as the supervisor's user or as root"
        )
    raise UnansweredError(
        f"no supervisor was found in {', '.join(places)}; run this in its container, or name it with --api ADDRESS"
    )


def parse_address(text: str) -> Address:
    """Take `unix:/path`, `http://HOST:PORT`, `HOST:PORT` or a path apart. Raise MeaningError."""
    text = text.strip()
    if (path := text.removeprefix("unix:")).startswith("/"):
        return Address(path, "", 0)
    authority = text.removeprefix("http://").rstrip("/")
    host, _, port = authority.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host.isascii() or not host or not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise MeaningError(
            f"`{text}` is no address, so nobody was asked; write unix:PATH or HOST:PORT, as in 127.0.0.1:8080"
        )
    return Address("", _ANY_HOST.get(host, host), int(port))


def _candidates(ending: str, places: Sequence[str]) -> Iterator[str]:
    for place in places:
        try:
            names = sorted(os.listdir(place))
        except OSError:
            continue
        yield from (f"{place}/{name}" for name in names if name.startswith(_PREFIX) and name.endswith(ending))


def _listening(path: str) -> Found | None:
    """Return who listens there, None where it is somebody who has no business to. Raise OSError where nobody does."""
    connected = open_unix(path)
    try:
        credentials = connected.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _CREDENTIALS_BYTES)
    finally:
        connected.close()
    pid, user = (int.from_bytes(credentials[at : at + 4], sys.byteorder, signed=True) for at in (0, 4))
    if os.geteuid() not in (0, user) and user != 0:
        return None
    # The number is 0 where the process is in another PID namespace; its own is in the name.
    return Found(path, pid or _number_in(path))


def _number_in(path: str) -> int:
    number = path.rpartition("/")[2].removeprefix(_PREFIX).partition(".")[0].partition("-")[0]
    return int(number) if number.isascii() and number.isdecimal() else 0
