"""Turns away who must not ask: pages of other sites that a browser was led to us with, and steering without the token.

A page can name our address as its own (DNS rebinding) or send us a form, but it cannot hide in the request where it is from:
so Host must be a name of this machine, and Origin too where there is one. Nobody comes to a unix socket that way.
"""

from __future__ import annotations

# What `hmac` has under another name, without the megabytes of OpenSSL that come with it.
from _operator import _compare_digest

from .exchange import Request
from .listen import is_loopback
from .problem import ProblemError, malformed


def check_origin(request: Request, remote: bool) -> None:
    """Raise where the request was meant for somebody else. remote: we have names that we do not know."""
    peer = request.peer
    if remote or (peer is not None and peer.is_unix):
        return
    host = request.header("HOST")
    if host:
        if not _is_here(host):
            raise ProblemError(
                421, "wrong-host", "the Host header names another machine", "ask for localhost or 127.0.0.1"
            )
    elif not request.is_http_1_0:
        raise malformed("there is no Host header", "send `Host: localhost`")
    origin = request.header("ORIGIN")
    if origin and not _is_here(origin.partition("://")[2]):
        raise ProblemError(
            403, "wrong-origin", "a page of another site asks", "ask from a program, without an Origin header"
        )


def check_token(request: Request, token_file: str | None) -> None:
    """Raise where a token is needed and was not given. It is read each time, so that it may be changed while we run."""
    if token_file is None:
        return
    try:
        with open(token_file, "rb") as file:
            token = file.read().strip()
    except OSError as error:
        why = f"the token's file cannot be read: {error.strerror}"
        raise ProblemError(503, "no-token", why, "make the file of --api-token-file readable") from None
    scheme, _, given = request.header("AUTHORIZATION").partition(" ")
    if token and scheme.lower() == "bearer" and _compare_digest(given.strip().encode("latin-1"), token):
        return
    raise ProblemError(
        401,
        "unauthorized",
        "steering needs the token",
        "send `Authorization: Bearer` with what is in the file of --api-token-file",
        headers=(("WWW-Authenticate", 'Bearer realm="ecs-supervisor"'),),
    )


def _is_here(authority: str) -> bool:
    """Say whether this HOST or HOST:PORT is a name of this machine."""
    if authority.startswith("["):
        host, bracket, port = authority[1:].partition("]")
        well_formed = bool(bracket) and (not port or (port[0] == ":" and _is_port(port[1:])))
    else:
        host, colon, port = authority.partition(":")
        well_formed = not colon or _is_port(port)
    host = host.removesuffix(".").lower()
    return well_formed and (host == "localhost" or host.endswith(".localhost") or is_loopback(host))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal()
