"""A run of the chaos test as text: what was done to it, what came of it, and every violation with its story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.benchmarks.figures import table

from .conductor import Conductor
from .evidence import Evidence, What
from .judge import Verdict, Wrong
from .plan import Plan
from .story import story

# More of them tell nothing new.
_MOST_STORIES = 10


def report(plan: Plan, conductor: Conductor, evidence: Evidence, verdict: Verdict) -> str:
    """Return the text."""
    return "\n".join(_lines(plan, conductor, evidence, verdict)) + "\n"


def _lines(plan: Plan, conductor: Conductor, evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    yield f"seed {plan.seed}, {plan.daemons} daemons, {conductor.seconds:.0f} s"
    blows = Counter(blow.what for blow in evidence.blows)
    rows = [(what.value, blows[what]) for what in What]
    yield table(("What happened to tasks", "times"), _cells(rows))
    yield table(("What was wrong around them", "times"), _cells(sorted(conductor.spells.items())))
    yield table(("What came of it", "count"), _cells(_counts(evidence, verdict)))
    wrongs = Counter(violation.wrong for violation in verdict.violations)
    yield table(("Violations", "count"), _cells((wrong.value, wrongs[wrong]) for wrong in Wrong))
    for violation in verdict.violations[:_MOST_STORIES]:
        yield f"\n{violation.wrong.value}: {violation.message} {violation.detail}"
        if violation.message:
            yield story(evidence, violation.message)


def _counts(evidence: Evidence, verdict: Verdict) -> Iterator[tuple[str, int]]:
    fifo = sum(sent.group is not None for sent in evidence.sent)
    whats = Counter(moment.what for moment in evidence.moments)
    given_back = sum(moment.what == "visibility" and moment.seconds == 0 for moment in evidence.moments)
    yield "messages, standard queue", len(evidence.sent) - fifo
    yield "messages, FIFO queue", fifo
    yield "processed at least once", len({job.message for job in evidence.jobs if job.is_done})
    yield "jobs", len(evidence.jobs)
    yield "run again after a failure", verdict.retried
    for reason, times in verdict.again.items():
        yield f"run again: {reason.value}", times
    yield "receives", whats["received"]
    yield "handed back at once", given_back
    yield (
        "possible duplicates in the logs",
        sum(line.event == "delivery.possible_duplicate" for line in evidence.lines),
    )


def _cells(rows: Iterable[tuple[str, int]]) -> Iterator[tuple[str, str]]:
    for name, count in rows:
        yield name, f"{count:,}"
