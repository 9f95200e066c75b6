"""Web servers behind a load balancer: every request that is sent is answered, also while their task is being stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integrations.balancer import Balancer, get
from tests.integrations.configuration import Setting
from tests.integrations.conftest import Run
from tests.integrations.frameworks.gunicorn import GUNICORN
from tests.integrations.frameworks.puma import PUMA, PUMA_WORKERS
from tests.integrations.frameworks.uvicorn import UVICORN, UVICORN_WORKERS
from tests.integrations.frameworks.web import Web, base_port
from tests.integrations.worker import Worker

SERVERS = (GUNICORN, UVICORN, UVICORN_WORKERS, PUMA, PUMA_WORKERS)
every_server = pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)

# What a server exits with after a stop that it has carried out. Both that end by their signal do so on purpose, when all is
# done: uvicorn sends it to itself again, puma raises it as its last act.
EXITS = {GUNICORN: 0, UVICORN: 143, UVICORN_WORKERS: 0, PUMA: 143, PUMA_WORKERS: 143}

# For so long the balancer goes on sending when the task is not ready any more.
DELAY_SECONDS = 1.0

WITH_DELAY = ("--stop-sequence", "WAIT 2 TERM 8 KILL")

PAUSE_SECONDS = 0.02


class Stream:
    """Requests without an end, sent by a balancer to one task for as long as its ready file is there, and a while longer."""

    def __init__(self, port: int, ready: Path) -> None:
        self.balancer = Balancer(lambda: [port] if ready.exists() else [], DELAY_SECONDS)
        self.sent = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> dict[str, str]:
        """Stop sending and wait for all answers; return the requests that were not answered well, and why."""
        self._stopped.set()
        self._thread.join()
        return self.balancer.finish().failed

    def _run(self) -> None:
        while not self._stopped.wait(PAUSE_SECONDS):
            self.sent += self.balancer.send(f"short-{self.sent}", 0.01)


@contextmanager
def under_load(
    server: Web, setting: Setting, run_worker: Run, *options: str
) -> Iterator[tuple[Worker, Stream, int]]:
    """Give a worker that has begun to answer a stream of requests, the stream, and the port."""
    ready = setting.folder / "ready"
    port = base_port(setting) + 1
    worker = run_worker(server, setting, "--ready-file", str(ready), *options)
    stream = Stream(port, ready)
    try:
        worker.until(lambda: len(stream.balancer.outcomes.status) > 5, "requests are answered")
        yield worker, stream, port
    finally:
        stream.end()


@every_server
def test_no_request_is_lost_in_a_stop_with_a_delay(server: Web, setting: Setting, run_worker: Run) -> None:
    """Readiness goes first, the server serves on until the balancer has noticed, and what is in flight ends."""
    with under_load(server, setting, run_worker, *WITH_DELAY) as (worker, stream, _):
        assert stream.balancer.send("long", 3.0)
        worker.until_started("long")
        sent = stream.sent
        worker.send(signal.SIGTERM)
        worker.until(lambda: not (setting.folder / "ready").exists(), "the task is not ready any more")
        worker.until(lambda: stream.sent > sent, "the balancer has not noticed yet")
        assert worker.status() == EXITS[server]
        assert stream.end() == {}
        assert stream.balancer.outcomes.status["long"] == 200
        assert not worker.noted("task.killing")


def test_without_the_delay_requests_are_lost(setting: Setting, run_worker: Run) -> None:
    """What the balancer sends until it has noticed is refused: the stream above can fail."""
    with under_load(UVICORN, setting, run_worker, "--stop-sequence", "TERM 8 KILL") as (worker, stream, _):
        worker.send(signal.SIGTERM)
        assert worker.status() == EXITS[UVICORN]
        assert stream.end() != {}


@pytest.mark.parametrize("server", [GUNICORN, UVICORN], ids=lambda server: server.name)
def test_a_request_that_takes_too_long_is_cut_by_the_server(
    server: Web, setting: Setting, run_worker: Run
) -> None:
    """The door has set its limit below ours, so that it exits by itself and nothing has to be killed."""
    with under_load(server, setting, run_worker, "--stop-sequence", "TERM 4 KILL") as (worker, stream, _):
        assert stream.balancer.send("endless", 60.0)
        worker.until_started("endless")
        worker.send(signal.SIGTERM)
        assert worker.status() == EXITS[server]
        assert not worker.noted("task.killing")
        assert "endless" not in worker.ended()


def test_what_to_write_into_pumas_config_file_is_said(setting: Setting, run_worker: Run) -> None:
    """Its limits can be set nowhere else, so ours ends what takes too long."""
    with under_load(PUMA, setting, run_worker, "--stop-sequence", "TERM 2 KILL") as (worker, stream, _):
        told = worker.until_noted("worker.recognised", profile="puma")
        assert "force_shutdown_after" in told["not_attached"]
        assert stream.balancer.send("endless", 60.0)
        worker.until_started("endless")
        worker.send(signal.SIGTERM)
        assert worker.status() == 137


@every_server
def test_a_request_in_flight_protects_the_task(server: Web, setting: Setting, run_worker: Run) -> None:
    """A probe of the sockets sees it, whatever the server says of itself; and an idle server is not protected."""
    port = base_port(setting) + 1
    worker = run_worker(
        server, setting, "--probe", f"sockets={port}", "--probe-settle", "0.5", "--release-delay", "0"
    )
    worker.until(lambda: _answers(port), "the server answers")
    worker.until_protected(False)
    asked = threading.Thread(target=get, args=(port, "/long?4"), daemon=True)
    asked.start()
    worker.until_protected()
    worker.until_ended("long")
    asked.join(30)
    worker.until_protected(False)
    assert len(worker.held()) >= 1
    worker.send(signal.SIGTERM)
    assert worker.status() == EXITS[server]


def _answers(port: int) -> bool:
    try:
        return get(port, "/") == 200
    except OSError:
        return False
