"""What is known of a run when it is over: from the queues, the apps, the daemons' logs, and whoever made things go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from tests.sqs.history import Moment


@dataclass(frozen=True, slots=True)
class Sent:
    """group: of a FIFO queue, else None; within one, messages were sent in the order in which they stand in the evidence."""

    message: str
    queue: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One request as the app saw it. ended_at, status: None where the app ended first; gone_at: when the app did, None while it lives."""

    message: str
    task: str
    began_at: float
    ended_at: float | None = None
    status: int | None = None
    gone_at: float | None = None

    @property
    def is_done(self) -> bool:
        return self.status == 200

    @property
    def over_at(self) -> float:
        """When it was at work no more."""
        known = self.gone_at if self.ended_at is None else self.ended_at
        return float("inf") if known is None else known


class What(Enum):
    """What a conductor does to a task, or sees of it."""

    STARTED = "started"
    STOPPED = "stop signal"
    KILLED = "SIGKILL of the daemon"
    FROZEN = "daemon frozen"
    APP_KILLED = "SIGKILL of the app"
    EXITED = "daemon exited"


@dataclass(frozen=True, slots=True)
class Blow:
    """detail: an exit status and the like."""

    at: float
    task: str
    what: What
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a daemon's log. messages: those that it names. at: as the daemon wrote it."""

    task: str
    event: str
    at: str
    messages: frozenset[str]
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """sent: in the order of sending. left: messages still in a queue. strange: what no daemon may say."""

    sent: tuple[Sent, ...]
    jobs: tuple[Job, ...]
    moments: tuple[Moment, ...]
    blows: tuple[Blow, ...]
    lines: tuple[Line, ...]
    left: frozenset[str]
    strange: tuple[str, ...] = ()


def read_jobs(records: Iterable[Mapping[str, Any]], gone: Mapping[int, float]) -> tuple[Job, ...]:
    """Return the jobs in what the apps have recorded. gone: when an app ended, by its pid."""
    jobs: dict[str, Job] = {}
    for record in records:
        if record["what"] == "begin":
            job = Job(record["message"], record["task"], record["at"], gone_at=gone.get(record["pid"]))
            jobs[record["run"]] = job
        elif record["what"] == "end":
            run = record["run"]
            jobs[run] = replace(jobs[run], ended_at=record["at"], status=record["status"])
    return tuple(sorted(jobs.values(), key=lambda job: job.began_at))


def read_line(task: str, note: Mapping[str, Any], text: str) -> Line:
    """Return a line of a log; it names a message as `message`, or several as `messages` or `work`, with more behind each."""
    several = (*note.get("messages", ()), *note.get("work", ()))
    named = [note["message"]] if "message" in note else [str(each).partition(" ")[0] for each in several]
    return Line(task, str(note["event"]), str(note["time"]), frozenset(named), text)
