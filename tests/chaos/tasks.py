"""A task of the chaos test: a daemon and its app, as two containers side by side or one around the other, and what ends them."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.process.harness import checkout

from .evidence import Blow, Line, What, read_line

APP = Path(__file__).parent / "actors" / "app.py"

# Below those that the kernel chooses from (ip(7), ip_local_port_range).
_PORTS = range(20_000, 32_000)

# Where a supervisor that is killed leaves its sockets.
_PLACES = (Path("/run"), Path("/dev/shm"), Path("/tmp"))

# What stands in place of a log where the stop comes first of all.
_STOPPED_EARLY = "ecs-supervisor: asked to stop before "

# What a daemon may end with: 0; or as its app did, which the daemon stops with SIGTERM, and others with SIGKILL.
_GOOD_STATUSES = (0, 128 + signal.SIGTERM, 128 + signal.SIGKILL)


class Task:
    """wraps: the daemon starts the app, and stops it last. tell: takes each blow."""

    def __init__(
        self,
        name: str,
        folder: Path,
        wraps: bool,
        options: Sequence[str],
        environ: Mapping[str, str],
        tell: Callable[[Blow], None],
    ) -> None:
        self.name, self.wraps = name, wraps
        self.thaws_at: float | None = None
        self.has_ended = False
        self._tell_all = tell
        self._records = folder / f"{name}.jobs"
        self._log = folder / f"{name}.log"
        self._port = _free_port()
        self._gone: dict[int, float] = {}
        self._app: subprocess.Popen[bytes] | None = None
        self._is_killed = False
        if not wraps:
            self.start_app()
        command = ("--", *self._app_words()) if wraps else ()
        words = (*checkout(), "sqsd", *options, "--http-port", f"{self._port}", *command)
        with self._log.open("wb") as log:
            self.daemon = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | environ
            )
        self._tell(What.STARTED, "around its app" if wraps else "beside its app")

    def start_app(self) -> None:
        """Start the app as a container of its own."""
        self._app = subprocess.Popen(self._app_words(), stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        self._tell(What.STOPPED)
        self.daemon.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the daemon as for want of memory; the app lives on until `clear_away`."""
        self._is_killed = True
        self._tell(What.KILLED)
        self.daemon.kill()

    def freeze(self, until_at: float) -> None:
        """Let the daemon not run until then, so that it loses its leases."""
        self.thaws_at = until_at
        self._tell(What.FROZEN)
        self.daemon.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.thaws_at = None
        self.daemon.send_signal(signal.SIGCONT)

    def kill_app(self) -> None:
        """End the app in the midst of what it does."""
        self._tell(What.APP_KILLED)
        self._end_app()

    def is_up(self) -> bool:
        """Say whether the daemon runs and has said anything: before that it is an interpreter that starts, no PID 1 as yet."""
        return self.daemon.poll() is None and self._log.stat().st_size > 0

    def is_over(self) -> bool:
        """Say whether the daemon has ended; note it the first time."""
        status = self.daemon.poll()
        if status is None:
            return False
        if not self.has_ended:
            self.has_ended = True
            self._tell(What.EXITED, f"with {status}")
        return True

    def clear_away(self) -> None:
        """End what is left: nothing of a task outlives it."""
        if self.daemon.poll() is None:
            self.daemon.kill()
        self.daemon.wait()
        self._end_app()
        for place in _PLACES:
            for left in place.glob(f"ecs-supervisor-{self.daemon.pid}[.-]*"):
                left.unlink(missing_ok=True)

    def gone(self) -> Mapping[int, float]:
        """Return when each of its apps ended, by pid."""
        return self._gone

    def records(self) -> list[dict[str, Any]]:
        """Return what its apps have recorded."""
        lines = self._records.read_text().splitlines() if self._records.exists() else []
        return [json.loads(line) for line in lines]

    def lines(self) -> Iterator[Line]:
        """Yield its log."""
        for text in self._log.read_text(errors="replace").splitlines():
            # A daemon that was killed may have been about to write a line.
            with suppress(ValueError):
                yield read_line(self.name, json.loads(text), text)

    def strange(self) -> Iterator[str]:
        """Yield what no daemon may say: a defect, a traceback, a status that nothing explains."""
        texts = self._log.read_text(errors="replace").splitlines()
        for text in texts if not self._is_killed else texts[:-1]:
            if not text.startswith(('{"time"', _STOPPED_EARLY)) or '"event": "bug.' in text:
                yield f"{self.name}: {text}"
        if not self._is_killed and self.daemon.returncode not in _GOOD_STATUSES:
            yield f"{self.name}: it ended with {self.daemon.returncode}"

    def _app_words(self) -> tuple[str, ...]:
        return (sys.executable, "-I", "-S", str(APP), str(self._port), str(self._records), self.name)

    def _end_app(self) -> None:
        # Before the signal, so that nothing which follows from it seems to have come first.
        at = time.monotonic()
        for pid in {record["pid"] for record in self.records()} - self._gone.keys():
            if self._app is None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._gone[pid] = at
        if self._app is not None:
            self._app.kill()
            self._app.wait()
            self._app = None

    def _tell(self, what: What, detail: str = "") -> None:
        self._tell_all(Blow(time.monotonic(), self.name, what, detail))


def _free_port() -> int:
    """Return one that the kernel gives to no connection: an app that is started again has to find it free again."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = random.choice(_PORTS)
            probe.bind(("127.0.0.1", port))
            return port
