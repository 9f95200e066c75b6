"""RQ's gate without RQ: what it does with the objects it is given, in the moments that are hard to hit from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from supervisor.hooks._rq_gate import NOTHING, Worker, job_name
from tests.unit.hooks.fake_supervisor import QUIET, RUNNING, FakeSupervisor, refuse
from tests.waiting import until


class DequeueTimeout(Exception):
    """As RQ says that a pop has brought nothing."""


class StopRequested(Exception):
    """As RQ leaves its loop."""


class FakeJob:
    def __init__(self, id_: str) -> None:
        self.id = id_
        self.description = f"app.send('{id_}')"
        self.retries_left = None


class FakeRq:
    """A worker, its queue and its connection in one; `log` has what was done to them."""

    name = "one"
    intermediate_queue_key = "intermediate"

    def __init__(self) -> None:
        self.log: list[str] = []
        self.state = "idle"
        self._stop_requested = False
        self.connection = self.queue = self.connection_pool = self

    def execute_job(self, job: FakeJob, _: object) -> str:
        self.log.append(f"run {job.id}")
        return "done"

    def _shutdown(self) -> None:
        raise StopRequested

    def teardown(self) -> None:
        self.log.append("goodbye")

    def disconnect(self, inuse_connections: bool) -> None:
        self.log.append(f"disconnect {inuse_connections}")

    def get_state(self) -> str:
        return self.state

    def heartbeat(self) -> None:
        self.log.append("heartbeat")

    def pipeline(self) -> FakeRq:
        return self

    def __enter__(self) -> FakeRq:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def push_job_id(self, id_: str, pipeline: object, at_front: bool) -> None:
        self.log.append(f"push {id_} {at_front}")

    def lrem(self, key: str, count: int, id_: str) -> None:
        self.log.append(f"lrem {key} {count} {id_}")

    def execute(self) -> None:
        self.log.append("execute")


PUT_BACK = ["push a True", "lrem intermediate 1 a", "execute"]


@pytest.fixture
def rq() -> FakeRq:
    return FakeRq()


@pytest.fixture
def worker(rq: FakeRq) -> Worker:
    """The hook, installed in the fake."""
    worker = Worker(rq, "3.0.0", master=0, stop_signal=0)
    worker.install()
    return worker


def pop_of(rq: FakeRq, *found: Any) -> Callable[[int | None], Any]:
    """Return a pop that brings these, one after the other: a job's id, None, an exception, or something to do first."""
    left = list(found)

    def pop(_: int | None) -> Any:
        next_ = left.pop(0)
        if callable(next_) and not isinstance(next_, type):
            next_ = next_()
        if isinstance(next_, BaseException):
            raise next_
        return None if next_ is None else (FakeJob(next_), rq)

    return pop


@pytest.mark.parametrize(
    ("description", "name"),
    [("app.send('to@example')", "app.send 7f"), ("", "7f"), (None, "7f"), ("night run", "night run 7f")],
)
def test_a_hold_is_called_by_function_and_id_without_arguments(description: str | None, name: str) -> None:
    """What the arguments say may be private."""
    assert job_name(description, "7f") == name


def test_a_job_is_held_from_the_pop_until_it_has_run(
    rq: FakeRq, worker: Worker, supervisor: FakeSupervisor
) -> None:
    """RQ gets the job only when the hold has been said."""
    job, queue = worker.fetch(pop_of(rq, DequeueTimeout(), "a"), 10)
    until(lambda: supervisor.open_holds() == ["app.send a"], why="it is held")
    assert worker.execute(job, queue) == "done"
    until(lambda: supervisor.open_holds() == [], why="it is not held any more")
    assert rq.log == ["run a"]


def test_a_pop_that_ends_after_the_gate_was_shut_is_undone(rq: FakeRq, supervisor: FakeSupervisor) -> None:
    """The job goes to the front of its queue and out of the intermediate list at once, and no hold was ever said."""
    worker = Worker(rq, "3.0.0", master=0, stop_signal=0)

    def shut() -> str:
        supervisor.say(QUIET)
        until(lambda: worker._keeper.wanted_shut, why="the word is heard")
        return "a"

    assert worker._pop(pop_of(rq, shut), 1e9) is NOTHING
    assert rq.log == PUT_BACK
    assert supervisor.messages("hold") == []
    supervisor.say(RUNNING)


@pytest.mark.usefixtures("supervisor")
def test_a_stop_during_the_pop_waits_for_the_pop(rq: FakeRq, worker: Worker) -> None:
    """RQ's own handler would raise out of the pop, and the job that it brings would be in no queue."""

    def stop() -> str:
        worker.shut_down()
        return "a"

    with pytest.raises(StopRequested):
        worker.fetch(pop_of(rq, stop), 10)
    assert rq.log == PUT_BACK


@pytest.mark.usefixtures("supervisor")
def test_a_stop_between_fetch_and_start_lets_the_job_run(rq: FakeRq, worker: Worker) -> None:
    """RQ looks at the note when the job has ended."""
    job, queue = worker.fetch(pop_of(rq, "a"), 10)
    worker.shut_down()
    assert rq._stop_requested
    worker.execute(job, queue)
    assert rq.log == ["run a"]
    with pytest.raises(StopRequested):
        worker.shut_down()


@pytest.mark.usefixtures("supervisor")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_that_python_swallows_is_heard_at_the_next_fetch(rq: FakeRq, worker: Worker) -> None:
    """The signal hit a finalizer, out of which nothing is raised: RQ itself would work on until it is killed."""

    class Finalized:
        def __del__(self) -> None:
            worker.shut_down()

    Finalized()
    with pytest.raises(StopRequested):
        worker.fetch(pop_of(rq, "a"), 10)
    assert rq.log == []


@pytest.mark.usefixtures("supervisor", "worker")
@pytest.mark.parametrize(
    ("stopped", "log"),
    [(True, ["disconnect False", "goodbye"]), (False, ["goodbye"])],
    ids=["stopped", "not"],
)
def test_the_goodbye_does_not_get_the_answer_to_what_a_stop_cut_short(
    rq: FakeRq, stopped: bool, log: list[str]
) -> None:
    """It is said on a new connection then."""
    rq._stop_requested = stopped
    rq.teardown()
    assert rq.log == log


@pytest.mark.usefixtures("supervisor", "worker")
def test_a_pool_that_cannot_be_emptied_does_not_keep_a_worker(
    rq: FakeRq, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pools of other kinds have other arguments."""
    monkeypatch.delattr(FakeRq, "disconnect")
    rq._stop_requested = True
    rq.teardown()
    assert rq.log == ["goodbye"]


@pytest.mark.usefixtures("supervisor")
def test_a_busy_worker_stops_as_rq_does_it(rq: FakeRq, worker: Worker) -> None:
    """It notes the request by its own means, which do more than ours."""
    worker.fetch(pop_of(rq, "a"), 10)
    rq.state = "busy"
    with pytest.raises(StopRequested):
        worker.shut_down()


def test_a_refused_job_is_put_back(rq: FakeRq, asked_supervisor: FakeSupervisor) -> None:
    """And nothing is held for it."""
    asked_supervisor.answer = refuse
    worker = Worker(rq, "3.0.0", master=0, stop_signal=0)
    assert worker._pop(pop_of(rq, "a"), 1e9) is NOTHING
    assert rq.log == PUT_BACK
    until(lambda: asked_supervisor.open_holds() == [], why="nothing is held")


def test_what_rq_never_began_is_put_back_before_the_next_fetch(
    rq: FakeRq, worker: Worker, supervisor: FakeSupervisor
) -> None:
    """Its connection was lost between the pop and the start, so it asks again."""
    worker.fetch(pop_of(rq, "a"), 10)
    job, _ = worker.fetch(pop_of(rq, "b"), 10)
    assert (rq.log, job.id) == (PUT_BACK, "b")
    until(lambda: supervisor.open_holds() == ["app.send b"], why="one is held")


def test_a_worker_that_ends_puts_back_what_it_has_in_hand(
    rq: FakeRq, worker: Worker, supervisor: FakeSupervisor
) -> None:
    """For whatever reason it ends."""
    worker.fetch(pop_of(rq, "a"), 10)
    worker.leave()
    assert rq.log == PUT_BACK
    until(lambda: supervisor.open_holds() == [], why="nothing is held")


@pytest.mark.usefixtures("supervisor")
def test_an_empty_queue_is_told_as_rq_tells_it(rq: FakeRq, worker: Worker) -> None:
    """None in burst mode, DequeueTimeout when RQ's own time is over; other errors at once."""
    assert worker.fetch(pop_of(rq, None), None) is None
    with pytest.raises(DequeueTimeout):
        worker.fetch(pop_of(rq, DequeueTimeout()), 0)
    with pytest.raises(ConnectionError):
        worker.fetch(pop_of(rq, ConnectionError()), 10)


@pytest.mark.usefixtures("nobody")
def test_without_a_supervisor_jobs_run_as_ever(rq: FakeRq) -> None:
    """Nobody is waited for."""
    worker = Worker(rq, "3.0.0", master=0, stop_signal=0)
    worker.install()
    job, queue = worker.fetch(pop_of(rq, "a"), 10)
    worker.execute(job, queue)
    assert rq.log == ["run a"]


@pytest.mark.usefixtures("supervisor")
def test_a_member_without_its_pool_leaves(rq: FakeRq) -> None:
    """Its parent is not who it was."""
    worker = Worker(rq, "3.0.0", master=1 << 30, stop_signal=0)
    worker.install()
    with pytest.raises(StopRequested):
        worker.fetch(pop_of(rq), 10)
