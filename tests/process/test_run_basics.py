"""What `run` does to a worker and for it, seen from outside, with real processes and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.process.harness import actor, supervised
from tests.waiting import until

# Short stages, so that a test of the whole ladder takes a second; no test asserts that something was quick.
QUICK = ("--stop-timeout", "3", "--exit-margin", "1", "--stop-sequence", "TERM 0.5 KILL 1")

pid_1 = pytest.mark.parametrize("as_pid_1", [False, True], ids=["below an init", "as PID 1"])


@pid_1
@pytest.mark.parametrize("status", [0, 1, 7, 126, 127, 137, 143, 255])
def test_the_workers_status_is_ours(status: int, as_pid_1: bool) -> None:
    """The supervisor exits with the worker's own status."""
    with supervised("sh", "-c", f"exit {status}", as_pid_1=as_pid_1) as run:
        assert run.status() == status


@pytest.mark.parametrize("number", [1, 2, 3, 6, 9, 11, 13, 14, 15, 24, 25, 31, 34, 64])
def test_a_death_by_signal_is_reported_as_shells_do(number: int) -> None:
    """A worker that signal n has ended gives the status 128 + n."""
    with supervised("sh", "-c", f"ulimit -c 0; kill -{number} $$") as run:
        assert run.status() == 128 + number


@pid_1
def test_a_stop_signal_reaches_the_worker(as_pid_1: bool) -> None:
    """SIGTERM to the supervisor becomes SIGTERM to the worker, whose status is then ours."""
    with supervised(*actor("waits", "5"), as_pid_1=as_pid_1) as run:
        run.until(lambda: run.output, "the worker is ready")
        run.send(signal.SIGTERM)
        assert run.status() == 5
        assert run.output[1:] == ["SIGTERM"]


def test_the_stop_sequence_may_begin_with_another_signal() -> None:
    """The stages of the stop sequence, not the signal that came, say what the worker is sent."""
    options = ("--stop-sequence", "INT 20 KILL 1")
    with supervised(*actor("waits"), options=options) as run:
        run.until(lambda: run.output, "the worker is ready")
        run.send(signal.SIGTERM)
        assert run.status() == 0
        assert run.output[1:] == ["SIGINT"]


def test_a_stopped_worker_is_woken_to_be_asked() -> None:
    """A worker that was stopped gets the stop signal all the same, because it is woken for it."""
    with supervised(*actor("waits", "5")) as run:
        run.until(lambda: run.output, "the worker is ready")
        worker = psutil.Process(int(run.output[0].split()[1]))
        worker.suspend()
        run.until(lambda: worker.status() == psutil.STATUS_STOPPED, "the worker is stopped")
        run.send(signal.SIGTERM)
        assert run.status() == 5


@pid_1
def test_a_worker_that_ignores_its_signals_is_killed_in_time(as_pid_1: bool) -> None:
    """When the last stage comes, SIGKILL ends the worker, and the status says so."""
    with supervised(*actor("ignores_term"), options=QUICK, as_pid_1=as_pid_1) as run:
        run.until_output("ready")
        run.send(signal.SIGTERM)
        assert run.status() == 137
        assert run.names()[-3:] == ["task.killing", "worker.exited", "task.exited"]


@pytest.mark.parametrize("name", ["exit", "stay"])
def test_a_daemon_does_not_outlive_us(name: str) -> None:
    """What the worker left behind is ended before we exit, even a daemon in a session of its own."""
    with supervised(*actor("leaves_daemon", name), options=QUICK) as run:
        run.until(lambda: run.output, "the daemon is there")
        daemon = psutil.Process(int(run.output[0].split()[1]))
        if name == "stay":
            run.until_output("ready")
            run.send(signal.SIGTERM)
        assert run.status() == (3 if name == "exit" else 143)
        assert not daemon.is_running() or daemon.status() == psutil.STATUS_ZOMBIE
        assert run.marked() == []


def test_orphans_are_collected_while_the_worker_runs() -> None:
    """Orphans do not stay as zombies."""
    script = "i=0; while [ $i -lt 50 ]; do (sh -c : &); i=$((i+1)); done; echo ready; read wait_for_nothing"
    with supervised("sh", "-c", script, stdin=subprocess.PIPE) as run:
        run.until_output("ready")
        run.until(lambda: len(psutil.Process(run.pid).children()) == 1, "only the worker is our child")
        assert run.process.stdin is not None
        run.process.stdin.close()
        assert run.status() == 1


def test_signals_that_are_none_of_ours_are_the_workers() -> None:
    """Every signal that does not mean stop or dump is passed on, real-time signals included, in order."""
    with supervised(*actor("prints_signals")) as run:
        run.until_output("ready")
        wanted = [
            "SIGHUP",
            "SIGUSR1",
            "SIGUSR2",
            "SIGWINCH",
            "SIGCONT",
            "SIGALRM",
            "SIGTSTP",
            "SIGIO",
            "SIGABRT",
        ]
        for name in wanted:
            run.send(signal.Signals[name])
            run.until_output("SIGPOLL" if name == "SIGIO" and sys.version_info < (3, 11) else name)
        run.send(signal.SIGRTMIN + 1)
        run.until_output("RTMIN+1")
        assert run.output[1:] == [*wanted, "RTMIN+1"]
        run.send(signal.SIGTERM)
        assert run.status() == 0


def test_a_flood_of_stop_signals_neither_moves_the_deadline_nor_gets_lost() -> None:
    """SIGTERM a thousand times is SIGTERM once: the worker has one, and the stages keep their time."""
    with supervised(*actor("ignores_term"), options=QUICK) as run:
        run.until_output("ready")
        sent = 0
        while run.process.poll() is None:
            run.process.send_signal(signal.SIGTERM)
            sent += 1
        assert sent > 1000
        assert run.status() == 137
        assert run.notes[-1]["took"] < 3
        assert run.names().count("task.draining") + run.names().count("task.stopping") <= 2


def test_a_stop_signal_during_the_start_is_not_lost() -> None:
    """A stop signal at any moment of the start ends the supervisor, with the worker or before it."""
    for _ in range(10):
        with supervised(*actor("waits")) as run:
            # The first moment in which the signal is not deadly: everything is blocked, or caught.
            run.until(partial(_takes_term, run.pid), "SIGTERM is blocked or caught")
            run.send(signal.SIGTERM)
            assert run.status() in (0, 143)
            assert run.marked() == []


def test_standard_streams_are_the_workers_own(tmp_path: Path) -> None:
    """Bytes pass from our standard input to the worker and from it to our standard output unchanged."""
    sent = bytes(range(256)) * 1000
    (tmp_path / "in").write_bytes(sent)
    with (
        open(tmp_path / "in", "rb") as source,
        open(tmp_path / "out", "wb") as sink,
        supervised("cat", stdin=source, stdout=sink) as run,
    ):
        assert run.status() == 0
    assert (tmp_path / "out").read_bytes() == sent


def test_a_descriptor_that_a_grandchild_holds_does_not_keep_us() -> None:
    """We exit with the worker although something it started still holds our standard output."""
    with supervised("sh", "-c", "setsid sleep 1000 & exit 4") as run:
        assert run.status() == 4


def test_a_stuck_log_holds_up_nothing() -> None:
    """With a stderr that nobody reads and that is full, the worker starts, is stopped and its status is ours."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    with supervised(*actor("waits", "9"), stderr=writer) as run:
        os.close(writer)
        run.until(lambda: run.output, "the worker is ready")
        run.send(signal.SIGTERM)
        assert run.status() == 9
    os.close(reader)


def test_a_closed_log_holds_up_nothing() -> None:
    """With a stderr whose reader has gone, the worker starts, is stopped and its status is ours."""
    reader, writer = os.pipe()
    os.close(reader)
    with supervised(*actor("waits", "9"), stderr=writer) as run:
        os.close(writer)
        run.until(lambda: run.output, "the worker is ready")
        run.send(signal.SIGTERM)
        assert run.status() == 9


def test_closed_standard_descriptors_stay_closed(tmp_path: Path) -> None:
    """Where our standard descriptors are closed the worker's are too, and none of ours takes their place."""
    closing = "import os, sys; [os.close(number) for number in range(3)]; os.execv(sys.argv[1], sys.argv[1:])"
    workers, ours = tmp_path / "workers", tmp_path / "ours"
    script = f"ls /proc/$$/fd > {workers}; for n in 0 1 2; do readlink /proc/$PPID/fd/$n; done > {ours}"
    with supervised("sh", "-c", script, before=(sys.executable, "-c", closing)) as run:
        assert run.status() == 0
    # The shell opens the file for the redirection itself, at 1 or above 9.
    assert set(workers.read_text().split()) <= {"1", "10"}
    assert ours.read_text().split() == ["/dev/null"] * 3


@pytest.mark.parametrize(
    ("command", "status"),
    [("no-such-command", 127), ("/no/such/file", 127), ("/etc", 126), ("/etc/hostname", 126), ("", 127)],
)
def test_a_command_that_cannot_be_started(command: str, status: int) -> None:
    """A worker that is not found gives 127, one that cannot be executed 126, each with one sentence."""
    with supervised(command) as run:
        assert run.status() == status
        (line,) = run.errors
        assert line.startswith("ecs-supervisor: ")
        assert "Traceback" not in line


def test_a_script_without_an_interpreter_line_is_no_program(tmp_path: Path) -> None:
    """Only a shell guesses what a text file may be; we answer as the kernel does: 126."""
    script = tmp_path / "script"
    script.write_text("exit 0\n")
    script.chmod(0o755)
    with supervised(str(script)) as run:
        assert run.status() == 126


def test_the_worker_begins_with_clean_signals() -> None:
    """The worker has nothing blocked and nothing ignored, whatever we or Python do for ourselves."""
    with supervised("sed", "-n", "/^Sig[BIC]/p", "/proc/self/status") as run:
        assert run.status() == 0
        masks = {line.split(":\t")[0]: int(line.split(":\t")[1], 16) for line in run.output}
        # Two that the C library keeps for itself: posix_spawn always ignores them, until a thread needs them.
        own = 1 << 31 | 1 << 32
        assert masks == {"SigBlk": 0, "SigIgn": masks["SigIgn"] & own, "SigCgt": 0}


def test_the_worker_inherits_no_descriptor_of_ours() -> None:
    """The worker has the descriptors we were given and no other."""
    with supervised("sh", "-c", "ls /proc/$$/fd") as run:
        assert run.status() == 0
        assert run.output == ["0", "1", "2"]


def test_arguments_are_bytes() -> None:
    """Arguments reach the worker byte by byte, whether they are text or not."""
    words = ["--", "--lease", "a b", "", "\udcff\udc80", "ä"]
    with supervised("printf", "%s\\n", *words) as run:
        assert run.status() == 0
        assert run.output == [os.fsencode(word).decode(errors="replace") for word in words]


def test_the_workers_environment_is_ours_and_where_we_are_found() -> None:
    """Nothing is added to the worker's environment but the hooks' socket and the API's, which both go at the end."""
    with supervised("env", "-0", env={"ODD.NAME": "1", "PYTHONPATH": "/x"}) as run:
        assert run.status() == 0
        seen = dict(entry.split("=", 1) for entry in run.output[0].split("\0") if entry)
        path, api = seen.pop("ECS_SUPERVISOR_SOCKET"), seen.pop("ECS_SUPERVISOR_API")
        assert path.endswith(f"ecs-supervisor-{run.process.pid}.sock")
        expected = os.environ | {"ODD.NAME": "1", "PYTHONPATH": "/x", "ECS_TEST_RUN": run.mark}
        assert seen == expected
        assert api == f"unix:{path.removesuffix('.sock')}.api"
        assert not Path(path).exists()
        assert not Path(api.removeprefix("unix:")).exists()


def test_the_dump_signal_prints_state_and_journal() -> None:
    """The dump signal writes snapshot and journal to stderr; the worker does not get it."""
    with supervised(*actor("prints_signals")) as run:
        run.until_output("ready")
        run.send(signal.SIGRTMIN + 4)
        run.until(lambda: any('"WorkerSpawned"' in line for line in run.errors), "the journal is printed")
        run.send(signal.SIGTERM)
        assert run.status() == 0
        assert run.output == ["ready"]


def test_the_supervisor_sleeps() -> None:
    """While nothing happens the supervisor uses no processor time."""
    with supervised(*actor("waits")) as run:
        run.until(lambda: run.output, "the worker is ready")
        run.until_noted("task.running")
        supervisor = psutil.Process(run.pid)
        run.until(lambda: supervisor.status() == psutil.STATUS_SLEEPING, "it sleeps")
        before = supervisor.num_ctx_switches().voluntary
        until_time_passes(0.5)
        assert supervisor.num_ctx_switches().voluntary - before <= 1
        run.send(signal.SIGTERM)
        assert run.status() == 0


def until_time_passes(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    until(lambda: time.monotonic() >= deadline, why="time passes")


def _takes_term(pid: int) -> bool:
    fields = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    mask = int(fields["SigBlk"], 16) | int(fields["SigCgt"], 16)
    return bool(mask & 1 << (signal.SIGTERM - 1))
