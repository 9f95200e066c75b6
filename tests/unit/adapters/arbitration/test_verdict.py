"""Who asks for protection is told yes only while it is confirmed, and no only in the agent's words."""

from __future__ import annotations

import pytest

from supervisor.adapters.arbitration.heard import Word
from supervisor.adapters.arbitration.verdict import Asking, Verdict, judge
from supervisor.adapters.bounded_http import Reply
from supervisor.core.events import Refusal
from supervisor.core.snapshot import ProtectionView, Standing

BLOCKED = Refusal.BLOCKED
BEFORE, SINCE = 1, 2


def standing(protected: bool) -> Standing:
    return Standing("running", True, False, None, protected, True, 60.0 if protected else None, None)


def lease(phase: str, is_asked: bool) -> ProtectionView:
    return ProtectionView(phase, False, None, None, 0.1 if is_asked else None, None, 1)


def word(number: int, refusal: Refusal | None) -> Word:
    return Word(number, Reply(200, "application/json", b"{}"), refusal)


@pytest.mark.parametrize(
    ("is_new", "refusal", "verdict"),
    [
        (True, None, Verdict.YES),
        (False, BLOCKED, Verdict.YES),
        (True, BLOCKED, Verdict.NO),
        (True, Refusal.NOT_ALLOWED, Verdict.YES),
        (True, Refusal.TRY_AGAIN, Verdict.YES),
    ],
)
def test_while_the_task_is_protected(is_new: bool, refusal: Refusal | None, verdict: Verdict) -> None:
    """Everybody is told so, but whoever begins to work while a deployment waits."""
    assert judge(Asking(is_new, 1), standing(True), None, word(BEFORE, refusal), False) is verdict
    assert judge(Asking(is_new, 1), standing(True), None, None, False) is Verdict.YES


@pytest.mark.parametrize("phase", ["moot", "off"])
def test_where_no_lease_can_help(phase: str) -> None:
    """Nobody waits for a lease that will never come."""
    assert judge(Asking(True, 0), standing(False), lease(phase, False), None, False) is Verdict.IN_VAIN


@pytest.mark.parametrize(
    ("last", "is_asked", "in_time", "too_late"),
    [
        pytest.param(None, True, None, Verdict.UNCLEAR, id="nothing was ever said"),
        pytest.param(word(SINCE, BLOCKED), True, Verdict.NO, Verdict.NO, id="refused since"),
        pytest.param(
            word(BEFORE, BLOCKED), False, Verdict.NO, Verdict.NO, id="refused, and the supervisor rests"
        ),
        pytest.param(
            word(BEFORE, BLOCKED), True, None, Verdict.UNCLEAR, id="refused before, and asked again"
        ),
        pytest.param(word(SINCE, Refusal.TRY_AGAIN), False, None, Verdict.NO, id="a passing fault"),
        pytest.param(
            word(BEFORE, Refusal.TRY_AGAIN), False, None, Verdict.UNCLEAR, id="an old passing fault"
        ),
        pytest.param(word(SINCE, None), True, None, Verdict.UNCLEAR, id="no clear answer"),
    ],
)
def test_while_the_task_is_not_protected(
    last: Word | None, is_asked: bool, in_time: Verdict | None, too_late: Verdict
) -> None:
    """A clear no is told at once; all else is waited for, and then told for what it is."""
    for out_of_time, verdict in ((False, in_time), (True, too_late)):
        found = judge(Asking(True, 1), standing(False), lease("acquiring", is_asked), last, out_of_time)
        assert found is verdict
