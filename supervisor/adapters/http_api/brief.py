"""Serves the requests by which jobs begin and end, and looks at health, on the thread that reads them.

They are answered as soon as the deciding thread has looked once, so all that have come at the same time wait for one look
together: to wake another thread, and to be woken by it, takes longer than all else about them. None of them waits for an event
or for its peer. An answer leaves in one packet, past the server's buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from waitress.utilities import build_http_date

from .app import App
from .exchange import BODY_BYTES, Answer, Asked, head

# A job begins and ends by these, and they are asked for most.
_HOLDS = "/v1/holds/"
_BRIEF = ("/livez", "/readyz")


class Serves(Protocol):
    """A connection with a request that is brief."""

    @property
    def is_plain(self) -> bool:
        """Whether the request is one for the application, in HTTP/1.1."""

    def begin(self, app: App) -> Answer | Asked[Any]:
        """Return the answer, or what is to be asked for it."""

    def finish(self, answer: Answer) -> None:
        """Send it, and go on to the next request."""

    def service(self) -> None:
        """Do all of it."""


def serve(app: App, connections: Sequence[Serves]) -> None:
    """Answer the next request of each."""
    begun, answers = [], []
    for each in connections:
        if each.is_plain:
            begun.append(each)
            answers.append(each.begin(app))
        else:
            each.service()
    for connection, answer in zip(begun, app.ask_all(answers), strict=True):
        connection.finish(answer)


def is_brief(request: Any) -> bool:
    """Say whether a request is answered as soon as the deciding thread has looked at it."""
    if request.error is not None or request.path in _BRIEF:
        return True
    if not request.path.startswith(_HOLDS):
        return False
    # Who cannot be told from one that waits may be mistaken for it.
    return request.body_rcv is None or b"wait" not in request.body_rcv.getbuf().get(BODY_BYTES)


def in_one(answer: Answer, is_head: bool, is_last: bool, asked_at: float) -> bytes:
    """Return the whole response. is_last: of its connection. asked_at: seconds since the epoch."""
    status, headers = head(answer)
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    if is_last:
        lines.append("Connection: close")
    lines += (f"Date: {build_http_date(asked_at)}", "", "")
    return "\r\n".join(lines).encode("latin-1") + (b"" if is_head else answer.body)
