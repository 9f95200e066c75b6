"""The deliveries with a small world around them: queues, an app, and books that cry out when a promise is broken.

The world knows only what went in, what came out, and the promises. Whatever nobody has answered is answered, truthfully,
before time passes; the stories may answer sooner, and otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from supervisor.core.delivery import FAREWELL_SECONDS, DeliveryPolicy, begin, step, wake_at
from supervisor.core.delivery.facts import (
    AppReady,
    AppUnready,
    Deleted,
    DeleteFailed,
    DeliveryAnswered,
    DeliveryFailed,
    Extended,
    ExtendFailed,
    Fact,
    Failure,
    FlowIs,
    PollEnded,
    PollFailed,
    Received,
    Returned,
    ReturnFailed,
    StartGranted,
    StartRefused,
    Trouble,
)
from supervisor.core.delivery.names import QUEUE_HOLD, Call, DeliveryId, delivery_of, hold_of
from supervisor.core.delivery.orders import (
    CheckApp,
    Delete,
    Deliver,
    Extend,
    Forget,
    Order,
    Poll,
    Return,
)
from supervisor.core.effects import Note
from supervisor.core.events import HoldReleased, HoldTaken, Tick
from supervisor.core.instants import Instant
from supervisor.core.names import HoldId

from .model_queue import Item, ModelQueue

SqsOrder = Extend | Delete | Return

# Two polls of one queue that follow trouble are at least half of the first delay apart.
LEAST_PAUSE = 0.25

_NOT_HEARD = (Failure.REFUSED, Failure.CONNECT_TIMEOUT)


@dataclass
class Books:
    """What an outsider can know."""

    flow: FlowIs = field(default_factory=lambda: FlowIs(allowed=False))
    is_ready: bool = False
    polls: dict[int, tuple[Poll, float]] = field(default_factory=dict)
    failed_at: dict[str, float] = field(default_factory=dict)
    # Every receive: the item it brought, the queue, and whether it is over.
    given: dict[DeliveryId, tuple[Item, ModelQueue]] = field(default_factory=dict)
    # Messages that came long after their poll should have ended: such a lease may be older than it looks.
    late: set[str] = field(default_factory=set)
    receipts: dict[DeliveryId, str] = field(default_factory=dict)
    over: set[DeliveryId] = field(default_factory=set)
    waiting: set[DeliveryId] = field(default_factory=set)
    granted: set[DeliveryId] = field(default_factory=set)
    started: set[DeliveryId] = field(default_factory=set)
    refused: set[DeliveryId] = field(default_factory=set)
    # Those for which nothing could begin for a moment at least, since they came.
    shut_out: set[DeliveryId] = field(default_factory=set)
    jobs: set[DeliveryId] = field(default_factory=set)
    undead: set[DeliveryId] = field(default_factory=set)
    succeeded: set[DeliveryId] = field(default_factory=set)
    settled: set[DeliveryId] = field(default_factory=set)
    come_again: dict[DeliveryId, int] = field(default_factory=dict)
    calls: list[SqsOrder] = field(default_factory=list)
    checks: int = 0
    holds: set[HoldId] = field(default_factory=set)
    lost: set[DeliveryId] = field(default_factory=set)
    deletes_when_lost: dict[DeliveryId, int] = field(default_factory=dict)
    # Leases that have ended without a word to us.
    silent: set[str] = field(default_factory=set)
    named: list[str] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)


class Story:
    """Tell it facts; it passes them to the deliveries and checks every promise after every one of them."""

    def __init__(self, policy: DeliveryPolicy) -> None:
        self.policy = policy
        self.state = begin(policy)
        self.now = Instant(0.0)
        self.books = Books()
        self.queues = {queue.name: ModelQueue(queue.name, queue.is_fifo) for queue in policy.queues}
        self.app_is_up = True
        self.log: list[tuple[Fact, Instant, tuple[Order, ...]]] = []

    # What the world does.

    def tell(self, fact: Fact) -> None:
        self._write_down(fact)
        self.state, orders = step(self.state, fact, self.now)
        self.log.append((fact, self.now, orders))
        for order in orders:
            self._check(order)
            self._enter(order)
        self._check_after()

    def let_in(self) -> None:
        """Grant what waits, as the holds do at once where nothing hinders them."""
        for delivery in sorted(self.books.waiting):
            self.tell(StartGranted(delivery, protected=True))

    def answer_check(self) -> None:
        self.books.checks -= 1
        self.tell(AppReady() if self.app_is_up else AppUnready("connection refused"))

    def answer_poll(self, number: int) -> None:
        poll, ends_at = self.books.polls[number]
        queue = self.queues[poll.queue]
        brought: list[Received] = []
        for item in queue.receive(poll.most, self.policy.visibility_timeout, self.now):
            delivery = DeliveryId(f"{item.receipt}@{len(self.books.given)}")
            self.books.given[delivery] = (item, queue)
            if self.now > ends_at:
                self.books.late.add(item.id)
            self.books.silent.discard(item.id)
            self._received_again(item)
            brought.append(Received(delivery, item.id, item.receipt, item.group, item.receives))
        self.tell(PollEnded(poll.poll, tuple(brought)))

    def answer_call(self, order: SqsOrder, kind: Trouble | None = None, is_applied: bool = True) -> None:
        """Carry a call out, unless it is not applied, and answer; kind: what the answer says instead of the truth."""
        self.books.calls.remove(order)
        queue = self.queues[order.queue]
        match order:
            case Extend(call=call, seconds=seconds):
                found = queue.change(call.receipt, seconds, self.now) if is_applied else None
                found = kind or found
                self.tell(ExtendFailed(call, found) if found else Extended(call))
            case Delete(call=call):
                found = queue.delete(call.receipt, self.now) if is_applied else None
                found = kind or found
                self.tell(DeleteFailed(call, found) if found else Deleted(call))
            case Return(calls=calls, seconds=seconds):
                self._answer_return(queue, calls, seconds, kind, is_applied)

    def _answer_return(
        self, queue: ModelQueue, calls: tuple[Call, ...], seconds: int, kind: Trouble | None, is_applied: bool
    ) -> None:
        done: list[Call] = []
        for call in calls:
            found = queue.change(call.receipt, seconds, self.now) if is_applied else None
            if found or kind:
                self.tell(ReturnFailed((call,), kind or found or Trouble.OTHER))
            else:
                done.append(call)
        if done:
            self.tell(Returned(tuple(done)))

    def answer_all(self) -> None:
        """Answer all that waits for an answer which takes no time in a healthy world."""
        for _ in range(1000):
            refused = [each for each in self.books.jobs if not self.app_is_up]
            if self.books.waiting:
                self.let_in()
            elif self.books.checks:
                self.answer_check()
            elif self.books.calls:
                self.answer_call(self.books.calls[0])
            elif refused:
                self.tell(DeliveryFailed(refused[0], Failure.REFUSED))
            elif due := self._polls_to_answer():
                self.answer_poll(due[0])
            else:
                return
        raise AssertionError("the deliveries and the world never come to rest")

    def _polls_to_answer(self) -> list[int]:
        """Find the polls that have messages to bring, and those that have waited long enough."""
        return [
            number
            for number, (poll, ends_at) in self.books.polls.items()
            if ends_at <= self.now or self.queues[poll.queue].available(self.now)
        ]

    def advance(self, seconds: float, polls_end: bool = True) -> None:
        """Let time pass as the shell does, and as SQS does; polls_end: whether long polls end while it passes."""
        then = self.now + seconds
        for _ in range(10_000):
            self.answer_all()
            ends = [ends_at for _, ends_at in self.books.polls.values()] if polls_end else []
            due = min([self.wake_at(), *ends])
            if due > then:
                break
            self.now = Instant(max(due, self.now))
            self.tell(Tick())
        else:
            raise AssertionError("the deliveries never sleep")
        self.now = Instant(then)
        self.tell(Tick())

    def wake(self) -> None:
        """Let time pass until it is due; what is ordered then is left for somebody to answer."""
        self.answer_all()
        due = self.wake_at()
        if due < self.now + 1000:
            self.now = due
            self.tell(Tick())

    def extensions_of_jobs(self) -> list[Extend]:
        calls = (order for order in self.books.calls if isinstance(order, Extend))
        return [order for order in calls if order.call.delivery in self.books.jobs]

    def wake_at(self) -> Instant:
        return wake_at(self.state)

    def is_full(self) -> bool:
        """Say whether no more messages may be asked for."""
        return self._held() >= self.policy.slots

    def replayed(self) -> list[tuple[Order, ...]]:
        state, replayed = begin(self.policy), []
        for fact, now, _ in self.log:
            state, orders = step(state, fact, now)
            replayed.append(orders)
        return replayed

    # What the books say of a fact.

    def _write_down(self, fact: Fact) -> None:
        books = self.books
        match fact:
            case FlowIs():
                books.flow = fact
            case AppReady():
                books.is_ready = True
            case AppUnready():
                books.is_ready = False
            case PollEnded(poll=number) | PollFailed(poll=number):
                poll, _ = books.polls.pop(number)
                if isinstance(fact, PollFailed):
                    books.failed_at[poll.queue] = self.now
                else:
                    books.failed_at.pop(poll.queue, None)
                    self._note_receipts(fact.messages)
            case StartGranted(delivery=delivery):
                books.waiting.discard(delivery)
                books.granted.add(delivery)
            case StartRefused(delivery=delivery):
                books.waiting.discard(delivery)
                books.refused.add(delivery)
            case DeliveryAnswered(delivery=delivery, status=status):
                books.jobs.discard(delivery)
                books.settled.add(delivery)
                if status in self.policy.success:
                    books.succeeded.add(delivery)
                elif fact.retry_after is not None:
                    books.come_again[delivery] = min(int(fact.retry_after), self.policy.longest_retry_after)
            case DeliveryFailed(delivery=delivery, kind=kind):
                books.jobs.discard(delivery)
                books.settled.add(delivery)
                if kind in _NOT_HEARD:
                    books.is_ready = False
                    books.started.discard(delivery)
                elif kind is not Failure.IMPOSSIBLE:
                    books.undead.add(delivery)
            case ExtendFailed(call=call, kind=Trouble.LOST):
                books.lost.add(call.delivery)
            case _:
                pass

    def _note_receipts(self, messages: tuple[Received, ...]) -> None:
        for message in messages:
            self.books.receipts[message.delivery] = message.receipt

    def _received_again(self, item: Item) -> None:
        """The newest receipt is the one that counts for whoever has the message already."""
        for delivery, (other, _) in self.books.given.items():
            if other is item:
                self.books.lost.discard(delivery)
                self.books.deletes_when_lost.pop(delivery, None)

    # What the promises say of an order.

    def _check(self, order: Order) -> None:
        books = self.books
        match order:
            case Poll(queue=queue, most=most):
                assert books.flow.allowed, "a poll although no new work is welcome"
                assert books.is_ready, "a poll although the app is not ready"
                asked = sum(poll.most for poll, _ in books.polls.values())
                assert self._held() + asked + most <= self.policy.slots, (
                    "more is asked for than there are slots"
                )
                assert self.now - books.failed_at.get(queue, -1.0) >= LEAST_PAUSE, "no pause after trouble"
            case Deliver(delivery=delivery):
                self._check_start(delivery)
            case Extend(call=call, seconds=seconds):
                self._check_call(call)
                item, _ = books.given[call.delivery]
                is_ours = item.receipt == call.receipt
                limit = item.received_at + 43_200
                assert not is_ours or self.now + seconds <= limit, "an extension beyond twelve hours"
                assert call.delivery not in books.lost, "an extension of a lease that is lost"
            case Delete(call=call):
                self._check_call(call)
                assert call.delivery in books.succeeded, "a delete without a success"
                if self._is_lost(call.delivery):
                    times = books.deletes_when_lost.get(call.delivery, 0) + 1
                    books.deletes_when_lost[call.delivery] = times
                    assert times == 1, "a second delete after the lease was lost"
            case Return(calls=calls, seconds=seconds):
                assert 0 < len(calls) <= 10, "a batch that SQS does not take"
                for call in calls:
                    self._check_call(call)
                    self._check_return(call.delivery, seconds)
            case Forget(delivery=delivery):
                assert delivery in books.given, "what was never received is over"
                assert delivery not in books.over, "a message ends twice"
                assert delivery not in books.jobs, "a message ends while its job runs"
            case HoldTaken(hold=hold):
                assert hold not in books.holds, "a hold is taken twice"
            case HoldReleased(hold=hold):
                assert hold in books.holds, "a hold is let go that was not taken"
            case _:
                pass

    def _check_start(self, delivery: DeliveryId) -> None:
        books = self.books
        assert books.flow.allowed, "a delivery although no new work is welcome"
        assert books.is_ready, "a delivery although the app is not ready"
        assert delivery in books.granted, "a delivery that nobody granted"
        assert delivery not in books.started, "a delivery starts twice"
        assert len(books.jobs) < self.policy.connections, "more requests than connections"
        item, queue = books.given[delivery]
        ours = item.visible_at > self.now or item.id in books.silent or item.is_deleted
        assert ours, "a delivery whose lease has ended"
        running = {books.given[each][0].id for each in books.jobs}
        assert item.id not in running, "a message runs twice at once"
        if queue.is_fifo:
            earlier = [each for each in queue.items if each.group == item.group and each.number < item.number]
            assert all(each.is_deleted for each in earlier), "a message overtakes one of its group"
            assert running.isdisjoint(each.id for each in earlier), "two of a group run at once"

    def _check_call(self, call: Call) -> None:
        assert call.delivery in self.books.given, "a call about what was never received"
        assert call.delivery not in self.books.over, "a call about what is over"

    def _check_return(self, delivery: DeliveryId, seconds: int) -> None:
        books = self.books
        item, queue = books.given[delivery]
        assert delivery not in books.succeeded, "a success is given back"
        if seconds == 0:
            assert delivery not in books.jobs | books.undead, "visible at once while the job may run"
        if delivery in books.come_again:
            assert seconds == books.come_again[delivery], "Retry-After is not honoured"
        if delivery in books.started or delivery in books.settled or queue.is_fifo:
            return
        shut = not books.flow.allowed or not books.is_ready
        assert shut or delivery in books.refused | books.shut_out, f"{item.id} goes back for no reason"
        polled = any(poll.queue == queue.name for poll, _ in books.polls.values())
        in_time = self.now < books.flow.interrupted_at - FAREWELL_SECONDS - 1e-6
        assert not (shut and polled and in_time), "handed back into a poll of our own"

    def _enter(self, order: Order) -> None:
        books = self.books
        match order:
            case Poll(poll=number, wait=wait):
                books.polls[number] = (order, self.now + wait)
            case Deliver(delivery=delivery):
                books.started.add(delivery)
                books.jobs.add(delivery)
            case Extend() | Delete() | Return():
                books.calls.append(order)
                if isinstance(order, Return):
                    books.settled |= {call.delivery for call in order.calls} - books.jobs
            case CheckApp():
                books.checks += 1
                assert books.checks == 1, "two looks at the app at once"
            case Forget(delivery=delivery):
                books.over.add(delivery)
                books.waiting.discard(delivery)
            case HoldTaken(hold=hold, asks=asks):
                books.holds.add(hold)
                if asks and (about := delivery_of(hold)) is not None:
                    books.waiting.add(about)
            case HoldReleased(hold=hold):
                books.holds.discard(hold)
                if (about := delivery_of(hold)) is not None:
                    books.waiting.discard(about)
            case Note(name="delivery.possible_duplicate", fields=fields):
                books.named.append(str(dict(fields)["message"]))
            case Note(name="deliveries.abandoned", fields=fields):
                for text in dict(fields)["messages"]:  # type: ignore[union-attr]
                    message = str(text).split()[0]
                    assert message not in books.abandoned, f"{message} is named twice"
                    books.abandoned.append(message)
            case _:
                pass

    def _check_after(self) -> None:
        books = self.books
        due = self.wake_at()
        assert due > self.now, f"the deliveries spin: they want to be woken at {due}"
        assert step(self.state, Tick(), self.now)[1] == (), "a second look at the same instant gives orders"
        open_ = set(books.given) - books.over
        if not books.flow.allowed or not books.is_ready:
            books.shut_out |= open_ - books.started
        assert set(self.state.open) <= open_, "a delivery is open that is over"
        pending = books.jobs | (books.succeeded - books.over)
        assert {hold_of(delivery) for delivery in pending} <= books.holds, "work in flight without a hold"
        others = bool(books.polls) or bool(open_ - books.jobs - books.succeeded)
        assert not others or QUEUE_HOLD in books.holds, "nobody waits for SQS"
        self._check_names()

    def _check_names(self) -> None:
        """A job whose message somebody else may have is named, as soon as that can be known."""
        books = self.books
        called = {order.call.delivery for order in books.calls if isinstance(order, Extend)}
        for delivery in books.jobs - called:
            item, _ = books.given[delivery]
            lapsed = item.visible_at <= self.now and item.id not in books.silent and not item.is_deleted
            told = delivery in books.lost or (lapsed and not self._newer(delivery))
            assert not told or item.id in books.named + books.abandoned, f"{item.id} may run twice, unnamed"

    def _newer(self, delivery: DeliveryId) -> bool:
        item, _ = self.books.given[delivery]
        return item.receipt != self.books.receipts[delivery]

    def _is_lost(self, delivery: DeliveryId) -> bool:
        return delivery in self.books.lost

    def _held(self) -> int:
        """Count the messages that are with us and not done with."""
        return len(set(self.books.given) - self.books.over - self.books.settled)
