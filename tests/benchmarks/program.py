"""One run of the benchmark: every measurement of every wrapper, each as often as asked for, in random order."""

from __future__ import annotations

import os
import platform
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

from tests.benchmarks import footprint, hook_cost, latency, starts
from tests.benchmarks.figures import Figure, figure
from tests.benchmarks.preparation import BARE, DUMB_INIT, ENTRY, Bench
from tests.benchmarks.promises import Verdict, verdicts


@dataclass(frozen=True, slots=True)
class Amount:
    """How often each thing is measured. signals: forwarded ones in each of `forwards` processes."""

    starts: int
    stops: int
    busy_stops: int
    forwards: int
    signals: int
    footprints: int
    idle_seconds: float
    jobs: int
    events: int


FULL = Amount(40, 40, 20, 10, 40, 3, 20.0, 20_000, 40_000)
QUICK = Amount(10, 8, 4, 2, 10, 1, 3.0, 2_000, 4_000)
# Enough to see that everything works, and for nothing else.
ONCE = Amount(1, 1, 1, 1, 2, 1, 0.2, 200, 400)

Sample = Callable[[], dict[str, float] | list[dict[str, float]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures by wrapper and metric, and what they say about the promises."""

    machine: dict[str, str | int | float]
    wrappers: dict[str, dict[str, Figure]]
    promises: tuple[Verdict, ...]

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON would have it."""
        return asdict(self)


def run(bench: Bench, amount: Amount, seed: int) -> Outcome:
    """Measure everything in one run, so that the speed of the machine drifts for all alike."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def note(name: str, taken: Iterable[dict[str, float]]) -> None:
        for metrics in taken:
            for metric, value in metrics.items():
                values[name][metric].append(value)

    chance = random.Random(seed)
    for title, samples in _parts(bench, amount):
        sys.stderr.write(f"{title} ({len(samples)} processes)\n")
        chance.shuffle(samples)
        for name, sample in samples:
            taken = sample()
            note(name, taken if isinstance(taken, list) else [taken])
    sys.stderr.write("memory and idleness\n")
    for _ in range(amount.footprints):
        for name, metrics in footprint.footprints(bench, amount.idle_seconds):
            note(name, [metrics])
    measured = {
        name: {metric: figure(each) for metric, each in metrics.items()} for name, metrics in values.items()
    }
    if ENTRY in bench.wrappers:
        sys.stderr.write("hooks\n")
        measured[ENTRY] |= hook_cost.job_cost(bench, bench.wrappers[ENTRY], amount.jobs)
        served = hook_cost.events_served(bench, bench.wrappers[ENTRY], amount.events)
        measured[ENTRY]["events_per_s"] = figure([served])
    # In the order of the tables.
    ordered = {name: measured[name] for name in bench.wrappers}
    return Outcome(_machine(bench, seed), ordered, tuple(verdicts(ordered)))


def _parts(bench: Bench, amount: Amount) -> Iterator[tuple[str, list[tuple[str, Sample]]]]:
    """Yield what is measured together, with a sample for each time that each wrapper is started."""
    wrappers = bench.wrappers.values()
    yield (
        "start",
        [
            (wrapper.name, partial(measure, bench, wrapper))
            for wrapper in wrappers
            for measure in (starts.start_and_life, starts.safety)
            for _ in range(amount.starts)
        ],
    )
    stops: list[tuple[str, Sample]] = []
    for wrapper in wrappers:
        stops += [(wrapper.name, partial(latency.stop, bench, wrapper))] * amount.stops
        stops += [(wrapper.name, partial(latency.forward, bench, wrapper, amount.signals))] * amount.forwards
    yield "signals and exits", stops
    busy: list[tuple[str, Sample]] = []
    for wrapper in wrappers:
        if wrapper.name not in (BARE, DUMB_INIT):
            for load in latency.RATES:
                busy += [
                    (wrapper.name, partial(latency.stop_while_busy, bench, wrapper, load))
                ] * amount.busy_stops
    yield "signals while hooks are busy", busy


def _machine(bench: Bench, seed: int) -> dict[str, str | int | float]:
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "processors": os.cpu_count() or 0,
        # Above the number of processors, other work was in the way.
        "load": round(os.getloadavg()[0], 1),
        "worker": "/bin/sh script: times are when its lines were read"
        if "/bin/sh" in bench.worker
        else "compiled",
        "seed": seed,
    }
