"""The agent's endpoint, arbitrated: the emulated agent above, the local API's server below, and a real engine in between."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.adapters.arbitration.arbitration import Arbitration
from supervisor.adapters.arbitration.heard import Heard
from supervisor.adapters.ecs_agent import PATH, EcsAgent
from supervisor.adapters.http_api.exchange import WSGIApp
from supervisor.core.snapshot import HoldView
from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World
from tests.conformance.api_arena import Arena
from tests.conformance.api_client import Connection, Reply, served
from tests.waiting import until

PREFIX = "/agent/0123456789abcdef"

# The agent's 4 s for ECS last 0.1 s here, and ours somewhat longer.
TIME_SCALE = 40.0
ANSWER_SECONDS = 0.5

ON = {"ProtectionEnabled": True}
OFF = {"ProtectionEnabled": False}

_DATE = re.compile(rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?Z"')
_ARN = re.compile(rb'arn:aws:ecs:[^" ]+')
_REQUEST = re.compile(rb'"requestID":"[0-9a-f-]{36}"')


@dataclass(frozen=True)
class Arbitrated:
    """uri: what the worker has as ECS_AGENT_URI; app: what answers there; unix: another way there.

    task_id: the supervised task; other_id: one that speaks with the agent itself.
    """

    arena: Arena
    agent: Agent
    app: WSGIApp
    unix: str
    uri: str
    task_id: str
    other_id: str

    def ask(self, method: str, body: object = None, path: str = PATH) -> Reply:
        return ask(self.uri, method, body, path)

    @property
    def is_protected(self) -> bool:
        return self.agent.is_protected(self.task_id)

    @property
    def claims(self) -> list[HoldView]:
        return [hold for hold in self.arena.snapshot().holds if hold.id.startswith("agent#")]

    def until_protected(self, wanted: bool = True) -> None:
        why = "the task is protected" if wanted else "the task is not protected any more"
        until(lambda: self.is_protected is wanted, why=why)


@contextmanager
def arbitrated(
    directory: Path,
    *,
    time_scale: float = 1.0,
    answer_seconds: float = ANSWER_SECONDS,
    standalone: bool = False,
    has_agent: bool = True,
    **policy: Any,
) -> Iterator[Arbitrated]:
    """policy: the arena's."""
    arena = Arena(**policy)
    world = World()
    with Agent(world, time_scale) as agent:
        task_id, other_id = (world.add_task(agent.now(), standalone=standalone) for _ in range(2))
        uri = agent.uri(task_id)
        if not has_agent:
            agent.stop()
        heard = Heard()
        protector = EcsAgent(uri, arena.background.start, arena.clock.wall, ask=heard.exchange)
        protector.start(arena.post_answer)
        arena.protector = protector
        arbitration = Arbitration(
            arena.desk, uri, PREFIX, arena.background.start, arena.clock, heard, answer_seconds
        )
        arena.hooks.append(arbitration)
        with served(directory, arena, mounts={PREFIX: arbitration.app}) as api:
            if has_agent:
                until(lambda: heard.arn, why="the supervisor has looked at the task's protection")
            yield Arbitrated(arena, agent, arbitration.app, api.unix, f"{api.tcp}{PREFIX}", task_id, other_id)
        protector.close()


def ask(uri: str, method: str, body: object = None, path: str = PATH) -> Reply:
    """Send one request as a caller does. A body that is not bytes is sent as JSON."""
    address, _, base = uri.removeprefix("http://").partition("/")
    connection = Connection(f"http://{address}")
    try:
        return connection.ask(method, f"/{base}{path}", body)
    finally:
        connection.close()


def comparable(reply: Reply) -> tuple[int, str | None, str | None, bytes]:
    """Return what two answers must have in common: not the names of their tasks, nor what differs from call to call."""
    headers: Mapping[str, str] = {name.lower(): value for name, value in reply.headers.items()}
    body = _REQUEST.sub(b'"requestID":"R"', _ARN.sub(b"T", _DATE.sub(b'"D"', reply.body)))
    location = re.sub(r"^/(api|agent)/[^/]+/", "/", headers.get("location", ""))
    return reply.status, headers.get("content-type"), location or None, body


def is_enabled(reply: Reply) -> bool:
    assert reply.status == 200, reply
    return bool(json.loads(reply.body)["protection"]["ProtectionEnabled"])
