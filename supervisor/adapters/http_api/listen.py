"""Opens the API's sockets; light, because they are open before the worker starts, so that the address it is given is true.

Loopback and unix sockets only, unless it is said that others may come: whoever reaches the API can keep the task alive.
"""

from __future__ import annotations

import os

from supervisor.adapters.hook_listener import OWNER_ONLY, listen_somewhere
from supervisor.adapters.hook_listener import listen as listen_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket as _socket
else:
    import _socket

# What a unix socket's address begins with, here and in ECS_SUPERVISOR_API.
UNIX = "unix:"

# As many as the system allows by default; who comes while all are taken is answered by the server.
_BACKLOG = 128

_HIGHEST_PORT = 65535


class Entrance:
    """A socket that listens. address: as the worker is told. path: of the socket's file, empty for TCP."""

    __slots__ = ("address", "descriptor", "path")

    def __init__(self, descriptor: int, address: str, path: str = "") -> None:
        self.descriptor = descriptor
        self.address = address
        self.path = path


def open_entrance(
    address: str, mode: int = OWNER_ONLY, group: int | None = None, remote: bool = False
) -> Entrance:
    """Listen at `auto`, `unix:PATH` or `HOST:PORT`. Raise OSError where that is impossible, ValueError for a wrong address.

    mode, group: of a unix socket's file. remote: whether others than this task may reach it.
    """
    if address == "auto":
        listener = listen_somewhere("api", mode, group)
        if not listener.path:
            raise OSError(0, listener.why)
        return Entrance(listener.descriptor, f"{UNIX}{listener.path}", listener.path)
    if address.startswith(UNIX):
        path = address.removeprefix(UNIX)
        return Entrance(listen_at(path, mode, group).descriptor, address, path)
    return _listen_tcp(*read_address(address), remote)


def shut(entrance: Entrance) -> None:
    """Let nobody in any more. Raise OSError where that has happened already."""
    if entrance.path:
        os.unlink(entrance.path)
    server = _socket.socket(fileno=entrance.descriptor)
    try:
        # Whoever waits for connections on a copy of the descriptor hears of it too.
        server.shutdown(_socket.SHUT_RDWR)
    finally:
        server.detach()


def read_address(address: str) -> tuple[str, int]:
    """Return host and port. Raise ValueError for anything but HOST:PORT with a number."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise ValueError(f"`{address}` is no address: say unix:PATH or HOST:PORT, such as 127.0.0.1:8126")
    host = host.removeprefix("[").removesuffix("]")
    return "127.0.0.1" if host == "localhost" else host, int(port)


def is_loopback(host: str) -> bool:
    """Say whether this is an address that only this task can reach (in a task of its own network)."""
    packed = _packed(host)
    return packed is not None and (packed[0] == 127 if len(packed) == 4 else packed == bytes(15) + b"\1")


def _listen_tcp(host: str, port: int, remote: bool) -> Entrance:
    packed = _packed(host)
    if packed is None:
        raise ValueError(f"`{host}` is no IP address; names are not looked up, except localhost")
    if not remote and not is_loopback(host):
        raise ValueError(f"{host} can be reached from outside the task; if that is meant, add --api-remote")
    family = _socket.AF_INET if len(packed) == 4 else _socket.AF_INET6
    server = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
    try:
        # Connections of an earlier run that linger must not keep us from the port.
        server.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        server.bind((host, port))
        server.listen(_BACKLOG)
        bound = server.getsockname()[1]
    except BaseException:
        server.close()
        raise
    name = host if family == _socket.AF_INET else f"[{host}]"
    return Entrance(server.detach(), f"http://{name}:{bound}")


def _packed(host: str) -> bytes | None:
    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            return _socket.inet_pton(family, host)
        except OSError:
            continue
    return None
