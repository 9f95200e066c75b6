"""`hold` runs a command as a job, and stands in its way in nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from supervisor.core.status import TRY_AGAIN, USAGE
from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World
from tests.process.crew import crew
from tests.process.harness import actor, checkout, namespace
from tests.process.steered import LIMIT_SECONDS, Steered, steered
from tests.process.test_terminal import CTRL_C, CTRL_Z, Screen
from tests.waiting import until

HOLD = (*checkout(), "hold")

# Where a command finds no supervisor, whatever else runs on this machine.
ALONE = os.environ | {"ECS_SUPERVISOR_SOCKET": "none", "ECS_SUPERVISOR_API": ""}

both_ways = pytest.mark.parametrize("way", ["socket", "api"])


def environ(task: Steered, way: str) -> dict[str, str]:
    """Return an environment in which the supervisor can be reached in one way only."""
    return task.environ | ({"ECS_SUPERVISOR_SOCKET": "none"} if way == "api" else {"ECS_SUPERVISOR_API": ""})


def held(words: Sequence[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `hold` to its end."""
    return subprocess.run(
        [*HOLD, *words], capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS, env=env
    )


@contextmanager
def holding(
    words: Sequence[str], env: dict[str, str], before: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """Run `hold`; the test reads what its command says. Whatever is left in the end is killed."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*before, *HOLD, *words], stdin=pipe, stdout=pipe, text=True, bufsize=0, env=env
    ) as process:
        family = psutil.Process(process.pid)
        children: list[psutil.Process] = []
        try:
            yield process
            children = family.children(recursive=True) if family.is_running() else []
        finally:
            for each in [*children, family]:
                if each.is_running():
                    each.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def holds(task: Steered) -> list[str]:
    """Return what is in flight."""
    return [hold["about"] for hold in json.loads(task.says("holds", "--json"))["holds"]]


@both_ways
def test_a_command_is_a_job_while_it_runs(tmp_path: Path, way: str) -> None:
    """The hold is there before it begins, has its name, and ends with it; in order, so that no death is reported."""
    with steered(tmp_path) as task:
        for _ in range(5):
            done = held(("--about", "backup", "--", "sh", "-c", "exit 3"), environ(task, way))
            assert (done.returncode, done.stderr) == (3, "")
        with holding(("--about", "backup", "--", "cat"), environ(task, way)) as job:
            until(lambda: holds(task) == ["backup"], why="the hold is listed")
            assert job.stdin is not None
            job.stdin.close()
            assert job.wait(LIMIT_SECONDS) == 0
        assert holds(task) == []
        assert "holder.died" not in task.run.names()


@pytest.mark.parametrize("status", [0, 1, 7, 64, 75, 127, 255])
def test_the_commands_status_is_ours(status: int) -> None:
    """Every one of them, also those that are our own words elsewhere."""
    assert held(("--quiet", "sh", "-c", f"exit {status}"), ALONE).returncode == status


@pytest.mark.parametrize("name", ["TERM", "KILL", "INT", "SEGV", "HUP", "PIPE", "USR1"])
def test_the_commands_signal_is_ours(name: str) -> None:
    """Whoever waits for us sees the signal that ended the command, as if nobody stood between."""
    done = held(("--quiet", "sh", "-c", f"ulimit -c 0; kill -{name} $$"), ALONE)
    assert done.returncode == -signal.Signals[f"SIG{name}"]


def test_as_process_1_a_signal_becomes_a_status() -> None:
    """The kernel does not let that process die of a signal of its own; then it is what shells make of it."""
    words = (*namespace(), *HOLD, "--quiet", "sh", "-c", "kill -TERM $$")
    assert subprocess.run(words, env=ALONE, check=False, timeout=LIMIT_SECONDS).returncode == 143


def test_signals_are_passed_on_in_order() -> None:
    """Everything a process may send us reaches the command, and each once."""
    names = ["SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGALRM"]
    with holding(("--quiet", *actor("prints_signals")), ALONE) as job:
        assert line(job) == "ready"
        for name in names:
            job.send_signal(signal.Signals[name])
            assert line(job) == name
        job.send_signal(signal.SIGTERM)
        assert job.wait(LIMIT_SECONDS) == 0


def test_a_signal_before_the_command_was_started_is_not_lost(tmp_path: Path) -> None:
    """While we wait for a supervisor's answer a stop signal ends us, and the command is not started."""
    with steered(tmp_path) as task:
        os.kill(task.run.process.pid, signal.SIGSTOP)
        with holding(("sh", "-c", "echo ran"), environ(task, "socket")) as job:
            until(lambda: psutil.Process(job.pid).num_threads() > 1, why="it waits for the answer")
            job.send_signal(signal.SIGTERM)
            assert job.wait(LIMIT_SECONDS) == -signal.SIGTERM
            assert line(job) == ""
        os.kill(task.run.process.pid, signal.SIGCONT)


def test_what_was_ignored_stays_ignored_and_nothing_else() -> None:
    """Under nohup the command ignores a hang-up as well; it has no blocked signals, and SIGPIPE as usual."""
    words = "trap '' HUP; exec \"$@\""
    with holding(("--quiet", "cat", "/proc/self/status"), ALONE, ("sh", "-c", words, "sh")) as job:
        assert job.stdout is not None
        status = dict(each.split(":\t", 1) for each in job.stdout.read().splitlines() if ":\t" in each)
    ignored = {number for number in signal.valid_signals() if int(status["SigIgn"], 16) >> number - 1 & 1}
    assert (ignored, int(status["SigBlk"], 16)) == ({signal.SIGHUP}, 0)


def test_the_commands_streams_are_its_own() -> None:
    """Input, output and errors pass us by."""
    done = subprocess.run(
        [*HOLD, "--quiet", "cat"], input=b"words", capture_output=True, check=True, env=ALONE
    )
    assert (done.stdout, done.stderr) == (b"words", b"")


@contextmanager
def at_a_terminal(*words: str) -> Iterator[tuple[subprocess.Popen[str], Screen]]:
    """Run `hold` in the foreground of a shell with job control."""
    master, slave = os.openpty()
    try:
        with holding(words, ALONE, actor("shell", os.ttyname(slave), "stdin")) as shell:
            yield shell, Screen(master)
    finally:
        os.close(slave)
        os.close(master)


def test_ctrl_c_comes_once() -> None:
    """The terminal sends it to both of us, so it is not passed on."""
    with at_a_terminal("--quiet", *actor("prints_signals")) as (_, screen):
        until(lambda: screen.shows("ready"), why="the command is ready")
        screen.type(CTRL_C)
        until(lambda: screen.shows("SIGINT"), why="the command is interrupted")
        screen.type(CTRL_C)
        until(lambda: screen.text.count("SIGINT") == 2, why="the command is interrupted again, once")


def test_ctrl_z_stops_both_and_the_shell_wakes_both() -> None:
    """To the shell we are one job, and the command can read from the terminal before and after."""
    with at_a_terminal("--quiet", "sh", "-c", "echo ready; read a; echo got $a; exit 6") as (shell, screen):
        until(lambda: screen.shows("ready"), why="the command is ready")
        screen.type(CTRL_Z)
        assert line(shell) == "stopped"
        assert shell.stdin is not None
        shell.stdin.write("fg\n")
        screen.type(b"words\n")
        until(lambda: screen.shows("got words"), why="the command reads on")
        assert line(shell).startswith("exited 6 ")


def test_the_death_of_the_holder_is_the_end_of_the_hold(tmp_path: Path) -> None:
    """Over the socket kill -9 releases at once; the command itself is not touched."""
    with (
        steered(tmp_path) as task,
        holding(("--about", "backup", "--", "cat"), environ(task, "socket")) as job,
    ):
        until(lambda: holds(task) == ["backup"], why="the hold is listed")
        (command,) = psutil.Process(job.pid).children()
        job.kill()
        task.run.until_noted("holder.died")
        assert holds(task) == []
        assert command.is_running()
        command.kill()


def test_over_the_api_a_hold_is_refreshed_and_ends_when_nobody_does(tmp_path: Path) -> None:
    """Its time to live is short, and does not run out while the command runs, only when we are gone."""
    words = ("--ttl", "1", "--about", "backup", "--", "cat")
    with steered(tmp_path) as task, holding(words, environ(task, "api")) as job:

        def age() -> float:
            return float(json.loads(task.says("holds", "--json"))["holds"][0]["age"])

        until(lambda: holds(task) == ["backup"], why="the hold is listed")
        until(lambda: age() > 1.5, why="it has outlived its time to live")
        (command,) = psutil.Process(job.pid).children()
        job.kill()
        task.run.until_noted("hold.expired")
        command.kill()


def test_a_hold_comes_back_after_a_restart_of_the_supervisor(tmp_path: Path) -> None:
    """As in a sidecar that was killed in mid-job and started again."""
    with steered(tmp_path) as task:
        env = environ(task, "socket")
        with holding(("--about", "backup", "--", "cat"), env) as job:
            until(lambda: holds(task) == ["backup"], why="the hold is listed")
            task.run.process.kill()
            with steered(tmp_path) as again:
                until(lambda: holds(again) == ["backup"], why="the hold is listed again")
                assert job.stdin is not None
                job.stdin.close()
                assert job.wait(LIMIT_SECONDS) == 0
                assert holds(again) == []


@both_ways
def test_protection_may_be_waited_for(tmp_path: Path, way: str) -> None:
    """With `--wait` the command begins when ECS has confirmed, whatever the supervisor's own policy is."""
    world = World()
    with Agent(world) as agent:
        env = {"ECS_AGENT_URI": agent.uri(world.add_task(agent.now()))}
        with steered(tmp_path, env=env) as task:
            words = ("--wait", "10", "--require", "--", *checkout(), "status", "--json")
            done = held(words, environ(task, way) | {"ECS_SUPERVISOR_API": f"unix:{task.api}"})
            assert (done.returncode, done.stderr) == (0, "")
            assert json.loads(done.stdout)["protection"]["confirmed"] is True


def test_without_a_supervisor_the_hooks_own_arbiter_is_asked() -> None:
    """In hook-only mode a hold counts like a job's, and is protected with it; we do not become the arbiter ourselves."""
    with Agent(World()) as agent, crew(agent) as container:
        container.start().tell("begin first")
        container.until_protected()
        done = held(("--wait", "10", "--require", "--", "echo", "ran"), container.environ)
        assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")


@both_ways
@pytest.mark.parametrize("require", [True, False])
def test_protection_that_does_not_come_is_told(tmp_path: Path, way: str, require: bool) -> None:
    """Then the command runs all the same, unless it is required."""
    with steered(tmp_path) as task:
        options = ("--wait", "0.2", *(["--require"] if require else []))
        done = held((*options, "--", "echo", "ran"), environ(task, way))
        assert (done.returncode, done.stdout) == ((TRY_AGAIN, "") if require else (0, "ran\n"))
        assert done.stderr.startswith(
            "ecs-supervisor: the task is not protected after 0.2 s, so the command "
        )
        assert holds(task) == []


def test_a_hold_does_not_end_while_protection_is_waited_for(tmp_path: Path) -> None:
    """Its time to live is refreshed then, too."""
    with steered(tmp_path) as task:
        assert held(("--ttl", "1", "--wait", "2", "--", "true"), environ(task, "api")).returncode == 0
        assert "hold.expired" not in task.run.names()


@both_ways
def test_a_task_that_is_being_stopped_takes_no_hold(tmp_path: Path, way: str) -> None:
    """The command is not begun where the hold is required; else it runs, unprotected, and nobody waits for it."""
    with steered(tmp_path) as task, holding(("--about", "last", "cat"), task.environ):
        until(lambda: holds(task) == ["last"], why="the hold is listed")
        task.command("drain")
        done = held(("--require", "echo", "ran"), environ(task, way))
        assert (done.returncode, done.stdout) == (TRY_AGAIN, "")
        assert "the task is being stopped" in done.stderr
        assert "was not run; try again later" in done.stderr
        done = held(("echo", "ran"), environ(task, way))
        assert (done.returncode, done.stdout) == (0, "ran\n")
        assert "so the command runs unprotected" in done.stderr
        assert holds(task) == ["last"]


@pytest.mark.parametrize(
    ("options", "status", "output", "told"),
    [
        ((), 5, "ran\n", "ecs-supervisor: the supervisor has no socket, so the command runs unprotected\n"),
        (("--quiet",), 5, "ran\n", ""),
        (
            ("--require",),
            TRY_AGAIN,
            "",
            "ecs-supervisor: the supervisor has no socket, so the command was not run; try again later\n",
        ),
    ],
)
def test_without_a_supervisor(options: tuple[str, ...], status: int, output: str, told: str) -> None:
    """The command runs, and one line says that it is not protected; unless silence or the hold is wanted."""
    done = held((*options, "--", "sh", "-c", "echo ran; exit 5"), ALONE)
    assert (done.returncode, done.stdout, done.stderr) == (status, output, told)


@pytest.mark.parametrize("variable", ["ECS_SUPERVISOR_SOCKET", "ECS_SUPERVISOR_API"])
def test_a_supervisor_that_is_gone_is_no_supervisor(tmp_path: Path, variable: str) -> None:
    """Named, and not there: nobody else is asked instead."""
    done = held(("echo", "ran"), ALONE | {variable: f"{tmp_path}/gone"})
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert done.stderr.endswith(", so the command runs unprotected\n")


@pytest.mark.parametrize(
    ("command", "status"), [("/nowhere/at-all", 127), ("no-such-program", 127), ("/", 126), ("", 127)]
)
def test_a_command_that_cannot_be_started_is_told(command: str, status: int) -> None:
    """With a shell's statuses."""
    done = held(("--quiet", "--", command), ALONE)
    assert done.returncode == status
    assert done.stderr.endswith(", so there is nothing to hold for\n")


@pytest.mark.parametrize(
    "words", [(), ("--about", "x"), ("--ttl", "0", "true"), ("--api", "x", "true"), ("--what", "true")]
)
def test_wrong_usage_runs_nothing(words: tuple[str, ...]) -> None:
    """One sentence."""
    done = held(words, ALONE)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.count("\n") == 1
