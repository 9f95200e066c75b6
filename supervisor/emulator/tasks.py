"""What a task is: its containers, its phase, its protection, and why it was stopped.

Values only. The world replaces them; the agent, the host and the report read them.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

# The stop timeout of a container that sets none: StopTask in the ECS API reference.
DEFAULT_STOP_TIMEOUT_SECONDS = 30.0

# How long a container must have run to be started again in place: ContainerRestartPolicy in the ECS API reference.
DEFAULT_ATTEMPT_PERIOD_SECONDS = 300.0


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
class RestartPolicy:
    """Start the container again in place, whatever its exit code, unless it is named here or ran too short a time.

    ECS takes an attempt period from 60 to 1800 seconds; rehearsals may have a shorter one.
    """

    ignored_exit_codes: frozenset[int] = frozenset()
    attempt_period: float = DEFAULT_ATTEMPT_PERIOD_SECONDS

    def applies(self, exit_code: int, ran_seconds: float) -> bool:
        return exit_code not in self.ignored_exit_codes and ran_seconds >= self.attempt_period


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """What the task definition says of one container."""

    name: str
    depends_on: tuple[str, ...] = ()
    essential: bool = True
    stop_timeout: float = DEFAULT_STOP_TIMEOUT_SECONDS
    stop_signal: signal.Signals = signal.SIGTERM
    restart: RestartPolicy | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """restarts: how often it was started again in place; its endpoint stays the same."""

    plan: ContainerPlan
    endpoint_id: str
    started_at: float
    restarts: int = 0
    signalled: bool = False
    exited: bool = False
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """pid_mode: "task" where all containers share one PID namespace."""

    task_id: str
    number: int
    deployment: int
    standalone: bool
    containers: tuple[Container, ...]
    started_at: float
    pid_mode: str | None = None
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

    def with_container(self, container: Container) -> Task:
        """The same task, with what became known of one container."""
        name = container.plan.name
        return replace(
            self,
            containers=tuple(container if each.plan.name == name else each for each in self.containers),
        )

    def stoppable_containers(self) -> tuple[Container, ...]:
        """Those to be signalled now: dependsOn is reversed for stopping, whatever its condition."""
        alive = [container for container in self.containers if not container.exited]
        awaited = {name for container in alive for name in container.plan.depends_on}
        return tuple(
            container for container in alive if not container.signalled and container.plan.name not in awaited
        )


def in_start_order(plans: Sequence[ContainerPlan]) -> tuple[ContainerPlan, ...]:
    """Sort containers so that each comes after those it depends on."""
    names = {plan.name for plan in plans}
    if not plans or len(names) != len(plans):
        raise ValueError("a task needs at least one container, and their names must differ")
    unknown = sorted({name for plan in plans for name in plan.depends_on} - names)
    if unknown:
        raise ValueError(f"depends_on names containers that do not exist: {', '.join(unknown)}")
    ordered: list[ContainerPlan] = []
    waiting = list(plans)
    while waiting:
        placed = {plan.name for plan in ordered}
        free = [plan for plan in waiting if placed.issuperset(plan.depends_on)]
        if not free:
            raise ValueError("depends_on runs in a circle")
        ordered += free
        waiting = [plan for plan in waiting if plan not in free]
    return tuple(ordered)
