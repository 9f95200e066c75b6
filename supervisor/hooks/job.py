"""What a job says and may ask: that it runs, whether a stop has begun, how long it has, what to fetch.

    with job("send_mail") as j:                  @job("send_mail")
        for page in pages:                       def send_mail(to): ...
            if j.stopping:
                return save(page)                while gate.wait_open():
                                                     work_on(fetch())
    async with job("send_mail") as j: ...

Nothing here fails a job or keeps it waiting, with or without a supervisor, but for one thing that is asked
for: under `protect before-start` a beginning waits for the supervisor's answer, at most
ECS_SUPERVISOR_HOLD_WAIT seconds. Without an answer in that time the job runs. A refusal (the policy is
closed, or the task is being stopped) cannot keep the body of a `with` from running and raises nothing: look
at `refused`, and hand the job back. A decorated function without `on_refused` runs all the same, because to
its framework a job that was skipped looks like one that was done. Better than a refusal is not to have
fetched: ask the gate, or hold before the fetch, which leaves no gap between the two but holds while the queue
is empty.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, overload

from ._client import Client, client

P = ParamSpec("P")
R = TypeVar("R")

# A loop may call progress() as often as it likes: the supervisor hears of it so often, or three times in a
# ttl.
PROGRESS_SECONDS = 1.0

FOREVER = float("inf")


class Job:
    """Work in flight from begin to end. Every entry is a hold of its own, also one inside another.

    about: what people read. ttl: seconds without progress() after which the hold ends by itself, for work
    that may hang. on_refused: called instead of a decorated function that is refused, with its arguments, for
    its result. A hold whose end was missed (a time limit thrown into the very end, a generator that nobody
    finished) ends with this object, at the latest with the process.
    """

    __slots__ = ("__weakref__", "_about", "_on_refused", "_open", "_progress_at", "_ttl", "why")

    def __init__(
        self, about: str = "", *, ttl: float | None = None, on_refused: Callable[..., Any] | None = None
    ) -> None:
        self._open: list[tuple[Client, int]] = []
        self._about = about if type(about) is str else str(about)
        self._ttl = ttl if isinstance(ttl, (int, float)) else None
        self._on_refused = on_refused
        self._progress_at = 0.0
        self.why: str | None = None

    def begin(self) -> Job:
        """Begin without `with`, for frameworks that call back. Keep the object until the end."""
        self.why = None
        here = client()
        number = here.begin(self, self._about, self._ttl)
        if number:
            self._open.append((here, number))
            if here.hold_wait and here.asked(number):
                self._wait(here, number)
        return self

    def end(self) -> None:
        """End what was begun last; once too often does nothing."""
        if self._open:
            here, number = self._open[-1]
            here.release(number)
            self._open.pop()

    def rename(self, about: str) -> None:
        """Call the hold something else, once more is known."""
        self._about = about
        for here, number in self._open[-1:]:
            here.rename(number, about, self._ttl)

    @property
    def refused(self) -> bool:
        """Whether the supervisor said not to begin; `why` says why not."""
        return self.why is not None

    @property
    def stopping(self) -> bool:
        """Whether the task is on its way out: finish soon, or save and hand back."""
        return stopping()

    @property
    def seconds_left(self) -> float | None:
        """Seconds until work in flight will be interrupted; None while nothing is planned."""
        return seconds_left()

    @property
    def protected(self) -> bool:
        """Whether the task's scale-in protection is confirmed."""
        return client().look().protected

    def wait_stopping(self, timeout: float) -> bool:
        """Sleep, but no longer than until a stop begins; whether one has begun."""
        return wait_stopping(timeout)

    async def wait_stopping_async(self, timeout: float) -> bool:
        """Sleep like wait_stopping, without stopping the event loop (asyncio's)."""
        return await wait_stopping_async(timeout)

    def progress(self) -> None:
        """Say that the work still moves: its ttl counts from now."""
        now = time.monotonic()
        if now >= self._progress_at:
            self._progress_at = now + min(PROGRESS_SECONDS, (self._ttl or 3 * PROGRESS_SECONDS) / 3)
            for here, number in self._open[-1:]:
                here.refresh(number, self._ttl)

    __enter__ = begin

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.end()

    async def __aenter__(self) -> Job:
        # As `begin` does: a call that both made would be paid by every job.
        self.why = None
        here = client()
        number = here.begin(self, self._about, self._ttl)
        if number:
            self._open.append((here, number))
            if here.hold_wait and here.asked(number):
                await self._wait_async(here, number)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.end()

    def __call__(self, work: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function, a coroutine function or a generator function: every call is a job."""
        # Needs the inspect module, 10 ms that a plain `with` does not have to pay.
        from ._decorator import decorate

        about = self._about or getattr(work, "__qualname__", "")
        return decorate(work, lambda: Job(about, ttl=self._ttl), self._on_refused)

    def _wait(self, here: Client, number: int) -> None:
        """Wait for the answer about this hold."""
        try:
            here.waiting.wait(lambda: here.answered(number), here.hold_wait)
        except BaseException:
            self.end()
            raise
        self.why = here.take_answer(number, self._about, self._ttl)

    async def _wait_async(self, here: Client, number: int) -> None:
        try:
            # RuntimeError: another library's event loop. There is nothing to wait with, so the job goes on.
            with contextlib.suppress(RuntimeError):
                await here.waiting.wait_async(lambda: here.answered(number), here.hold_wait)
        except BaseException:
            self.end()
            raise
        self.why = here.take_answer(number, self._about, self._ttl)


@overload
def job(about: Callable[P, R]) -> Callable[P, R]: ...
@overload
def job(
    about: str = "", *, ttl: float | None = None, on_refused: Callable[..., Any] | None = None
) -> Job: ...
def job(
    about: str | Callable[P, R] = "",
    *,
    ttl: float | None = None,
    on_refused: Callable[..., Any] | None = None,
) -> Job | Callable[P, R]:
    """Make a Job for `with`, `async with`, or as a decorator (there also without parentheses)."""
    if callable(about):
        return Job()(about)
    return Job(about, ttl=ttl, on_refused=on_refused)


def stopping() -> bool:
    """Whether the task is on its way out."""
    return client().look().stopping


def seconds_left() -> float | None:
    """Seconds until work in flight will be interrupted; None while nothing is planned."""
    return client().look().seconds_left


def wait_stopping(timeout: float) -> bool:
    """Sleep, but no longer than until a stop begins; whether one has begun."""
    return client().waiting.wait(stopping, timeout)


async def wait_stopping_async(timeout: float) -> bool:
    """Sleep like wait_stopping, without stopping the event loop (asyncio's)."""
    return await client().waiting.wait_async(stopping, timeout)


class Gate:
    """Whether to fetch another job. Open where there is no supervisor, or none that speaks.

    A thread that was told to fetch is taken at its word: until it asks again, or ends, a stop waits for it as for a
    job, so that what the fetch brings is not lost between the queue and the job's begin. An event loop's tasks share
    their thread and cannot be told apart by it; for them that moment remains.
    """

    __slots__ = ("_claims",)

    def __init__(self) -> None:
        self._claims = threading.local()

    def open(self) -> bool:
        """Say whether to fetch now. A process's first call gives the supervisor half a second to speak."""
        here = client()
        if not here.spoken() and (timeout := here.first_word_timeout()) > 0:
            here.waiting.wait(here.spoken, timeout)
        return self._admit()

    def wait_open(self, timeout: float = FOREVER) -> bool:
        """Wait until the gate is open, as long as it takes. False when a stop has begun, and after the timeout."""
        if self.open():
            return True
        deadline = time.monotonic() + timeout
        while client().waiting.wait(self._is_decided, deadline - time.monotonic()):
            if self._admit():
                return True
            # It opened and shut again before we were awake.
            if stopping():
                return False
        return self._admit()

    async def wait_open_async(self, timeout: float = FOREVER) -> bool:
        """Wait like wait_open, without stopping the event loop (asyncio's)."""
        here = client()
        if not here.spoken():
            await here.waiting.wait_async(here.spoken, here.first_word_timeout())
        deadline = time.monotonic() + timeout
        while await here.waiting.wait_async(self._is_decided, deadline - time.monotonic()):
            if self._is_open() or stopping():
                break
        return self._is_open()

    def _is_open(self) -> bool:
        state = client().look()
        return state.accepting and not state.stopping

    def _is_decided(self) -> bool:
        return self._is_open() or stopping()

    def _admit(self) -> bool:
        """Say whether to fetch, and let the supervisor know what this thread does then."""
        is_open, here = self._is_open(), client()
        claim: _Claim | None = getattr(self._claims, "held", None)
        # One of a parent's is not ours to end.
        claim = claim if claim is not None and claim.client is here else None
        if is_open and claim is None and not _in_event_loop():
            claim = _Claim(here)
            claim.number = here.enter(claim)
            if claim.number:
                here.fetch(claim.number)
            # Asked again: had the gate shut in between, the supervisor might not have waited for us.
            is_open = self._is_open()
        if claim is not None and not is_open:
            here.release(claim.number)
            claim = None
        self._claims.held = claim
        return is_open


class _Claim:
    """A thread's word that it looks for work; it ends with the thread, which alone keeps it."""

    __slots__ = ("__weakref__", "client", "number")

    def __init__(self, client: Client) -> None:
        self.client = client
        self.number = 0


def _in_event_loop() -> bool:
    # Where nobody has imported asyncio, no loop of its runs.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


gate = Gate()
