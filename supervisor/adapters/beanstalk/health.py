"""Says whether the web application can take messages: its health URL answers, or at least its port does."""

from __future__ import annotations

from .post import Answered, Patience, carry_through, connect, post
from .request import Request

_GOOD = range(200, 400)


def why_unready(check: Request | None, host: str, port: int, patience: Patience) -> str | None:
    """Return why the application is not ready, None where it is. check: None looks at the port alone."""
    if check is None:
        try:
            carry_through(connect(host, port, patience.connect)).close()
        except (OSError, UnicodeError) as error:
            return f"nothing can be reached at {host}:{port} ({error})"
        return None
    answer = post(check, host, port, patience)
    if not isinstance(answer, Answered):
        return f"its health check {check.path} brought no answer ({answer.kind.value}: {answer.detail})"
    if answer.status in _GOOD:
        return None
    return f"its health check {check.path} answered {answer.status}"
