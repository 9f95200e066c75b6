"""What hooks cost: a busy worker for one job, and the supervisor for all that it is told."""

from __future__ import annotations

import json
import select
import socket
from contextlib import closing
from time import monotonic_ns

from tests.benchmarks.figures import Figure
from tests.benchmarks.preparation import ACTORS, BARE, Bench, Wrapper
from tests.benchmarks.trial import LIMIT_SECONDS, trial

_ALONE = Wrapper(BARE, ())


def job_cost(bench: Bench, wrapper: Wrapper, jobs: int) -> dict[str, Figure]:
    """Return microseconds for the begin and end of a job, with a supervisor that listens and without one."""
    timer = (str(bench.python), "-I", str(ACTORS / "hook_timer.py"), str(jobs))
    answers = {}
    for metric, around in (("job_us", wrapper), ("job_alone_us", _ALONE)):
        with trial(bench, around, *timer) as running:
            answers[metric] = Figure(**json.loads(running.text()))
            running.wait()
    return answers


def events_served(bench: Bench, wrapper: Wrapper, events: int) -> float:
    """Return how many hook messages a second the supervisor takes when they come as fast as they can be sent."""
    path = str(bench.folder / "served.sock")
    lines = b"".join(
        b'{"op":"hold","id":"%d","about":"benchmark","ttl":null}\n{"op":"release","id":"%d"}\n'
        % (number, number)
        for number in range(events // 2)
    )
    with (
        trial(bench, wrapper, *bench.worker, "serves", options=("--socket", path)) as running,
        closing(socket.socket(socket.AF_UNIX)) as hooks,
    ):
        running.hear("start")
        running.settle()
        hooks.connect(path)
        hooks.setblocking(False)
        # The answer to the last line comes when all before it have been served.
        unsent = memoryview(lines + b'{"op":"ping"}\n')
        heard = b""
        began = monotonic_ns()
        while b'"pong"' not in heard:
            readable, writable, _ = select.select((hooks,), (hooks,) if unsent else (), (), LIMIT_SECONDS)
            if not readable and not writable:
                raise RuntimeError("the supervisor does not serve its hooks")
            if readable:
                heard = heard[-16:] + hooks.recv(65536)
            if writable:
                unsent = unsent[hooks.send(unsent) :]
        seconds = (monotonic_ns() - began) / 1e9
        running.end_worker()
    return events / seconds
