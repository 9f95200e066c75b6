"""What an operator may ask for: quiet, resume, drain. Accepted, not done: the answer says how things stand at once."""

from __future__ import annotations

from supervisor.core.events import DrainRequested, Event, ForceRequested, QuietRequested, ResumeRequested
from supervisor.core.instants import NEVER, after
from supervisor.ports import Clock, Desk

from .bodies import read_body
from .exchange import Answer, Request, as_json
from .guard import check_token
from .holds import ASK_SECONDS
from .standing import as_fields

_REASON = "an operator, over the API"

# A week: as good as no deadline.
_LONGEST_DEADLINE_SECONDS = 604_800.0


class Steering:
    """token_file: has what whoever steers must know; None where nobody needs to."""

    def __init__(self, desk: Desk, clock: Clock, token_file: str | None) -> None:
        self._desk = desk
        self._clock = clock
        self._token_file = token_file

    def quiet(self, request: Request) -> Answer:
        check_token(request, self._token_file)
        return self._do(QuietRequested(_reason(request)))

    def resume(self, request: Request) -> Answer:
        check_token(request, self._token_file)
        return self._do(ResumeRequested(_reason(request)))

    def drain(self, request: Request) -> Answer:
        check_token(request, self._token_file)
        fields = read_body(request, "reason", "deadline", "now")
        reason = fields.text("reason") or _REASON
        deadline = fields.seconds("deadline", _LONGEST_DEADLINE_SECONDS)
        now = fields.flag("now")
        fields.check()
        if now:
            return self._do(ForceRequested(reason))
        return self._do(
            DrainRequested(reason, NEVER if deadline is None else after(self._clock.now(), deadline))
        )

    def _do(self, event: Event) -> Answer:
        standing = self._desk.ask((event,), lambda view: view.standing(), ASK_SECONDS)
        return as_json(202, as_fields(standing))


def _reason(request: Request) -> str:
    fields = read_body(request, "reason")
    reason = fields.text("reason")
    fields.check()
    return reason or _REASON
