"""A worker with a client of task-definitions/, started as its container would be, and the supervisor that it speaks to.

That is a real sidecar, or, where a test wants to choose the moment, a server that says what the test wants.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.conformance.api_client import Connection, Reply
from tests.integrations.configuration import Setting
from tests.integrations.frameworks.beside import Beside
from tests.integrations.records import read_lines
from tests.process.harness import checkout
from tests.waiting import until

LIMIT_SECONDS = 30.0

# Instead of 15 and 10.
REFRESH_SECONDS = 1
PATIENCE_SECONDS = 2


class Snippet:
    """process: the worker's main process."""

    def __init__(self, process: subprocess.Popen[bytes], setting: Setting, log: Path) -> None:
        self.process = process
        self._setting = setting
        self._log = log

    def jobs(self, what: str) -> list[str]:
        return [line.job for line in read_lines(self._setting.records) if line.what == what]

    def until_started(self, job: str) -> None:
        self.until(lambda: job in self.jobs("start"), f"{job} has started")

    def until_ended(self, job: str) -> None:
        self.until(lambda: job in self.jobs("end"), f"{job} has ended")

    def status(self) -> int:
        """Wait for the worker's end."""
        self.until(lambda: self.process.poll() is not None, "the worker has ended")
        return self.process.returncode

    def until(self, predicate: Callable[[], object], why: str) -> None:
        """Wait for a fact; tell what was printed when it does not come."""
        try:
            until(predicate, limit=LIMIT_SECONDS, why=why)
        except AssertionError as error:
            lines = read_lines(self._setting.records)
            raise AssertionError(f"{error}\n{self._log.read_text(errors='replace')}\n{lines}") from None


@contextmanager
def snippet(configuration: Beside, setting: Setting, api: str | None) -> Iterator[Snippet]:
    """Run a worker. api: what ECS_SUPERVISOR_API is to be. Nothing of it outlives the test."""
    _hurry(configuration, setting)
    environ = {**os.environ, **configuration.environ(setting), "RECORDS": str(setting.records)}
    environ |= {} if api is None else {"ECS_SUPERVISOR_API": api}
    log = setting.folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            configuration.command(setting),
            env=environ,
            cwd=configuration.app,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        yield Snippet(process, setting, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _hurry(configuration: Beside, setting: Setting) -> None:
    """Give the client shorter times, so that a test need not take as long as a job."""
    text = (configuration.definition / configuration.client).read_text()
    for name, seconds, shorter in (("refresh", 15, REFRESH_SECONDS), ("patience", 10, PATIENCE_SECONDS)):
        text, found = re.subn(rf"(?i)\b({name} *= *){seconds}\b", rf"\g<1>{shorter}", text)
        assert found == 1, f"{configuration.client} does not say {name} = {seconds} once"
    (setting.folder / configuration.client).write_text(text)


class Sidecar:
    """api: its address, as ECS_SUPERVISOR_API has it."""

    def __init__(self, process: subprocess.Popen[bytes], api: str) -> None:
        self.api = api
        self._process = process

    def ask(self, method: str, path: str) -> Reply:
        connection = Connection(self.api)
        try:
            return connection.ask(method, path)
        finally:
            connection.close()

    def holds(self) -> list[dict[str, Any]]:
        holds: list[dict[str, Any]] = self.ask("GET", "/v1/holds").json["holds"]
        return holds

    @property
    def answers(self) -> bool:
        try:
            return self.ask("GET", "/livez").status == 200
        except OSError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def sidecar(folder: Path, api: str) -> Iterator[Sidecar]:
    """Run a real sidecar, outside of ECS."""
    words = ("sidecar", "--socket", "none", "--api", api.removeprefix("http://"), "--log-format", "json")
    with (folder / "sidecar.log").open("wb") as log:
        process = subprocess.Popen((*checkout(), *words), stderr=log, cwd=folder)
    it = Sidecar(process, api)
    try:
        until(lambda: it.answers, limit=LIMIT_SECONDS, why="the sidecar answers")
        yield it
    finally:
        it.kill()


class Saying:
    """A supervisor that says what a test wants. welcome: to whoever asks for work. refuses: a hold that asks whether to begin.

    asked: method and path of every request, in order.
    """

    def __init__(self) -> None:
        self.welcome = True
        self.refuses = False
        self.asked: list[tuple[str, str]] = []
        self.address = ""

    def count(self, method: str) -> int:
        return sum(each == method for each, _ in self.asked)

    def answer(self, method: str, path: str, body: dict[str, Any]) -> int:
        self.asked.append((method, path))
        if method == "GET":
            # A long poll, but for nobody here to wait long.
            was = re.search("was=(true|false)", path)
            if was is not None and (was[1] == "true") is self.welcome:
                threading.Event().wait(0.2)
            return 200 if self.welcome else 503
        return 409 if self.refuses and "wait" in body else 200


@contextmanager
def saying() -> Iterator[Saying]:
    """Serve such a one."""
    it = Saying()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(it.answer(self.command, self.path, json.loads(text or b"{}") or {}))
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_GET  # noqa: N815 - the names that http.server calls
        do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        it.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield it
        finally:
            server.shutdown()
            thread.join()
