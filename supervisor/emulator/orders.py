"""What the world wants done by whoever runs its containers. Each order is given once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartTask:
    """Start every container of this task."""

    task_id: str


@dataclass(frozen=True, slots=True)
class RestartContainer:
    """Start this container again, which has ended; the task goes on around it."""

    task_id: str
    container: str


@dataclass(frozen=True, slots=True)
class KillTask:
    """Kill every container of this task: the capacity below it is gone."""

    task_id: str


@dataclass(frozen=True, slots=True)
class StopContainer:
    """Send the stop signal to this container; its stop timeout begins now."""

    task_id: str
    container: str


Order = StartTask | RestartContainer | StopContainer | KillTask
