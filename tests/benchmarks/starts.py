"""How long a start takes: to the worker's first instruction, to the exit of one that does nothing, and to safety."""

from __future__ import annotations

import os
import signal
from time import monotonic_ns

from tests.benchmarks.preparation import Bench, Wrapper
from tests.benchmarks.trial import LIMIT_SECONDS, trial

_TERM = 1 << (signal.SIGTERM - 1)


def start_and_life(bench: Bench, wrapper: Wrapper) -> dict[str, float]:
    """Return milliseconds from exec, with a worker that exits at once; `life_cpu_ms` is processor time."""
    with trial(bench, wrapper, *bench.worker, "exits") as running:
        ended, used = running.wait()
        started = running.hear("start").at
        return {
            "start_ms": (started - running.began_at) / 1e6,
            "life_ms": (ended - running.began_at) / 1e6,
            "life_cpu_ms": used,
        }


def safety(bench: Bench, wrapper: Wrapper) -> dict[str, float]:
    """Return milliseconds from exec until SIGTERM is blocked or caught: until then it kills, and PID 1 loses it."""
    with trial(bench, wrapper, *bench.worker, "serves") as running:
        proc = [os.open(f"/proc/{running.pid}/{name}", os.O_RDONLY) for name in ("status", "wchan")]
        try:
            while not _is_safe(*(os.pread(file, 4096, 0) for file in proc)):
                if monotonic_ns() - running.began_at > LIMIT_SECONDS * 1e9:
                    raise RuntimeError("SIGTERM is neither blocked nor caught")
                os.sched_yield()
            safe_at = monotonic_ns()
        finally:
            for file in proc:
                os.close(file)
        running.hear("start")
        running.end_worker()
        return {"safe_ms": (safe_at - running.began_at) / 1e6}


def _is_safe(status: bytes, waits_in: bytes) -> bool:
    """Say whether SIGTERM is among the blocked or the caught, or waited for: all three in /proc/PID (proc(5)).

    NB: while sigtimedwait(2) waits for signals, as tini does all the time, they are not shown as blocked.
    """
    fields = dict(line.split(b":", 1) for line in status.splitlines())
    return b"sigtimedwait" in waits_in or bool(
        (int(fields[b"SigBlk"], 16) | int(fields[b"SigCgt"], 16)) & _TERM
    )
