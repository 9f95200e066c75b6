"""What the project holds itself to, and whether one run of the benchmark has found it so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.benchmarks.figures import Figure
from tests.benchmarks.preparation import ENTRY, PY_MIN, TINI

# By wrapper, then by metric.
Measured = Mapping[str, Mapping[str, Figure]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """met: None where it was not measured, because the other wrapper is missing. figures: what the answer rests on."""

    promise: str
    met: bool | None
    figures: str


@dataclass(frozen=True, slots=True)
class _Ratio:
    what: str
    metric: str
    most: float
    other: str
    unit: str

    def judge(self, measured: Measured) -> Verdict:
        promise = f"{self.what}: at most {self.most:g} x {self.other}"
        ours, others = (measured.get(name, {}).get(self.metric) for name in (ENTRY, self.other))
        if ours is None or others is None:
            return Verdict(promise, None, f"{self.other} or ecs-supervisor was not measured")
        # Nothing is allowed to be nothing: an idle process that takes no time at all.
        met = ours.median <= self.most * others.median
        ratio = f"{ours.median / others.median:.2f} x" if others.median else "no ratio"
        return Verdict(
            promise, met, f"{ratio}: {ours.median:.4g} {self.unit} to {others.median:.4g} {self.unit}"
        )


@dataclass(frozen=True, slots=True)
class _Bound:
    what: str
    metric: str
    most: float
    unit: str

    def judge(self, measured: Measured) -> Verdict:
        promise = f"{self.what}: at most {self.most:g} {self.unit}"
        ours = measured.get(ENTRY, {}).get(self.metric)
        if ours is None:
            return Verdict(promise, None, "ecs-supervisor was not measured")
        return Verdict(promise, ours.median <= self.most, f"{ours.median:.4g} {self.unit}")


_PROMISES = (
    _Ratio("start to the worker's first instruction", "start_ms", 1, PY_MIN, "ms"),
    _Ratio("start to where SIGTERM is safe", "safe_ms", 12, TINI, "ms"),
    _Ratio("first SIGTERM to the worker", "term_us", 2.5, TINI, "us"),
    _Ratio("first SIGTERM, hooks with 2000 jobs a second", "term_at_2000_jobs_us", 2.5, TINI, "us"),
    _Ratio("first SIGTERM, hooks at full speed", "term_at_full_speed_us", 2.5, TINI, "us"),
    _Ratio("forwarded signal to the worker", "usr1_us", 2.5, TINI, "us"),
    _Ratio("worker's exit to our exit", "exit_us", 4, TINI, "us"),
    _Ratio("worker's exit after a stop to our exit", "exit_after_stop_us", 4, TINI, "us"),
    _Bound("memory off ECS (RSS)", "rss_mib", 16, "MiB"),
    _Bound("memory on ECS until protection is first needed (RSS)", "on_ecs_rss_mib", 16, "MiB"),
    _Bound("memory while protecting (RSS)", "protecting_rss_mib", 32, "MiB"),
    _Bound("idle wake-ups off ECS", "wakeups_per_s", 0.2, "a second"),
    _Bound("idle wake-ups on ECS", "on_ecs_wakeups_per_s", 0.2, "a second"),
    _Bound("idle wake-ups while protecting", "protecting_wakeups_per_s", 0.2, "a second"),
    _Ratio("idle processor time in 20 s", "idle_cpu_ms_in_20_s", 1, TINI, "ms"),
    _Bound("begin and end of a job in a worker", "job_us", 20, "us"),
)


def verdicts(measured: Measured) -> Iterator[Verdict]:
    """Judge every promise by the medians of one run."""
    for promise in _PROMISES:
        yield promise.judge(measured)
