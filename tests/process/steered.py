"""A running supervisor and the commands that ask it, each a process of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.process.harness import Run, actor, checkout, supervised

# Generous: it decides only how long a broken test takes to fail.
LIMIT_SECONDS = 15.0

LONG = ("--stop-timeout", "100")


@dataclass(frozen=True)
class Steered:
    """api, hooks: where the supervisor listens; both are known to the commands by the variables that a worker has."""

    run: Run
    api: Path
    hooks: Path

    def command(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run `ecs-supervisor` with these words to its end."""
        return subprocess.run(
            [*checkout(), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
            env=self.environ | environ,
        )

    def says(self, *words: str, **environ: str) -> str:
        """Return what a command prints that is expected to do its work without a complaint."""
        done = self.command(*words, **environ)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    @property
    def environ(self) -> dict[str, str]:
        return os.environ | {
            "ECS_SUPERVISOR_API": f"unix:{self.api}",
            "ECS_SUPERVISOR_SOCKET": str(self.hooks),
        }


@contextmanager
def steered(
    directory: Path, *command: str, options: Sequence[str] = LONG, env: dict[str, str] | None = None
) -> Iterator[Steered]:
    """Run a supervisor over a worker that waits, or over a command."""
    api, hooks = directory / "api", directory / "hooks"
    listens = ("--api", f"unix:{api}", "--socket", str(hooks))
    with supervised(*(command or actor("waits")), options=(*listens, *options), env=env) as run:
        run.until_noted("task.running")
        run.until_ready()
        yield Steered(run, api, hooks)
