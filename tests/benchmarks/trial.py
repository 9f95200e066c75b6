"""One wrapper around one worker, from exec to exit, and the moments in between on one clock."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic_ns

from tests.benchmarks.preparation import ENVIRONMENT, Bench, Wrapper
from tests.waiting import until

# Longer than anything here takes, also on a machine that is busy with something else.
LIMIT_SECONDS = 60.0

# A start is over when the wrapper has used no processor for so long.
SETTLED_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the worker. at: when, in nanoseconds of the monotonic clock."""

    word: str
    at: int
    pid: int


class Trial:
    """A process under observation. began_at: just before it was started. pid: the wrapper's."""

    def __init__(self, bench: Bench, words: tuple[str, ...], environment: dict[str, str]) -> None:
        self._output, output = os.pipe2(os.O_CLOEXEC)
        # The shell's worker waits on this; the end that is kept says nothing.
        quiet, self._quiet = os.pipe2(os.O_CLOEXEC)
        log = os.open(bench.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        copies = [(os.POSIX_SPAWN_DUP2, mine, theirs) for mine, theirs in ((quiet, 0), (output, 1), (log, 2))]
        self._rest = b""
        self._worker: int | None = None
        self._has_ended = False
        self.began_at = monotonic_ns()
        self.pid = os.posix_spawnp(
            words[0],
            words,
            ENVIRONMENT | environment,
            file_actions=copies,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE,),
        )
        for descriptor in (quiet, output, log):
            os.close(descriptor)

    def hear(self, word: str) -> Said:
        """Return the worker's next line, which must begin with this word."""
        while b"\n" not in self._rest:
            if not self._readable(LIMIT_SECONDS):
                raise RuntimeError(f"the worker has not said {word!r}")
            chunk = os.read(self._output, 65536)
            if not chunk:
                raise RuntimeError(f"the worker ended without saying {word!r}")
            self._rest += chunk
        arrived = monotonic_ns()
        line, _, self._rest = self._rest.partition(b"\n")
        said, at, pid = line.decode().split()
        if said != word:
            raise RuntimeError(f"the worker said {said!r}, not {word!r}")
        self._worker = int(pid)
        return Said(said, arrived if at == "-" else int(at), self._worker)

    def text(self) -> bytes:
        """Return all that is still said until the end."""
        while chunk := os.read(self._output, 65536):
            self._rest += chunk
        return self._rest

    def hear_nothing(self, seconds: float) -> None:
        """Let so much time pass, in which the worker must say nothing: no signal comes twice."""
        if self._rest or self._readable(seconds):
            raise RuntimeError("the worker has said something unasked")

    def send(self, number: int) -> int:
        """Send the wrapper a signal; return when."""
        at = monotonic_ns()
        os.kill(self.pid, number)
        return at

    def settle(self) -> None:
        """Wait until the wrapper has done all that belongs to its start."""
        seen = (-1, 0)

        def is_settled() -> bool:
            nonlocal seen
            used, now = cpu_ns(self.pid), monotonic_ns()
            if used != seen[0]:
                seen = (used, now)
            return now - seen[1] > SETTLED_SECONDS * 1e9

        until(is_settled, limit=LIMIT_SECONDS, why="the wrapper has come to rest")

    def end_worker(self) -> float:
        """Let the worker exit by itself; return the microseconds from there to the wrapper's exit."""
        assert self._worker is not None
        os.kill(self._worker, signal.SIGUSR2)
        ended = self.hear("exit").at
        return (self.wait()[0] - ended) / 1000

    def wait(self) -> tuple[int, float]:
        """Wait for the wrapper's exit; return when, and the processor time that all below it took, in milliseconds."""
        _, _, used = os.wait4(self.pid, 0)
        at = monotonic_ns()
        self._has_ended = True
        return at, (used.ru_utime + used.ru_stime) * 1000

    def close(self) -> None:
        """End whatever is left."""
        if not self._has_ended:
            for pid in (self.pid, self._worker):
                if pid is not None:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._output)
        os.close(self._quiet)

    def _readable(self, seconds: float) -> bool:
        return bool(select.select((self._output,), (), (), seconds)[0])


@contextmanager
def trial(
    bench: Bench,
    wrapper: Wrapper,
    *command: str,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
) -> Iterator[Trial]:
    """Run a command in a wrapper; nothing of it is left afterwards."""
    running = Trial(bench, wrapper.around(*command, options=options), environment or {})
    try:
        yield running
    except BaseException:
        with open(bench.log, errors="replace") as log:
            os.write(2, "".join(log.readlines()[-20:]).encode())
        raise
    finally:
        running.close()


def cpu_ns(pid: int) -> int:
    """Return the processor time of all threads: exact, where the clock of `times` counts hundredths of a second."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with suppress(FileNotFoundError), open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total
