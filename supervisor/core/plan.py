"""The way out on the clock: a stop sequence laid over one stop timeout.

Every stage has an absolute end, counted from the stop request, and a stage that ends early leaves its rest to the
later ones; so no chain of timers can add up past the moment when ECS sends SIGKILL.
"""

from __future__ import annotations

from dataclasses import dataclass

from .instants import Instant, after
from .sequence import Stage, offsets, problems


@dataclass(frozen=True, slots=True)
class StopPlan:
    """stop_timeout, exit_margin: seconds. stop_drains: the worker's first stop signal makes it drain by itself."""

    stages: tuple[Stage, ...]
    stop_timeout: float
    exit_margin: float
    stop_drains: bool = False

    def __post_init__(self) -> None:
        if wrong := problems(self.stages, self.stop_timeout, self.exit_margin):
            raise ValueError("; ".join(str(problem) for problem in wrong))

    def is_draining(self, index: int) -> bool:
        """Say whether the worker may still finish its work in this stage, rather than being asked to exit at once."""
        first = self.first_order()
        return index < first or (index == first and self.stop_drains and self.stages[index].kind == "stop")

    def is_killing(self, index: int) -> bool:
        """Say whether this is the stage of SIGKILL: the last one."""
        return self.stages[index].kind == "kill"

    def ends_at(self, index: int, began_at: Instant) -> Instant:
        """Return when a stage is over for a way out that began then."""
        return after(began_at, offsets(self.stages)[index])

    def exits_by(self, began_at: Instant) -> Instant:
        """Return when the supervisor must have exited, whatever is left."""
        return after(began_at, self.stop_timeout - self.exit_margin)

    def drain_ends_at(self, began_at: Instant) -> Instant:
        """Return when work in flight will be interrupted."""
        draining = [index for index in range(len(self.stages)) if self.is_draining(index)]
        return self.ends_at(draining[-1], began_at) if draining else began_at

    def after_draining(self) -> int:
        """Return the first stage in which the worker is not allowed to drain any more."""
        return next(index for index in range(len(self.stages)) if not self.is_draining(index))

    def first_order(self) -> int:
        """Return the first stage that asks the worker to exit, or kills it."""
        return next(index for index, stage in enumerate(self.stages) if stage.kind in ("stop", "kill"))
