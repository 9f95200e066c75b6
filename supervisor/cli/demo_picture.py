"""From the outcome of the demo to the rows and bars of its picture."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.demo.outcome import Ending, Outcome, Run
from supervisor.demo.side import Side
from supervisor.demo.stage import Stage
from supervisor.demo.stream import STOP_TIMEOUT_SECONDS, TASKS_AT_FIRST, TASKS_LATER
from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.tasks import StopReason
from supervisor.render.timeline import Bar, BarKind, Group, Picture, Row


def picture_of(stage: Stage, outcomes: Sequence[Outcome], seed: int, over_at: float) -> Picture:
    """Lay out both sides on the clock of the stage."""
    seconds = over_at - stage.began_at
    return Picture(
        title="The same jobs, bare and under ecs-supervisor",
        subtitle=(
            f"{len(stage.stream)} jobs through {TASKS_AT_FIRST} tasks with a stop timeout of"
            f" {STOP_TIMEOUT_SECONDS:g} s on an emulated ECS service; real processes, recorded in"
            f" {seconds:.0f} s, seed {seed}"
        ),
        groups=tuple(
            _group(stage, side, outcome, over_at) for side, outcome in zip(stage.sides, outcomes, strict=True)
        ),
        # Room for a word behind the last exit.
        seconds=seconds + 1,
    )


def summary_of(outcome: Outcome) -> str:
    """Say in one line what the side has to show."""
    wasted = f" ({outcome.wasted_seconds:.1f} s of work)" if outcome.killed else ""
    return (
        f"{len(outcome.finished)} of {len(outcome.planned)} jobs finished, {len(outcome.killed)} killed in mid-run"
        f"{wasted}, {len(outcome.run_twice)} run more than once, {outcome.calls.total} protection calls"
    )


def _group(stage: Stage, side: Side, outcome: Outcome, over_at: float) -> Group:
    ordered = {
        "scale-in": f"scale-in {TASKS_AT_FIRST} to {TASKS_LATER}",
        "deployment": "deployment",
        "end": "end",
    }
    guides = [(at - stage.began_at, ordered[step]) for step, at in stage.steps.items()]
    guides += [
        (record.signalled_at - stage.began_at, f"StopTask, task {record.task_number}")
        for record in side.containers
        if record.stop_reason is StopReason.USER and record.signalled_at is not None
    ]
    return Group(
        side.title.capitalize(),
        summary_of(outcome),
        tuple(_row(stage, side, outcome, record, over_at) for record in side.containers),
        tuple(sorted(guides)),
    )


def _row(stage: Stage, side: Side, outcome: Outcome, record: ContainerRecord, over_at: float) -> Row:
    began_at = stage.began_at
    until = over_at if record.exited_at is None else record.exited_at
    changes = side.protected.get(record.task_number, [])
    ends = [*changes[1::2], until]
    # The last task of all is not worth a word: the demo was over.
    in_story = record.signalled_at is not None and record.signalled_at < stage.steps.get("end", over_at)
    return Row(
        label=f"task {record.task_number}",
        since=record.started_at - began_at,
        until=until - began_at,
        bars=tuple(_bar(run, began_at) for run in outcome.runs if run.task == record.task_number),
        protected=tuple(
            (since - began_at, min(end, until) - began_at)
            for since, end in zip(changes[::2], ends, strict=False)
        ),
        stop_signal_at=None if record.signalled_at is None else record.signalled_at - began_at,
        killed_at=until - began_at if record.killed else None,
        ending=record.stop_reason.value if record.stop_reason and in_story else "",
    )


def _bar(run: Run, began_at: float) -> Bar:
    kinds = {Ending.KILLED: BarKind.KILLED, Ending.RUNNING: BarKind.RUNNING}
    again = f", run {run.attempt}" if run.attempt > 1 else ""
    return Bar(
        names=(f"{run.job}{again}", run.job, run.job.partition("-")[0]),
        since=run.since - began_at,
        until=run.until - began_at,
        kind=kinds.get(run.ending, BarKind.AGAIN if run.attempt > 1 else BarKind.FINISHED),
        about=f"{run.job}{again}: {run.ending.value} after {run.seconds:.1f} s",
    )
