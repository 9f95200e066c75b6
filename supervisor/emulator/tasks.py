"""What a task is: its containers, its phase, its protection, and why it was stopped.

Values only. The world replaces them; the agent, the host and the report read them.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace
from enum import Enum

# The stop timeout of a container that sets none: StopTask in the ECS API reference.
DEFAULT_STOP_TIMEOUT_SECONDS = 30.0


class TaskPhase(Enum):
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


class StopReason(Enum):
    """Why a task was stopped. A container is never told; only DescribeTasks and EventBridge know."""

    SCALE_IN = "scale-in"
    DEPLOYMENT = "deployment"
    USER = "stop-task"
    SPOT = "spot"
    ESSENTIAL_CONTAINER_EXITED = "essential container exited"

    @property
    def stop_code(self) -> str:
        """The name the ECS API has for it."""
        match self:
            case StopReason.SCALE_IN | StopReason.DEPLOYMENT:
                return "ServiceSchedulerInitiated"
            case StopReason.USER:
                return "UserInitiated"
            case StopReason.SPOT:
                return "SpotInterruption"
            case StopReason.ESSENTIAL_CONTAINER_EXITED:
                return "EssentialContainerExited"


@dataclass(frozen=True, slots=True)
class Protection:
    enabled: bool
    expires_at: float | None


NOT_PROTECTED = Protection(False, None)


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """What the task definition says of one container."""

    name: str
    depends_on: tuple[str, ...] = ()
    essential: bool = True
    stop_timeout: float = DEFAULT_STOP_TIMEOUT_SECONDS
    stop_signal: signal.Signals = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Container:
    plan: ContainerPlan
    endpoint_id: str
    signalled: bool = False
    exited: bool = False
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    task_id: str
    number: int
    deployment: int
    standalone: bool
    containers: tuple[Container, ...]
    started_at: float
    phase: TaskPhase = TaskPhase.RUNNING
    protection: Protection = NOT_PROTECTED
    stop_reason: StopReason | None = None
    stop_ordered_at: float | None = None
    stopped_at: float | None = None

    def container(self, name: str) -> Container:
        """Raises KeyError for a name the task does not have."""
        for container in self.containers:
            if container.plan.name == name:
                return container
        raise KeyError(name)

    def with_container(
        self,
        name: str,
        *,
        signalled: bool | None = None,
        exited: bool | None = None,
        exit_code: int | None = None,
    ) -> Task:
        """The same task, with what became known of one container."""
        old = self.container(name)
        new = replace(
            old,
            signalled=old.signalled if signalled is None else signalled,
            exited=old.exited if exited is None else exited,
            exit_code=old.exit_code if exit_code is None else exit_code,
        )
        return replace(self, containers=tuple(new if each is old else each for each in self.containers))

    def stoppable_containers(self) -> tuple[Container, ...]:
        """Those to be signalled now: dependsOn is reversed for stopping, whatever its condition."""
        alive = [container for container in self.containers if not container.exited]
        awaited = {name for container in alive for name in container.plan.depends_on}
        return tuple(
            container for container in alive if not container.signalled and container.plan.name not in awaited
        )
