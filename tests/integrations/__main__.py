"""`python -m tests.integrations`: stops every framework at random instants, bare and supervised, and counts the damage.

Exits with 1 when a supervised run has lost a job, run one twice for no cause that is named, begun one after the confirmed
quiet, or was stopped while it was protected; and when a framework that was asked for is missing.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from tests.integrations.brokers import broker_for
from tests.integrations.configuration import Configuration
from tests.integrations.frameworks import BESIDE, MODULES, configurations
from tests.integrations.stops import run
from tests.integrations.table import LEGEND, Pair, details, pairs_table
from tests.integrations.verdict import Verdict, judge


def main(argv: list[str]) -> int:
    """Return the status to exit with."""
    wanted = _parser().parse_args(argv)
    known, missing = configurations(BESIDE if wanted.sidecar else MODULES)
    chosen = [each for each in known if not wanted.only or any(word in each.name for word in wanted.only)]
    if wanted.list:
        sys.stdout.write("".join(f"{each.name}\n" for each in known))
    for name, why in missing.items():
        sys.stderr.write(f"{name} cannot be run: {why}\n")
    if wanted.list or not chosen:
        return int(not chosen)
    sys.stderr.write(f"seed {wanted.seed}\n")
    began = time.monotonic()
    broken: list[str] = []
    pairs = [pair for each in chosen if (pair := _pair(each, wanted, broken)) is not None]
    sys.stdout.write(f"{pairs_table(pairs)}\n\n{LEGEND}\n")
    found = [line for _, ours in pairs for line in details(ours)] + broken
    sys.stdout.write("".join(f"{line}\n" for line in ["", *found]))
    sys.stdout.write(f"seed {wanted.seed}, {time.monotonic() - began:.0f} s\n")
    if wanted.json:
        wanted.json.write_text(json.dumps([_as_json(pair) for pair in pairs], indent=2) + "\n")
    is_clean = all(ours.is_clean for _, ours in pairs) and not broken
    return int(not is_clean or (bool(missing) and not wanted.only))


def _pair(configuration: Configuration, wanted: argparse.Namespace, broken: list[str]) -> Pair | None:
    """Run one configuration both ways; note what could not be run at all."""
    began = time.monotonic()
    ways = (True,) if wanted.no_bare else (False, True)
    try:
        with ThreadPoolExecutor(2 if wanted.together else 1) as pool:
            verdicts = list(
                pool.map(lambda supervised: _run(configuration, wanted, supervised=supervised), ways)
            )
    except (AssertionError, RuntimeError, OSError) as error:
        broken.append(f"{configuration.name}: {error}")
        sys.stderr.write(f"{configuration.name}: not run: {str(error)[-4000:]}\n")
        return None
    sys.stderr.write(f"{configuration.name}: {time.monotonic() - began:.0f} s\n")
    return (None if wanted.no_bare else verdicts[0], verdicts[-1])


def _run(configuration: Configuration, wanted: argparse.Namespace, *, supervised: bool) -> Verdict:
    way = "supervised" if supervised else "bare"
    folder = Path(tempfile.mkdtemp(prefix=f"{configuration.name}-{way}-"))
    keep = wanted.keep
    try:
        with broker_for(configuration.broker) as url:
            evidence = run(
                configuration, url, folder, supervised=supervised, stops=wanted.stops, seed=wanted.seed
            )
        verdict = judge(evidence)
        (folder / "containers").write_text("".join(f"{each}\n" for each in evidence.containers))
        (folder / "calls").write_text(
            "".join(f"{task} {call}\n" for task, calls in evidence.calls.items() for call in calls)
        )
        keep = keep or (supervised and not verdict.is_clean)
        return verdict
    except BaseException:
        keep = True
        raise
    finally:
        if keep:
            sys.stderr.write(f"{configuration.name}, {way}: logs and records are in {folder}\n")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _as_json(pair: Pair) -> dict[str, object]:
    bare, ours = pair
    return {"bare": None if bare is None else asdict(bare), "supervised": asdict(ours)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.integrations", description=__doc__)
    parser.add_argument(
        "--stops", type=int, default=30, metavar="N", help="at least so many, and one of each kind"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="configurations whose name has this in it")
    parser.add_argument("--list", action="store_true", help="print the names of the configurations")
    parser.add_argument(
        "--sidecar", action="store_true", help="workers in other languages, with a sidecar as the supervisor"
    )
    parser.add_argument("--no-bare", action="store_true", help="only under the supervisor")
    parser.add_argument(
        "--together", action="store_true", help="bare and supervised at the same time: sooner, but tighter"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all findings there, too")
    parser.add_argument(
        "--keep", action="store_true", help="keep logs and records, also of runs without a finding"
    )
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the jobs and the stops"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
