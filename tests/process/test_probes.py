"""Workers that say nothing, seen from outside: real processes, titles, children, files, locks, connections, processor time."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakKeyDictionary

import psutil
import pytest

from tests.process.harness import Run, actor, supervised

NAMES = {
    "title": "probe:title",
    "forks": "probe:children",
    "file": "probe:file",
    "lock": "probe:lock",
    "flock": "probe:lock",
    "port": "probe:sockets",
    "http": "probe:http",
    "json": "probe:http",
    "burns": "probe:cpu",
}


@contextmanager
def probed(
    kind: str,
    argument: str,
    probe: str,
    *,
    settle: float = 0.3,
    sequence: str = "QUIET 10 TERM 5 KILL",
    as_pid_1: bool = False,
) -> Iterator[Run]:
    """Give a running actor that is looked at by one probe."""
    options = ("--probe", probe, "--probe-settle", str(settle), "--stop-timeout", "30")
    # The last word is room for titles.
    command = actor("probed", kind, argument or "-", "." * 80)
    with supervised(*command, options=(*options, "--stop-sequence", sequence), as_pid_1=as_pid_1) as run:
        run.until_ready()
        yield run


# Each look at the journal prints all of it, so one that is a moment old will do.
LOOK_AGAIN_SECONDS = 0.2
looked_at = WeakKeyDictionary[Run, tuple[float, list[str]]]()


def holds(run: Run) -> list[str]:
    """Return what the probes have said of their holds so far, newest last."""
    now = time.monotonic()
    before, said = looked_at.get(run, (0.0, []))
    if now - before > LOOK_AGAIN_SECONDS:
        said = in_journal(run)
        looked_at[run] = (now, said)
    return said


def in_journal(run: Run) -> list[str]:
    said = []
    for line in run.journal():
        if '"HoldTaken"' in line:
            said.append("looks" if '"fetching": true' in line else "works")
        elif '"HoldReleased"' in line:
            said.append("lets go")
    return said


def tell(run: Run, word: str, limit: float = 10.0) -> None:
    """Begin or end a job, and wait until the worker has done so."""
    number = signal.SIGUSR1 if word == "begin" else signal.SIGUSR2
    before = run.output.count(word)
    worker(run).send_signal(number)
    run.until(lambda: run.output.count(word) > before, f"the worker says {word!r}", limit)


def worker(run: Run) -> psutil.Process:
    return psutil.Process(run.pid).children()[0]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def shown(kind: str, folder: Path, **how: object) -> Iterator[Run]:
    """Give an actor of a kind, with the probe that sees it."""
    path = str(folder / "job")
    with socket.create_server(("127.0.0.1", 0)) as server:
        there, own = server.getsockname()[1], free_port()
        argument, probe = {
            "title": ("", r"title=\[(\d+) of \d+ busy\]"),
            "forks": ("", "children"),
            "file": (path, f"file={path}"),
            "lock": (path, f"lock={path}"),
            "flock": (path, f"lock={path}"),
            "port": (str(there), f"sockets={there}"),
            "http": (str(own), f"http=http://127.0.0.1:{own}/"),
            "json": (str(own), f"http=http://127.0.0.1:{own}/#jobs.running"),
            "burns": ("", "cpu=30"),
        }[kind]
        with probed(kind, argument, probe, **how) as run:  # type: ignore[arg-type]
            yield run


@pytest.mark.parametrize("kind", [kind for kind in NAMES if kind != "burns"])
def test_a_job_that_is_seen_is_a_hold_and_a_stop_waits_for_it(kind: str, tmp_path: Path) -> None:
    """It is work from the first look that sees it, and a stop goes on when idle was seen for the settle time."""
    with shown(kind, tmp_path) as run:
        tell(run, "begin")
        run.until(lambda: holds(run)[-1:] == ["works"], "the probe sees the job")
        run.send(signal.SIGTERM)
        run.until_noted("task.draining")
        assert "task.stopping" not in run.names()
        tell(run, "end")
        assert run.status() == 143
        assert "holds.abandoned" not in run.names()
        (stopping,) = [note for note in run.notes if note["event"] == "task.stopping"]
        assert stopping["because"] == "nothing in flight"


def test_processor_time_proves_work_and_its_lack_proves_nothing(tmp_path: Path) -> None:
    """While much of it is used that is a hold; a stop does not wait for the probe to see that little is."""
    with shown("burns", tmp_path) as run:
        assert holds(run) == []
        tell(run, "begin")
        run.until(lambda: holds(run)[-1:] == ["works"], "the probe sees the job")
        tell(run, "end")
        run.until(lambda: holds(run)[-1:] == ["lets go"], "the probe sees no job any more")
        (doubt,) = [note for note in run.notes if note["event"] == "settings.doubtful"]
        assert "proves nothing" in doubt["doubt"]
        status, seconds = run.timed_stop()
        assert status == 143
        assert seconds < 3


@pytest.mark.parametrize("as_pid_1", [False, True], ids=["below an init", "as PID 1"])
def test_a_stop_of_an_idle_worker_takes_the_settle_time(as_pid_1: bool, tmp_path: Path) -> None:
    """What began just before is perhaps not published yet, so idle has to be seen anew for as long as that takes."""
    with shown("title", tmp_path, settle=1.0, as_pid_1=as_pid_1) as run:
        run.until(lambda: holds(run) == ["looks"], "the probe has begun")
        status, seconds = run.timed_stop()
        assert status == 143
        assert seconds >= 1.0


def test_a_title_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    """A job that shows only after the stop request ends all the same, because it shows within the settle time."""
    with shown("title", tmp_path, settle=2.0) as run:
        run.until(lambda: holds(run) == ["looks"], "the probe has begun")
        run.send(signal.SIGTERM)
        run.until_noted("task.draining")
        tell(run, "begin")
        run.until(lambda: holds(run)[-1:] == ["works"], "the probe sees the job")
        tell(run, "end")
        assert run.status() == 143
        assert "holds.abandoned" not in run.names()


def test_a_job_that_outlives_the_drain_is_named_by_what_was_seen(tmp_path: Path) -> None:
    """The stop's own time limit holds whatever a probe believes."""
    with shown("title", tmp_path, sequence="QUIET 1 TERM 5 KILL") as run:
        tell(run, "begin")
        run.until(lambda: holds(run)[-1:] == ["works"], "the probe sees the job")
        run.send(signal.SIGTERM)
        assert run.status() == 143
        (abandoned,) = [note for note in run.notes if note["event"] == "holds.abandoned"]
        assert "[1 of 2 busy]" in str(abandoned["work"])


def test_a_worker_that_is_gone_is_waited_for_by_nobody(tmp_path: Path) -> None:
    """A title that nobody has any more is no work, whatever the settle time."""
    with shown("title", tmp_path, settle=60.0) as run:
        tell(run, "begin")
        run.until(lambda: holds(run)[-1:] == ["works"], "the probe sees the job")
        worker(run).kill()
        assert run.status(limit=8) == 137


def test_a_horse_that_outlives_its_worker_is_waited_for(tmp_path: Path) -> None:
    """It was seen while its parent named it, so it counts until its own end, by number and birth."""
    with shown("forks", tmp_path) as run:
        tell(run, "begin")
        run.until(lambda: holds(run)[-1:] == ["works"], "the probe sees the horse")
        (horse,) = worker(run).children()
        worker(run).kill()
        run.until_noted("task.draining")
        assert horse.is_running()
        horse.send_signal(signal.SIGUSR2)
        assert run.status() == 137
        assert "holds.abandoned" not in run.names()


def test_a_child_with_a_title_that_matches_is_a_job() -> None:
    """Where parents say nothing, an expression for the titles of jobs tells them from the rest of the family."""
    with probed("forks", "", "children=^horse: Processing") as run:
        tell(run, "begin")
        run.until(lambda: holds(run)[-1:] == ["works"], "the probe sees the horse")
        tell(run, "end")
        run.until(lambda: holds(run)[-1:] == ["looks"], "the probe sees no horse any more")


def test_a_connection_that_the_worker_has_not_taken_yet_is_work() -> None:
    """The kernel accepts it for the worker; were the worker stopped now, it would be reset."""
    port = free_port()
    listens = (
        f"import socket,time; s = socket.create_server(('127.0.0.1', {port})); print('ready'); time.sleep(99)"
    )
    command = (sys.executable, "-I", "-u", "-c", listens)
    with supervised(*command, options=("--probe", f"sockets={port}", "--probe-settle", "0.3")) as run:
        run.until_ready()
        with socket.create_connection(("127.0.0.1", port)):
            run.until(lambda: holds(run)[-1:] == ["works"], "the probe sees the connection")
        run.until(lambda: holds(run)[-1:] == ["looks"], "the connection has ended")


@contextmanager
def commanded(command: str, settle: str = "0.3") -> Iterator[Run]:
    options = ("--probe", f"command={command}", "--probe-settle", settle)
    with supervised(*actor("probed", "none"), options=options) as run:
        run.until_ready()
        yield run


def test_a_command_says_by_its_status_what_it_has_found(tmp_path: Path) -> None:
    """0 is busy and 1 is idle, and its own words go nowhere."""
    path = tmp_path / "busy"
    with commanded(f"echo looking; test -e {path}") as run:
        run.until(lambda: holds(run) == ["looks"], "the probe has begun")
        path.touch()
        run.until(lambda: holds(run)[-1:] == ["works"], "the command has found the file")
        path.unlink()
        run.until(lambda: holds(run)[-1:] == ["looks"], "the command has found no file")
        assert "looking" not in run.output


@pytest.mark.timeout(60)
def test_a_command_that_hangs_is_killed_and_cannot_tell() -> None:
    """With all that it has started; a probe that never got an answer protects nothing, and says so."""
    with commanded("sleep 1000 & sleep 1000; true") as run:
        run.until(lambda: "probe.blind" in run.names(), "the probe gives up", limit=18)
        (blind,) = [note for note in run.notes if note["event"] == "probe.blind"]
        assert "longer than 5 s" in blind["why"]
        assert blind["so"] == "this probe protects nothing"
        run.until(
            lambda: sum("sleep" in process.name() for process in run.marked()) <= 2,
            "no more of them live than one look has started",
        )
        # Not idle for certain: only the end of the drain's time ends this wait.
        worker(run).kill()
        assert run.status() == 137


def test_a_command_is_no_work_of_the_workers() -> None:
    """What probes start is not looked at by probes, and does not keep the end waiting."""
    options = ("--probe", "command=sleep 2; exit 1", "--probe", "children=sleep", "--probe-settle", "0.3")
    with supervised(*actor("probed", "none"), options=options) as run:
        run.until_ready()
        run.until(lambda: any("sleep" in process.name() for process in run.marked()), "the command runs")
        worker(run).send_signal(signal.SIGUSR1)
        run.until_output("begin")
        assert "works" not in in_journal(run)
        assert run.timed_stop()[0] == 143


@pytest.mark.timeout(60)
def test_a_server_that_stops_answering_counts_as_work(tmp_path: Path) -> None:
    """A worker too busy to answer looks like this; its death ends it."""
    with shown("http", tmp_path) as run:
        run.until(lambda: holds(run) == ["looks"], "the probe has begun")
        tell(run, "begin")
        run.until(lambda: holds(run)[-1:] == ["works"], "the probe has had an answer")
        tell(run, "end")
        run.until(lambda: holds(run)[-1:] == ["looks"], "idle is believed")
        worker(run).suspend()
        run.until(lambda: "probe.blind" in run.names(), "the probe cannot tell", limit=18)
        run.until(lambda: holds(run)[-1:] == ["works"], "that counts as work")
        worker(run).kill()
        assert run.status() == 137


def test_what_a_probe_cannot_see_is_said_at_the_start(tmp_path: Path) -> None:
    """One line for each probe, with its settle time."""
    with shown("title", tmp_path) as run:
        run.until_noted("probe.watching")
        (watching,) = [note for note in run.notes if note["event"] == "probe.watching"]
        assert watching["probe"] == "probe:title"
        assert watching["settle"] == 0.3
        assert "Sidekiq: 5 s" in watching["unseen"]


def test_the_ready_file_is_there_exactly_while_work_is_welcome(tmp_path: Path) -> None:
    """Made when the worker runs, removed as the first thing at a stop; one from an earlier run does not count."""
    path = tmp_path / "ready"
    path.touch()
    stop = ("--stop-timeout", "30", "--stop-sequence", "WAIT 2 TERM 5 KILL", "--ready-file", str(path))
    with supervised(*actor("probed", "none"), options=stop) as run:
        run.until_ready()
        run.until(path.exists, "the file is there")
        run.send(signal.SIGTERM)
        run.until(lambda: not path.exists(), "the file is gone")
        assert "task.stopping" not in run.names()
        assert run.status() == 143
        assert not path.exists()


def test_a_ready_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The task goes on; the health check sees what it sees."""
    path = str(tmp_path / "nowhere" / "ready")
    with supervised(*actor("probed", "none"), options=("--ready-file", path)) as run:
        run.until_noted("ready_file.failed")
        status, _ = run.timed_stop()
        assert status == 143


def test_psutil_is_loaded_only_for_a_probe_that_needs_it(tmp_path: Path) -> None:
    """A run without probes pays nothing for it, and neither does one that looks at files."""
    with supervised(*actor("probed", "none"), options=("--probe", f"file={tmp_path}/x")) as run:
        run.until_ready()
        run.until(lambda: holds(run) == ["looks"], "the probe has begun")
        assert "psutil" not in Path(f"/proc/{run.pid}/maps").read_text(encoding="utf-8")
    with shown("title", tmp_path) as run:
        tell(run, "begin")
        run.until(lambda: holds(run)[-1:] == ["works"], "the probe sees the job")
        assert "psutil" in Path(f"/proc/{run.pid}/maps").read_text(encoding="utf-8")
