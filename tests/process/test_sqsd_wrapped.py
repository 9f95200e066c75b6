"""`sqsd ... -- WEB COMMAND` as the first process of a PID namespace, as it is in a container."""

from __future__ import annotations

import json
import sys

import psutil
import pytest

from supervisor.emulator.sqs.server import SqsServer
from tests.process.harness import Run, supervised
from tests.rehearsals.conftest import surroundings as surroundings
from tests.rehearsals.deliveries import AWS, OPTIONS, free_port, stage

pytestmark = pytest.mark.timeout(60)

# A web server that listens, and answers whoever asks whether it is well that it is not.
_UNWELL = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, flush=True)
        self.send_error(503)
    do_POST = do_GET
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_stop_in_the_midst_of_a_request() -> None:
    """It is answered with 200 and its message deleted, then the app gets its signal, and both exit with 0."""
    with stage(wraps=True, as_pid_1=True) as task:
        task.send("a", seconds=2)
        task.until_began("a")
        assert psutil.Process(task.run.pid).name() != "unshare"
        status, seconds = task.run.timed_stop()
        assert status == 0
        assert seconds < 10
        said = [next(iter(json.loads(line))) for line in task.run.output]
        assert said.index("ended") < said.index("gone")
        assert [done["status"] for done in task.notes("delivery.done")] == [200]
        assert task.is_empty()
        assert task.run.marked() == []


def test_an_app_that_dies_ends_the_container() -> None:
    """With the app's own status; its message is not deleted, and no other is kept."""
    with stage("--http-connections", "1", wraps=True, as_pid_1=True) as task:
        task.send("dies", dies=True)
        task.until_began("dies")
        task.send("waits")
        assert task.run.status() == 3
        assert not task.server.history.counts("deleted")
        task.until(lambda: task.visible() == 2, "both are there for others")


@pytest.mark.parametrize(
    ("app", "options", "why"),
    [
        ("import signal; print(1, flush=True); signal.pause()", (), "refused"),
        (_UNWELL, ("--health-path", "/up"), "503"),
    ],
    ids=["it never listens", "it is never well"],
)
def test_an_app_that_never_becomes_well_costs_no_message(
    app: str, options: tuple[str, ...], why: str
) -> None:
    """It is told with the reason; nothing is received, and a stop ends the app at once and with its own status."""
    port = f"{free_port()}"
    with SqsServer() as server:
        words = ("--queue-url", server.create_queue("jobs"), *OPTIONS, *options, "--http-port", port)
        command = (sys.executable, "-I", "-c", app, port)
        with supervised(*command, options=words, env=AWS, as_pid_1=True, mode="sqsd") as run:
            run.until_ready()
            run.until(lambda: any(why in told for told in reasons(run)), "the reason is told")
            status, seconds = run.timed_stop()
            assert status == 143
            assert seconds < 5
        assert not server.calls("ReceiveMessage")


def reasons(run: Run) -> list[str]:
    return [note["why"] for note in run.notes if note["event"] == "app.not_ready"]
