"""What the harness has to know of one framework in one set-up; frameworks/ has an object of this shape for each."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

APPS = Path(__file__).parent / "apps"

# What `Configuration.broker` may be.
REDIS, RABBITMQ, NONE = "redis", "rabbitmq", "none"


@dataclass(frozen=True, slots=True)
class Job:
    """A job of the sample app: it records its start, takes so many seconds, and records its end. name: never twice."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a configuration runs. It has a broker of its own, empty at the beginning.

    broker: its URL, "" for none. records: where the apps write. folder: a temporary one. library: a folder with nothing
    but our recorder.py, for the path of Python apps. tasks: the numbers of the tasks that a load balancer would send to.
    """

    broker: str
    records: Path
    folder: Path
    library: Path
    tasks: Callable[[], Sequence[int]] = tuple

    @property
    def queue(self) -> str:
        """A name of this run alone, for brokers that serve all tests of a session."""
        return f"jobs-{self.folder.name}"

    def python_path(self, *folders: Path) -> str:
        """Return a PYTHONPATH with these folders and the recorder, and nothing of the supervisor."""
        return ":".join(map(str, (*folders, self.library)))

    def program(self, name: str) -> str:
        """Return a script that was installed beside this interpreter (`celery`), or the machine's (`sidekiq`)."""
        beside = Path(sys.executable).parent / name
        if beside.exists():
            return str(beside)
        found = shutil.which(name)
        if found is None:
            raise RuntimeError(f"there is no `{name}` beside {sys.executable} or on the PATH; install it")
        return found


class Configuration(Protocol):
    """A framework in one set-up. All members are asked for anew in every run; none may keep state between two.

    name: its line in the table, `celery-prefork-redis`. broker: REDIS, RABBITMQ or NONE. app: the folder of the sample
    app, which is the working directory of the command. slots: how many jobs one task runs at a time. One whose worker does
    not introduce a hook although it has a broker says so with a further member, `attaches = False`; one whose jobs are held
    although it has no broker with `holds = True`. `definition`: a folder of task-definitions/ whose sidecar is the supervisor.
    `long_seconds`: the least and the most that its long jobs take.
    """

    @property
    def name(self) -> str: ...
    @property
    def broker(self) -> str: ...
    @property
    def app(self) -> Path: ...
    @property
    def slots(self) -> int: ...

    def command(self, setting: Setting) -> Sequence[str]:
        """Return what a user would write into the Dockerfile; `run --` is put before it, and nothing else."""

    def environ(self, setting: Setting) -> Mapping[str, str]:
        """Return what the app needs beside $RECORDS: the broker's URL, PYTHONPATH."""

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        """Put these jobs into the queue, by the framework's own client. Called from one thread, many times."""

    def waiting(self, setting: Setting) -> int:
        """Return how many jobs stand in the queue and could be begun at once. Cheap, and changes nothing."""

    def left(self, setting: Setting) -> Mapping[str, str]:
        """Return which jobs did not end but will run again by themselves: name -> the place where they are.

        Called once, when no task runs any more; it may empty the queue. `queue` is the one place from which they run at
        once; others say how they come back: `unacked, back after the visibility timeout`.
        """


class Attachable(Configuration, Protocol):
    """One that has a hook. gates: how many of its processes have a gate. stop_signal: what its stop sequence ends it with."""

    @property
    def gates(self) -> int: ...
    @property
    def stop_signal(self) -> int: ...


class InPython(Attachable, Protocol):
    """One whose sample app has `notice` and `command`."""

    def enqueue_call(self, setting: Setting, function: str, name: str) -> None:
        """Put one call of this function of the sample app into the queue."""


class InAnotherLanguage(Attachable, Protocol):
    """One whose sample app has other kinds of jobs: `fails`, `calculates`, `asksHowLong`, `pages`, `commands`."""

    def enqueue(self, setting: Setting, jobs: Sequence[Job], kind: str = "sample") -> None:
        """Put jobs of this kind into the queue."""
