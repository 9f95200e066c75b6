"""A run of the benchmark as text: a table a theme, medians with the slow end behind them, and the promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.benchmarks.figures import Figure, table
from tests.benchmarks.preparation import TINI
from tests.benchmarks.program import Outcome
from tests.benchmarks.promises import Verdict

# Title, what is in its cells, and the metrics with the heads of their columns.
_TABLES = (
    (
        "Start, in ms",
        "median / p99 (x tini)",
        {
            "start_ms": "to first instruction",
            "life_ms": "to exit",
            "life_cpu_ms": "processor time",
            "safe_ms": "SIGTERM safe",
        },
    ),
    (
        "Signals and exits, in us",
        "median / p99 (x tini)",
        {
            "term_us": "first SIGTERM",
            "usr1_us": "forwarded signal",
            "exit_us": "exit",
            "exit_after_stop_us": "exit after stop",
        },
    ),
    (
        "First SIGTERM while hooks are busy, in us",
        "median / p99 (x tini)",
        {"term_at_2000_jobs_us": "2000 jobs a second", "term_at_full_speed_us": "full speed"},
    ),
)

_FOOTPRINT = {
    "rss_mib": "RSS MiB",
    "pss_mib": "PSS MiB",
    "uss_mib": "USS MiB",
    "wakeups_per_s": "wake-ups/s",
    "idle_cpu_ms_in_20_s": "cpu ms in 20 s",
}
_WHERE = {"": "", "on_ecs_": " on ECS", "protecting_": " protecting"}

_MET = {True: "met", False: "NOT MET", None: "not measured"}


def report(outcome: Outcome, missing: Sequence[str]) -> str:
    """Return the text. missing: wrappers that were asked for and are not there."""
    return "\n\n".join(_paragraphs(outcome, missing)) + "\n"


def _paragraphs(outcome: Outcome, missing: Sequence[str]) -> Iterator[str]:
    yield "\n".join(f"{name}: {value}" for name, value in outcome.machine.items())
    if missing:
        yield f"Missing, and so not compared with: {', '.join(missing)}"
    for title, cells, metrics in _TABLES:
        tini = outcome.wrappers.get(TINI, {})
        rows = [
            (name, *(_cell(figures.get(metric), tini.get(metric)) for metric in metrics))
            for name, figures in outcome.wrappers.items()
            if not metrics.keys().isdisjoint(figures)
        ]
        yield f"{title}: {cells}\n{table(('', *metrics.values()), rows)}"
    rows = [
        (f"{name}{where}", *(f"{figures[prefix + metric].median:.2f}" for metric in _FOOTPRINT))
        for name, figures in outcome.wrappers.items()
        for prefix, where in _WHERE.items()
        if f"{prefix}rss_mib" in figures
    ]
    yield f"Idle: medians\n{table(('', *_FOOTPRINT.values()), rows)}"
    yield from _hooks(outcome)
    yield f"Promises\n{_promises(outcome.promises)}"


def _cell(figure: Figure | None, tini: Figure | None) -> str:
    if figure is None:
        return "-"
    ratio = f" ({figure.median / tini.median:.1f})" if tini is not None and tini.median else ""
    return f"{figure.median:.4g} / {figure.p99:.4g}{ratio}"


def _hooks(outcome: Outcome) -> Iterator[str]:
    for name, figures in outcome.wrappers.items():
        if "job_us" in figures:
            with_it, without = figures["job_us"], figures["job_alone_us"]
            yield (
                f"Hooks, with {name}\n"
                f"begin and end of a job: {with_it.median:.3g} / {with_it.p99:.3g} us;"
                f" without a supervisor {without.median:.3g} / {without.p99:.3g} us\n"
                f"messages served: {figures['events_per_s'].median:,.0f} a second"
            )


def _promises(promises: Sequence[Verdict]) -> str:
    widest = max(len(verdict.promise) for verdict in promises)
    return "\n".join(
        f"{_MET[verdict.met]:<12}  {verdict.promise:<{widest}}  {verdict.figures}" for verdict in promises
    )
