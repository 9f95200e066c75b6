"""The client of the ECS agent against every fault that the emulated agent knows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from supervisor.adapters.ecs_agent import PATIENCE
from supervisor.core.events import (
    ProtectionGranted,
    ProtectionRefused,
    ProtectionUnknown,
    Refusal,
)
from supervisor.emulator.faults import Fault
from tests.conformance.fake_protector import Order
from tests.conformance.protector_arena import (
    AMPLE_SECONDS,
    AgentArena,
    Threads,
    agent_arena,
    look,
    protect,
    unprotect,
)
from tests.waiting import until


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def real(threads: Threads) -> Iterator[AgentArena]:
    with agent_arena(AMPLE_SECONDS, threads) as arena:
        arena.protector.start(arena.answers.take)
        yield arena
        arena.protector.close()
        until(threads.all_ended, limit=15, why="the protector's thread ends")


OUTCOMES = {
    Fault.NONE: ProtectionGranted,
    Fault.DEPLOYMENT_BLOCKED: Refusal.BLOCKED,
    Fault.TASK_NOT_VALID: Refusal.NOT_A_SERVICE_TASK,
    Fault.MISSING: Refusal.TRY_AGAIN,
    Fault.FUTURE_REASON: Refusal.TRY_AGAIN,
    Fault.BLOCKED_AFTER_RETRIES: Refusal.BLOCKED,
    Fault.INVALID_PARAMETER: Refusal.TRY_AGAIN,
    Fault.CLIENT_EXCEPTION: Refusal.TRY_AGAIN,
    Fault.RESOURCE_NOT_FOUND: Refusal.TRY_AGAIN,
    Fault.CLUSTER_NOT_FOUND: Refusal.TRY_AGAIN,
    Fault.UNSUPPORTED_FEATURE: Refusal.TRY_AGAIN,
    Fault.IAM_DENIED: Refusal.NOT_ALLOWED,
    Fault.EXPIRED_TOKEN: Refusal.TRY_AGAIN,
    Fault.UNRECOGNIZED_CLIENT: Refusal.TRY_AGAIN,
    Fault.THROTTLED: Refusal.TRY_AGAIN,
    Fault.SERVER_EXCEPTION: ProtectionUnknown,
    Fault.ECS_NOT_JSON: ProtectionUnknown,
    Fault.ECS_UNREACHABLE: ProtectionUnknown,
    Fault.TWO_FAILURES: ProtectionUnknown,
    Fault.SLOW_ECS: ProtectionGranted,
    Fault.THROTTLED_UNTIL_TIMEOUT: ProtectionUnknown,
    Fault.TIMEOUT_NOT_APPLIED: ProtectionUnknown,
    Fault.TIMEOUT_APPLIED: ProtectionUnknown,
    Fault.WRONG_STATE: ProtectionUnknown,
    Fault.SHORT_EXPIRY: ProtectionGranted,
    Fault.NO_ROLE_CREDENTIALS: Refusal.TRY_AGAIN,
    Fault.UNKNOWN_ENDPOINT: Refusal.TRY_AGAIN,
    Fault.NO_TASK_METADATA: ProtectionUnknown,
    Fault.TOO_MANY_REQUESTS: Refusal.TRY_AGAIN,
    Fault.EMPTY_REPLY: ProtectionUnknown,
    Fault.GARBAGE: ProtectionUnknown,
}


def test_every_fault_of_the_agent_but_silence_is_known_here() -> None:
    """A fault that the emulator learns must get its row; silence has a test of its own."""
    assert set(OUTCOMES) | {Fault.HANG} == set(Fault)


@pytest.mark.parametrize("fault", OUTCOMES)
def test_every_fault_of_the_agent_has_its_outcome(real: AgentArena, fault: Fault) -> None:
    """Each way in which the agent can fail leads to the one outcome that the core can act on."""
    real.agent.faults.next(fault)
    real.protector.submit(protect(1))
    [answer] = real.answers.wait_for(1)
    outcome = answer.kind if isinstance(answer, ProtectionRefused) else type(answer)
    assert outcome is OUTCOMES[fault], answer
    # C1 seen from the other side: what is called granted is so.
    if isinstance(answer, ProtectionGranted):
        assert real.is_protected()


def test_one_request_is_under_way_at_a_time(real: AgentArena) -> None:
    """While ECS is slow, the orders that came meanwhile wait on our side and not at the agent."""
    real.agent.faults.always(Fault.SLOW_ECS)
    for attempt in (1, 2, 3):
        real.protector.submit(look(attempt))
    assert [answer.attempt for answer in real.answers.wait_for(3)] == [1, 2, 3]
    assert real.agent.max_in_flight(real.task_id) == 1


def test_c23_the_agent_gets_the_request_it_wants(real: AgentArena, monkeypatch: pytest.MonkeyPatch) -> None:
    """C23: PUT and GET, no keys but the two, and no proxy of the environment in between."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    orders: list[Order] = [protect(1), look(2), unprotect(3)]
    for number, order in enumerate(orders, start=1):
        real.protector.submit(order)
        real.answers.wait_for(number)
    calls = real.agent.protection_calls(real.task_id)
    assert [(call.method, call.status) for call in calls] == [("PUT", 200), ("GET", 200), ("PUT", 200)]
    assert [json.loads(call.body) for call in calls if call.body] == [
        {"ProtectionEnabled": True, "ExpiresInMinutes": 60},
        {"ProtectionEnabled": False},
    ]


def test_c15_patience_is_longer_than_the_agents_and_bounded() -> None:
    """C15: hanging up before the agent's 4 s would cancel its call; after its 5 s nothing more comes."""
    assert 5.0 < PATIENCE.answer_seconds < 6.0
    assert PATIENCE.total_seconds < 8.0
