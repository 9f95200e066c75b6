"""The whole task from the first start to the exit: running, quiet, draining, stopping, killing, gone.

Rules
  1. The clock of the way out starts at the first stop request and nothing moves it: not a repeated signal, not a
     second request, not a stage that ended early.
  2. The supervisor has exited by `stop_timeout - exit_margin`, whatever the worker, the hooks or the agent do.
  3. Once the way out has begun there is no way back; phases only advance.
  4. A worker gets each signal of its stop sequence once. Some take a second one for an order to drop everything.
  5. Work that is still in flight when its time is over is named, each piece once.
  6. A worker that appears late is told what the others were told.
  7. Where hooks keep gates, the worker is not asked to exit because nothing is in flight until all gates are confirmed
     shut: a job may be on its way from the queue. A gate that does not answer is given up after CONFIRM_SECONDS.
  8. A drain that an operator asked for has no clock: it lasts until nothing is in flight or its deadline has come; a
     stop request that comes meanwhile starts the clock.

How it moves: EDGES below; the picture in README is drawn from it.

Mind: the stages of the stop sequence and the phases are two views of one thing. `enter` is the only place where a
stage begins and so the only place that gives orders to workers on the way out.
"""

from .machine import CONFIRM_SECONDS, RELEASE_WAIT_SECONDS, step, wake_at
from .values import (
    EDGES,
    Lifecycle,
    LifecyclePolicy,
    Phase,
    exit_deadline,
    is_accepting,
    is_leaving,
    is_signalled,
    work_deadline,
)

__all__ = [
    "CONFIRM_SECONDS",
    "EDGES",
    "RELEASE_WAIT_SECONDS",
    "Lifecycle",
    "LifecyclePolicy",
    "Phase",
    "exit_deadline",
    "is_accepting",
    "is_leaving",
    "is_signalled",
    "step",
    "wake_at",
    "work_deadline",
]
