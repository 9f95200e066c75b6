"""`python -m tests.benchmarks`: measures the supervisor beside its peers, and says which promises are kept.

Everything is compared within one run, because a machine's speed drifts: read ratios, not milliseconds. It takes some
minutes, about one with --quick, and means something only on a machine that does nothing else. Linux only.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.preparation import NAMES, prepare
from tests.benchmarks.program import FULL, ONCE, QUICK, run
from tests.benchmarks.report import report


def main(argv: list[str]) -> int:
    """Return the status to exit with."""
    wanted = _parser().parse_args(argv)
    compiler = None if wanted.worker == "sh" else shutil.which("cc")
    if wanted.worker == "c" and compiler is None:
        sys.stderr.write("there is no C compiler `cc`; install one, or leave --worker out\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        sys.stderr.write("preparing\n")
        bench = prepare(Path(folder), wanted.environment, tuple(wanted.wrappers), compiler)
        outcome = run(bench, wanted.amount, wanted.seed)
    sys.stdout.write(report(outcome, bench.missing))
    if wanted.json:
        wanted.json.write_text(json.dumps(outcome.as_dict(), indent=2) + "\n")
    return int(wanted.strict and any(verdict.met is False for verdict in outcome.promises))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    amount = parser.add_mutually_exclusive_group()
    parser.set_defaults(amount=FULL)
    amount.add_argument(
        "--quick", dest="amount", action="store_const", const=QUICK, help="a few of everything"
    )
    amount.add_argument("--once", dest="amount", action="store_const", const=ONCE, help="one of everything")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a promise is not met")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument(
        "--wrappers", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES)
    )
    parser.add_argument(
        "--environment",
        type=Path,
        metavar="DIR",
        help="measure what is installed there, in place of a fresh one",
    )
    parser.add_argument(
        "--worker", choices=("c", "sh"), help="compiled or a shell script; otherwise compiled if possible"
    )
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the order"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
