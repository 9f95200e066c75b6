"""The engine under stories that nobody thought of: every promise holds after every fact, and planted bugs are noticed.

Two kinds of story. In the wild one the agent answers as it likes, late, wrongly or not at all, and everything may
happen at any time. In the healthy one the agent is merely slow and sometimes busy, work goes on without a pause, and
so more can be promised: protection leaves no gap, and in the end everything is let go.
"""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from supervisor.core.backoff import Backoff
from supervisor.core.effects import LookAtProtection, Protect, Unprotect
from supervisor.core.events import (
    DrainRequested,
    ForceRequested,
    GateOpened,
    GateShut,
    HolderDied,
    HoldRefreshed,
    HoldReleased,
    HoldTaken,
    HookAttached,
    ProtectionAnswer,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    QuietRequested,
    Refusal,
    ResumeRequested,
    SignalReceived,
    SpawnFailed,
    StopRequested,
    WorkerExited,
    WorkerSpawned,
)
from supervisor.core.holds import HoldPolicy
from supervisor.core.instants import NEVER, Instant
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import Attempt, HolderId, SignalName
from supervisor.core.plan import StopPlan
from supervisor.core.policy import Policy
from supervisor.core.protection import ProtectionPolicy, WhenBlocked
from supervisor.core.sequence import parse
from supervisor.core.worker import Restart, RestartPolicy

from .bugs import BUGS, Bug
from .seeds import LIMIT_SECONDS, SEEDS
from .story import LEAST_PAUSE, WEB, Request, Story
from .telling import Stories, must_notice, tell

HOLDERS = st.sampled_from([HolderId("alice"), HolderId("bob"), HolderId("carol")])
MINUTE = 60.0


def _plan(stages: str, drains: bool = False) -> StopPlan:
    return StopPlan(parse(stages)[0], 30.0, 2.0, drains)


PLANS = (
    _plan("QUIET 20 TERM 7 KILL 1"),
    _plan("TERM 27 KILL 1", drains=True),
    _plan("TSTP 10 TERM 5 QUIT 5 KILL 1"),
    _plan("WAIT 3 TERM 20 KILL 1"),
)


class Wild(RuleBasedStateMachine):
    """Everything may happen; the promises hold all the same."""

    @initialize(
        plan=st.sampled_from(PLANS),
        restart=st.sampled_from(Restart),
        before_start=st.booleans(),
        fail_open=st.booleans(),
        after=st.sampled_from([0.0, 0.0, 15.0]),
        resumable=st.booleans(),
        when_blocked=st.sampled_from(WhenBlocked),
        budget=st.sampled_from([float("inf"), 900.0]),
        operators=st.booleans(),
        hooked=st.booleans(),
    )
    def begin(
        self,
        plan: StopPlan,
        restart: Restart,
        before_start: bool,
        fail_open: bool,
        after: float,
        resumable: bool,
        when_blocked: WhenBlocked,
        budget: float,
        operators: bool,
        hooked: bool,
    ) -> None:
        # Most stories are told without an operator: what he may do would hide what happens by itself.
        self.operators = operators
        quiet = SignalName("TSTP") if plan.stages[0].signal == "TSTP" else None
        self.story = Story(
            Policy(
                workers=(WEB,),
                lifecycle=LifecyclePolicy(plan, quiet_signal=quiet, resumable=resumable),
                holds=HoldPolicy(after=after, before_start=before_start, fail_open=fail_open),
                restart=RestartPolicy(restart),
                protection=ProtectionPolicy(when_blocked=when_blocked, budget=budget),
            )
        )
        self.story.books.spawns_due = 1
        if hooked:
            # One whose gate nobody else moves, so that it is still open when a stop comes.
            self.story.tell(HookAttached(HolderId("dave"), "worker dave", "rq", "3.0", gated=True))

    @property
    def going(self) -> bool:
        return not self.story.over

    @precondition(lambda self: self.going and self.story.books.spawns_due > 0)
    @rule(works=st.sampled_from([True, True, True, True, False]))
    def the_start_is_over(self, works: bool) -> None:
        if works:
            self.story.tell(WorkerSpawned(WEB, 7))
        else:
            self.story.books.spawns_due -= 1
            self.story.tell(SpawnFailed(WEB, 127, "no such file"))

    @precondition(lambda self: self.going)
    @rule(
        holders=st.lists(HOLDERS, min_size=1, max_size=3),
        ttl=st.sampled_from([None, 5.0, 100.0]),
        asks=st.booleans(),
    )
    def take(self, holders: list[HolderId], ttl: float | None, asks: bool) -> None:
        for holder in holders:
            hold = self.story.next_hold()
            self.story.tell(HoldTaken(hold, holder, f"job {hold}", ttl, asks))

    @precondition(lambda self: self.going and self.story.books.open)
    @rule(which=st.integers(0, 99), twice=st.booleans())
    def releases(self, which: int, twice: bool) -> None:
        hold = sorted(self.story.books.open)[which % len(self.story.books.open)]
        self.story.tell(HoldReleased(hold))
        if twice and self.going:
            self.story.tell(HoldReleased(hold))

    @precondition(lambda self: self.going and self.story.books.open)
    @rule(which=st.integers(0, 99))
    def progresses(self, which: int) -> None:
        hold = sorted(self.story.books.open)[which % len(self.story.books.open)]
        self.story.books.refresh(hold, 50.0, self.story.now)
        self.story.tell(HoldRefreshed(hold, 50.0))

    @precondition(lambda self: self.going)
    @rule(holder=HOLDERS)
    def dies(self, holder: HolderId) -> None:
        self.story.tell(HolderDied(holder, "its process has ended"))

    @precondition(lambda self: self.going)
    @rule(holder=HOLDERS, gated=st.sampled_from([True, True, False]))
    def has_a_hook(self, holder: HolderId, gated: bool) -> None:
        self.story.tell(HookAttached(holder, f"worker {holder}", "rq", "3.0", gated))

    @precondition(lambda self: self.going and self.story.books.gates)
    @rule(holder=HOLDERS, shut=st.sampled_from([True, True, False]))
    def moves_its_gate(self, holder: HolderId, shut: bool) -> None:
        self.story.tell(GateShut(holder) if shut else GateOpened(holder))

    @precondition(lambda self: self.going and self.story.now > 20)
    @rule(terminal=st.booleans())
    def is_stopped(self, terminal: bool) -> None:
        terminal = terminal and self.operators
        if self.story.books.stopped_at is not None and terminal:
            self.story.books.forced = True
        self.story.tell(StopRequested("TERM", by_terminal=terminal))

    @precondition(lambda self: self.going and self.operators)
    @rule(minutes=st.sampled_from([None, 1.0, 30.0]))
    def is_drained(self, minutes: float | None) -> None:
        deadline = NEVER if minutes is None else Instant(self.story.now + minutes * MINUTE)
        self.story.tell(DrainRequested("drain", deadline))

    @precondition(lambda self: self.going and self.operators and self.story.books.stopped_at is not None)
    @rule()
    def is_forced(self) -> None:
        self.story.tell(ForceRequested("drain --now"))

    @precondition(lambda self: self.going)
    @rule(quiet=st.booleans())
    def is_told_to_be_quiet_or_not(self, quiet: bool) -> None:
        self.story.tell(QuietRequested("operator") if quiet else ResumeRequested("operator"))

    @precondition(lambda self: self.going)
    @rule()
    def gets_a_signal(self) -> None:
        self.story.tell(SignalReceived(SignalName("HUP")))

    # A worker that dies early ends the story before anything else can happen: mostly it dies on the way out.
    @precondition(lambda self: self.going and self.story.books.alive and self._may_die)
    @rule(status=st.sampled_from([0, 1, 143]))
    def exits(self, status: int) -> None:
        self.story.tell(WorkerExited(WEB, status))

    @property
    def _may_die(self) -> bool:
        restarts = self.story.policy.restart.when is not Restart.NEVER
        return restarts or (
            self.story.books.stopped_at is not None and self.story.now - self.story.books.stopped_at > 9
        )

    @precondition(lambda self: self.going and self.story.books.request is not None)
    @rule(how=st.integers(0, 9), applied=st.booleans())
    def the_agent_answers(self, how: int, applied: bool) -> None:
        request = self.story.books.request
        assert request is not None
        self.story.answer(agent_answer(self.story, request, how, applied))

    @precondition(lambda self: self.going)
    @rule(attempt=st.integers(1, 9), grants=st.booleans())
    def a_stale_answer_comes(self, attempt: int, grants: bool) -> None:
        request = self.story.books.request
        if request is None or request.attempt != attempt:
            number = Attempt(attempt)
            self.story.answer(ProtectionGranted(number, 3600.0) if grants else ProtectionCleared(number))

    @precondition(lambda self: self.going)
    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 25.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.story.advance(seconds)

    @precondition(lambda self: self.going)
    @rule()
    def time_comes(self) -> None:
        self.story.to_wake()

    @precondition(lambda self: not self.going)
    @rule()
    def is_over(self) -> None:
        """What comes after the end changes nothing; the books see to it."""
        self.story.tell(StopRequested("TERM"))

    def teardown(self) -> None:
        if not hasattr(self, "story"):
            return
        # The end of every story: a job that never finishes, a stop, and nobody who answers. The clock alone must bring
        # the end; where the policy is to start the worker again, it dies meanwhile.
        if self.going:
            self.story.tell(HoldTaken(self.story.next_hold(), HolderId("alice"), "the job that never ends"))
        if self.going:
            self.story.tell(StopRequested("TERM"))
        if self.going and self.story.books.alive and self.story.policy.restart.when is Restart.ALWAYS:
            self.story.tell(WorkerExited(WEB, 1))
        if self.going:
            self.story.advance(30.0)
        assert self.story.books.exits == 1, "no exit within the budget"
        assert self.story.replayed() == [effects for _, _, effects in self.story.log]


class Healthy(RuleBasedStateMachine):
    """The agent is slow and sometimes busy, but well: then protection is without a gap, and nothing is left behind."""

    @initialize(release_delay=st.sampled_from([30.0, 5.0]))
    def begin(self, release_delay: float) -> None:
        lease = ProtectionPolicy(
            lease_minutes=10, renew_before=300.0, release_delay=release_delay, backoff=Backoff(1.0, 20.0)
        )
        self.story = Story(Policy((WEB,), LifecyclePolicy(PLANS[0]), HoldPolicy(), RestartPolicy(), lease))
        self.story.tell(WorkerSpawned(WEB, 7))
        self.busy = 0
        self.covered_since: float | None = None
        self.refuse_release = False

    @rule(holder=HOLDERS)
    def takes(self, holder: HolderId) -> None:
        hold = self.story.next_hold()
        self.story.tell(HoldTaken(hold, holder, f"job {hold}"))
        self._check()

    @precondition(lambda self: len(self.story.books.open) > 1)
    @rule(which=st.integers(0, 99))
    def releases_one_of_several(self, which: int) -> None:
        hold = sorted(self.story.books.open)[which % len(self.story.books.open)]
        self.story.tell(HoldReleased(hold))
        self._check()

    @precondition(lambda self: self.story.books.open)
    @rule()
    def releases_all(self) -> None:
        for hold in tuple(self.story.books.open):
            self.story.tell(HoldReleased(hold))
        self.covered_since = None

    @precondition(lambda self: self.story.books.request is not None)
    @rule(seconds=st.sampled_from([0.0, 0.2, 4.0]))
    def the_agent_answers(self, seconds: float) -> None:
        self._answer(seconds, how=0)

    @precondition(lambda self: self.story.books.request is not None and self.busy < 4)
    @rule(seconds=st.sampled_from([0.0, 4.0]), how=st.sampled_from([3, 7]), applied=st.booleans())
    def the_agent_is_busy(self, seconds: float, how: int, applied: bool) -> None:
        self.busy += 1
        self._answer(seconds, how, applied)

    @precondition(lambda self: self.story.books.request is None)
    @rule()
    def time_comes(self) -> None:
        """What is asked now has to wait for one of the rules that answer."""
        self.story.to_wake()
        self._check()

    @rule(seconds=st.sampled_from([0.5, 6.0, 35.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        left = seconds
        while left > 0:
            if self.story.books.request is not None:
                refuse = self.refuse_release and isinstance(self.story.books.request, Unprotect)
                self.refuse_release = self.refuse_release and not refuse
                self._answer(0.0, how=3 if refuse else 0)
            pause = min(left, max(0.01, self.story.engine.wake_at() - self.story.now))
            self.story.advance(pause)
            left -= pause
            self._check()
        if self.story.books.open and seconds > 30 and self.story.books.request is None:
            assert self.story.engine.snapshot(self.story.now).protection.confirmed, "work goes on unprotected"

    def _answer(self, seconds: float, how: int, applied: bool = True) -> None:
        request = self.story.books.request
        assert request is not None
        self.story.advance(seconds)
        self.busy = 0 if how == 0 else self.busy
        if request == self.story.books.request:
            self.story.answer(agent_answer(self.story, request, how, applied))
        self._check()

    def _check(self) -> None:
        books, now = self.story.books, self.story.now
        seen = self.story.engine.snapshot(now).protection
        if seen.confirmed:
            assert seen.expires_in is not None
            assert now + seen.expires_in <= books.lease_until + 1e-6, (
                "we believe in a lease that the agent does not know"
            )
        if books.open and seen.confirmed and self.covered_since is None:
            self.covered_since = now
        if books.open and self.covered_since is not None:
            assert books.lease_until > now, "a gap in protection while somebody holds"
        self._check_pace()

    def _check_pace(self) -> None:
        for (sooner, first), (later, second) in zip(
            self.story.books.requests, self.story.books.requests[1:], strict=False
        ):
            if type(first) is type(second):
                assert later - sooner >= LEAST_PAUSE, f"{second} only {later - sooner} s after {first}"

    def teardown(self) -> None:
        if not hasattr(self, "story"):
            return
        for hold in tuple(self.story.books.open):
            self.story.tell(HoldReleased(hold))
        self.covered_since = None
        # Not even the release works at once.
        self.refuse_release = True
        for _ in range(12):
            self.time_passes(10.0)
        assert self.story.books.lease_until <= self.story.now, "nobody works and the task is still protected"
        assert self.story.engine.snapshot(self.story.now).protection.phase == "unprotected"


def agent_answer(story: Story, request: Request, how: int, applied: bool) -> ProtectionAnswer:
    """Answer as the agent does; what it has carried out, it carried out when it was asked."""
    books, attempt = story.books, request.attempt
    if how >= 6:
        if applied:
            _apply(story, request)
        return ProtectionUnknown(attempt, "504")
    if how >= 3:
        kinds = (Refusal.TRY_AGAIN, Refusal.BLOCKED, Refusal.NOT_ALLOWED)
        return ProtectionRefused(attempt, kinds[how - 3], kinds[how - 3].name)
    _apply(story, request)
    match request:
        case Protect(minutes=minutes):
            return ProtectionGranted(attempt, minutes * MINUTE)
        case Unprotect():
            return ProtectionCleared(attempt)
        case LookAtProtection():
            left = books.lease_until - books.asked_at
            return ProtectionSeen(attempt, left if left > 0 else None)


def _apply(story: Story, request: Request) -> None:
    match request:
        case Protect(minutes=minutes):
            story.books.lease_until = story.books.asked_at + minutes * MINUTE
        case Unprotect():
            story.books.lease_until = float("-inf")
        case LookAtProtection():
            pass


class Leaving(RuleBasedStateMachine):
    """A worker whose hooks keep gates has next to nothing to do, and is asked to stop."""

    @initialize(plan=st.sampled_from([PLANS[0], PLANS[2]]), hooks=st.integers(1, 3))
    def begin(self, plan: StopPlan, hooks: int) -> None:
        self.story = Story(Policy((WEB,), LifecyclePolicy(plan), HoldPolicy(), RestartPolicy(), None))
        self.story.tell(WorkerSpawned(WEB, 7))
        for number in range(hooks):
            self.story.tell(
                HookAttached(HolderId(f"hook {number}"), f"worker {number}", "rq", "3.0", gated=True)
            )

    @precondition(lambda self: not self.story.over)
    @rule(which=st.integers(0, 2), shut=st.booleans())
    def a_gate_moves(self, which: int, shut: bool) -> None:
        holder = HolderId(f"hook {which}")
        self.story.tell(GateShut(holder) if shut else GateOpened(holder))

    @precondition(lambda self: not self.story.over)
    @rule(works=st.booleans())
    def a_job_comes_and_goes(self, works: bool) -> None:
        hold = self.story.next_hold()
        self.story.tell(HoldTaken(hold, HolderId("hook 0"), f"job {hold}"))
        if not works:
            self.story.tell(HoldReleased(hold))

    @precondition(lambda self: not self.story.over)
    @rule()
    def is_stopped(self) -> None:
        self.story.tell(StopRequested("TERM"))

    @precondition(lambda self: not self.story.over)
    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.story.advance(seconds)

    @precondition(lambda self: self.story.over)
    @rule()
    def is_over(self) -> None:
        """A story may end before its last rule."""


STORIES: Stories = {"wild": Wild, "healthy": Healthy, "leaving": Leaving}


# A hundred stories take some ten seconds, and more where others work too; cut off in the middle they look flaky.
@pytest.mark.timeout(LIMIT_SECONDS)
@pytest.mark.parametrize("name", STORIES)
def test_every_promise_holds(name: str) -> None:
    """No story breaks a promise."""
    tell(STORIES[name])


@pytest.mark.timeout(LIMIT_SECONDS)
@pytest.mark.parametrize("number", SEEDS)
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.what)
def test_a_planted_bug_is_noticed(bug: Bug, number: int) -> None:
    """Each planted bug is noticed with each of the fixed seeds."""
    must_notice(STORIES, bug, number)
