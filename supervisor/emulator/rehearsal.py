"""Plays a scenario on a host: each step when its time comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from supervisor.emulator.host import Host
from supervisor.emulator.scenario import (
    Action,
    AgentDown,
    AgentFault,
    AgentUp,
    AgentWell,
    Deploy,
    End,
    ScaleBy,
    ScaleTo,
    Scenario,
    Spot,
    Step,
    StopTask,
)
from supervisor.emulator.tasks import TaskPhase


@dataclass(frozen=True, slots=True)
class Performed:
    """A step, the second of the rehearsal it was performed at, and why it had no effect, if so."""

    step: Step
    at: float
    refusal: str | None


class Rehearsal:
    """Driven by `tick`, without the host's own thread. Its clock begins with the first tick."""

    def __init__(self, scenario: Scenario, host: Host) -> None:
        self._host = host
        self._agent = host.agent
        self._service = host.service
        self._coming = list(scenario.steps)
        self._ended = False
        self._begun_at: float | None = None
        self.performed: list[Performed] = []

    def tick(self) -> bool:
        """Do what is due; False when the rehearsal is over.

        Without an `end` in the script it is over when every step is done and no task is stopping any more.
        """
        now = self._agent.now()
        if self._begun_at is None:
            self._begun_at = now
        while self._coming and not self._ended and self._begun_at + self._coming[0].at <= now:
            step = self._coming.pop(0)
            self.performed.append(Performed(step, now - self._begun_at, self._perform(step.action)))
        self._host.tick(now)
        stopping = any(task.phase is TaskPhase.STOPPING for task in self._service.tasks)
        return not self._ended and (bool(self._coming) or stopping)

    def _perform(self, action: Action) -> str | None:
        """Answers why it could not be done."""
        match action:
            case ScaleTo(count):
                self._service.scale(count)
            case ScaleBy(difference):
                self._service.scale_by(difference)
            case Deploy():
                return None if self._service.deploy() else "too many deployments are unfinished"
            case StopTask(number) | Spot(number):
                return self._stop(action, number)
            case AgentDown():
                self._agent.stop()
            case AgentUp():
                self._agent.start()
            case AgentFault(fault, calls):
                if calls is None:
                    self._agent.faults.always(fault)
                else:
                    self._agent.faults.next(*[fault] * calls)
            case AgentWell():
                self._agent.faults.clear()
            case End():
                self._ended = True
            case _:
                assert_never(action)
        return None

    def _stop(self, action: StopTask | Spot, number: int) -> str | None:
        for task in self._service.tasks:
            if task.number == number and task.phase is TaskPhase.RUNNING:
                if isinstance(action, Spot):
                    self._service.spot(task.task_id)
                else:
                    self._service.stop_task(task.task_id)
                return None
        return f"no task {number} is running"
