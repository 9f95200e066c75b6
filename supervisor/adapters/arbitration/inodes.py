"""Finds the socket at the other end of a TCP connection on this machine, as the kernel numbers it: by its inode.

The kernel is asked for exactly this one (sock_diag(7)), which takes 0.02 ms. Its table of all connections, which is read where
it is not asked, takes 5 ms when it is empty, and 30 ms with the 20,000 closed connections that busy callers leave behind.
"""

from __future__ import annotations

import socket
import struct

# Address and port.
End = tuple[str, int]

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_ALL_STATES = 0xFFFFFFFF
_NO_COOKIE = 0xFFFFFFFF
_ANSWER_BYTES = 4096

# The header of the message and, in what follows, the place of the inode (struct inet_diag_msg).
_HEADER = struct.Struct("=IHHII")
_INODE_AT = _HEADER.size + 4 + 48 + 16

# The kernel answers at once; this is for a kernel that only claims to be one.
_LIMIT_SECONDS = 1.0

_TABLES = {socket.AF_INET: "/proc/net/tcp", socket.AF_INET6: "/proc/net/tcp6"}

# Their columns (proc(5)).
_LOCAL, _REMOTE, _INODE = 1, 2, 9

_OLD_IN_NEW = bytes(10) + b"\xff\xff"


def inode_of(end: End, other_end: End) -> int | None:
    """Return the inode of the socket that has the first address; None where there is none, or nobody has it open any more."""
    return ask_kernel(end, other_end) or search_tables(end, other_end) or None


def ask_kernel(end: End, other_end: End) -> int | None:
    """Return what the kernel says; None, or 0 for a connection that is over."""
    family = socket.AF_INET6 if ":" in end[0] else socket.AF_INET
    body = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 0, _ALL_STATES)
    body += struct.pack("!HH", end[1], other_end[1])
    body += b"".join(socket.inet_pton(family, each[0]).ljust(16, b"\0") for each in (end, other_end))
    body += struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    head = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(_LIMIT_SECONDS)
            kernel.send(head + body)
            answer = kernel.recv(_ANSWER_BYTES)
    except OSError:
        return None
    # Not found, or not possible in this kernel: both are the same error.
    if len(answer) < _INODE_AT + 4 or _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return None
    return int(struct.unpack_from("=I", answer, _INODE_AT)[0])


def search_tables(end: End, other_end: End) -> int | None:
    """Return what stands in the kernel's tables; None, or 0 for a connection that is over."""
    for family, table in _TABLES.items():
        local, remote = (f"{_written(host, family)}:{port:04X}" for host, port in (end, other_end))
        try:
            with open(table, encoding="ascii") as lines:
                for line in lines:
                    # Looked for in the whole line first, because there may be many.
                    if local in line and (row := line.split())[_LOCAL] == local and row[_REMOTE] == remote:
                        return int(row[_INODE])
        except OSError:
            # A machine without this protocol.
            continue
    return None


def _written(host: str, family: int) -> str:
    """Write an address as the kernel's tables do: in words of four bytes, each in the machine's own order."""
    is_old = ":" not in host
    packed = socket.inet_pton(socket.AF_INET if is_old else socket.AF_INET6, host)
    if is_old and family == socket.AF_INET6:
        # So it stands there for a socket of the newer family that speaks the older one, as Java's do.
        packed = _OLD_IN_NEW + packed
    return "".join(f"{word:08X}" for (word,) in struct.iter_unpack("=I", packed))
