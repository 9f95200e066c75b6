"""What Celery's hook decides without Celery: which settings to talk about, and whose each request is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from supervisor.hooks._celery_advice import advice
from supervisor.hooks._celery_gate import Gate, NotBegunError


class Conf(dict[str, Any]):
    """Celery's settings: as attributes and as keys."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def settings_told(
    *,
    late: bool = True,
    reject: bool = True,
    multiplier: int = 1,
    transport: str = "redis",
    options: dict[str, int] | None = None,
    **conf: object,
) -> list[str]:
    task = SimpleNamespace(acks_late=late, reject_on_worker_lost=reject)
    worker = SimpleNamespace(
        app=SimpleNamespace(tasks={"celery.chord": SimpleNamespace(acks_late=False), "app.work": task}),
        prefetch_multiplier=multiplier,
        _conninfo=SimpleNamespace(transport_cls=transport),
    )
    return [setting for setting, _, _ in advice(Conf(broker_transport_options=options, **conf), worker)]


def test_good_settings_are_not_talked_about() -> None:
    """Celery's own tasks do not count."""
    assert settings_told() == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"late": False, "reject": False}, ["task_acks_late"]),
        ({"reject": False}, ["task_reject_on_worker_lost"]),
        ({"multiplier": 4}, ["worker_prefetch_multiplier"]),
        ({"multiplier": 4, "worker_disable_prefetch": False}, ["worker_prefetch_multiplier"]),
        ({"multiplier": 4, "worker_disable_prefetch": True}, []),
        (
            {"multiplier": 4, "worker_disable_prefetch": True, "transport": "amqp"},
            ["worker_prefetch_multiplier"],
        ),
        ({"options": {"visibility_timeout": 60}}, ["broker_transport_options"]),
        ({"options": {"visibility_timeout": 60}, "transport": "amqp"}, []),
        ({"options": {"visibility_timeout": 7200}}, []),
    ],
)
def test_each_bad_setting_is_told(settings: dict[str, Any], told: list[str]) -> None:
    """And only that one."""
    assert settings_told(**settings) == told


class Request:
    """One that was fetched."""

    def __init__(self, name: str, state: Any) -> None:
        self.name = self.id = name
        self.message = SimpleNamespace(channel=None, delivery_tag=name)
        self.acknowledged = False
        self._rejected = state.rejected

    def reject(self, requeue: bool) -> None:
        assert requeue
        self.acknowledged = True
        self._rejected.append(self.id)


class State:
    """Celery's books."""

    def __init__(self) -> None:
        self.requests: dict[str, Request] = {}
        self.reserved_requests: set[Request] = set()
        self.active_requests: set[Request] = set()
        self.rejected: list[str] = []
        self.executed: list[str] = []

    def reserve(self, name: str) -> Request:
        request = self.requests[name] = Request(name, self)
        self.reserved_requests.add(request)
        return request

    def task_ready(self, request: Request) -> None:
        self.requests.pop(request.id, None)
        self.reserved_requests.discard(request)
        self.active_requests.discard(request)


def make_gate(state: State, begins_here: bool) -> tuple[Gate, Any]:
    """Return a gate and its worker, whose loop does at once what it is asked for."""
    worker: Any = SimpleNamespace(
        semaphore=None, _process_task=lambda request: state.executed.append(request.id)
    )
    worker.consumer = SimpleNamespace(
        connection_errors=(),
        channel_errors=(),
        task_consumer=None,
        task_buckets={},
        timer=SimpleNamespace(schedule=SimpleNamespace(queue=[])),
        apply_eta_task=None,
        _limit_post_eta=None,
        call_soon=lambda what, *arguments: what(*arguments),
        on_task_request=lambda request: worker._process_task(request),
    )
    gate = Gate(worker, state, begins_here)
    gate.install()
    return gate, worker


def test_a_shut_gate_gives_back_what_comes() -> None:
    """And lets it pass again when it is open."""
    state = State()
    gate, worker = make_gate(state, begins_here=False)
    worker.consumer.on_task_request(state.reserve("a"))
    gate.began(state.requests["a"])
    state.active_requests.add(state.requests["a"])
    assert gate.shut()
    worker.consumer.on_task_request(state.reserve("b"))
    gate.open()
    worker.consumer.on_task_request(state.reserve("c"))
    assert (state.executed, state.rejected) == (["a", "c"], ["b"])


def test_it_is_not_shut_while_a_child_may_still_begin() -> None:
    """A request that was sent to the pool is not given back, but waited for."""
    state = State()
    gate, worker = make_gate(state, begins_here=False)
    request = state.reserve("a")
    worker.consumer.on_task_request(request)
    assert not gate.shut()
    state.active_requests.add(request)
    assert gate.shut()
    assert state.rejected == []


def test_what_waits_for_a_thread_goes_back_and_does_not_begin() -> None:
    """The newest first, so that the oldest is at the front of the queue; what has begun stays."""
    state = State()
    gate, _ = make_gate(state, begins_here=True)
    runs, *waiting = [state.reserve(name) for name in ("a", "b", "c")]
    gate.began(runs)
    state.active_requests.add(runs)
    assert gate.shut()
    assert state.rejected == ["c", "b"]
    for request in waiting:
        with pytest.raises(NotBegunError):
            gate.began(request)
    assert state.rejected == ["c", "b"]


def test_what_comes_to_a_thread_after_the_connection_was_lost_does_not_begin() -> None:
    """Celery has forgotten it, and its pool has not."""
    state = State()
    gate, _ = make_gate(state, begins_here=True)
    request = state.reserve("a")
    state.task_ready(request)
    assert gate.shut()
    with pytest.raises(NotBegunError):
        gate.began(request)
