"""`python -m tests.overhead`: what the hooks cost, in jobs per second of 1 ms jobs, for each framework in one run.

Read the cost, which compares two workers within a round; a machine that does other things shows it in the spread.
`plain` has no attachment and so no difference: what it shows is how exact the measurement is. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.figures import table
from tests.integrations.configuration import NONE
from tests.integrations.frameworks import configurations
from tests.overhead.rounds import Effort, Overhead, measure

AIM = 0.02
# Fewer pairs may be near each other by chance.
FEWEST_PAIRS = 8

HEADS = (
    "",
    "jobs/s without",
    "with",
    "cost %",
    "quartiles %",
    "+-",
    "pairs",
    "worker cpu us a job",
    "supervisor's",
    f"below {AIM:.0%}",
)


def main(argv: list[str]) -> int:
    """Return the status to exit with."""
    wanted = _parser().parse_args(argv)
    known, missing = configurations()
    # Where requests come over a network the client is what is measured.
    chosen = [each for each in known if each.broker != NONE]
    chosen = [each for each in chosen if not wanted.only or any(word in each.name for word in wanted.only)]
    for name, why in missing.items():
        sys.stderr.write(f"{name} cannot be run: {why}\n")
    chance = random.Random(wanted.seed)
    pairs = min(FEWEST_PAIRS, wanted.pairs), wanted.pairs
    effort = Effort(pairs, wanted.rounds, wanted.seconds, wanted.doubt / 100, wanted.protected)
    found, broken = [], []
    for each in chosen:
        sys.stderr.write(f"{each.name}: ")
        sys.stderr.flush()
        with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
            try:
                found.append(measure(each, Path(folder), effort, chance))
                sys.stderr.write(f"{found[-1].cost:.1%} +- {found[-1].doubt:.1%}\n")
            except (AssertionError, RuntimeError, OSError) as error:
                broken.append(f"{each.name}: not measured: {error}")
                sys.stderr.write("not measured\n")
    sys.stdout.write(f"{table(HEADS, map(_row, found))}\n")
    sys.stdout.write("".join(f"{line}\n" for line in broken))
    sys.stdout.write(
        f"1 ms jobs; pairs of workers until the doubt is {wanted.doubt:g} %, at most {wanted.pairs}; {wanted.rounds} rounds"
        f" each of about {wanted.seconds:g} s; seed {wanted.seed}\n"
    )
    if wanted.json:
        wanted.json.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n")
    return int(bool(broken) or not found)


def _row(overhead: Overhead) -> tuple[str, ...]:
    without, with_hook = (
        statistics.median(itertools.chain(*rates)) for rates in (overhead.without, overhead.with_hook)
    )
    low, high = overhead.spread
    cpu = overhead.cpu
    return (
        overhead.configuration,
        f"{without:.0f}",
        f"{with_hook:.0f}",
        f"{overhead.cost:.1%}".rstrip("%"),
        f"{100 * low:.1f} .. {100 * high:.1f}",
        f"{100 * overhead.doubt:.1f}",
        str(len(overhead.costs)),
        f"{cpu['worker without']:.0f} -> {cpu['worker with']:.0f}",
        f"{cpu['supervisor without']:.0f} -> {cpu['supervisor with']:.0f}",
        ("yes" if overhead.cost < AIM else "no") if overhead.attached else "not attached",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.overhead", description=__doc__)
    parser.add_argument("--doubt", type=float, default=1.0, metavar="PERCENT", help="how exact is enough")
    parser.add_argument("--pairs", type=int, default=40, metavar="N", help="at most so many")
    parser.add_argument("--rounds", type=int, default=8, metavar="N", help="of each pair")
    parser.add_argument(
        "--seconds", type=float, default=0.5, metavar="S", help="how long a worker is busy in a round"
    )
    parser.add_argument(
        "--protected", action="store_true", help="keep the tasks protected, so that no round begins with that"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="configurations whose name has this in it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rates there, too")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the order"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
