"""Passes a request on to the agent as it came, and its answer back, bounded in time and size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from supervisor.adapters.bounded_http import NoReply, connect, parse_url, relay
from supervisor.adapters.ecs_agent import PATIENCE
from supervisor.adapters.http_api.exchange import Answer, as_problem
from supervisor.adapters.http_api.problem import ProblemError

# Concern one connection and not the message (RFC 9110, 7.6.1); the length is written anew.
_OF_THE_CONNECTION = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)

# The gateway has these under names of their own.
_GATEWAY_NAMES = {"CONTENT_TYPE": "Content-Type"}


class Passthrough:
    """prefix: where the agent's paths begin here."""

    def __init__(self, agent_uri: str, prefix: str) -> None:
        self._agent_uri = agent_uri
        self._prefix = prefix

    def answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        try:
            agent = parse_url(self._agent_uri)
        except ValueError as error:
            return _no_answer(str(error))
        path = agent.path.rstrip("/") + self._rest(environ)
        lines = [
            f"{environ['REQUEST_METHOD']} {path} HTTP/1.1",
            f"Host: {agent.authority}",
            "Connection: close",
            *_headers(environ),
        ]
        if body or environ.get("CONTENT_LENGTH"):
            lines.append(f"Content-Length: {len(body)}")
        request = "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1") + body
        try:
            connected = connect(agent.host, agent.port, PATIENCE.connect_seconds)
        except OSError as error:
            return _no_answer(error.strerror or str(error))
        reply = relay(connected, request, PATIENCE.answer_seconds)
        if isinstance(reply, NoReply):
            return _no_answer(reply.why)
        kept = ((name, value) for name, value in reply.headers.items() if name not in _OF_THE_CONNECTION)
        return Answer(reply.status, reply.body, tuple(kept))

    def _rest(self, environ: dict[str, Any]) -> str:
        """Return what follows the prefix as it was written, percent signs and query and all."""
        written = str(environ.get("REQUEST_URI", ""))
        if "://" in written:
            written = "/" + written.partition("://")[2].partition("/")[2]
        if written.startswith(self._prefix):
            return written.removeprefix(self._prefix)
        # Somebody has encoded the prefix.
        path = quote(environ["PATH_INFO"].removeprefix(self._prefix), encoding="latin-1")
        return f"{path}?{query}" if (query := environ.get("QUERY_STRING")) else path


def _headers(environ: dict[str, Any]) -> Iterator[str]:
    for key, value in environ.items():
        name = _GATEWAY_NAMES.get(key) or (
            key.removeprefix("HTTP_").replace("_", "-").title() if key.startswith("HTTP_") else ""
        )
        if name and value and name.lower() not in _OF_THE_CONNECTION:
            yield f"{name}: {value}"


def _no_answer(why: str) -> Answer:
    detail = f"the ECS agent has not answered ({why}), so this request may have been carried out or not"
    fix = "try again: the agent may restart; if it stays so, look at the task's network"
    return as_problem(ProblemError(502, "agent-away", detail, fix))
