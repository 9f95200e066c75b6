"""The part of ECS that decides: a service, its tasks, who is protected, and which containers must stop now.

Everything is told with the time in seconds as an argument, so the same world serves a test, a rehearsal and
a replay. The caller reports what happened and performs the orders `decide` returns. A wrong command of the
caller raises; a refusal that ECS would give is a value.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from supervisor.emulator.orders import KillTask, Order, RestartContainer, StartTask, StopContainer
from supervisor.emulator.tasks import (
    NOT_PROTECTED,
    Container,
    ContainerPlan,
    Protection,
    StopReason,
    Task,
    TaskPhase,
    in_start_order,
)

# UpdateTaskProtection in the ECS API reference: two hours by default, from one minute to two days.
DEFAULT_PROTECTION_MINUTES = 120
LEAST_PROTECTION_MINUTES = 1
MOST_PROTECTION_MINUTES = 2880

# A service with this many unfinished deployments refuses another one (aws/containers-roadmap issue 2836).
MOST_UNFINISHED_DEPLOYMENTS = 5

# Between the notice and the end of Spot capacity, stop timeouts or not ("Amazon ECS clusters for Fargate" in the guide).
SPOT_NOTICE_SECONDS = 120.0

# A worker that dies at once must not make the world start a process in every turn of the loop.
REPLACEMENT_DELAY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Refused:
    """A failure entry: ECS understood the request and declined it."""

    reason: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Invalid:
    """A request that ECS rejects as a whole."""

    message: str


class World:
    """One cluster with one service; tasks of no service may run beside it."""

    def __init__(
        self,
        *,
        desired_count: int = 0,
        maximum_percent: int = 200,
        containers: Sequence[ContainerPlan] = (ContainerPlan("worker"),),
        cluster: str = "emulated",
        service: str = "worker",
        pid_mode: str | None = None,
    ) -> None:
        if desired_count < 0:
            raise ValueError(f"desired_count must not be negative, got {desired_count}")
        # The minimum healthy percent is taken to be 100, so a deployment needs room above the desired count.
        if maximum_percent <= 100:
            raise ValueError(f"maximum_percent must be above 100, got {maximum_percent}")
        if pid_mode not in (None, "task"):
            raise ValueError(f"pid_mode must be None or 'task', got {pid_mode!r}")
        self.containers = in_start_order(containers)
        self.pid_mode = pid_mode
        self.cluster = cluster
        self.service = service
        self.desired_count = desired_count
        self.maximum_percent = maximum_percent
        self.deployment = 1
        self._tasks: dict[str, Task] = {}
        self._endpoints: dict[str, tuple[str, str]] = {}
        self._start_not_before = float("-inf")
        self._not_started: list[str] = []
        self._restarting: list[RestartContainer] = []
        self._on_spot_notice: list[str] = []

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Every task there ever was, oldest first."""
        return tuple(self._tasks.values())

    def task(self, task_id: str) -> Task:
        """Raises KeyError for a task that never was."""
        return self._tasks[task_id]

    def at_endpoint(self, endpoint_id: str) -> tuple[Task, Container] | None:
        """Whose endpoint this is; every container has its own."""
        found = self._endpoints.get(endpoint_id)
        if found is None:
            return None
        task = self._tasks[found[0]]
        return task, task.container(found[1])

    def arn(self, task_id: str) -> str:
        return f"arn:aws:ecs:eu-west-1:111122223333:task/{self.cluster}/{task_id}"

    def register(self, containers: Sequence[ContainerPlan]) -> None:
        """Take a new task definition, for every task that is started from now on."""
        self.containers = in_start_order(containers)

    def add_task(self, now: float, *, standalone: bool = False) -> str:
        """Run one more task: of the service, whose desired count rises by it, or of none (RunTask)."""
        if not standalone:
            self.desired_count += 1
        return self._new_task(now, standalone=standalone)

    def scale(self, desired_count: int) -> None:
        if desired_count < 0:
            raise ValueError(f"desired_count must not be negative, got {desired_count}")
        self.desired_count = desired_count

    def deploy(self) -> bool:
        """Begin a new deployment; False when ECS would refuse because too many are unfinished."""
        unfinished = {task.deployment for task in self._running_service_tasks()} | {self.deployment}
        if len(unfinished) >= MOST_UNFINISHED_DEPLOYMENTS:
            return False
        self.deployment += 1
        return True

    def stop(self, task_id: str, reason: StopReason, now: float) -> None:
        """Order a task to stop. Only the service scheduler asks for protection, in `decide`."""
        task = self._tasks[task_id]
        if task.phase is TaskPhase.RUNNING:
            self._tasks[task_id] = replace(
                task, phase=TaskPhase.STOPPING, stop_reason=reason, stop_ordered_at=now
            )
            if reason is StopReason.SPOT:
                self._on_spot_notice.append(task_id)

    def container_exited(self, task_id: str, name: str, exit_code: int, now: float) -> None:
        """Take note of a dead container: it is started again by its policy, or, if essential, takes its task along."""
        task = self._tasks[task_id]
        container = task.container(name)
        policy = container.plan.restart
        running = task.phase is TaskPhase.RUNNING
        if running and policy is not None and policy.applies(exit_code, now - container.started_at):
            again = replace(container, restarts=container.restarts + 1, started_at=now)
            self._tasks[task_id] = task.with_container(again)
            self._restarting.append(RestartContainer(task_id, name))
            return
        task = task.with_container(replace(container, exited=True, exit_code=exit_code))
        self._tasks[task_id] = task
        if running and container.plan.essential:
            self._start_not_before = now + REPLACEMENT_DELAY_SECONDS
            self.stop(task_id, StopReason.ESSENTIAL_CONTAINER_EXITED, now)
        task = self._tasks[task_id]
        if all(container.exited for container in task.containers):
            reason = task.stop_reason or StopReason.ESSENTIAL_CONTAINER_EXITED
            self._tasks[task_id] = replace(task, phase=TaskPhase.STOPPED, stop_reason=reason, stopped_at=now)

    def protection(self, task_id: str, now: float) -> Protection | Refused:
        """What GetTaskProtection would say; an expired protection is simply off, nobody is told."""
        if task_id not in self._tasks:
            return Refused("MISSING")
        # NB: that reading is refused too is assumed; the guide says so only of setting.
        if self._tasks[task_id].standalone:
            return Refused("TASK_NOT_VALID")
        return self._current_protection(task_id, now)

    def set_protection(
        self, task_id: str, enabled: bool, minutes: int | None, now: float
    ) -> Protection | Refused | Invalid:
        """What UpdateTaskProtection would do. A refused renewal leaves the old expiry as it was.

        AWS does not document the answer for a task that is already stopping; here it is that of a running
        one.
        """
        if minutes is not None and not LEAST_PROTECTION_MINUTES <= minutes <= MOST_PROTECTION_MINUTES:
            return Invalid(
                f"expiresInMinutes must be between {LEAST_PROTECTION_MINUTES} and {MOST_PROTECTION_MINUTES}"
            )
        current = self.protection(task_id, now)
        if isinstance(current, Refused):
            return current
        if not enabled:
            return self._record_protection(task_id, NOT_PROTECTED)
        others = sum(
            self.is_protected(task.task_id, now)
            for task in self._running_service_tasks()
            if task.task_id != task_id
        )
        if others + 1 > self.desired_count:
            return Refused("DEPLOYMENT_BLOCKED")
        lease_seconds = 60.0 * (DEFAULT_PROTECTION_MINUTES if minutes is None else minutes)
        return self._record_protection(task_id, Protection(True, now + lease_seconds))

    def shorten_protection(self, task_id: str, expires_at: float) -> Protection:
        """Make a protection end sooner than it was granted for."""
        current = self._tasks[task_id].protection
        if current.expires_at is None or expires_at >= current.expires_at:
            return current
        return self._record_protection(task_id, replace(current, expires_at=expires_at))

    def is_protected(self, task_id: str, now: float) -> bool:
        return self._current_protection(task_id, now).enabled

    def decide(self, now: float) -> tuple[Order, ...]:
        """Say what must be done now. Each order is given once; the caller performs all of them."""
        self._fill_up(now)
        self._thin_out(now)
        starts = [StartTask(task_id) for task_id in self._not_started]
        self._not_started.clear()
        # Before the stop signals, so that a stop which was ordered meanwhile finds somebody to signal.
        restarts, self._restarting = self._restarting, []
        return (*starts, *restarts, *self._signals_due(), *self._capacity_gone(now))

    def _fill_up(self, now: float) -> None:
        if now < self._start_not_before:
            return
        running = self._running_service_tasks()
        current = sum(task.deployment == self.deployment for task in running)
        ceiling = self.desired_count * self.maximum_percent // 100
        wanted = min(self.desired_count - current, ceiling - len(running))
        for _ in range(wanted):
            self._new_task(now, standalone=False)

    def _thin_out(self, now: float) -> None:
        """Stop what is too many, oldest first: never a protected task, never below the desired count."""
        running = self._running_service_tasks()
        current = [task for task in running if task.deployment == self.deployment]
        outdated = [task for task in running if task.deployment != self.deployment]
        for tasks, surplus, reason in (
            (outdated, len(running) - self.desired_count, StopReason.DEPLOYMENT),
            (current, len(current) - self.desired_count, StopReason.SCALE_IN),
        ):
            unprotected = [task for task in tasks if not self.is_protected(task.task_id, now)]
            for task in unprotected[: max(0, surplus)]:
                self.stop(task.task_id, reason, now)

    def _signals_due(self) -> list[Order]:
        orders: list[Order] = []
        for task in tuple(self._tasks.values()):
            if task.phase is not TaskPhase.STOPPING:
                continue
            for container in task.stoppable_containers():
                known = self._tasks[task.task_id]
                self._tasks[task.task_id] = known.with_container(replace(container, signalled=True))
                orders.append(StopContainer(task.task_id, container.plan.name))
        return orders

    def _capacity_gone(self, now: float) -> list[Order]:
        gone = [
            task_id
            for task_id in self._on_spot_notice
            if now >= (self._tasks[task_id].stop_ordered_at or 0.0) + SPOT_NOTICE_SECONDS
        ]
        self._on_spot_notice = [task_id for task_id in self._on_spot_notice if task_id not in gone]
        return [KillTask(task_id) for task_id in gone if self._tasks[task_id].phase is not TaskPhase.STOPPED]

    def _running_service_tasks(self) -> list[Task]:
        return [
            task for task in self._tasks.values() if task.phase is TaskPhase.RUNNING and not task.standalone
        ]

    def _current_protection(self, task_id: str, now: float) -> Protection:
        protection = self._tasks[task_id].protection
        lapsed = protection.expires_at is not None and protection.expires_at <= now
        return NOT_PROTECTED if lapsed else protection

    def _record_protection(self, task_id: str, protection: Protection) -> Protection:
        self._tasks[task_id] = replace(self._tasks[task_id], protection=protection)
        return protection

    def _new_task(self, now: float, *, standalone: bool) -> str:
        number = len(self._tasks) + 1
        # Derived, not random: a model that answers differently each time cannot be replayed.
        task_id = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.cluster}/{self.service}/{number}").hex
        containers = tuple(
            Container(plan, f"{task_id}-{order}", now) for order, plan in enumerate(self.containers, start=1)
        )
        self._tasks[task_id] = Task(
            task_id, number, self.deployment, standalone, containers, now, self.pid_mode
        )
        for container in containers:
            self._endpoints[container.endpoint_id] = (task_id, container.plan.name)
        self._not_started.append(task_id)
        return task_id
