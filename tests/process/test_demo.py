"""The whole demo with real processes: once for programs, once on a terminal, both at the same time."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest

from supervisor.demo.stream import jobs
from tests.waiting import until

ROOT = Path(__file__).parents[2]

# Every process of a demo inherits this, however it detaches itself.
MARK = "ECS_TEST_DEMO"

LIMIT_SECONDS = 150.0

# Both demos run within the first test that asks for one.
pytestmark = pytest.mark.timeout(LIMIT_SECONDS + 30)


@dataclass
class Result:
    status: int
    output: str
    errors: str
    svg: str

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.output)
        return document


@contextmanager
def demo(*words: str, directory: Path, **popen: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a demo and yield it with its mark; whatever is left of it afterwards is killed."""
    mark = uuid.uuid4().hex
    environ = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environ |= {
        MARK: mark,
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLUMNS": "120",
        "LINES": "40",
    }
    # A demo that is killed cannot remove its directory.
    environ["TMPDIR"] = str(directory)
    # Not for the supervisors of the demo: they would refuse to start.
    environ["ECS_SUPERVISOR_STOP_TIMEOUT"] = "nonsense"
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "supervisor", "demo", *words],
        cwd=directory,
        env=environ,
        stdin=subprocess.DEVNULL,
        text=True,
        **popen,
    )
    try:
        yield process, mark
    finally:
        for left in marked(mark):
            with suppress(psutil.NoSuchProcess):
                left.kill()
        process.wait()


def marked(mark: str) -> list[psutil.Process]:
    """Return every living process of a demo."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def read_terminal(descriptor: int, into: list[bytes]) -> None:
    """Read until nobody has the other side open, which a terminal reports as an error."""
    with suppress(OSError):
        while chunk := os.read(descriptor, 65536):
            into.append(chunk)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Result]:
    """The demo for programs, and the demo on a terminal."""
    directory = tmp_path_factory.mktemp("demo")
    ours, theirs = pty.openpty()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    screen: list[bytes] = []
    with (
        demo("--json", "--svg", "json.svg", "--seed", "3", directory=directory, **pipes) as (
            quiet,
            quiet_mark,
        ),
        demo(directory=directory, stdout=theirs, stderr=subprocess.PIPE) as (shown, shown_mark),
    ):
        os.close(theirs)
        reader = threading.Thread(target=read_terminal, args=(ours, screen), daemon=True)
        reader.start()
        output, errors = quiet.communicate(timeout=LIMIT_SECONDS)
        _, shown_errors = shown.communicate(timeout=LIMIT_SECONDS)
        reader.join(10)
        assert marked(quiet_mark) + marked(shown_mark) == []
    os.close(ours)
    return (
        Result(quiet.returncode, output, errors, (directory / "json.svg").read_text()),
        Result(
            shown.returncode,
            b"".join(screen).decode(),
            shown_errors,
            (directory / "ecs-supervisor-demo.svg").read_text(),
        ),
    )


def test_the_supervised_side_does_what_it_promises(results: tuple[Result, Result]) -> None:
    """No job is killed by scale-in or deployment, and none by StopTask that fits into the drain."""
    for result in results:
        assert (result.status, result.errors) == (0, "")
    document = results[0].document
    assert document["as_promised"] is True
    supervised = document["sides"]["supervised"]
    assert supervised["finished"] == supervised["jobs"] == supervised["started"]
    assert supervised["killed_by"]["scale-in"] == supervised["killed_by"]["deployment"] == 0
    assert supervised["broken_promises"] == supervised["unfinished"] == []
    assert supervised["protection_calls"]["granted"] > 0
    runs = [run for task in supervised["tasks"] for run in task["runs"]]
    fits, too_long = (job.name for job in jobs(3) if job.is_stopped)
    assert [run["ending"] for run in runs if run["job"] == fits] == ["finished"]
    assert [run["ending"] for run in runs if run["job"] == too_long] == ["killed", "finished"]


def test_the_bare_side_lives_through_the_same(results: tuple[Result, Result]) -> None:
    """Same jobs, same steps, no protection: what was busy is killed and run again."""
    bare = results[0].document["sides"]["bare"]
    assert bare["jobs"] == results[0].document["sides"]["supervised"]["jobs"]
    assert bare["killed_by"]["scale-in"] + bare["killed_by"]["deployment"] > 0
    assert bare["killed_by"]["stop-task"] > 0
    assert bare["killed"] == sum(bare["killed_by"].values())
    assert bare["run_twice"]
    assert bare["protection_calls"]["total"] == 0


def test_the_numbers_are_those_of_the_records(results: tuple[Result, Result]) -> None:
    """The totals can be counted again from the tasks and runs in the same document."""
    for side in results[0].document["sides"].values():
        runs = [run for task in side["tasks"] for run in task["runs"]]
        assert side["finished"] == len({run["job"] for run in runs if run["ending"] == "finished"})
        assert side["killed"] == sum(run["ending"] == "killed" for run in runs)
        assert side["run_twice"] == sorted({run["job"] for run in runs if run["run"] > 1})
        assert all(task["exited_at"] is not None for task in side["tasks"])
        assert {drain["reason"] for drain in side["drains"]} == {"scale-in", "deployment", "stop-task"}


def test_it_takes_less_than_a_minute_or_so(results: tuple[Result, Result]) -> None:
    """About 45 seconds on a machine with nothing else to do; two demos shared this one."""
    assert results[0].document["seconds"] < 90


def test_the_picture_shows_what_the_document_says(results: tuple[Result, Result]) -> None:
    """As many rows as tasks and as many bars as runs."""
    root = ElementTree.fromstring(results[0].svg)
    shapes = [each.get("class", "") for each in root.iter()]
    tasks = [task for side in results[0].document["sides"].values() for task in side["tasks"]]
    bars = [kind for kind in shapes if kind.startswith("bar ")]
    # Each kind of bar stands in the key once more.
    assert len(bars) - len(set(bars)) == sum(len(task["runs"]) for task in tasks)
    assert shapes.count("row") == len(tasks)


def test_a_terminal_shows_it_live(results: tuple[Result, Result]) -> None:
    """Tasks, their jobs and what happens, again and again; then the table and where the picture is."""
    output = results[1].output
    assert "\x1b[" in output
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output)
    assert text.count("under ecs-supervisor") > 20, "frames"
    for words in ("protected", "draining", "job killed", "runs killed in the middle", "was kept"):
        assert words in text, words
    assert "The picture: ecs-supervisor-demo.svg" in text
    assert "PROMISE BROKEN" not in text
    ElementTree.fromstring(results[1].svg)


def test_an_interrupted_demo_leaves_nobody_behind(tmp_path: Path) -> None:
    """Control-C ends it with the status of an interrupted program, and all its processes with it."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with demo("--json", "--svg", "none", directory=tmp_path, **pipes) as (process, mark):
        until(lambda: len(marked(mark)) > 6, limit=30, why="the tasks of both sides have started")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert marked(mark) == []
        assert process.communicate() == ("", "")
        assert list(tmp_path.iterdir()) == []


def test_a_killed_demo_is_outlived_by_nobody_for_long(tmp_path: Path) -> None:
    """The workers notice that the demo is gone, and their supervisors exit with them."""
    with demo("--json", "--svg", "none", directory=tmp_path, stdout=subprocess.DEVNULL) as (process, mark):
        until(lambda: len(marked(mark)) > 6, limit=30, why="the tasks of both sides have started")
        process.kill()
        process.wait()
        until(lambda: marked(mark) == [], limit=40, why="workers and supervisors have exited")
