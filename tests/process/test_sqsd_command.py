"""The command `sqsd` as a process: what it refuses, what it says without its library, and its demo."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.process.harness import ROOT, checkout, supervised
from tests.rehearsals.deliveries import AWS

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--queue-url is missing"),
        (
            ("--queue-url", "http://localhost:1/1/jobs", "--poll-wait", "20", "--stop-timeout", "10"),
            "an abandoned poll goes on taking",
        ),
    ],
)
def test_what_cannot_work_is_refused(options: tuple[str, ...], said: str) -> None:
    """Before anything is started, with status 78, in sentences."""
    with supervised(options=options, mode="sqsd") as run:
        assert run.status() == 78
        text = "\n".join(run.errors)
        assert said in text
        assert "Traceback" not in text


@pytest.mark.parametrize("command", [("sqsd", "--queue-url", "http://localhost:1/1/jobs"), ("demo", "sqsd")])
def test_without_its_library_it_says_what_to_install(command: tuple[str, ...]) -> None:
    """One sentence with the fix, and status 78."""
    done = subprocess.run(
        [*checkout('sys.modules["botocore"] = None'), *command], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 78
    assert done.stderr.count(b"\n") == 1
    assert b"pip install 'ecs-supervisor[sqs]'" in done.stderr


def test_a_web_command_that_is_not_there_is_told() -> None:
    """With the status that a shell has for it, and no message is taken."""
    options = ("--queue-url", "http://localhost:1/1/jobs")
    with supervised("no-such-server", options=options, mode="sqsd", env=AWS) as run:
        assert run.status() == 127
        assert "'no-such-server' was not found" in run.errors[0]


def test_a_stop_before_there_is_an_app_ends_at_once() -> None:
    """Nothing was received, so nothing is waited for."""
    options = ("--queue-url", "http://localhost:1/1/jobs", "--http-port", "1")
    with supervised(options=options, mode="sqsd", env=AWS) as run:
        run.until_noted("app.not_ready")
        status, seconds = run.timed_stop(signal.SIGTERM)
        assert status == 0
        assert seconds < 5


def test_the_demo_shows_what_was_promised() -> None:
    """One command, no AWS, nothing installed but the extra: every job is done, and the stop hides nothing."""
    words = [sys.executable, "-m", "supervisor", "demo", "sqsd"]
    done = subprocess.run(words, capture_output=True, timeout=50, check=False, cwd=ROOT, text=True)
    assert done.returncode == 0, done.stderr
    assert "status 500, comes back in 1 s" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(
        "Done: 20. At the stop 4 were under way and finished, 4 were left"
    )
