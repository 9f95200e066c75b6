"""`python -m tests.benchmarks.load`: how many holds are served over HTTP and over the hook socket, and what a stop costs then.

The load is of a fixed rate, not as much as can be: what is reported is whether the rate is kept, how long the deciding thread
lets questions wait meanwhile, and how long the first SIGTERM takes to the worker, beside the same at rest in the same run.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.figures import Figure, figure, table
from tests.benchmarks.latency import AT_ONCE, latency
from tests.benchmarks.preparation import ACTORS, ENTRY, ENVIRONMENT, Bench, prepare
from tests.benchmarks.trial import LIMIT_SECONDS, trial

HOLDS_OVER_HTTP = 1000
HOLDS_OVER_SOCKET = 10_000

# Connections that share the rate: a worker has several processes.
_CLIENTS = 4

# Between two questions of how long a question waits: a scrape takes some ten milliseconds, so it must come seldom to be no load.
_LOOK_SECONDS = 0.5

LOADS = ("rest", "http", "socket", "both")


@dataclass
class Seen:
    """What was seen under one kind of load. rates: holds a second that were served. taken, lags, terms: microseconds."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    taken: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    terms: list[float] = field(default_factory=list)


def main(argv: list[str]) -> int:
    """Return the status to exit with."""
    wanted = _parser().parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        sys.stderr.write("preparing\n")
        bench = prepare(Path(folder), wanted.environment, (ENTRY,), shutil.which("cc"))
        seen = measure(bench, wanted.rounds, wanted.seconds)
    sys.stdout.write(report(seen))
    return 0


def measure(bench: Bench, rounds: int, seconds: float) -> dict[str, Seen]:
    """Return what was seen, by the name of the load; every round begins with another one."""
    seen = {name: Seen() for name in LOADS}
    for _ in range(rounds):
        for name in random.sample(LOADS, len(LOADS)):
            _round(bench, name, seconds, seen[name])
    return seen


def report(seen: dict[str, Seen]) -> str:
    """Return the figures as a table."""
    rest = statistics.median(seen["rest"].terms)
    rows = [
        (
            name,
            *(
                f"{statistics.median(each.rates[way]):.0f}" if way in each.rates else "-"
                for way in ("http", "socket")
            ),
            _shown(figure(each.taken)) if each.taken else "-",
            _shown(figure(each.lags)),
            f"{_shown(figure(each.terms))} ({statistics.median(each.terms) / rest:.1f} x)",
        )
        for name, each in seen.items()
    ]
    heads = (
        "load",
        "holds/s HTTP",
        "holds/s socket",
        "PUT us",
        "question waits us",
        "SIGTERM us (x at rest)",
    )
    return f"median / p99\n{table(heads, rows)}\n"


def _shown(value: Figure) -> str:
    return f"{value.median:.0f} / {value.p99:.0f}"


def _round(bench: Bench, name: str, seconds: float, seen: Seen) -> None:
    path, port = str(bench.folder / "load.sock"), _free_port()
    options = (*AT_ONCE, "--socket", path, "--api", f"127.0.0.1:{port}")
    with trial(bench, bench.wrappers[ENTRY], *bench.worker, "serves", options=options) as running:
        running.hear("start")
        running.settle()
        with _looking(port, seen.lags), ExitStack() as stack:
            loads = [stack.enter_context(_load(bench, words)) for words in _words(name, path, port)]
            running.hear_nothing(seconds)
            seen.terms.append(latency(running))
            for way, load in loads:
                said = json.loads(load.communicate(b"\n", timeout=LIMIT_SECONDS)[0])
                seen.rates.setdefault(way, []).append(said["per_second"])
                seen.taken += (each * 1e6 for each in said["taken"])
        running.end_worker()
    if "http" in seen.rates:
        # Each client has its part of the rate.
        parts = seen.rates["http"]
        seen.rates["http"] = [*parts[:-_CLIENTS], sum(parts[-_CLIENTS:])]


def _words(name: str, path: str, port: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    if name in ("http", "both"):
        for number in range(_CLIENTS):
            yield "http", ("api_load.py", str(port), str(HOLDS_OVER_HTTP / _CLIENTS), str(number))
    if name in ("socket", "both"):
        yield "socket", ("socket_load.py", path, str(HOLDS_OVER_SOCKET))


@contextmanager
def _load(bench: Bench, words: tuple[str, tuple[str, ...]]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    way, (actor, *arguments) = words
    load = subprocess.Popen(
        (str(bench.python), "-I", str(ACTORS / actor), *arguments),
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert load.stdout is not None
    try:
        if load.stdout.readline() != b"ready\n":
            raise RuntimeError("the busy process has not begun")
        yield way, load
    finally:
        load.kill()
        load.communicate()


@contextmanager
def _looking(port: int, lags: list[float]) -> Iterator[None]:
    """Ask again and again how long a question waits for the deciding thread."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_SECONDS):
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/metrics", timeout=LIMIT_SECONDS
                ) as answer:
                    lines = answer.read().decode().splitlines()
            except OSError:
                return  # it has exited
            lags.extend(
                float(line.split()[1]) * 1e6
                for line in lines
                if line.startswith("ecs_supervisor_lag_seconds ")
            )

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(LIMIT_SECONDS)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="of all loads (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each load (default %(default)s)")
    parser.add_argument("--environment", type=Path, metavar="DIR", help="measure what is installed there")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
