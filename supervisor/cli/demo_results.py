"""The results of the demo for people and for programs, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from supervisor.demo.outcome import Ending, Outcome, Run
from supervisor.demo.side import Side
from supervisor.demo.stage import Stage
from supervisor.demo.stream import DRAIN_SECONDS, STOP_TIMEOUT_SECONDS, TASKS_AT_FIRST
from supervisor.emulator.tasks import StopReason


def introduction(console: Console, jobs: int, finishes_at_stop: bool) -> None:
    """Say what is about to be seen."""
    bare = "finishes its job first, if the stop timeout allows" if finishes_at_stop else "exits at once"
    console.print(
        f"The same {jobs} jobs through two emulated ECS services of {TASKS_AT_FIRST} tasks: a bare worker, which at"
        f" SIGTERM {bare}, and a worker under `ecs-supervisor run`. Both are the same file. A scale-in, a deployment"
        f" and two StopTask happen to both; the stop timeout is {STOP_TIMEOUT_SECONDS:g} s. This takes less than a"
        " minute.\n",
    )


def print_results(
    console: Console, bare: Outcome, supervised: Outcome, finishes_at_stop: bool, picture: Path | None
) -> None:
    """Print the table, then what it does not say by itself."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("bare", justify="right")
    table.add_column("supervised", justify="right")
    for name, cell in _ROWS:
        table.add_row(name, cell(bare), cell(supervised))
    console.print()
    console.print(table)
    for line in _remarks(supervised):
        console.print(line)
    if not finishes_at_stop:
        console.print("A worker that finishes its job at SIGTERM does better: see --bare-worker finishes.")
    for line in _complaints(supervised):
        console.print(line, style="bad")
    if picture is not None:
        console.print(f"The picture: {picture}", soft_wrap=True)


def document_of(
    stage: Stage, outcomes: Sequence[Outcome], seed: int, over_at: float, picture: Path | None
) -> dict[str, object]:
    """Return the same for programs. Instants are seconds since the demo began."""
    return {
        "seed": seed,
        "seconds": round(over_at - stage.began_at, 3),
        "stop_timeout": STOP_TIMEOUT_SECONDS,
        "drain": DRAIN_SECONDS,
        "as_promised": all(
            outcome.is_as_promised
            for side, outcome in zip(stage.sides, outcomes, strict=True)
            if side.is_supervised
        ),
        "svg": None if picture is None else str(picture),
        "steps": {step: round(at - stage.began_at, 3) for step, at in stage.steps.items()},
        "sides": {
            side.name: _side_document(stage, side, outcome)
            for side, outcome in zip(stage.sides, outcomes, strict=True)
        },
    }


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _calls(outcome: Outcome) -> str:
    calls = outcome.calls
    return f"{calls.total} ({calls.refused} refused)" if calls.refused else str(calls.total)


# Of the scheduler's stops both are kinds of one thing to a job; StopTask is another, because nothing protects from it.
_ROWS: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
    ("jobs started", lambda outcome: str(len({run.job for run in outcome.runs}))),
    ("jobs finished", lambda outcome: str(len(outcome.finished))),
    ("jobs run more than once", lambda outcome: str(len(outcome.run_twice))),
    ("runs killed in the middle", lambda outcome: str(len(outcome.killed))),
    ("  by the scale-in", lambda outcome: str(len(outcome.killed_by(StopReason.SCALE_IN)))),
    ("  by the deployment", lambda outcome: str(len(outcome.killed_by(StopReason.DEPLOYMENT)))),
    ("  by StopTask", lambda outcome: str(len(outcome.killed_by(StopReason.USER)))),
    ("work done for nothing", lambda outcome: _seconds(outcome.wasted_seconds)),
    ("protection calls", _calls),
    (
        "time to drain, longest",
        lambda outcome: _seconds(max((drain.seconds for drain in outcome.drains), default=None)),
    ),
    ("scale-in done after", lambda outcome: _seconds(outcome.steps["scale-in"])),
    ("deployment done after", lambda outcome: _seconds(outcome.steps["deployment"])),
)


def _remarks(supervised: Outcome) -> Iterator[str]:
    yield "Protection lets a job finish before ECS stops its task, so a scale-in and a deployment take longer."
    stopped = [run for run in supervised.runs if supervised.left_at_stop(run)]
    by_hand = [f"{run.job} had {_left(supervised, run)} left and was {_fate(run)}" for run in stopped]
    yield (
        f"StopTask ignores protection: a job is kept only if what is left of it fits into the drain,"
        f" {DRAIN_SECONDS:g} s of the {STOP_TIMEOUT_SECONDS:g} s stop timeout. {'; '.join(by_hand) or 'No job was hit'}."
    )
    yield "This queue gives a silent worker's job out again; one that does not loses every killed job."


def _left(outcome: Outcome, run: Run) -> str:
    return _seconds(outcome.left_at_stop(run))


def _fate(run: Run) -> str:
    return "kept" if run.ending is Ending.FINISHED else "killed"


def _complaints(supervised: Outcome) -> Iterator[str]:
    for run in supervised.broken_promises:
        yield f"PROMISE BROKEN: {run.job} was killed in task {run.task} although it should have been kept."
    if supervised.unfinished:
        names = ", ".join(supervised.unfinished)
        yield f"NOT FINISHED in the time of the demo, on the supervised side: {names}."


def _side_document(stage: Stage, side: Side, outcome: Outcome) -> dict[str, object]:
    calls = outcome.calls
    return {
        "jobs": len(outcome.planned),
        "started": len({run.job for run in outcome.runs}),
        "finished": len(outcome.finished),
        "unfinished": list(outcome.unfinished),
        "killed": len(outcome.killed),
        "killed_by": {
            reason.value: len(outcome.killed_by(reason))
            for reason in (StopReason.SCALE_IN, StopReason.DEPLOYMENT, StopReason.USER)
        },
        "run_twice": list(outcome.run_twice),
        "wasted_seconds": round(outcome.wasted_seconds, 3),
        "broken_promises": [run.job for run in outcome.broken_promises] if side.is_supervised else [],
        "protection_calls": {
            "total": calls.total,
            "granted": calls.granted,
            "refused": calls.refused,
            "failed": calls.failed,
        },
        "drains": [
            {"task": drain.task_number, "reason": drain.reason.value, "seconds": round(drain.seconds, 3)}
            for drain in outcome.drains
        ],
        "took": {
            step: None if seconds is None else round(seconds, 3) for step, seconds in outcome.steps.items()
        },
        "tasks": list(_tasks(stage, side, outcome)),
    }


def _tasks(stage: Stage, side: Side, outcome: Outcome) -> Iterator[dict[str, object]]:
    def second(at: float | None) -> float | None:
        return None if at is None else round(at - stage.began_at, 3)

    for record in outcome.containers:
        yield {
            "task": record.task_number,
            "started_at": second(record.started_at),
            "signalled_at": second(record.signalled_at),
            "exited_at": second(record.exited_at),
            "stop_reason": record.stop_reason.value if record.stop_reason else None,
            "exit_status": record.exit_code,
            "killed": record.killed,
            "protection_changed_at": [second(at) for at in side.protected.get(record.task_number, [])],
            "runs": [
                {
                    "job": run.job,
                    "run": run.attempt,
                    "since": second(run.since),
                    "until": second(run.until),
                    "ending": run.ending.value,
                }
                for run in outcome.runs
                if run.task == record.task_number
            ],
        }
