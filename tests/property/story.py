"""One engine with a small world around it that keeps books and cries out when a promise is broken.

The world is told nothing about how the machines work; it knows only what went in, what came out, and the promises.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from supervisor.core.effects import (
    Announce,
    Effect,
    Exit,
    Grant,
    Kill,
    LookAtProtection,
    Note,
    Protect,
    Quiet,
    Refuse,
    Spawn,
    Stop,
    Unprotect,
)
from supervisor.core.engine import Engine
from supervisor.core.events import (
    DrainRequested,
    Event,
    ForceRequested,
    GateOpened,
    GateShut,
    HolderDied,
    HoldReleased,
    HoldTaken,
    HookAttached,
    ProtectionAnswer,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionSeen,
    SignalReceived,
    StopRequested,
    Tick,
    WorkerExited,
    WorkerSpawned,
)
from supervisor.core.instants import NEVER, Instant
from supervisor.core.names import HolderId, HoldId, WorkerName
from supervisor.core.policy import Policy
from supervisor.core.protection import ANSWER_TIMEOUT_SECONDS

WEB = WorkerName("web")
Request = Protect | Unprotect | LookAtProtection

# Two tries of one request are at least half of the first backoff delay apart; anything faster is hammering.
LEAST_PAUSE = 0.5


@dataclass
class Books:
    """What an outsider can know."""

    open: dict[HoldId, HolderId] = field(default_factory=dict)
    expires: dict[HoldId, float] = field(default_factory=dict)
    ttls: dict[HoldId, float] = field(default_factory=dict)
    waiting: dict[HoldId, float] = field(default_factory=dict)
    # Whose gate is not shut, and since when one has been waited for; what was waited for in vain is not waited for again.
    gates: dict[HolderId, bool] = field(default_factory=dict)
    quiet_since: float | None = None
    gave_up: bool = False
    alive: bool = False
    spawns_due: int = 0
    stopped_at: float | None = None
    stopped_early: bool = False
    confirmed: bool = False
    forced: bool = False
    kills: int = 0
    exits: int = 0
    named: list[str] = field(default_factory=list)
    request: Request | None = None
    asked_at: float = 0.0
    # How the agent sees it: protected until then.
    lease_until: float = float("-inf")
    requests: list[tuple[float, Request]] = field(default_factory=list)
    idle_since: float = 0.0

    def refresh(self, hold: HoldId, ttl: float, now: float) -> None:
        self.ttls[hold] = ttl
        if hold not in self.waiting:
            self.expires[hold] = now + ttl


class Story:
    """Tell it facts; it passes them to the engine and checks every promise after every one of them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.engine = Engine(policy, Instant(0.0), strict=True)
        self.now = Instant(0.0)
        self.books = Books()
        self.log: list[tuple[Event, Instant, tuple[Effect, ...]]] = []
        self._phases: list[str] = []
        self._numbers = 0
        self.tell(Tick())

    @property
    def over(self) -> bool:
        return self.books.exits > 0

    def next_hold(self) -> HoldId:
        self._numbers += 1
        return HoldId(f"h{self._numbers}")

    def tell(self, event: Event) -> tuple[Effect, ...]:
        known = self.engine.foresee(self.now)
        foreseen = known.stop(self.engine.is_working()) if known is not None else ()
        effects = self.engine.handle(event, self.now)
        if isinstance(event, SignalReceived) and known is not None:
            assert effects == known.forward(event.signal), "a signal is passed on to others than was foreseen"
        if isinstance(event, StopRequested) and foreseen:
            to_workers = tuple(order for order in effects if isinstance(order, Quiet | Stop | Kill))
            assert to_workers == foreseen, "a stop request orders something else than was foreseen"
        self.log.append((event, self.now, effects))
        self._write_down(event)
        for effect in effects:
            self._check(effect, event)
            self._enter(effect)
        self._check_after(event)
        return effects

    def advance(self, seconds: float) -> None:
        """Let time pass as the shell does: waking the engine at every instant it asked for."""
        then = Instant(self.now + seconds)
        for _ in range(10_000):
            due = self.engine.wake_at()
            if due > then or self.over:
                break
            self.now = Instant(max(due, self.now))
            self.tell(Tick())
        else:
            raise AssertionError("the engine never sleeps")
        self.now = then
        if not self.over:
            self._expire()
            self._check_holds()

    def to_wake(self) -> None:
        due = self.engine.wake_at()
        if due != NEVER:
            self.advance(due - self.now)

    def answer(self, answer: ProtectionAnswer) -> None:
        self.tell(answer)

    def replayed(self) -> list[tuple[Effect, ...]]:
        engine = Engine(self.policy, Instant(0.0), strict=True)
        return [engine.handle(event, now) for event, now, _ in self.log]

    def _write_down(self, event: Event) -> None:
        books = self.books
        match event:
            case HoldTaken(hold=hold, holder=holder, ttl=ttl):
                books.open[hold] = holder
                books.ttls[hold] = float("inf") if ttl is None else ttl
                books.expires[hold] = float("inf") if event.asks else self.now + books.ttls[hold]
                if event.asks:
                    books.waiting.setdefault(hold, self.now)
            case HoldReleased(hold=hold):
                self._close(hold)
            case HolderDied(holder=holder):
                for hold in [hold for hold, who in books.open.items() if who == holder]:
                    self._close(hold)
                books.gates.pop(holder, None)
            case HookAttached(holder=holder, gated=True):
                books.gates.setdefault(holder, True)
            case GateShut(holder=holder) if holder in books.gates:
                books.gates[holder] = False
            case GateOpened(holder=holder) if holder in books.gates:
                books.gates[holder] = True
            case WorkerSpawned():
                books.alive, books.spawns_due = True, books.spawns_due - 1
            case WorkerExited():
                books.alive = False
            case StopRequested() if books.stopped_at is None:
                # A worker that cannot resume is drained after a quiet, without any request.
                leaving = self._phases[-1] not in ("starting", "running", "quiet")
                books.stopped_at, books.stopped_early = self.now, not books.alive or leaving
            case ForceRequested():
                books.forced = True
            case ProtectionGranted() | ProtectionCleared() | ProtectionSeen() if self._answers(event):
                books.request = None
            case _ if self._answers(event):
                books.request = None
        self._expire()

    def _expire(self) -> None:
        books = self.books
        for hold in [hold for hold, when in books.expires.items() if when <= self.now]:
            self._close(hold)

    def _answers(self, event: Event) -> bool:
        return (
            self.books.request is not None and getattr(event, "attempt", None) == self.books.request.attempt
        )

    def _close(self, hold: HoldId) -> None:
        if self.books.open.pop(hold, None) is not None and not self.books.open:
            self.books.idle_since = self.now
        self.books.expires.pop(hold, None)
        self.books.waiting.pop(hold, None)

    def _check(self, effect: Effect, event: Event) -> None:
        books = self.books
        assert books.exits == 0, f"an order after Exit: {effect}"
        match effect:
            case Spawn():
                assert books.stopped_at is None, "a worker is started after the stop request"
            case Kill() if books.stopped_at is not None and not books.forced:
                plan = self.policy.lifecycle.plan
                earliest = books.stopped_at + plan.ends_at(len(plan.stages) - 2, Instant(0.0))
                assert self.now >= earliest - 1e-6 or books.kills or self._had_own_clock, (
                    "a kill before its time"
                )
            case Stop() if (
                books.stopped_at is not None and books.open and not books.forced and not self._had_own_clock
            ):
                drained = self.policy.lifecycle.plan.drain_ends_at(Instant(books.stopped_at))
                drains = self.policy.lifecycle.plan.stop_drains
                assert drains or self.now >= drained - 1e-6, (
                    "a stop while work is in flight and there is time"
                )
            case Stop() if self._waits_for_gates:
                assert not any(books.gates.values()), "a stop while a gate is open and may still be shut"
            case Note(name="holds.abandoned", fields=fields):
                for text in dict(fields)["work"]:  # type: ignore[union-attr]
                    assert text not in books.named, f"{text} is named twice"
                    books.named.append(str(text))
            case Protect() | Unprotect() | LookAtProtection():
                unanswered = (
                    books.request is not None and self.now - books.asked_at >= ANSWER_TIMEOUT_SECONDS - 1e-6
                )
                assert books.request is None or unanswered, "two requests in flight"
                assert books.stopped_at is None, "a request after ECS has ended the task"
                if isinstance(effect, Unprotect):
                    assert not books.open or self._young, "protection is taken off while somebody holds"
                    self._check_delay()
            case Grant(hold=hold) | Refuse(hold=hold):
                assert hold in books.waiting, "an answer that nobody waits for"
            case Announce(protected=True):
                assert books.lease_until > self.now, "protection is announced that the agent never gave"
            case Note(name="quiet.unconfirmed"):
                assert any(books.gates.values()), "a gate is missed that is shut"
                books.gave_up = True
            case _:
                pass

    def _check_holds(self) -> None:
        seen = {hold.id for hold in self.engine.snapshot(self.now).holds}
        assert seen == set(self.books.open), "the books and the engine differ about holds"
        bound = self.policy.holds.wait + 1e-6
        assert all(self.now - at <= bound for at in self.books.waiting.values()), "somebody waits for ever"

    def _check_delay(self) -> None:
        seen = self.engine.snapshot(self.now)
        leaving = seen.phase not in ("running", "quiet") or seen.quiet_because is not None
        if self.books.confirmed and not leaving and not self._young and self.policy.protection is not None:
            idle = self.now - self.books.idle_since
            assert idle >= self.policy.protection.release_delay - 1e-6, "released before the release delay"

    @property
    def _waits_for_gates(self) -> bool:
        """Whether there was no reason to ask the worker to exit but that nothing is in flight."""
        books, plan = self.books, self.policy.lifecycle.plan
        in_time = (
            books.stopped_at is not None and self.now < plan.ends_at(0, Instant(books.stopped_at)) - 1e-6
        )
        quiet_first = plan.stages[0].kind == "quiet"
        others = books.forced or books.gave_up or books.open or self._had_own_clock
        return in_time and quiet_first and not others

    @property
    def _had_own_clock(self) -> bool:
        """A drain or an exit of the worker's came before the stop request, or nothing had started: other rules hold."""
        return self.books.stopped_early or any(
            isinstance(event, DrainRequested | WorkerExited) for event, _, _ in self.log
        )

    @property
    def _young(self) -> bool:
        return self.policy.holds.after > 0

    def _enter(self, effect: Effect) -> None:
        books = self.books
        match effect:
            case Spawn():
                books.spawns_due += 1
            case Kill():
                books.kills += 1
            case Exit():
                books.exits += 1
            case Protect() | Unprotect() | LookAtProtection():
                books.request, books.asked_at = effect, self.now
                books.requests.append((self.now, effect))
            case Grant(hold=hold):
                books.waiting.pop(hold)
                books.expires[hold] = self.now + books.ttls[hold]
            case Refuse(hold=hold):
                self._close(hold)
            case _:
                pass

    def _check_after(self, event: Event) -> None:
        books = self.books
        if self.over:
            assert self.engine.wake_at() == NEVER
            return
        wake_at = self.engine.wake_at()
        assert wake_at > self.now, f"the engine spins: it wants to be woken at {wake_at}"
        quiet = self.engine._twin().handle(Tick(), self.now)
        assert quiet == (), f"a second look at the same instant gives orders: {quiet}"
        snapshot = self.engine.snapshot(self.now)
        assert {hold.id for hold in snapshot.holds} == set(books.open), (
            "the books and the engine differ about holds"
        )
        books.confirmed = snapshot.protection.confirmed
        order = ["starting", "running", "quiet", "draining", "stopping", "killing"]
        if books.stopped_at is not None:
            assert snapshot.phase in order[3:], "a stop request and no way out"
            assert self._phases[-1] not in order or order.index(snapshot.phase) >= order.index(
                self._phases[-1]
            )
            plan = self.policy.lifecycle.plan
            assert self.now < plan.exits_by(Instant(books.stopped_at)), (
                "the deadline has passed and we are still here"
            )
            assert wake_at <= plan.exits_by(Instant(books.stopped_at)), "asleep beyond the deadline"
            again = self.engine._twin()
            assert again.handle(StopRequested("TERM"), self.now) == (), "a repeated stop signal has an effect"
            assert again.wake_at() == wake_at, "a repeated stop signal moves a deadline"
        if snapshot.phase not in ("running", "quiet", "starting"):
            assert not snapshot.accepting
        self._phases.append(snapshot.phase)
