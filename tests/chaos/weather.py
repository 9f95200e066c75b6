"""What goes wrong around the tasks for a while: SQS that fails, throttles or is gone, and the agent with each of its faults."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import Fault as AgentFault
from tests.sqs.faults import Fault as SqsFault
from tests.sqs.server import SqsServer

_SQS_FAULTS = (
    SqsFault.THROTTLE,
    SqsFault.ERROR,
    SqsFault.CUT_BEFORE,
    SqsFault.CUT_AFTER,
    SqsFault.EXPIRED_TOKEN,
)
_AGENT_FAULTS = tuple(fault for fault in AgentFault if fault is not AgentFault.NONE)

# A service that fails always, and one that fails now and then.
_CHANCES = (0.05, 0.3, 1.0)


@dataclass(frozen=True, slots=True)
class Spell:
    """name: for the table. end: makes it good again."""

    name: str
    end: Callable[[], None]


def sqs_spell(server: SqsServer, luck: random.Random) -> Spell:
    """Let something go wrong with SQS."""
    if luck.random() < 0.15:
        server.stop()
        return Spell("SQS gone", server.start)
    fault, chance = luck.choice(_SQS_FAULTS), luck.choice(_CHANCES)
    server.faults.now_and_then(fault, chance)
    return Spell(f"SQS: {fault.value}", server.faults.clear)


def agent_spell(agent: Agent, luck: random.Random) -> Spell:
    """Let something go wrong with the agent."""
    if luck.random() < 0.15:
        agent.stop()
        return Spell("agent gone", agent.start)
    fault = luck.choice(_AGENT_FAULTS)
    agent.faults.always(fault)
    return Spell("agent: any fault", agent.faults.clear)
