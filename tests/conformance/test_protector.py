"""One contract, every Protector: the client of the ECS agent against the emulated agent, and the fake."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from supervisor.core.events import (
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    Refusal,
)
from supervisor.core.names import Attempt
from tests.conformance.fake_protector import Order, Trouble
from tests.conformance.protector_arena import (
    AMPLE_SECONDS,
    LITTLE_SECONDS,
    Arena,
    Threads,
    agent_arena,
    fake_arena,
    look,
    protect,
    unprotect,
)
from tests.waiting import until

MakeArena = Callable[[float], Arena]


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture(params=[agent_arena, fake_arena])
def make_arena(request: pytest.FixtureRequest, threads: Threads) -> Iterator[MakeArena]:
    with ExitStack() as stack:

        def make(answer_seconds: float) -> Arena:
            arena: Arena = stack.enter_context(request.param(answer_seconds, threads))
            stack.callback(until, threads.all_ended, limit=15, why="the protector's thread ends")
            stack.callback(arena.protector.close)
            arena.protector.start(arena.answers.take)
            return arena

        yield make


@pytest.fixture
def arena(make_arena: MakeArena) -> Arena:
    return make_arena(AMPLE_SECONDS)


@pytest.fixture
def hasty(make_arena: MakeArena) -> Arena:
    return make_arena(LITTLE_SECONDS)


def test_protecting_and_clearing_is_confirmed_and_done(arena: Arena) -> None:
    """What is confirmed is so on the other side, and a look sees it."""
    arena.protector.submit(look(1))
    assert arena.answers.wait_for(1) == [ProtectionSeen(Attempt(1), None)]
    arena.protector.submit(protect(2))
    assert arena.answers.wait_for(2)[-1] == ProtectionGranted(Attempt(2), 3600.0)
    assert arena.is_protected()
    arena.protector.submit(look(3))
    seen = arena.answers.wait_for(3)[-1]
    assert isinstance(seen, ProtectionSeen)
    assert seen.left is not None
    assert 3500 < seen.left <= 3601
    arena.protector.submit(unprotect(4))
    assert arena.answers.wait_for(4)[-1] == ProtectionCleared(Attempt(4))
    assert not arena.is_protected()


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("order", [protect(1), unprotect(1), look(1)], ids=["protect", "unprotect", "look"])
def test_every_order_is_answered_exactly_once(hasty: Arena, order: Order, trouble: Trouble) -> None:
    """Whatever an order meets, it has one answer with its number, and the next order has the next one."""
    hasty.meet(trouble)
    hasty.protector.submit(order)
    hasty.answers.wait_for(1)
    hasty.recover()
    hasty.protector.submit(look(2))
    first, second = hasty.answers.wait_for(2)
    assert first.attempt == 1
    assert isinstance(second, ProtectionSeen)
    assert second.attempt == 2


def test_answers_come_in_the_order_of_the_orders(arena: Arena) -> None:
    """Orders given in one go are carried out one after the other, from one thread that is not ours."""
    arena.meet(Trouble.LOST)
    orders: list[Order] = [protect(1), unprotect(2), look(3)]
    for order in orders:
        arena.protector.submit(order)
    assert [answer.attempt for answer in arena.answers.wait_for(3)] == [1, 2, 3]
    [thread] = arena.answers.threads
    assert thread is not threading.current_thread()


def test_orders_given_before_the_start_are_not_lost(threads: Threads) -> None:
    """What is submitted before anybody listens is answered after the start."""
    with agent_arena(AMPLE_SECONDS, threads) as real, fake_arena(AMPLE_SECONDS, threads) as fake:
        for arena in (real, fake):
            arena.protector.submit(protect(1))
            arena.protector.start(arena.answers.take)
            assert arena.answers.wait_for(1) == [ProtectionGranted(Attempt(1), 3600.0)]
            arena.protector.close()
        until(threads.all_ended, limit=15, why="both threads end")


def test_submit_and_close_wait_for_nothing(make_arena: MakeArena, threads: Threads) -> None:
    """While an order meets silence, neither submitting nor closing takes time, and no answer comes later."""
    arena = make_arena(4.0)
    arena.meet(Trouble.SILENCE)
    arena.protector.submit(protect(1))
    until(arena.has_begun, why="the order is under way")
    began = time.monotonic()
    arena.protector.submit(look(2))
    arena.protector.close()
    assert time.monotonic() - began < 2.0
    until(threads.all_ended, limit=15, why="the thread ends when its request has")
    assert arena.answers.threads == set()


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (Trouble.BLOCKED, Refusal.BLOCKED),
        (Trouble.NOT_A_SERVICE_TASK, Refusal.NOT_A_SERVICE_TASK),
        (Trouble.NOT_ALLOWED, Refusal.NOT_ALLOWED),
        (Trouble.THROTTLED, Refusal.TRY_AGAIN),
        (Trouble.UNREACHABLE, Refusal.TRY_AGAIN),
    ],
)
def test_c1_a_refusal_is_no_protection(arena: Arena, trouble: Trouble, kind: Refusal) -> None:
    """C1: an order that was turned down is told as a refusal of its kind, whatever status came with it."""
    arena.meet(trouble)
    arena.protector.submit(protect(1))
    [answer] = arena.answers.wait_for(1)
    assert isinstance(answer, ProtectionRefused)
    assert answer.kind is kind
    assert not arena.is_protected()


def test_c1_a_shorter_expiry_is_a_shorter_lease(arena: Arena) -> None:
    """C1: protection for less than was asked is granted for what it is."""
    arena.meet(Trouble.SHORT_LEASE)
    arena.protector.submit(protect(1))
    [answer] = arena.answers.wait_for(1)
    assert isinstance(answer, ProtectionGranted)
    assert answer.lease == pytest.approx(900.0, abs=60.0)


def test_c2_each_answer_tells_of_the_order_it_belongs_to(arena: Arena) -> None:
    """C2: when the wish changes while an order is under way, its answer still tells what was sent."""
    arena.protector.submit(protect(1))
    arena.protector.submit(unprotect(2))
    assert arena.answers.wait_for(2) == [
        ProtectionGranted(Attempt(1), 3600.0),
        ProtectionCleared(Attempt(2)),
    ]
    assert not arena.is_protected()


def test_c2_a_lost_answer_does_not_take_the_next_one(arena: Arena) -> None:
    """C2: after an order whose answer was lost, the answer to the next one is its own."""
    arena.meet(Trouble.LOST_BUT_DONE)
    arena.protector.submit(protect(1))
    arena.protector.submit(unprotect(2))
    lost, cleared = arena.answers.wait_for(2)
    assert isinstance(lost, ProtectionUnknown)
    assert lost.attempt == 1
    assert cleared == ProtectionCleared(Attempt(2))


def test_c15_silence_ends(hasty: Arena) -> None:
    """C15: an order that meets silence is answered within the bound, and the next ones work again."""
    began = time.monotonic()
    hasty.meet(Trouble.SILENCE)
    hasty.protector.submit(protect(1))
    [answer] = hasty.answers.wait_for(1)
    assert isinstance(answer, ProtectionUnknown)
    assert time.monotonic() - began < 20 * LITTLE_SECONDS
    hasty.protector.submit(protect(2))
    assert hasty.answers.wait_for(2)[-1] == ProtectionGranted(Attempt(2), 3600.0)


def test_c16_a_lost_answer_is_no_refusal(arena: Arena) -> None:
    """C16: protection may be on after an answer was lost; the outcome is unknown, and a look finds it."""
    arena.meet(Trouble.LOST_BUT_DONE)
    arena.protector.submit(protect(1))
    arena.protector.submit(look(2))
    unknown, seen = arena.answers.wait_for(2)
    assert isinstance(unknown, ProtectionUnknown)
    assert isinstance(seen, ProtectionSeen)
    assert seen.left is not None
    assert seen.left > 3000
    assert arena.is_protected()


def test_c16_a_lost_answer_is_no_grant_either(arena: Arena) -> None:
    """C16: the same answer comes where nothing was carried out, and a look finds that too."""
    arena.meet(Trouble.LOST)
    arena.protector.submit(protect(1))
    arena.protector.submit(look(2))
    unknown, seen = arena.answers.wait_for(2)
    assert isinstance(unknown, ProtectionUnknown)
    assert seen == ProtectionSeen(Attempt(2), None)


def test_a_restart_of_the_other_side_is_survived(arena: Arena) -> None:
    """While nobody is there orders are refused as never sent; afterwards they are carried out."""
    arena.meet(Trouble.UNREACHABLE)
    arena.protector.submit(protect(1))
    [refused] = arena.answers.wait_for(1)
    assert isinstance(refused, ProtectionRefused)
    assert refused.code == "AgentUnreachable"
    arena.recover()
    arena.protector.submit(protect(2))
    assert arena.answers.wait_for(2)[-1] == ProtectionGranted(Attempt(2), 3600.0)
