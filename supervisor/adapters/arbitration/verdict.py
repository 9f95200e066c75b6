"""What somebody is told who asked for protection: yes, no in the agent's words, or that there is no answer.

Rules
  1. Yes only while protection is confirmed. Nobody is told so because it was asked for.
  2. No is what the agent said: to a request that was made since, or to the last one while the supervisor rests before
     it asks again. A passing fault is no answer as long as there is time to ask once more.
  3. While a deployment waits for this task, who begins to work is told so even though the lease still runs: the agent
     would say the same, and the deployment gets its turn. Who has worked since before is told the truth about the lease.
  4. Where ECS is ending the task nobody can be protected any more; the answer is the state, at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from supervisor.core.events import Refusal
from supervisor.core.protection import Phase
from supervisor.core.snapshot import ProtectionView, Standing

from .heard import Word

# Where a lease is out of the question: ECS ends the task, or the supervisor has nobody to ask.
_NEVER = (Phase.MOOT.value, "off")


class Verdict(Enum):
    YES = "protected"
    NO = "refused"
    IN_VAIN = "no lease can help any more"
    UNCLEAR = "no answer in time"


@dataclass(frozen=True, slots=True)
class Asking:
    """is_new: the caller held no claim when it asked. heard: how many answers the agent had given then."""

    is_new: bool
    heard: int


def judge(
    asking: Asking, standing: Standing, lease: ProtectionView | None, last: Word | None, out_of_time: bool
) -> Verdict | None:
    """Return None while there is nothing to say yet. lease: None where the task is protected."""
    refusal = None if last is None else last.refusal
    if lease is None or standing.protected:
        return Verdict.NO if asking.is_new and refusal is Refusal.BLOCKED else Verdict.YES
    if lease.phase in _NEVER:
        return Verdict.IN_VAIN
    is_answer = last is not None and last.number > asking.heard
    if refusal not in (None, Refusal.TRY_AGAIN) and (is_answer or lease.request_for is None):
        return Verdict.NO
    if not out_of_time:
        return None
    return Verdict.NO if is_answer and refusal is not None else Verdict.UNCLEAR
