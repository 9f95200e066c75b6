"""What a probe believes, look by look."""

from __future__ import annotations

from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.edges import IllegalMove, check_move
from supervisor.core.effects import Level, Note
from supervisor.core.events import HoldReleased, HoldTaken
from supervisor.core.instants import NEVER, Instant
from supervisor.core.names import HolderId, HoldId
from supervisor.core.probing import (
    EDGES,
    Busy,
    Gone,
    Idle,
    Order,
    Phase,
    ProbePolicy,
    Sample,
    Unknown,
    Welcome,
    begin,
    decides_at,
    is_deciding,
    step,
)

NAME = "probe:title"
WORKS = HoldTaken(HoldId(NAME), HolderId(NAME), "[1 of 2 busy]")
LOOKS = HoldTaken(HoldId(NAME), HolderId(NAME), "looks whether it is idle", fetching=True)
LETS_GO = HoldReleased(HoldId(NAME))

busy, idle, lost, gone = Busy("[1 of 2 busy]"), Idle(), Unknown("no title"), Gone()
quiet, resumed = Welcome(False), Welcome(True)


class Looks:
    """A probe's story: `at` a second, `>>` a fact, `<<` what it says of its hold; and nothing else is said."""

    def __init__(self, settle: float = 6.0, **how: bool) -> None:
        self.state, self.said = begin(ProbePolicy(NAME, settle, **how))
        self.now = Instant(0.0)

    def at(self, seconds: float) -> Self:
        self.now = Instant(seconds)
        return self

    def __rshift__(self, fact: Sample | Welcome) -> Self:
        assert self.said == ()
        self.state, self.said = step(self.state, fact, self.now)
        return self

    def __lshift__(self, order: Order) -> Self:
        assert self.said[:1] == (order,)
        self.said = self.said[1:]
        return self

    def __bool__(self) -> bool:
        """Say that the story is told: nothing was said that nobody claimed."""
        assert self.said == ()
        return True

    def noted(self, name: str, **fields: str) -> Self:
        told = self.said[0]
        assert isinstance(told, Note)
        assert told.name == name
        assert set(fields.items()) <= set(told.fields)
        self.said = self.said[1:]
        return self

    def is_in(self, phase: Phase) -> bool:
        assert self.said == ()
        return self.state.phase is phase


def seen_idle() -> Looks:
    """A probe that has seen idle for its settle time."""
    return (Looks() << LOOKS).at(0) >> idle


def test_before_the_first_look_a_stop_has_to_wait() -> None:
    """Nothing is known, so nothing is protected and nothing is hurried."""
    assert (Looks() << LOOKS).is_in(Phase.LOOKING)


def test_activity_is_believed_at_once() -> None:
    """One busy look makes the hold work."""
    assert ((Looks() << LOOKS) >> busy << WORKS).is_in(Phase.BUSY)


def test_the_same_activity_is_said_once() -> None:
    """A hold is not taken again with every look."""
    assert ((Looks() << LOOKS) >> busy << WORKS).at(1) >> busy >> Busy("another job")


def test_idle_is_believed_after_the_settle_time() -> None:
    """A look that is idle for the first time counts from itself."""
    story = (Looks() << LOOKS) >> busy << WORKS
    story = (story.at(1) >> idle).at(6.9) >> idle
    assert story.is_in(Phase.SETTLING)
    assert (story.at(7) >> idle << LOOKS).is_in(Phase.IDLE)


def test_a_busy_look_breaks_a_run_of_idle() -> None:
    """The settle time begins anew."""
    story = (Looks() << LOOKS) >> busy << WORKS
    story = ((story.at(1) >> idle).at(5) >> busy).at(6) >> idle
    assert (story.at(11) >> idle).is_in(Phase.SETTLING)
    assert (story.at(12) >> idle << LOOKS).is_in(Phase.IDLE)


def test_what_was_seen_before_the_quiet_proves_nothing() -> None:
    """A job that began a moment ago is perhaps not published, so a stop waits for the settle time even when idle."""
    story = seen_idle().at(6) >> idle
    assert story.is_in(Phase.IDLE)
    story = story.at(10) >> quiet
    assert story.is_in(Phase.LOOKING)
    assert is_deciding(story.state)
    story = (story.at(10.1) >> idle).at(16) >> idle
    assert story.is_in(Phase.LOOKING)
    assert (story.at(16.1) >> idle << LETS_GO).is_in(Phase.CLEAR)
    assert not is_deciding(story.state)


def test_a_run_of_idle_that_began_before_the_quiet_begins_anew() -> None:
    """Also for one that has just been busy."""
    story = ((Looks() << LOOKS) >> busy << WORKS).at(1) >> idle
    story = (story.at(5) >> quiet).at(5) >> idle
    assert (story.at(10) >> idle).is_in(Phase.SETTLING)
    assert (story.at(11) >> idle << LETS_GO).is_in(Phase.CLEAR)


def test_a_job_that_shows_after_the_quiet_is_waited_for() -> None:
    """The title of a job that was begun just before comes late."""
    story = (seen_idle().at(6) >> idle).at(10) >> quiet
    story = (story.at(13) >> idle).at(14) >> busy << WORKS
    assert (story.at(15) >> idle).at(21) >> idle << LETS_GO


def test_activity_after_all_is_a_new_hold() -> None:
    """A worker that takes work although it was quiet is busy like any other."""
    story = (seen_idle().at(1) >> quiet).at(1) >> idle
    assert story.at(7) >> idle << LETS_GO >> busy << WORKS


def test_quiet_can_be_taken_back() -> None:
    """Then a job can begin at any moment again."""
    story = (seen_idle().at(1) >> quiet).at(1) >> idle
    story = story.at(7) >> idle << LETS_GO
    assert (story.at(8) >> resumed << LOOKS).is_in(Phase.LOOKING)
    assert not is_deciding(story.state)
    assert ((Looks() << LOOKS) >> busy << WORKS >> quiet >> resumed).is_in(Phase.BUSY)


def test_being_told_the_same_again_changes_nothing() -> None:
    """Quiet is followed by a stop, and the run of idle goes on."""
    story = (seen_idle().at(1) >> quiet).at(1) >> idle >> quiet
    assert story.at(7) >> idle << LETS_GO


def test_nobody_waits_for_a_worker_that_is_gone() -> None:
    """Without a process there is no work, whatever was published last."""
    assert ((Looks() << LOOKS) >> busy << WORKS >> gone << LETS_GO >> gone).is_in(Phase.CLEAR)
    assert (Looks() << LOOKS) >> idle >> gone << LETS_GO


@pytest.mark.parametrize("look", [idle, lost])
def test_a_worker_that_was_started_again_is_looked_at_again(look: Sample) -> None:
    """A look that is not `gone` means that there is one, unless no new work is taken."""
    assert ((Looks() << LOOKS) >> gone << LETS_GO >> look << LOOKS).is_in(Phase.LOOKING)
    assert ((Looks() << LOOKS) >> quiet >> gone << LETS_GO >> look).is_in(Phase.CLEAR)


def test_a_look_that_cannot_tell_keeps_the_last_belief() -> None:
    """For a while; it happens whenever a process ends while it is looked at."""
    assert ((seen_idle().at(6) >> idle).at(7) >> lost).is_in(Phase.IDLE)
    assert ((Looks() << LOOKS) >> busy << WORKS).at(1) >> lost


def test_a_look_that_cannot_tell_breaks_a_run_of_idle() -> None:
    """Only what was seen counts as stable."""
    story = (((Looks() << LOOKS) >> busy << WORKS).at(1) >> idle).at(3) >> lost
    assert story.is_in(Phase.BUSY)
    assert ((story.at(4) >> idle).at(9) >> idle).is_in(Phase.SETTLING)
    assert (story.at(10) >> idle << LOOKS).is_in(Phase.IDLE)


def test_what_cannot_tell_for_long_counts_as_work() -> None:
    """A worker that is too busy to answer looks like this; people are told once, and when it is over."""
    story = ((seen_idle().at(6) >> idle).at(7) >> lost).at(12) >> lost
    story = story.noted("probe.blind", probe=NAME, why="no title", so="this counts as work")
    story = story << HoldTaken(HoldId(NAME), HolderId(NAME), "cannot tell: no title")
    story = story.at(20) >> lost
    assert (story.at(21) >> idle).noted("probe.sees_again", probe=NAME).is_in(Phase.SETTLING)


def test_a_busy_worker_that_stops_answering_stays_busy() -> None:
    """However long it takes: a stop has its own time limit."""
    story = (((Looks() << LOOKS) >> busy << WORKS).at(1) >> lost).at(100) >> lost
    assert story.noted("probe.blind", so="this counts as work").is_in(Phase.BUSY)


def test_a_probe_that_never_got_an_answer_protects_nothing() -> None:
    """It is probably set up wrongly, and would keep the task for ever."""
    story = ((Looks() << LOOKS) >> lost).at(5) >> lost
    assert story.noted("probe.blind", so="this probe protects nothing").is_in(Phase.LOOKING)


def test_blindness_is_a_warning() -> None:
    """A promise is at risk, so it is more than information."""
    story = ((Looks() << LOOKS) >> lost).at(5) >> lost
    assert isinstance(story.said[0], Note)
    assert story.said[0].level is Level.WARNING


def test_what_cannot_prove_idle_never_looks_for_work() -> None:
    """Low processor time says nothing, so such a probe holds while it sees activity and is silent otherwise."""
    story = Looks(proves_idle=False) >> busy << WORKS
    story = (story.at(1) >> idle).at(7) >> idle << LETS_GO
    assert story.is_in(Phase.IDLE)
    assert ((story.at(8) >> lost).at(20) >> lost).noted("probe.blind", so="this probe protects nothing")


def test_the_next_look_that_matters_is_known() -> None:
    """Who looks need not look a whole interval too late."""
    story = (Looks() << LOOKS) >> busy << WORKS
    assert decides_at(story.state) == NEVER
    story = story.at(1) >> idle
    assert decides_at(story.state) == 7
    story = story.at(7) >> idle << LOOKS
    assert decides_at(story.state) == NEVER


def test_without_a_settle_time_one_look_is_enough() -> None:
    """For what is published at once."""
    assert ((Looks(0) << LOOKS) >> busy << WORKS >> idle << LOOKS).is_in(Phase.IDLE)


@pytest.mark.parametrize(("settle", "patience"), [(-1.0, 5.0), (1.0, 0.0)])
def test_impossible_times_are_refused(settle: float, patience: float) -> None:
    """At the construction, not in the middle of a run."""
    with pytest.raises(ValueError, match="settle"):
        ProbePolicy(NAME, settle, patience)


def test_a_move_outside_the_table_is_a_bug() -> None:
    """Idle that was never looked for cannot follow from being gone."""
    with pytest.raises(IllegalMove):
        check_move(EDGES, Phase.CLEAR, Phase.IDLE, "idle for the settle time")


def test_every_belief_can_be_reached_and_left() -> None:
    """A probe is asked for as long as the task lives, so no phase is the last."""
    assert {edge.to for edge in EDGES} == {edge.from_ for edge in EDGES} == set(Phase)


SAMPLES = st.sampled_from([busy, idle, idle, idle, lost, gone])
FACTS = st.lists(st.tuples(st.floats(0.0, 4.0), st.one_of(SAMPLES, st.sampled_from([quiet, resumed]))))


@given(st.sampled_from([0.0, 2.0, 6.0]), st.booleans(), FACTS)
def test_idle_is_never_reported_within_the_settle_time(
    settle: float, proves_idle: bool, facts: list[tuple[float, Sample | Welcome]]
) -> None:
    """Whatever is seen: no work is let go sooner after a busy look, and at a stop nothing sooner after the quiet."""
    state, orders = begin(ProbePolicy(NAME, settle, proves_idle=proves_idle))
    holds: dict[bool, bool] = {}
    now, busy_at, quiet_at, accepting = 0.0, float("-inf"), float("-inf"), True
    for pause, fact in [(0.0, None), *facts]:
        now += pause
        was_work = holds.get(False, False)
        if fact is not None:
            if isinstance(fact, Welcome) and accepting and not fact.accepting:
                quiet_at = now
            accepting = fact.accepting if isinstance(fact, Welcome) else accepting
            state, orders = step(state, fact, Instant(now))
        for order in orders:
            if isinstance(order, HoldTaken):
                holds = {order.fetching: True}
            elif isinstance(order, HoldReleased):
                assert holds, "only what was taken is released"
                holds = {}
                if proves_idle and not isinstance(fact, Gone):
                    assert not accepting
                    assert now - quiet_at >= settle
        if isinstance(fact, Busy):
            busy_at = now
            assert holds.get(False), "what is seen is work at once"
        elif was_work and not holds.get(False) and not isinstance(fact, Gone):
            assert isinstance(fact, Idle)
            assert now - busy_at >= settle
