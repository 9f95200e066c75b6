"""The verdict on a rehearsal: which jobs were kept, lost or run twice, and which containers were late."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from supervisor.emulator.calls import Call
from supervisor.emulator.evidence import ContainerRecord, JobRecord
from supervisor.emulator.tasks import StopReason


@dataclass(frozen=True, slots=True)
class Drain:
    """How one task stopped: from its first stop signal to the exit of its last container."""

    task_id: str
    task_number: int
    reason: StopReason
    seconds: float
    late: bool


@dataclass(frozen=True, slots=True)
class ProtectionUse:
    """The protection calls of one task."""

    calls: int = 0
    granted: int = 0
    refused: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """Jobs by name, containers by record.

    kept: ended. lost: a run of it was cut with its task, and none ended, was handed back or still runs.
    interrupted: a run of it was cut, whatever became of the job later. returned: handed back and not ended
    since. unfinished: still running in a task that runs. run_twice: started more than once. late: had to be
    killed.
    """

    kept: tuple[str, ...]
    lost: tuple[str, ...]
    interrupted: tuple[str, ...]
    returned: tuple[str, ...]
    unfinished: tuple[str, ...]
    run_twice: tuple[str, ...]
    late: tuple[ContainerRecord, ...]
    drains: tuple[Drain, ...]
    protection: Mapping[str, ProtectionUse]

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing cut, nobody killed."""
        return not (self.lost or self.interrupted or self.late)


def judge(
    jobs: Iterable[JobRecord], containers: Iterable[ContainerRecord], calls: Iterable[Call] = ()
) -> Report:
    """Weigh everything that was recorded; the order of the records does not matter.

    A run begins with "start" and is over with "end" or "returned"; other words are not judged. A worker
    names its task by its number or by its id.
    """
    containers = tuple(containers)
    happened: defaultdict[str, Counter[str]] = defaultdict(Counter)
    open_runs: Counter[tuple[str, str, int]] = Counter()
    for record in jobs:
        happened[record.what][record.job] += 1
        open_runs[record.job, record.task, record.pid] += _RUN_CHANGES.get(record.what, 0)
    running = _running_tasks(containers)
    open_jobs = [(job, task in running) for (job, task, _), count in open_runs.items() if count > 0]
    kept = set(happened["end"])
    cut = {job for job, still_running in open_jobs if not still_running}
    unfinished = {job for job, still_running in open_jobs if still_running} - kept
    returned = set(happened["returned"]) - kept
    return Report(
        kept=tuple(sorted(kept)),
        lost=tuple(sorted(cut - kept - unfinished - returned)),
        interrupted=tuple(sorted(cut)),
        returned=tuple(sorted(returned)),
        unfinished=tuple(sorted(unfinished)),
        run_twice=tuple(sorted(job for job, count in happened["start"].items() if count > 1)),
        late=tuple(record for record in containers if record.killed),
        drains=_drains(containers),
        protection=_protection(calls),
    )


_RUN_CHANGES: Mapping[str, int] = {"start": 1, "end": -1, "returned": -1}


def _running_tasks(containers: Iterable[ContainerRecord]) -> set[str]:
    """The names a worker may use for the tasks that still run."""
    alive = [record for record in containers if record.exited_at is None]
    return {record.task_id for record in alive} | {str(record.task_number) for record in alive}


def _drains(containers: Iterable[ContainerRecord]) -> tuple[Drain, ...]:
    """Only tasks that were asked to stop and have stopped; one that died by itself did not drain."""
    tasks: defaultdict[str, list[ContainerRecord]] = defaultdict(list)
    for record in containers:
        tasks[record.task_id].append(record)
    drains = []
    for records in tasks.values():
        signalled = [record.signalled_at for record in records if record.signalled_at is not None]
        exited = [record.exited_at for record in records if record.exited_at is not None]
        reasons = [record.stop_reason for record in records if record.stop_reason is not None]
        if signalled and reasons and len(exited) == len(records):
            drains.append(
                Drain(
                    records[0].task_id,
                    records[0].task_number,
                    reasons[0],
                    max(exited) - min(signalled),
                    any(record.killed for record in records),
                )
            )
    return tuple(sorted(drains, key=lambda drain: drain.task_number))


def _protection(calls: Iterable[Call]) -> Mapping[str, ProtectionUse]:
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for call in calls:
        if call.is_protection and call.task_id is not None:
            outcomes[call.task_id][_outcome(call)] += 1
    return {
        task_id: ProtectionUse(
            calls=counts.total(),
            granted=counts["protection"],
            refused=counts["failure"],
            failed=counts["error"],
        )
        for task_id, counts in outcomes.items()
    }


def _outcome(call: Call) -> str:
    """Judged by the body: a refusal comes with status 200."""
    try:
        content = json.loads(call.answer)
    except ValueError:
        return "error"
    for kind in ("protection", "failure"):
        if isinstance(content, dict) and kind in content:
            return kind
    return "error"
