"""The gate of one taskiq receiver and the holds of its tasks; the rules are in taskiq.py.

What it does with taskiq's objects it does by their names: taskiq is not imported here.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
from contextvars import ContextVar
from typing import Any

from . import _attach
from ._client import client
from ._keeper import Keeper
from ._limits import stop_limit
from ._parent import Parent
from ._taskiq_broker import advice, hand_back, hand_back_read_ahead, remember_ids
from .job import Job

# From its own limit to the exit: the main process looks once a second, and the broker is closed.
MARGIN_SECONDS = 3.0
# How long an event loop waits at the gate before it looks again.
GATE_SECONDS = 0.25
# For moving what was read ahead, with a broker that may hang; a part that was moved stays moved.
HAND_BACK_SECONDS = 2.0

# In the task of a message: what is known of it.
in_hand: ContextVar[Delivery | None] = ContextVar("in_hand", default=None)


class Delivery:
    """A message on its way through the receiver, and its hold."""

    __slots__ = ("attached", "job", "message")

    def __init__(self, attached: Receiver, message: Any) -> None:
        self.attached = attached
        self.message = message
        self.job: Job | None = None


class Receiver:
    """A receiver that listens, with its gate."""

    def __init__(self, receiver: Any, finish_event: Any, not_begun: type[BaseException]) -> None:
        self._receiver = receiver
        self._broker = receiver.broker
        self._loop = asyncio.get_running_loop()
        self._finish_event = finish_event
        self._keeper = Keeper(shut=self._shut, open=lambda: None)
        self._is_ticking = False
        self._has_our_limit = False
        self._parent = Parent("taskiq", self._leave)
        self._listen = receiver.broker.listen
        self._executor = receiver.executor
        self._not_begun = not_begun
        self.ids = remember_ids(receiver.broker)

    def start(self, version: str) -> None:
        """Introduce this process and gate its fetches."""
        here = client()
        name = multiprocessing.current_process().name
        here.introduce(f"taskiq {name} {os.getpid()}", "taskiq", version, gated=True)
        self._advise()
        self._keeper.start()
        self._parent.watch()
        if name.endswith("-0"):
            self._parent.end_with_supervisor()
        self._has_our_limit = getattr(self._receiver, "wait_tasks_timeout", 0) is None
        if self._has_our_limit:
            self._receiver.wait_tasks_timeout = stop_limit(MARGIN_SECONDS)
        self._broker.listen = self._gated_listen
        if self._executor is not None and not getattr(self._receiver, "is_process_pool", False):
            self._receiver.executor = GatedExecutor(self._executor, self)

    def restore(self) -> None:
        """Leave the broker and the receiver as they were, for whoever listens next."""
        self._broker.__dict__.pop("listen", None)
        self._receiver.executor = self._executor

    def is_shut(self) -> bool:
        """Whether no task may begin."""
        return self._parent.is_dead or self._keeper.wanted_shut

    async def hand_back(self, message: Any) -> bool:
        """Return a message to the broker; False where it could not be understood, so that taskiq deals with it."""
        if not await hand_back(self._broker, message):
            return False
        self.ids.done(message)
        if not self.is_shut():
            # Refused: whoever fetches it again at once will be refused again.
            await asyncio.sleep(GATE_SECONDS)
        return True

    def begin_in_thread(self, work: Any, *args: Any) -> Any:
        """Run what has waited for a thread, unless the gate has shut meanwhile."""
        if self.is_shut():
            raise self._not_begun
        return work(*args)

    async def _gated_listen(self) -> Any:
        """Yield what the broker's own `listen` yields, and ask it for nothing while the gate is shut."""
        here = client()
        if not here.spoken():
            await here.waiting.wait_async(here.spoken, max(here.first_word_timeout(), here.hold_wait, 0.0))
        messages = self._listen()
        try:
            # The receiver cancels what waits here, but asyncio (before Python 3.12) and redis-py may swallow that.
            while not self._finish_event.is_set():
                if self.is_shut():
                    await self._hand_back_read_ahead()
                    await here.waiting.wait_async(lambda: not self.is_shut(), GATE_SECONDS)
                    continue
                try:
                    message = await anext(messages)
                except StopAsyncIteration:
                    return
                if not self.ids.was_sent_again(message):
                    yield message
        finally:
            self._lift_limit()
            # Whoever ends without having been quiet leaves nothing behind either.
            await messages.aclose()
            await self._hand_back_read_ahead()

    async def _hand_back_read_ahead(self) -> None:
        try:
            await asyncio.wait_for(hand_back_read_ahead(self._broker, self.ids), HAND_BACK_SECONDS)
        except Exception as error:  # noqa: BLE001 - the broker's, of whatever kind: tried again in a moment
            _attach.warn(
                f"what was read ahead could not be handed back yet ({type(error).__name__}: {error})"
            )

    def _shut(self) -> bool:
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nothing listens any more
            self._loop.call_soon_threadsafe(self._tick, False)
        return True

    def _tick(self, again: bool) -> None:
        """Let the loop look around while the gate is shut, for rule 9."""
        if again or not self._is_ticking:
            self._is_ticking = self.is_shut()
            # Before taskiq 0.13 the tasks are waited for while `listen` still runs.
            self._lift_limit()
            if self._is_ticking:
                self._loop.call_later(GATE_SECONDS, self._tick, True)

    def _lift_limit(self) -> None:
        """Have running tasks waited for without end where nobody would kill them any more."""
        if self._has_our_limit and client().supervisor_is_dead():
            self._receiver.wait_tasks_timeout = None

    def _leave(self) -> None:
        self._loop.call_soon_threadsafe(self._finish_event.set)

    @_attach.guard
    def _advise(self) -> None:
        for setting, why, fix in advice(self._broker, self.ids):
            client().advise(setting, why, fix)


class GatedExecutor:
    """A thread pool whose threads ask the gate before they begin."""

    def __init__(self, executor: Any, attached: Receiver) -> None:
        self._executor = executor
        self._attached = attached

    def submit(self, work: Any, *args: Any) -> Any:
        # Only what the receiver submits for a task; a task of ours that has begun may use the pool as it likes.
        if in_hand.get() is None:
            return self._executor.submit(work, *args)
        return self._executor.submit(self._attached.begin_in_thread, work, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executor, name)
