"""Random stories about deliveries: every promise holds after every fact, and every planted bug is noticed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from supervisor.core.delivery import DeliveryPolicy, QueuePolicy
from supervisor.core.delivery.facts import (
    AppUnready,
    Deleted,
    DeliveryAnswered,
    DeliveryFailed,
    Extended,
    Failure,
    FlowIs,
    PollFailed,
    StartGranted,
    StartRefused,
    Trouble,
)
from supervisor.core.delivery.names import Call, DeliveryId, PollId, QueueName
from supervisor.core.delivery.orders import Delete
from supervisor.core.instants import Instant

from .bugs import Bug
from .delivery_bugs import BUGS
from .delivery_story import Books, Story
from .model_queue import TWELVE_HOURS
from .seeds import LIMIT_SECONDS, SEEDS
from .telling import Stories, must_notice, tell

WHICH = st.integers(0, 99)

JOBS = QueuePolicy(QueueName("jobs"))
QUEUES = (
    (JOBS,),
    (QueuePolicy(QueueName("ordered"), is_fifo=True),),
    (QueuePolicy(QueueName("ordered"), is_fifo=True),),
    (QueuePolicy(QueueName("ordered"), is_fifo=True, batch=1),),
    (JOBS, QueuePolicy(QueueName("mail"), weight=3)),
)
# A lease that is over soon, and one that meets the limit of twelve hours.
LEASES = (30, 30, 40_000)
STOP_SECONDS = 25.0
# The longest pause after trouble, with a little more.
LONGEST_PAUSE_SECONDS = 62.0


class Wild(RuleBasedStateMachine):
    """Everything may happen; the promises hold all the same."""

    has_faults = True

    @initialize(
        queues=st.sampled_from(QUEUES),
        is_strict=st.booleans(),
        connections=st.sampled_from([1, 2, 3, 3]),
        prefetch=st.integers(0, 3),
        lease=st.sampled_from(LEASES),
        error_visibility=st.sampled_from([2, 0, None]),
        inactive_visibility=st.sampled_from([None, 0, 5]),
        app_outlives=st.sampled_from([None, 0.0]),
        troubled=st.booleans(),
        ends_well=st.booleans(),
    )
    def begin(
        self,
        queues: tuple[QueuePolicy, ...],
        is_strict: bool,
        connections: int,
        prefetch: int,
        lease: int,
        error_visibility: int | None,
        inactive_visibility: int | None,
        app_outlives: float | None,
        troubled: bool,
        ends_well: bool,
    ) -> None:
        # Half of the stories have an app that stays: what happens when it goes would hide what else does.
        self.story = Story(
            DeliveryPolicy(
                queues=queues,
                connections=connections,
                prefetch=prefetch,
                is_strict=is_strict,
                wait=20,
                visibility_timeout=lease,
                error_visibility=error_visibility,
                inactive_visibility=inactive_visibility,
                app_outlives=app_outlives,
                stop_budget=STOP_SECONDS,
            )
        )
        self.books = self.story.books
        self.troubled, self.ends_well = troubled, ends_well
        self.story.tell(FlowIs(allowed=True))
        self.story.answer_check()
        self.messages_are_sent(4, "a")

    # Work, and what the app makes of it.

    @rule(count=st.integers(1, 6), group=st.sampled_from("aab"))
    def messages_are_sent(self, count: int, group: str) -> None:
        for queue in self.story.queues.values():
            for _ in range(count):
                queue.send(group)

    @precondition(lambda self: self.books.polls)
    @rule(which=WHICH)
    def a_poll_is_answered(self, which: int) -> None:
        self.story.answer_poll(_one(self.books.polls, which))

    @precondition(lambda self: self.books.waiting)
    @rule()
    def what_waits_is_let_in(self) -> None:
        self.story.let_in()

    @precondition(lambda self: self.has_faults)
    @precondition(lambda self: self.books.waiting)
    @rule(which=WHICH)
    def one_is_refused(self, which: int) -> None:
        self.story.tell(StartRefused(_one(self.books.waiting, which), "no protection within 10 s"))

    @precondition(lambda self: self.books.jobs)
    @rule(which=WHICH)
    def a_job_succeeds(self, which: int) -> None:
        self.story.tell(DeliveryAnswered(_one(self.books.jobs, which), 200))

    @precondition(lambda self: self.books.jobs)
    @rule(which=WHICH, retry_after=st.sampled_from([None, None, 11.0]))
    def a_job_fails(self, which: int, retry_after: float | None) -> None:
        status = 500 if retry_after is None else 503
        self.story.tell(DeliveryAnswered(_one(self.books.jobs, which), status, retry_after))

    @precondition(lambda self: self.books.jobs)
    @rule(which=WHICH, kind=st.sampled_from([Failure.INACTIVE, Failure.CUT, Failure.IMPOSSIBLE]))
    def a_job_is_not_answered(self, which: int, kind: Failure) -> None:
        self.story.tell(DeliveryFailed(_one(self.books.jobs, which), kind))

    @precondition(lambda self: self.story.app_is_up and self.troubled)
    @rule(is_seen=st.booleans(), is_met=st.booleans())
    def the_app_dies(self, is_seen: bool, is_met: bool) -> None:
        self.story.app_is_up = False
        for delivery in sorted(self.books.jobs):
            self.story.tell(DeliveryFailed(delivery, Failure.CUT))
        if is_seen and not self.books.checks:
            self.story.tell(AppUnready("its health check fails"))
        if is_met:
            self.story.answer_all()

    @precondition(lambda self: not self.story.app_is_up)
    @rule()
    def the_app_is_back(self) -> None:
        self.story.app_is_up = True

    # What SQS makes of it.

    @precondition(lambda self: self.books.calls)
    @rule(which=WHICH)
    def a_call_is_answered(self, which: int) -> None:
        self.story.answer_call(self.books.calls[which % len(self.books.calls)])

    @precondition(lambda self: self.has_faults)
    @precondition(lambda self: self.books.calls)
    @rule(
        which=WHICH,
        kind=st.sampled_from([Trouble.THROTTLED, Trouble.UNREACHABLE, Trouble.DENIED]),
        is_applied=st.booleans(),
    )
    def a_call_fails(self, which: int, kind: Trouble, is_applied: bool) -> None:
        order = self.books.calls[which % len(self.books.calls)]
        self.story.answer_call(order, kind, is_applied and kind is Trouble.UNREACHABLE)

    @precondition(lambda self: self.has_faults)
    @precondition(lambda self: self.books.polls)
    @rule(which=WHICH, kind=st.sampled_from(Trouble))
    def a_poll_fails(self, which: int, kind: Trouble) -> None:
        self.story.tell(PollFailed(PollId(_one(self.books.polls, which)), kind))

    @precondition(lambda self: self.has_faults)
    @precondition(lambda self: self.books.jobs)
    @rule(which=WHICH, comes_again=st.booleans())
    def a_lease_ends_without_a_word(self, which: int, comes_again: bool) -> None:
        item, _ = self.books.given[_one(self.books.jobs, which)]
        if item.visible_at > self.story.now:
            item.visible_at = self.story.now
            self.books.silent.add(item.id)
        if comes_again:
            self.story.answer_all()

    @precondition(lambda self: self.has_faults)
    @rule(is_done=st.booleans())
    def another_task_receives(self, is_done: bool) -> None:
        for queue in self.story.queues.values():
            for item in queue.receive(1, 60.0, self.story.now):
                item.is_deleted = is_done

    @precondition(lambda self: self.books.given)
    @rule(which=WHICH, number=st.integers(1, 3))
    def a_stale_answer_comes(self, which: int, number: int) -> None:
        delivery = _one(self.books.given, which)
        call = Call(delivery, number, "an older receipt")
        self.story.tell(Deleted(call))
        self.story.tell(Extended(call))

    # What the task makes of it.

    @rule()
    def things_take_their_course(self) -> None:
        self.story.answer_all()

    @precondition(lambda self: self.troubled and self.books.flow.allowed)
    @rule()
    def is_quiet(self) -> None:
        self.story.tell(FlowIs(False))

    @precondition(lambda self: not self.books.flow.allowed)
    @rule()
    def resumes(self) -> None:
        self.story.tell(FlowIs(True))

    @rule(seconds=st.sampled_from([0.5, 4.0, 14.0]))
    def time_passes(self, seconds: float) -> None:
        self.story.advance(seconds)

    @precondition(lambda self: self.story.policy.visibility_timeout > 1000 and self.story.app_is_up)
    @rule()
    def hours_pass(self) -> None:
        self.story.advance(12_000.0, polls_end=False)

    @rule()
    def time_comes(self) -> None:
        """What is asked now waits for one of the rules that answer."""
        self.story.wake()

    @precondition(lambda self: self.has_faults)
    @precondition(lambda self: self.story.extensions_of_jobs())
    @rule(which=WHICH, succeeds=st.booleans(), kind=st.sampled_from([Trouble.OTHER, Trouble.LOST]))
    def an_extension_comes_too_late(self, which: int, succeeds: bool, kind: Trouble) -> None:
        """The lease is over; perhaps the job is done in the same moment, and cannot be deleted."""
        extensions = self.story.extensions_of_jobs()
        order = extensions[which % len(extensions)]
        item, _ = self.books.given[order.call.delivery]
        item.visible_at = min(item.visible_at, self.story.now)
        self.story.answer_call(order)
        if succeeds:
            self.story.tell(DeliveryAnswered(order.call.delivery, 200))
            for call in [call for call in self.books.calls if isinstance(call, Delete)]:
                self.story.answer_call(call, kind)

    def teardown(self) -> None:
        if not hasattr(self, "story"):
            return
        if self.ends_well:
            self._recover()
        self._stop()
        replayed, told = self.story.replayed(), [orders for _, _, orders in self.story.log]
        assert replayed == told, "the same facts give other orders"

    def _recover(self) -> None:
        """Make the world well again: then it is not long before messages are asked for."""
        self.story.app_is_up = True
        self.story.tell(FlowIs(True))
        self.story.advance(LONGEST_PAUSE_SECONDS)
        assert self.books.polls or self.story.is_full(), "nothing is fetched although all is well"

    def _stop(self) -> None:
        """End each story with a stop in a world that is well again, and with jobs that never end."""
        books, began = self.books, self.story.now
        # The holds refuse at a stop what they have not granted.
        refused = sorted(books.waiting)
        self.story.tell(FlowIs(False, Instant(began + STOP_SECONDS), Instant(began + STOP_SECONDS + 1.0)))
        for delivery in refused:
            self.story.tell(StartRefused(delivery, "the task is being stopped"))
            self.story.tell(StartGranted(delivery, protected=True))
        self.story.app_is_up = True
        left = set(books.given) - books.over
        self.story.advance(STOP_SECONDS)
        came = set(books.given) - books.over | left
        for delivery in came - books.started - books.succeeded:
            item, _ = books.given[delivery]
            is_ours = item.receipt == books.receipts[delivery] and not item.is_deleted
            assert not is_ours or item.visible_at <= self.story.now + 3, f"{item.id} was not handed back"
        for delivery in books.jobs:
            item, _ = books.given[delivery]
            assert item.id in books.abandoned, f"{item.id} was still running, and nobody says so"
        assert not books.polls, "a poll was not waited for"
        assert not books.succeeded - books.over, "a success was not settled in a world that is well"


class Calm(Wild):
    """SQS does what it is asked, and protection is granted: then no lease ends, and nothing is received in vain."""

    has_faults = False

    @invariant()
    def a_job_keeps_its_message(self) -> None:
        for delivery in getattr(self, "books", Books()).jobs:
            item, _ = self.books.given[delivery]
            is_near_the_limit = self.story.now > item.received_at + TWELVE_HOURS - 60
            if item.id in self.books.late:
                continue
            assert item.visible_at > self.story.now or is_near_the_limit, f"{item.id} runs without a lease"


STORIES: Stories = {"wild": Wild, "calm": Calm}

T = TypeVar("T", int, str, DeliveryId)


def _one(among: Iterable[T], which: int) -> T:
    ordered = sorted(among)
    return ordered[which % len(ordered)]


# A hundred stories take some seconds, and more where others work too; cut off in the middle they look flaky.
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
