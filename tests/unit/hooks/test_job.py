"""The public side of the hooks: jobs, the gate and what a job may ask."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from supervisor.hooks import _connection, _whereabouts
from supervisor.hooks._client import client
from supervisor.hooks.job import Job, gate, job, seconds_left, stopping, wait_stopping, wait_stopping_async
from tests.unit.hooks.fake_supervisor import DRAINING, QUIET, RUNNING, FakeSupervisor, Message, grant, refuse
from tests.waiting import until

# For what must be quick on any machine but is not timed.
GENEROUS_SECONDS = 5.0


def test_a_job_is_a_hold_from_begin_to_end(supervisor: FakeSupervisor) -> None:
    """The supervisor hears of a job when it begins, by its name, and when it ends."""
    with job("send_mail"):
        until(lambda: supervisor.open_holds() == ["send_mail"], why="the hold is open")
    until(lambda: supervisor.open_holds() == [], why="the hold has ended")
    assert [message["op"] for _, message in supervisor.said] == ["hello", "hold", "release"]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_a_job_raises_is_untouched(supervisor: FakeSupervisor, kind: type[BaseException]) -> None:
    """The job's own exception comes through as it is, and the hold ends."""
    error = kind("the job's")
    with pytest.raises(kind) as caught:
        with job("fails"):
            raise error
    assert caught.value is error
    until(lambda: bool(supervisor.messages("release")), why="the hold has ended")


def test_jobs_inside_jobs(supervisor: FakeSupervisor) -> None:
    """Jobs may be nested, also the same object in itself; every entry is a hold of its own."""
    outer = job("outer")
    with outer, job("inner"), outer:
        until(lambda: supervisor.open_holds() == ["inner", "outer", "outer"], why="three holds are open")
    until(lambda: supervisor.open_holds() == [], why="all have ended")


def test_ending_twice_ends_once(supervisor: FakeSupervisor) -> None:
    """An error callback and an end callback may both end the job; one release is said (C6)."""
    first = Job("first").begin()
    second = Job("second").begin()
    first.end()
    first.end()
    until(lambda: supervisor.open_holds() == ["second"], why="only the second hold is open")
    second.end()
    until(lambda: supervisor.open_holds() == [], why="none is open")
    assert len(supervisor.messages("release")) == 2


def test_a_lost_job_ends_with_its_object(supervisor: FakeSupervisor) -> None:
    """A job whose end was never said ends when its object goes (C7)."""
    lost = Job("lost").begin()
    until(lambda: supervisor.open_holds() == ["lost"], why="the hold is open")
    del lost
    until(lambda: supervisor.open_holds() == [], why="the hold went with its object")


def test_a_decorated_function(supervisor: FakeSupervisor) -> None:
    """A decorated function is itself, and every call of it is a job under its own name."""

    @job
    def double(number: int) -> int:
        """Twice as much."""
        until(lambda: len(supervisor.open_holds()) == 1, why="the call is a hold")
        return 2 * number

    assert double(4) == 8
    assert double.__doc__ == "Twice as much."
    until(lambda: supervisor.open_holds() == [], why="the hold has ended")
    assert supervisor.messages("hold")[0]["about"].endswith("double")


def test_a_decorated_function_under_another_name(supervisor: FakeSupervisor) -> None:
    """The name in the parentheses is the one the supervisor hears, with its time to live."""

    @job("another", ttl=30)
    def work() -> None:
        pass

    work()
    until(lambda: bool(supervisor.messages("hold")), why="the hold was said")
    assert supervisor.messages("hold")[0] | {"id": ""} == {
        "op": "hold",
        "id": "",
        "about": "another",
        "ttl": 30,
    }


def test_a_decorated_generator(supervisor: FakeSupervisor) -> None:
    """The job of a generator function lasts from its first item to its last."""

    @job("items")
    def items() -> Iterator[int]:
        yield 1
        yield 2

    going = items()
    assert supervisor.open_holds() == []
    assert next(going) == 1
    until(lambda: supervisor.open_holds() == ["items"], why="the hold is open between items")
    assert list(going) == [2]
    until(lambda: supervisor.open_holds() == [], why="the hold ended with the last item")


def test_a_generator_that_nobody_finished(supervisor: FakeSupervisor) -> None:
    """A generator that is dropped in the middle ends its job."""

    @job("items")
    def items() -> Iterator[int]:
        yield 1
        yield 2

    going = items()
    next(going)
    until(lambda: supervisor.open_holds() == ["items"], why="the hold is open")
    del going
    until(lambda: supervisor.open_holds() == [], why="the hold ended with the generator")


def test_an_async_generator_is_refused_early() -> None:
    """Decorating an async generator fails at once, and says what to do instead."""
    with pytest.raises(TypeError, match="inside it"):

        @job("items")
        async def items() -> object:
            yield 1


def test_async_jobs(supervisor: FakeSupervisor) -> None:
    """Coroutines are jobs in both forms, many at once in one thread."""
    everybody = asyncio.Event()

    @job("decorated")
    async def decorated() -> str:
        await everybody.wait()
        return "done"

    async def inside() -> str:
        async with job("inside"):
            await everybody.wait()
        return "done"

    async def main() -> list[str]:
        tasks = [asyncio.create_task(work()) for work in [decorated] * 20 + [inside] * 20]
        await asyncio.to_thread(until, lambda: len(supervisor.open_holds()) == 40, why="all are open at once")
        everybody.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == ["done"] * 40
    until(lambda: supervisor.open_holds() == [], why="all have ended")


def test_a_cancelled_coroutine_ends_its_job(supervisor: FakeSupervisor) -> None:
    """Cancellation goes through a job and ends it."""

    async def main() -> None:
        async def endless() -> None:
            async with job("endless"):
                await asyncio.Event().wait()

        task = asyncio.create_task(endless())
        await asyncio.to_thread(until, lambda: supervisor.open_holds() == ["endless"], why="the hold is open")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    until(lambda: supervisor.open_holds() == [], why="the hold has ended")


@pytest.mark.usefixtures("nobody")
def test_without_a_supervisor_nothing_happens() -> None:
    """Where no socket is named, jobs run, the gate is open and nothing is stopping."""
    with job("alone") as j:
        j.progress()
        assert not j.refused
        assert not j.stopping
        assert not j.protected
        assert j.seconds_left is None
    assert gate.open()
    assert gate.wait_open(60)
    assert not wait_stopping(0.01)


def test_a_job_sees_the_stop_begin(supervisor: FakeSupervisor) -> None:
    """From the supervisor's word on, a job sees that a stop has begun and how long it has, counting down."""
    with job("long") as j:
        until(lambda: j.protected, why="the first word has come")
        assert not j.stopping
        assert j.seconds_left is None
        supervisor.say(DRAINING)
        until(lambda: j.stopping, why="the stop was heard")
        first = seconds_left()
        assert first is not None
        assert 20 - GENEROUS_SECONDS < first <= 20
        until(lambda: (seconds_left() or 0) < first, why="the seconds count down")


def test_a_sleeping_job_is_woken_by_the_stop(supervisor: FakeSupervisor) -> None:
    """wait_stopping sleeps until the stop begins and not until its timeout."""
    threading.Timer(0.05, supervisor.say, [DRAINING]).start()
    began = time.monotonic()
    with job("sleeps") as j:
        assert j.wait_stopping(60)
    assert time.monotonic() - began < GENEROUS_SECONDS


def test_a_sleeping_coroutine_is_woken_by_the_stop(supervisor: FakeSupervisor) -> None:
    """The async form wakes as well, and the event loop goes on meanwhile."""

    async def main() -> bool:
        async with job("sleeps") as j:
            assert not await wait_stopping_async(0.01)
            sleeping = asyncio.create_task(j.wait_stopping_async(60))
            supervisor.say(DRAINING)
            return await sleeping

    began = time.monotonic()
    assert asyncio.run(main())
    assert time.monotonic() - began < GENEROUS_SECONDS


def test_the_gate_follows_the_supervisor(supervisor: FakeSupervisor) -> None:
    """The gate closes when the supervisor goes quiet and opens when it takes that back."""
    assert gate.open()
    supervisor.say(QUIET)
    until(lambda: not gate.open(), why="the gate has closed")
    assert not stopping()
    threading.Timer(0.05, supervisor.say, [RUNNING]).start()
    assert gate.wait_open(60)


def test_the_first_look_at_the_gate_waits_for_a_word(absent: FakeSupervisor) -> None:
    """A process that starts while the supervisor is quiet does not find the gate open by asking first."""
    absent.greeting = QUIET
    absent.start()
    assert not gate.open()


def test_a_supervisor_that_never_speaks_leaves_the_gate_open(absent: FakeSupervisor) -> None:
    """The first look waits a bounded time for a supervisor that hangs; later ones do not wait at all."""
    absent.greeting = None
    absent.start()
    began = time.monotonic()
    assert gate.open()
    assert 0.9 * _connection.FIRST_WORD_SECONDS < time.monotonic() - began < GENEROUS_SECONDS
    began = time.monotonic()
    assert all(gate.open() for _ in range(100))
    assert time.monotonic() - began < _connection.FIRST_WORD_SECONDS


def test_a_shut_gate_lets_go_when_a_stop_begins(supervisor: FakeSupervisor) -> None:
    """Whoever waits at the gate is told at once that it will not open again."""
    supervisor.say(QUIET)
    until(lambda: not gate.open(), why="the gate has closed")
    threading.Timer(0.05, supervisor.say, [DRAINING]).start()
    began = time.monotonic()
    assert not gate.wait_open(60)
    assert time.monotonic() - began < GENEROUS_SECONDS


@pytest.mark.parametrize(("word", "opens"), [(RUNNING, True), (DRAINING, False)])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_worker_waits_at_the_gate_as_long_as_the_task_is_quiet(
    supervisor: FakeSupervisor, word: Message, opens: bool, is_async: bool
) -> None:
    """Without a timeout only two things end the wait: the gate opens, or a stop begins."""
    supervisor.say(QUIET)
    until(lambda: not gate.open(), why="the gate has closed")
    answers: list[bool] = []

    def wait() -> None:
        answers.append(asyncio.run(gate.wait_open_async()) if is_async else gate.wait_open())

    waiter = threading.Thread(target=wait)
    waiter.start()
    supervisor.say(QUIET)
    waiter.join(0.1)
    assert answers == []
    supervisor.say(word)
    waiter.join(GENEROUS_SECONDS)
    assert answers == [opens]


@pytest.mark.usefixtures("nobody")
def test_a_gate_that_shuts_again_at_once_is_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was woken by its opening, and comes too late, is not sent away as if the task were to end."""
    admitted = iter([False, False, True])
    monkeypatch.setattr(type(gate), "_admit", lambda _: next(admitted))
    assert gate.wait_open()


def test_who_was_told_to_fetch_is_waited_for(supervisor: FakeSupervisor) -> None:
    """An open gate is a claim, said once: until the thread finds the gate shut, a stop must not overtake its fetch."""
    assert gate.open()
    until(lambda: supervisor.open_holds() == ["fetch"], why="the fetch is known")
    assert all(gate.open() for _ in range(10))
    with job("mail"):
        until(lambda: supervisor.open_holds() == ["fetch", "mail"], why="the job is known as well")
    supervisor.say(QUIET)
    until(lambda: not gate.open(), why="the gate has closed")
    until(lambda: supervisor.open_holds() == [], why="the fetch is over")
    fetches = [hold for hold in supervisor.messages("hold") if hold["about"] == "fetch"]
    assert [fetch["fetching"] for fetch in fetches] == [True]


def test_a_thread_that_ends_fetches_no_more(supervisor: FakeSupervisor) -> None:
    """Each thread claims for itself, and its claim goes with it."""
    assert gate.open()
    inside, leave = threading.Event(), threading.Event()

    def work() -> None:
        assert gate.open()
        inside.set()
        leave.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait(60)
    until(lambda: supervisor.open_holds() == ["fetch", "fetch"], why="both fetches are known")
    leave.set()
    thread.join()
    until(lambda: supervisor.open_holds() == ["fetch"], why="the thread's fetch is over")


def test_a_task_of_an_event_loop_makes_no_claim(supervisor: FakeSupervisor) -> None:
    """Tasks share a thread, so a claim of the thread would be taken back by the wrong one."""

    async def ask() -> bool:
        return gate.open()

    assert asyncio.run(ask())
    with job("mail"):
        until(lambda: supervisor.open_holds() == ["mail"], why="only the job is known")


def test_a_coroutine_at_the_gate(absent: FakeSupervisor) -> None:
    """The async form waits for the first word and for the opening without stopping the loop."""
    absent.greeting = QUIET
    absent.start()

    async def main() -> tuple[bool, bool]:
        shut = await gate.wait_open_async(0.01)
        asyncio.get_running_loop().call_later(0.05, absent.say, RUNNING)
        return shut, await gate.wait_open_async(60)

    assert asyncio.run(main()) == (False, True)


def test_progress_refreshes_the_hold_now_and_then(supervisor: FakeSupervisor) -> None:
    """progress() may be called in a loop: the hold's time to live is refreshed, but not at every turn."""
    with job("long", ttl=30) as j:
        until(lambda: supervisor.open_holds() == ["long"], why="the hold is open")
        for _ in range(1000):
            j.progress()
        until(lambda: bool(supervisor.messages("refresh")), why="the refresh was said")
    until(lambda: supervisor.open_holds() == [], why="the hold has ended")
    refreshes = supervisor.messages("refresh")
    assert refreshes[0] == {"op": "refresh", "id": supervisor.messages("hold")[0]["id"], "ttl": 30}
    assert len(refreshes) <= 1 + GENEROUS_SECONDS


def test_a_job_waits_to_be_granted(asked_supervisor: FakeSupervisor) -> None:
    """Before-start, a job does not begin until the supervisor has answered (C3)."""
    asked_supervisor.answer = grant
    with job("asks") as j:
        assert [message["wait"] for message in asked_supervisor.messages("hold")] == [True]
        assert not j.refused
        assert j.why is None
    until(lambda: asked_supervisor.open_holds() == [], why="the hold has ended")


def test_a_job_asks_before_its_supervisor_listens(
    absent: FakeSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is up before the socket is: a job that has to ask waits for the supervisor to come."""
    monkeypatch.setenv(_whereabouts.HOLD_WAIT_VARIABLE, "60")
    absent.answer = grant
    threading.Timer(0.2, absent.start).start()
    with job("asks"):
        assert absent.messages("hold")[0]["wait"] is True
    until(lambda: absent.open_holds() == [], why="the hold has ended")


def test_a_refused_job_knows_it(asked_supervisor: FakeSupervisor) -> None:
    """A refusal raises nothing: the job is told, and is work in flight again until it is handed back."""
    asked_supervisor.answer = refuse
    with job("asks") as j:
        assert j.refused
        assert j.why == "no protection"
        until(lambda: asked_supervisor.open_holds() == ["asks"], why="it is held again")
    until(lambda: asked_supervisor.open_holds() == [], why="the hold has ended")
    assert [message.get("wait") for message in asked_supervisor.messages("hold")] == [True, None]


def test_a_refused_function_is_replaced(asked_supervisor: FakeSupervisor) -> None:
    """on_refused is called instead, with the same arguments; its result or exception is the call's."""
    asked_supervisor.answer = refuse
    ran = []

    @job("plain", on_refused=lambda number: f"handed back {number}")
    def plain(number: int) -> str:
        ran.append(number)
        return "done"

    @job("async", on_refused=lambda number: asyncio.sleep(0, f"handed back {number}"))
    async def coroutine(number: int) -> str:
        ran.append(number)
        return "done"

    @job("items", on_refused=lambda number: iter([f"handed back {number}"]))
    def items(number: int) -> Iterator[str]:
        ran.append(number)
        yield "done"

    assert plain(1) == "handed back 1"
    assert asyncio.run(coroutine(2)) == "handed back 2"
    assert list(items(3)) == ["handed back 3"]
    assert ran == []


def test_a_refused_function_without_a_replacement_runs(asked_supervisor: FakeSupervisor) -> None:
    """A refusal that nobody asked to hear of does not turn into a job that looks done and is not."""
    asked_supervisor.answer = refuse

    @job("plain")
    def plain() -> str:
        return "done"

    assert plain() == "done"


def test_a_supervisor_that_does_not_answer(supervisor: FakeSupervisor) -> None:
    """A job waits for its answer no longer than told and then runs; the next ones do not wait at all (C4)."""
    client().hold_wait = 0.3
    began = time.monotonic()
    with job("asks") as j:
        assert not j.refused
    assert 0.3 <= time.monotonic() - began < GENEROUS_SECONDS
    began = time.monotonic()
    for _ in range(10):
        with job("does not"):
            pass
    assert time.monotonic() - began < 2.5
    supervisor.say(RUNNING)
    supervisor.answer = grant
    until(lambda: _asks_again(supervisor), why="after a word from the supervisor jobs ask again")


def test_a_refusal_that_came_too_late(supervisor: FakeSupervisor) -> None:
    """When the refusal comes while the job is running, the supervisor hears again that it is running."""
    client().hold_wait = 0.1
    with job("runs"):
        before = len(supervisor.messages("hold"))
        supervisor.say(refuse(supervisor.messages("hold")[0]))
        until(lambda: len(supervisor.messages("hold")) > before, why="the hold was said again")
        assert "wait" not in supervisor.messages("hold")[-1]
    until(lambda: supervisor.open_holds() == [], why="the hold has ended")


def test_coroutines_wait_without_stopping_the_loop(asked_supervisor: FakeSupervisor) -> None:
    """Async jobs that wait for an answer let the loop run, and all begin when the answers come."""
    running = 0

    async def work() -> None:
        nonlocal running
        async with job("asks"):
            running += 1

    async def main() -> None:
        tasks = [asyncio.create_task(work()) for _ in range(10)]
        await asyncio.to_thread(
            until, lambda: len(asked_supervisor.messages("hold")) == 10, why="all have asked"
        )
        assert running == 0
        for hold in asked_supervisor.messages("hold"):
            asked_supervisor.say(grant(hold))
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert running == 10
    until(lambda: asked_supervisor.open_holds() == [], why="all have ended")


def test_a_cancelled_wait_leaves_no_hold(asked_supervisor: FakeSupervisor) -> None:
    """A coroutine that is cancelled while it waits for its answer takes its hold back."""

    async def main() -> None:
        async def work() -> None:
            async with job("asks"):
                raise AssertionError("it was never granted")

        task = asyncio.create_task(work())
        await asyncio.to_thread(until, lambda: asked_supervisor.open_holds() == ["asks"], why="it has asked")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(until, lambda: asked_supervisor.open_holds() == [], why="the hold has ended")

    asyncio.run(main())


def test_under_another_event_loop_nothing_waits(asked_supervisor: FakeSupervisor) -> None:
    """A coroutine that asyncio does not drive begins at once: there is nothing to wait with."""

    async def work() -> str:
        async with job("asks") as j:
            assert not j.refused
            return "done"

    with pytest.raises(StopIteration) as finished:
        work().send(None)
    assert finished.value.value == "done"
    until(
        lambda: asked_supervisor.accepted == 1 and asked_supervisor.open_holds() == [],
        why="the hold has ended",
    )


def _asks_again(supervisor: FakeSupervisor) -> bool:
    asked = len([hold for hold in supervisor.messages("hold") if hold.get("wait")])
    with job("asks"):
        return len([hold for hold in supervisor.messages("hold") if hold.get("wait")]) > asked
