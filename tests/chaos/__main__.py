"""`python -m tests.chaos`: sends messages through daemons that are stopped, killed and frozen while everything around them fails.

Exits with 1 where a message was lost, ran twice without a reason in the log, or was overtaken in its FIFO group. The jobs
and the order of the blows come from the seed; what a blow meets depends on the machine too, so two runs of a seed are only alike.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from .conductor import Conductor
from .judge import judge
from .plan import Plan
from .report import report


def main(argv: list[str]) -> int:
    """Return the status to exit with."""
    wanted = _parser().parse_args(argv)
    plan = Plan(wanted.messages, wanted.seed, 40, wanted.daemons, wanted.backlog, wanted.blow_every)
    folder = wanted.keep or Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    conductor = Conductor(plan, folder)
    evidence = conductor.run()
    verdict = judge(evidence)
    sys.stdout.write(report(plan, conductor, evidence, verdict))
    sys.stdout.write(f"\nThe records are in {folder}\n")
    return int(bool(verdict.violations))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000, metavar="COUNT")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--daemons", type=int, default=4, metavar="COUNT")
    parser.add_argument(
        "--backlog", type=int, default=400, metavar="COUNT", help="messages that wait, of both queues"
    )
    parser.add_argument("--blow-every", type=int, default=40, metavar="COUNT", help="messages, on average")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where logs and records go")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
