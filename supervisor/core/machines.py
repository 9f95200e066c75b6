"""The states of all machines, side by side: what there is to see of them at an instant. The engine moves them."""

from __future__ import annotations

from . import attachments, holds, lifecycle, protection, worker
from .effects import Field
from .inner import WorkersAre
from .instants import Instant, seconds_left
from .names import HoldId
from .policy import Policy
from .protection import Phase as ProtectionPhase
from .snapshot import HoldView, Snapshot, Standing, stand, take, view_hold


class Machines:
    """Everything here only looks."""

    def __init__(self, policy: Policy, now: Instant) -> None:
        self._policy = policy
        self._holds = holds.Holds(policy.holds)
        self._hooks = attachments.Attachments(policy.attachments)
        self._workers = {name: worker.Worker(name, policy.restart) for name in policy.workers}
        self._first_status: int | None = None
        self._lifecycle = lifecycle.Lifecycle(policy.lifecycle, since=now)
        first = ProtectionPhase.ABSENT if policy.protection is None else ProtectionPhase.LOOKING
        self._protection = protection.Protection(policy.protection or protection.ProtectionPolicy(), first)

    def is_working(self) -> bool:
        """Say whether anything is in flight that a stop would wait for."""
        return holds.is_working(self._holds)

    def context(self, now: Instant) -> tuple[tuple[str, Field], ...]:
        """Return what every log line carries: the phase, what is in flight, and the seconds left while a clock runs."""
        left = seconds_left(lifecycle.exit_deadline(self._lifecycle), now)
        fields: tuple[tuple[str, Field], ...] = (
            ("phase", self._lifecycle.phase.value),
            ("in_flight", holds.jobs(self._holds)),
        )
        return fields if left is None else (*fields, ("seconds_left", round(left, 1)))

    def snapshot(self, now: Instant) -> Snapshot:
        """Return how things stand."""
        workers = self._workers.values()
        return take(
            self._lifecycle, workers, self._holds, self._hooks, self._protection, self._unprotected, now
        )

    def standing(self, now: Instant) -> Standing:
        """Return the part of it that somebody with work wants to know; cheap."""
        return stand(self._lifecycle, self._protection, self._unprotected, now)

    def hold(self, id_: HoldId, now: Instant) -> HoldView | None:
        """Return one open hold; None where it has ended."""
        known = self._holds.open.get(id_)
        return None if known is None else view_hold(known, now)

    def hold_count(self) -> int:
        """Return how many holds are open, work or not."""
        return len(self._holds.open)

    @property
    def _unprotected(self) -> str | None:
        return self._policy.unprotected_because if self._policy.protection is None else None

    def _situation(self) -> tuple[object, ...]:
        """Return all that decides which orders workers get at a stop request, but whether anything is in flight."""
        life = self._lifecycle
        workers = tuple((name, each.phase, each.pid) for name, each in self._workers.items())
        gates = (bool(life.gates.unconfirmed), life.gave_up_gates)
        return (life.phase, life.began_at, life.stage, life.quieted, workers, gates)

    def _worker_news(self) -> WorkersAre:
        each = self._workers.values()
        if self._first_status is None:
            ended = (one for one in each if one.phase in (worker.Phase.EXITED, worker.Phase.FATAL))
            self._first_status = next((one.status for one in ended if one.status is not None), None)
        return WorkersAre(
            alive=tuple(one.name for one in each if worker.is_alive(one)),
            pending=any(worker.is_pending(one) for one in each),
            status=self._first_status,
            failed=any(one.phase is worker.Phase.FATAL for one in each),
        )
