"""`python -m tests.benchmarks.sqsd`: what `ecs-supervisor sqsd` costs beside the Node program `sqsd`, on the same queue and app.

Both are measured in turns, at the same number of connections, and compared pair by pair: read ratios and processor time;
messages a second depend on what else the machine does. The peer asks for as many messages as it has connections, and SQS gives
ten at most, so that for 50 there are five of it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from tests.process.harness import checkout
from tests.rehearsals.deliveries import AWS
from tests.waiting import until

from .figures import table

ACTOR = Path(__file__).parent / "actors" / "queue_and_app.py"

OURS, PEER = "ecs-supervisor sqsd", "sqsd (Node)"

CONNECTIONS = (1, 10, 50)
_MOST_OF_PEER = 10

# What is loaded late and compiled on the way is not measured.
_WARM_UP = 300

_LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Measured:
    """rate: messages a second. cpu_ms: processor time of the daemon for one message. rss_mib: after the work.

    other_cpu_ms: what queue and app needed for one message: without a daemon they could do one in that time.
    """

    rate: float
    cpu_ms: float
    rss_mib: float
    other_cpu_ms: float


class Other:
    """The queue and the app, as a process."""

    def __init__(self) -> None:
        words = (sys.executable, "-I", "-S", str(ACTOR))
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._told: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        until(lambda: self._told, why="queue and app listen")
        self.sqs: int = self._told[0]["sqs"]
        self.app: int = self._told[0]["app"]

    def until_polled(self, daemons: int) -> None:
        """Wait until as many polls wait for messages."""
        until(
            lambda: any(told.get("waiting", 0) >= daemons for told in list(self._told)),
            limit=_LIMIT_SECONDS,
            why="the daemon polls",
        )

    def work(self, messages: int) -> float:
        """Have so many messages delivered; return the seconds that it took."""
        known = len(self._told)
        assert self.process.stdin is not None
        self.process.stdin.write(f"put {messages}\n".encode())
        self.process.stdin.flush()

        def done() -> list[float]:
            return [told["seconds"] for told in self._told[known:] if told.get("done") == messages]

        until(done, limit=_LIMIT_SECONDS, why=f"{messages} messages are delivered")
        return done()[0]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._told.append(json.loads(line))


def measure(connections: int, messages: int, peer: Path | None) -> Measured:
    """Run a daemon through so many messages; the peer where there is one."""
    with other_side() as other, _daemons(connections, other, peer) as daemons:
        other.until_polled(len(daemons))
        other.work(_WARM_UP)
        before, before_other = _cpu_seconds(daemons), _cpu_seconds([other.process])
        seconds = other.work(messages)
        cpu, other_cpu = _cpu_seconds(daemons) - before, _cpu_seconds([other.process]) - before_other
        rss = sum(process.memory_info().rss for daemon in daemons for process in _family(daemon))
        return Measured(messages / seconds, 1000 * cpu / messages, rss / 2**20, 1000 * other_cpu / messages)


@contextmanager
def other_side() -> Iterator[Other]:
    other = Other()
    try:
        yield other
    finally:
        other.end()


@contextmanager
def _daemons(connections: int, other: Other, peer: Path | None) -> Iterator[list[subprocess.Popen[bytes]]]:
    commands = [_ours(connections, other)] if peer is None else _peers(connections, other, peer)
    environ = os.environ | AWS | {"AWS_DEFAULT_REGION": "eu-west-1"}
    with tempfile.TemporaryFile() as log:
        daemons = [
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)
            for command in commands
        ]
        try:
            yield daemons
        finally:
            for daemon in daemons:
                daemon.terminate()
            for daemon in daemons:
                daemon.wait(30)


def _ours(connections: int, other: Other) -> Sequence[str]:
    return (
        *checkout(),
        "sqsd",
        *("--queue-url", f"http://127.0.0.1:{other.sqs}/1/jobs", "--http-port", f"{other.app}"),
        *("--http-connections", f"{connections}", "--poll-wait", "1"),
    )


def _peers(connections: int, other: Other, folder: Path) -> list[Sequence[str]]:
    """Return commands of the program itself, without the one around it that starts it again."""
    count = -(-connections // _MOST_OF_PEER)
    words = (
        *("node", str(folder / "cli.js"), "--daemonized", "--wait-time", "1"),
        *("--web-hook", f"http://127.0.0.1:{other.app}/"),
        *("--endpoint-url", f"http://127.0.0.1:{other.sqs}/1", "--queue-name", "jobs"),
        *("--max-messages", f"{connections // count}"),
    )
    return [words] * count


def _family(daemon: subprocess.Popen[bytes]) -> list[psutil.Process]:
    process = psutil.Process(daemon.pid)
    return [process, *process.children(recursive=True)]


def _cpu_seconds(daemons: Sequence[subprocess.Popen[bytes]]) -> float:
    times = [process.cpu_times() for daemon in daemons for process in _family(daemon)]
    return sum(each.user + each.system for each in times)


def install_peer(folder: Path) -> Path | None:
    """Install the peer from the npm registry; None where that does not have it."""
    words = ("npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "sqsd")
    try:
        done = subprocess.run(words, capture_output=True, check=False, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = folder / "node_modules" / "sqsd"
    return found if done and found.exists() else None


def report(pairs: dict[int, list[dict[str, Measured]]]) -> str:
    """Return the table: medians, and the median of the ratios within the rounds."""
    rows = []
    for connections, rounds in pairs.items():
        for name in rounds[0]:
            each = [measured[name] for measured in rounds]
            cells = [
                f"{median(m.rate for m in each):.0f}",
                f"{median(m.cpu_ms for m in each):.2f}",
                f"{median(m.rss_mib for m in each):.0f}",
                f"{1000 / median(m.other_cpu_ms for m in each):.0f}",
            ]
            ratios = (
                [
                    f"{median(r[OURS].rate / r[PEER].rate for r in rounds):.2f}",
                    f"{median(r[OURS].cpu_ms / r[PEER].cpu_ms for r in rounds):.2f}",
                ]
                if name == OURS and PEER in rounds[0]
                else ["", ""]
            )
            rows.append((f"{name}, {connections}", *cells, *ratios))
    heads = (
        "connections",
        "messages/s",
        "cpu ms a message",
        "RSS MiB",
        "queue and app could do",
        "rate to peer",
        "cpu to peer",
    )
    return table(heads, rows)


def main(argv: list[str]) -> int:
    """Return the status to exit with."""
    wanted = _parser().parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="sqsd-peer-") as folder:
        peer = wanted.peer or install_peer(Path(folder))
        names = (OURS, PEER) if peer is not None else (OURS,)
        pairs: dict[int, list[dict[str, Measured]]] = {count: [] for count in wanted.connections}
        for _ in range(wanted.rounds):
            for count, rounds in pairs.items():
                order = random.sample(names, len(names))
                measured = {
                    name: measure(count, wanted.messages, peer if name == PEER else None) for name in order
                }
                rounds.append({name: measured[name] for name in names})
                sys.stderr.write(".")
                sys.stderr.flush()
    sys.stdout.write(f"\n{wanted.messages} messages a round, {wanted.rounds} rounds\n{report(pairs)}\n")
    if peer is None:
        sys.stdout.write(
            f"{PEER} was not measured: the npm registry does not have it; name a checkout with --peer\n"
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sqsd", description=__doc__)
    parser.add_argument(
        "--peer", type=Path, metavar="DIR", help="a checkout of the peer with what it depends on"
    )
    parser.add_argument("--messages", type=int, default=2000, metavar="COUNT", help="in each measurement")
    parser.add_argument("--rounds", type=int, default=5, metavar="COUNT")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS, metavar="COUNT")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
