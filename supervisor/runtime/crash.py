"""Ends the task in order after a defect of ours: the worker is still asked to stop, and has the time it was promised.

Deliberately plain: it uses neither the engine nor the loop, because one of them has just failed. If the supervisor
simply died, a worker below PID 1 would be killed with it at once, and any other would run on with nobody to stop it.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable, Iterator

from supervisor.core.events import WorkerExited
from supervisor.core.instants import Instant
from supervisor.core.names import SignalName, WorkerName
from supervisor.ports import Clock, Workers

from .loop import TakesSignals

# Says whether there is still a worker, and does nothing to one that runs.
_PROBE = SignalName("CONT")


def stop_without_engine(
    workers: Workers,
    worker: WorkerName,
    stop_signal: SignalName | None,
    stop_by: Instant,
    kill_seconds: float,
    signals: TakesSignals,
    clock: Clock,
) -> None:
    """Ask the worker to exit, wait for it until `stop_by`, then kill all that is left.

    stop_signal: None where it has been sent already. kill_seconds: what the killing may take.
    """
    there = workers.stop(worker, stop_signal or _PROBE)
    for left in _seconds_until(stop_by, clock):
        if not there:
            break
        # Children first: the worker may have ended before we came here.
        if any(isinstance(event, WorkerExited) for event in workers.reap()):
            break
        select.select((signals.fileno(),), (), (), left)
        signals.take()
    workers.sweep(kill_seconds)


def report(error: BaseException, journal: Iterable[str], say: Callable[[str], None]) -> None:
    """Say what is needed to find the defect; whatever fails in doing so is less important than the worker."""
    try:
        say(
            f"{traced(error)}a defect of ecs-supervisor: the worker is being stopped in order; please report it\n"
        )
        say("".join(f"{line}\n" for line in journal))
    except Exception as another:  # noqa: BLE001 - see above
        say(f"the report failed as well: {another!r}\n")


def traced(error: BaseException) -> str:
    """Return an exception with its traceback."""
    # It brings half a megabyte of other modules, and is needed only for a defect.
    import traceback

    return "".join(traceback.format_exception(error))


def _seconds_until(deadline: Instant, clock: Clock) -> Iterator[float]:
    while (left := deadline - clock.now()) > 0:
        yield left
