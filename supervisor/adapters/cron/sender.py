"""Sends the runs that are due, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from supervisor.adapters.beanstalk.periodic import control_attributes
from supervisor.adapters.sqs.queue import Queue
from supervisor.adapters.sqs.trouble import Trouble
from supervisor.config.eb_cron.runs import next_run
from supervisor.config.eb_cron.tasks import Task
from supervisor.config.periodic_message import BODY, identity
from supervisor.core.effects import Level, Note, note
from supervisor.core.ticks import Run, Sending, begin, look, tried, wake_at

from .claims import Claims

# The wall clock may be set: nothing waits longer than this without looking at it again.
_LONGEST_WAIT_SECONDS = 30.0


class CronSender:
    """tell: hears of every run that was sent, and of trouble. wall: seconds since the epoch."""

    def __init__(
        self,
        tasks: Sequence[Task],
        queue: Queue,
        claims: Claims,
        wall: Callable[[], float],
        tell: Callable[[Note], None],
    ) -> None:
        self._tasks = {task.name: task for task in tasks}
        self._queue = queue
        self._claims = claims
        self._wall = wall
        self._tell = tell
        self._closed = Event()
        # Runs whose trouble was told: each is tried every few seconds.
        self._told: set[Run] = set()
        self._ticks = begin(self._tasks, wall(), self._next_after)

    def work(self) -> None:
        """Send what is due until closed."""
        while not self._closed.is_set():
            self.send_due()
            left = wake_at(self._ticks) - self._wall()
            self._closed.wait(max(0.0, min(left, _LONGEST_WAIT_SECONDS)))

    def send_due(self) -> None:
        """Try what is due now, once each."""
        due = look(self._ticks, self._wall(), self._next_after)
        self._ticks = due.ticks
        for run in due.late:
            self._tell(note("periodic.missed", Level.WARNING, task=run.task, scheduled_at=run.at))
        for run in due.runs:
            if self._closed.is_set():
                return
            outcome = self._try(run)
            if outcome is Sending.SENT:
                self._tell(note("periodic.sent", task=run.task, scheduled_at=run.at))
            self._ticks = tried(self._ticks, run, outcome, self._wall())
        self._told &= self._ticks.open.keys()

    def close(self) -> None:
        """Send nothing more. Waits for nothing."""
        self._closed.set()

    def _try(self, run: Run) -> Sending:
        claimed = self._claims.claim(run, self._wall())
        if isinstance(claimed, Sending):
            return claimed
        if claimed is not None:
            return self._failed(run, f"the table cannot be asked: {claimed.detail}")
        if (trouble := self._send(run)) is not None:
            return self._failed(run, f"{trouble.kind.value}: {trouble.detail}")
        if (unmarked := self._claims.mark(run)) is not None:
            so = "it was sent, and another task may send it once more"
            self._complain(run, f"{so}: the table cannot be written to: {unmarked.detail}")
        return Sending.SENT

    def _send(self, run: Run) -> Trouble | None:
        task = self._tasks[run.task]
        attributes = control_attributes(task.name, task.url, run.at)
        if not self._queue.is_fifo:
            return self._queue.send(BODY, attributes)
        # The same for every task, and another one for every run.
        group = identity(task.name)
        return self._queue.send(BODY, attributes, group=group, once=f"{group}-{run.at:.0f}")

    def _failed(self, run: Run, why: str) -> Sending:
        if run not in self._told:
            self._told.add(run)
            self._complain(run, why)
        return Sending.FAILED

    def _complain(self, run: Run, why: str) -> None:
        self._tell(note("periodic.failed", Level.WARNING, task=run.task, scheduled_at=run.at, why=why))

    def _next_after(self, task: str, after: float) -> float:
        return next_run(self._tasks[task].schedule, after)
