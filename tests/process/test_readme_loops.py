"""README's two loops for workers of one's own, run as they stand there: through a quiet time, and to a stop."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.callers import install_curl
from tests.process.steered import LONG, Steered, steered
from tests.process.test_probes import free_port

README = Path(__file__).parents[2] / "README.md"

# What the loops call: a queue that has a message whenever it is asked, and work that takes no time worth mentioning.
PYTHON = """\
import threading
def breathe(): threading.Event().wait(0.02)
class queue:
    def receive(wait): breathe(); return "mail"
def pages(message): return [1, 2]
def save(page): pass
def render(page): breathe(); print("done", flush=True)
"""
SHELL = """\
receive() { sleep 0.02; echo mail; }
work_on() { sleep 0.02; echo done; }
"""


def loop(language: str, needle: str) -> str:
    """Return the one block of README in this language that has the needle in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)
    (found,) = (block for block in blocks if needle in block)
    return str(found)


@pytest.fixture(params=["python", "sh"])
def task(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Steered]:
    script = tmp_path / "worker"
    options: tuple[str, ...] = LONG
    # A quiet time has to be longer than what the loops may wait for at once, but not so long here.
    if request.param == "python":
        text = re.sub(r"wait_open\(\d+", "wait_open(0.1", loop("python", "gate.wait_open("))
        script.write_text(PYTHON + text)
        command = sys.executable
    else:
        text = loop("sh", '"fetching"').replace('"wait": 30', '"wait": 0.1').replace("sleep 1", "sleep 0.1")
        script.write_text(SHELL + text)
        command, options = "sh", (*LONG, "--api", f"127.0.0.1:{free_port()}")
    environ = {"PYTHONPATH": str(README.parent)}
    if shutil.which("curl") is None:
        environ["PATH"] = install_curl(tmp_path)
    with steered(tmp_path, command, str(script), options=options, env=environ) as running:
        yield running


def test_a_quiet_time_does_not_end_the_worker(task: Steered) -> None:
    """It waits for as long as the task is quiet, holds nothing meanwhile, and goes on afterwards."""
    task.run.until_output("done")
    task.says("quiet", "--reason", "the database is down")
    idle = lambda: task.says("holds") == "nothing is in flight\n"  # noqa: E731
    task.run.until(idle, "what was in flight has ended")
    done = len(task.run.output)
    # The loop is refused more than once meanwhile; for a moment each of its questions is a look for work, which ends at once.
    for _ in range(5):
        task.run.until(idle, "nothing is held")
    assert len(task.run.output) == done
    task.says("resume")
    task.run.until(lambda: len(task.run.output) > done + 2, "the worker works again")
    assert "worker.exited" not in task.run.names()


def test_a_stop_ends_it_between_two_jobs(task: Steered) -> None:
    """Nothing is left in flight, and nothing about its end is worth a warning."""
    task.run.until_output("done")
    status, seconds = task.run.timed_stop()
    assert status in (0, 143)
    assert seconds < float(LONG[1]) / 2
    assert [note["event"] for note in task.run.notes if note["level"] != "info"] == []
