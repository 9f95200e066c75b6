"""Everything that can be wrong with the agent, and the story of a task that meets it whenever it asks for something.

The story: a job ends in trouble, one begins in trouble, and a stop comes in trouble. It is told once for each trouble and
answers with what was measured; the tests say what that should be.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import DELAYS, ERRORS, FAILURES, Fault
from supervisor.emulator.world import World
from tests.rehearsals.stage import CONVERGENCE_SECONDS, Task, task
from tests.waiting import until

# Shorter than a call that hangs, so that a stop which waited for one would be late.
STOP_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """begin, end: what happens to the agent. met: how often the task has come up against it so far."""

    name: str
    begin: Callable[[Agent], None]
    end: Callable[[Agent], None]
    met: Callable[[Task], int]
    # How long one call lasts, to tell the long stories first.
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """waits: seconds that a beginning or an end of a job took. released, acquired: seconds after the agent healed, None
    if never. protects: how often protection was asked for from the beginning of the job in trouble on.
    """

    waits: tuple[float, ...]
    released: float | None
    acquired: float | None
    protects: int
    stop_seconds: float
    status: int
    handed_back: bool
    names: tuple[str, ...]


def troubles() -> tuple[Trouble, ...]:
    """Return every fault of the emulated agent, and its absence and its restart, the longest first."""
    found = [_fault(fault) for fault in Fault if fault is not Fault.NONE]
    found += [_AWAY, _RESTART]
    return tuple(sorted(found, key=lambda trouble: -trouble.seconds))


def tell_story(trouble: Trouble) -> Outcome:
    options = ("--release-delay", "0", "--release-window", "1", "--stop-timeout", f"{STOP_TIMEOUT_SECONDS:g}")
    with Agent(World()) as agent, task(agent, *options) as told:
        told.until_ready()
        waits = [told.tell("begin", "healthy")["took"]]
        told.until_protected()

        met = _meet(told, trouble)
        waits.append(told.tell("end", "healthy")["took"])
        met("the release")
        trouble.end(agent)
        released = _seconds_until(lambda: not told.is_protected)

        # Only what the agent refused since it was last of use is told in the log, where the absent one is looked for.
        waits.append(told.tell("begin", "healthy")["took"])
        told.until_protected()
        waits.append(told.tell("end", "healthy")["took"])
        told.until_protected(False)

        met = _meet(told, trouble)
        asked_before = told.orders().count("protect")
        waits.append(told.tell("begin", "troubled")["took"])
        met("the request")
        trouble.end(agent)
        acquired = None
        if trouble.name not in REFUSED_FOR_GOOD:
            acquired = _seconds_until(lambda: told.is_protected)

        trouble.begin(agent)
        waits.append(told.tell("end", "troubled")["took"])
        waits.append(told.tell("begin", "last")["took"])
        asked_at = time.monotonic()
        told.run.send(signal.SIGTERM)
        status = told.run.status(limit=30)
        stop_seconds = time.monotonic() - asked_at
        trouble.end(agent)
        return Outcome(
            tuple(waits),
            released,
            acquired,
            told.orders().count("protect") - asked_before,
            stop_seconds,
            status,
            bool(told.said("handing_back", "last")),
            tuple(told.run.names()),
        )


# What ECS says of the task itself does not pass with the trouble: a task of no service is never asked for again, and one
# whose role may not do it every five minutes.
REFUSED_FOR_GOOD = (Fault.TASK_NOT_VALID.value, Fault.IAM_DENIED.value)


def _meet(told: Task, trouble: Trouble) -> Callable[[str], None]:
    """Begin the trouble; return a function that waits until something has come up against it."""
    before = trouble.met(told)
    trouble.begin(told.agent)
    return lambda what: told.run.until(
        lambda: trouble.met(told) > before, f"{what} meets {trouble.name}", limit=20
    )


def _seconds_until(predicate: Callable[[], bool]) -> float | None:
    began_at = time.monotonic()
    try:
        until(predicate, limit=CONVERGENCE_SECONDS, why="")
    except AssertionError:
        return None
    return time.monotonic() - began_at


def _fault(fault: Fault) -> Trouble:
    # Nobody can see through an agent that lies when it is looked at; that it does so when it is told is found out.
    method = "PUT" if fault is Fault.WRONG_STATE else None
    delays = [table[fault].seconds for table in (FAILURES, ERRORS, DELAYS) if fault in table]

    def met(told: Task) -> int:
        return told.agent.in_flight(told.task_id) + sum(call.fault is fault for call in told.calls)

    return Trouble(
        fault.value,
        lambda agent: agent.faults.always(fault, method=method),
        lambda agent: agent.faults.clear(),
        met,
        seconds=100.0 if fault is Fault.HANG else max(delays, default=0.0),
    )


def _restart(agent: Agent) -> None:
    """The agent goes away with calls under way, and comes back."""
    agent.stop()
    agent.faults.clear()
    agent.start()


_AWAY = Trouble(
    "agent away",
    lambda agent: agent.stop(),
    lambda agent: agent.start(),
    # A connection that is refused leaves no trace at the agent.
    lambda told: told.run.names().count("protection.refused"),
    seconds=0.0,
)

_RESTART = Trouble(
    "agent restarts",
    lambda agent: agent.faults.always(Fault.HANG),
    _restart,
    lambda told: told.agent.in_flight(told.task_id) + sum(call.fault is Fault.HANG for call in told.calls),
    seconds=0.0,
)
