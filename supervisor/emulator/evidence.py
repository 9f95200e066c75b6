"""What a rehearsal leaves behind: records of jobs by the workers, of containers by the host."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from supervisor.emulator.tasks import StopReason


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One line a worker wrote: a job started, ended, or something else happened to it."""

    at: float
    job: str
    what: str
    task: str
    pid: int


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """One container's life. Instants are those of the world; None means that it has not happened.

    The exit code is that of a container: 128 and the number for a signal. `killed` says that the stop timeout
    passed and the whole container got SIGKILL.
    """

    task_id: str
    task_number: int
    container: str
    pid: int
    started_at: float
    stop_timeout: float
    stop_reason: StopReason | None = None
    signalled_at: float | None = None
    exited_at: float | None = None
    exit_code: int | None = None
    killed: bool = False


def read_jobs(text: str) -> tuple[JobRecord, ...]:
    """Read JSON lines. A line cut short is left out: its writer was killed while writing it."""
    return tuple(record for line in text.splitlines() if (record := _job(line)) is not None)


def jobs_of(texts: Iterable[str]) -> tuple[JobRecord, ...]:
    """The records of several workers, in the order of their instants."""
    return tuple(sorted((record for text in texts for record in read_jobs(text)), key=lambda each: each.at))


def _job(line: str) -> JobRecord | None:
    try:
        content = json.loads(line)
        return JobRecord(
            at=float(content["t"]),
            job=str(content["job"]),
            what=str(content["what"]),
            task=str(content["task"]),
            pid=int(content["pid"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
