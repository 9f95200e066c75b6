"""Looks at the task's metadata once a second: a second witness of a stop, for one who is signalled last or not at all.

On a stop order ECS first wants all containers stopped and only then signals the first of them, so where another container
depends on ours this is known long before our own signal. A task that cannot be read is no reason for anything but one line.

Whether we were started again in place is known here too. Work of before is known again when its hooks are; until then the task
counts as working, or an idle moment that is none would let it be stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from supervisor.adapters.ecs_metadata import TaskMetadata, TaskState
from supervisor.core.effects import Level, Note, note
from supervisor.core.events import Event, HolderDied, HoldReleased, HoldTaken, QuietRequested
from supervisor.core.names import HolderId, HoldId

# The agent answers 40 requests a second from each container; a worker has a second's worth of jobs to lose at most.
_LOOK_SECONDS = 1.0

# An agent that restarts is away for some seconds; only a longer silence is worth a word.
_SILENT_LOOKS = 10

BEGUN = "ECS has begun to stop this task"
_BEFORE = HolderId("before-restart")
_WORK_OF_BEFORE = HoldId(f"{_BEFORE}/work")
_NOBODY_LEFT = "every other container of the task has ended"


class TaskWatch:
    """worker: the container that does the work, where it is known by name; else only the task as a whole is looked at.

    strangers: holders whose end nobody would see, as they have no connection. reconnect_seconds: until every hook is back.
    """

    def __init__(
        self,
        metadata: TaskMetadata,
        worker: str | None,
        strangers: tuple[HolderId, ...],
        post: Callable[[Event], None],
        tell: Callable[[Note], None],
        reconnect_seconds: float,
    ) -> None:
        self._metadata = metadata
        self._worker = worker
        self._strangers = strangers
        self._post = post
        self._tell = tell
        self._closing = threading.Event()
        self._silent = 0
        self._looks = 0
        self._looks_until_all_are_back = reconnect_seconds / _LOOK_SECONDS
        self._is_waiting = False
        self._has_begun = False
        self._is_alone = False

    def work(self) -> None:
        """Look until `close`; meant for a thread of its own."""
        while not self._closing.is_set():
            self.look()
            self._closing.wait(_LOOK_SECONDS)

    def look(self) -> TaskState | None:
        """Look once, and pass on what is new."""
        state = self._metadata.read()
        if isinstance(state, str):
            self._silent += 1
            if self._silent == _SILENT_LOOKS:
                told = note(
                    "metadata.unavailable",
                    Level.WARNING,
                    why=state,
                    so="a stop is seen only when its signal comes",
                )
                self._tell(told)
            return None
        self._silent = 0
        self._look_for_work_of_before(state)
        self._look_for_stop(state)
        self._look_for_others(state)
        return state

    def close(self) -> None:
        """Stop looking. Waits for nothing."""
        self._closing.set()

    def _look_for_work_of_before(self, state: TaskState) -> None:
        self._looks += 1
        if state.is_restarted and self._looks == 1:
            self._post(HoldTaken(_WORK_OF_BEFORE, _BEFORE, "what was in flight before the restart"))
            self._is_waiting = True
        elif self._is_waiting and self._looks > self._looks_until_all_are_back:
            self._is_waiting = False
            self._post(HoldReleased(_WORK_OF_BEFORE))

    def _look_for_stop(self, state: TaskState) -> None:
        worker = state.others.get(self._worker or "")
        if self._has_begun or not (state.is_to_stop or (worker is not None and worker.is_to_stop)):
            return
        self._has_begun = True
        self._post(QuietRequested(BEGUN))

    def _look_for_others(self, state: TaskState) -> None:
        """End what nobody is left to end, and what would keep us until its time to live has passed."""
        was_alone = self._is_alone
        self._is_alone = bool(state.others) and all(each.has_stopped for each in state.others.values())
        if self._is_alone and not was_alone:
            for holder in (_BEFORE, *self._strangers):
                self._post(HolderDied(holder, _NOBODY_LEFT))
