"""A running supervisor is looked at and steered from another process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from supervisor import __version__
from supervisor.core.status import NOT_ALLOWED, REFUSED, UNAVAILABLE, USAGE
from tests.process.harness import checkout
from tests.process.steered import LIMIT_SECONDS, steered
from tests.process.test_terminal import Screen
from tests.waiting import until

STEERING = ("quiet", "resume", "drain")


def test_status_is_one_screen(tmp_path: Path) -> None:
    """Who it is, the phase, the worker, the work, protection, and what comes next; plain where nobody watches."""
    with steered(tmp_path) as task:
        lines = task.says("status").splitlines()
    assert lines[0].startswith(f"ecs-supervisor {__version__}, pid {task.run.process.pid}, ")
    labels = [line[:12].strip() for line in lines[1:]]
    assert labels == ["task", "way out", "worker", "in flight", "protection", "next"]
    assert lines[1].startswith("task        running for ")


def test_status_for_programs_is_what_the_api_says(tmp_path: Path) -> None:
    """`--json` prints the document as it came."""
    with steered(tmp_path) as task:
        document = json.loads(task.says("status", "--json"))
        assert (document["phase"], document["pid"]) == ("running", task.run.process.pid)


def test_holds_are_listed(tmp_path: Path) -> None:
    """What is in flight, in words and as JSON; and that nothing is."""
    with steered(tmp_path) as task:
        assert task.says("holds") == "nothing is in flight\n"
        words = (*checkout(), "holds")
        assert task.says("hold", "--about", "backup", "--", *words).startswith("backup  ")
        (hold,) = json.loads(task.says("hold", "--about", "backup", "--", *words, "--json"))["holds"]
        assert hold["about"] == "backup"


def test_quiet_and_resume(tmp_path: Path) -> None:
    """No new work is taken until somebody says so, and the reason is shown and logged."""
    with steered(tmp_path) as task:
        said = task.says("quiet", "--reason", "night shift")
        assert (
            said == "the task is quiet, takes no new work; `ecs-supervisor resume` lets it take work again\n"
        )
        assert "takes no new work: night shift" in task.says("status")
        assert task.says("resume") == "the task is running, takes new work\n"
        (note,) = [note for note in task.run.notes if note["event"] == "task.quiet"]
        assert note["reason"] == "night shift"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "the task is draining, takes no new work"),
        (
            ("--deadline", "60"),
            "the task is draining, takes no new work, work in flight is interrupted in 1 min",
        ),
        (("--now",), "the task is stopping, takes no new work"),
    ],
)
def test_drain_ends_the_task(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    """Work in flight is waited for as long as was said, and the worker's status is the supervisor's."""
    with steered(tmp_path) as task:
        with subprocess.Popen(
            [*checkout(), "hold", "--", "cat"], stdin=subprocess.PIPE, env=task.environ
        ) as job:
            until(lambda: "cat" in task.says("holds"), why="the hold is taken")
            assert task.command("drain", "--reason", "over", *options).stdout.startswith(said)
            assert job.stdin is not None
            job.stdin.close()
            assert job.wait(LIMIT_SECONDS) == 0
        assert task.run.status() == 0


def test_a_task_on_its_way_out_does_not_come_back(tmp_path: Path) -> None:
    """To resume it is refused, in a sentence; to have it quiet is true already."""
    with steered(tmp_path) as task:
        with subprocess.Popen(
            [*checkout(), "hold", "--", "cat"], stdin=subprocess.PIPE, env=task.environ
        ) as job:
            until(lambda: "cat" in task.says("holds"), why="the hold is taken")
            task.says("drain")
            done = task.command("resume")
            assert (done.returncode, done.stdout) == (REFUSED, "")
            assert done.stderr.endswith("; it is on its way out and does not come back\n")
            assert task.says("quiet") == "the task is draining, takes no new work\n"
            assert job.stdin is not None
            job.stdin.close()


def test_drain_may_be_waited_for(tmp_path: Path) -> None:
    """With `--wait` the command returns when the supervisor has exited."""
    with steered(tmp_path) as task:
        assert task.says("drain", "--wait").splitlines()[-1] == "the supervisor has exited"
        assert task.run.status() == 0


def test_a_watch_for_a_pipe_is_blocks_until_the_supervisor_goes(tmp_path: Path) -> None:
    """One block after the other, and a line in the end that says why there are no more."""
    seen = tmp_path / "seen"
    with steered(tmp_path) as task, seen.open("w") as file:
        words = [*checkout(), "status", "--watch"]
        with subprocess.Popen(words, stdout=file, stderr=subprocess.PIPE, env=task.environ) as watch:
            until(lambda: seen.read_text().count("\n\n") == 2, why="the second block is there")
            assert task.run.timed_stop()[0] == 0
            _, errors = watch.communicate(timeout=LIMIT_SECONDS)
    assert (watch.returncode, errors) == (0, b"ecs-supervisor: the supervisor has gone\n")
    assert seen.read_text().count("task        running") == 2


def test_a_watch_on_a_terminal_is_drawn_in_its_place_until_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C is the usual end of it, and no failure."""
    master, slave = os.openpty()
    with steered(tmp_path) as task:
        environ = {**task.environ, "TERM": "xterm-256color"}
        words = [*checkout(), "status", "--watch"]
        with subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environ) as watch:
            screen = Screen(master)
            until(lambda: screen.text.count("task        running") > 1, why="the screen is drawn again")
            watch.send_signal(signal.SIGINT)
            assert watch.wait(LIMIT_SECONDS) == 0
    os.close(slave)
    os.close(master)
    assert "Traceback" not in screen.text
    # Up, to draw over what was there.
    assert "\x1b[1A" in screen.text


@pytest.mark.parametrize("command", ["status", "holds", *STEERING])
def test_nobody_there_has_a_status_of_its_own(tmp_path: Path, command: str) -> None:
    """One sentence, and the status of a service that is not available."""
    done = subprocess.run(
        [*checkout(), command, "--api", f"unix:{tmp_path}/api"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (UNAVAILABLE, "")
    assert done.stderr == f"ecs-supervisor: no supervisor listens at unix:{tmp_path}/api\n"


@pytest.mark.parametrize("command", STEERING)
def test_a_token_that_is_missing_has_a_status_of_its_own(tmp_path: Path, command: str) -> None:
    """Looking needs none; steering does, from the file that flag or variable name."""
    token = tmp_path / "token"
    token.write_text("secret\n")
    (tmp_path / "other").write_text("guess\n")
    with steered(tmp_path, options=("--stop-timeout", "100", "--api-token-file", str(token))) as task:
        task.says("status")
        for words in ((), ("--token-file", str(tmp_path / "other")), ("--token-file", str(tmp_path / "no"))):
            done = task.command(command, *words)
            assert (done.returncode, done.stdout) == (NOT_ALLOWED, "")
            assert done.stderr.startswith("ecs-supervisor: the ")
        task.says(command, ECS_SUPERVISOR_API_TOKEN_FILE=str(token))


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--wach"),
        ("status", "now"),
        ("status", "--api", "nowhere"),
        ("holds", "--pid", "x"),
        ("drain", "--deadline", "soon"),
        ("drain", "--deadline", "5", "--now"),
        ("quiet", "--reason"),
        ("resume", "--token"),
    ],
)
def test_a_slip_of_the_finger_asks_nobody(words: tuple[str, ...]) -> None:
    """Wrong usage is one sentence that ends with what to do, and no traceback."""
    done = subprocess.run([*checkout(), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("ecs-supervisor: ")


@pytest.mark.parametrize("command", ["status", "holds", "hold", *STEERING])
def test_every_command_explains_itself(command: str) -> None:
    """With what it does, its options, and its exit statuses, on lines that fit a screen."""
    done = subprocess.run([*checkout(), command, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: ecs-supervisor {command} ")
    assert "Exit status: " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 130


def test_output_that_nobody_reads_is_no_traceback(tmp_path: Path) -> None:
    """A reader that has left is told by the status."""
    reader, writer = os.pipe()
    os.close(reader)
    with steered(tmp_path) as task:
        done = subprocess.run(
            [*checkout(), "status"], stdout=writer, stderr=subprocess.PIPE, env=task.environ, check=False
        )
    os.close(writer)
    assert (done.returncode, done.stderr) == (REFUSED, b"")
