"""The service as its operator sees it: scale, deploy, stop a task, lose one to Spot."""

from __future__ import annotations

from supervisor.emulator.agent import Agent
from supervisor.emulator.tasks import StopReason, Task


class Service:
    """Commands for the world behind an agent, safe from any thread. They take effect with the next tick."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    @property
    def tasks(self) -> tuple[Task, ...]:
        with self._agent.world_lock:
            return self._agent.world.tasks

    def scale(self, desired_count: int) -> None:
        with self._agent.world_lock:
            self._agent.world.scale(desired_count)

    def scale_by(self, difference: int) -> None:
        """The desired count does not fall below zero."""
        with self._agent.world_lock:
            self._agent.world.scale(max(0, self._agent.world.desired_count + difference))

    def deploy(self) -> bool:
        """Replace all tasks, protected ones when they are free; False when ECS would refuse."""
        with self._agent.world_lock:
            return self._agent.world.deploy()

    def add_task(self, *, standalone: bool = False) -> str:
        """Run one more task and answer its id."""
        with self._agent.world_lock:
            return self._agent.world.add_task(self._agent.now(), standalone=standalone)

    def stop_task(self, task_id: str) -> None:
        """Stop it as a person does; protection does not help."""
        self._stop(task_id, StopReason.USER)

    def spot(self, task_id: str) -> None:
        """Take its capacity away; protection does not help."""
        self._stop(task_id, StopReason.SPOT)

    def _stop(self, task_id: str, reason: StopReason) -> None:
        with self._agent.world_lock:
            self._agent.world.stop(task_id, reason, self._agent.now())
