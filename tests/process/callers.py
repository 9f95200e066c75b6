"""Processes that ask for task protection by themselves, at whatever address they are given."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.process.harness import ACTORS

PATH = "/task-protection/v1/state"


class Worker:
    """One process that does what it is told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        # Of its own, which is not `process.pid` where something is around it.
        self.pid = int(self.read())

    def tell(self, words: str) -> None:
        """Have it do something, and do not wait for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def read(self) -> Any:
        """Return what came of what it was told."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, words: str) -> Any:
        self.tell(words)
        return self.read()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def worker(uri: str, before: Sequence[str] = ()) -> Iterator[Worker]:
    """Start one. before: words in front, of a program that starts it."""
    with subprocess.Popen(
        [*before, sys.executable, "-S", "-u", str(ACTORS / "toggles.py")],
        env=os.environ | {"ECS_AGENT_URI": uri},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Worker(process)
        finally:
            process.kill()


def install_curl(directory: Path) -> str:
    """Put a program of that name into a directory, and return a PATH on which it is the first; not every machine has one.

    Its process has the name too, because that is what a client is known by: so the interpreter is started as `curl`.
    """
    interpreter = directory / "interpreter" / "curl"
    interpreter.parent.mkdir()
    interpreter.symlink_to(Path(sys.executable).resolve())
    program = directory / "curl"
    words = (str(interpreter), "-I", "-S", str(ACTORS / "curl.py"))
    program.write_text(f"""#!/bin/sh\nexec {shlex.join(words)} "$@"\n""")
    program.chmod(0o755)
    return os.pathsep.join((str(directory), os.environ["PATH"]))


def curl(uri: str, enabled: bool) -> str:
    """Return a command line that asks."""
    wanted = str(enabled).lower()
    return f"""curl -sS -X PUT -d '{{"ProtectionEnabled":{wanted}}}' {uri}{PATH}"""
