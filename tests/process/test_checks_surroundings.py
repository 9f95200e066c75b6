"""Checks: the worker finds itself where its container was meant to put it, and so does the supervisor."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from tests.process.harness import MARK, Start, actor

NOBODY = 65534

# To read files is what the tests' own interpreter may need, in a home directory that only its user can enter.
AS_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=+dac_read_search"),
)

# Makes every file system read-only that can be written to, except those named by the first argument.
READ_ONLY = """
keep=$1; shift
while read -r _ _ _ _ where options _; do
    case " $keep /proc " in *" $where "*) continue ;; esac
    case $options in rw*) mount -o remount,bind,ro "$where" 2>/dev/null ;; esac
done < /proc/self/mountinfo
exec "$@"
"""

# Two that the C library keeps for itself: posix_spawn always ignores them, until a thread needs them.
C_LIBRARYS_OWN = 1 << 31 | 1 << 32


def test_check_argv_bytes(start: Start) -> None:
    """Arguments reach the worker byte by byte, whether they are text or not."""
    words = [
        "--",
        "--lease",
        "a b",
        "",
        "\udcff\udc80",
        "ä",
        "*",
        "$HOME",
        "'\"`\\",
        "line\nline",
        "x" * 100_000,
    ]
    with start(*actor("surroundings", *words)) as run:
        assert run.status() == 0
        assert json.loads(run.output[0])["arguments"] == [os.fsencode(word).hex() for word in words]


def test_check_env_cwd_umask(start: Start, tmp_path: Path) -> None:
    """Environment, directory, umask and niceness are those we were started with, and where we are found is added."""
    odd = {"ODD.NAME": "1", "BYTES": "\udcff\n=", "EMPTY": "", "PYTHONPATH": "/x", "PYTHONHOME": "/y"}
    niceness = os.nice(0) + 5
    with start(*actor("surroundings"), env=odd, cwd=tmp_path, umask=0o027, before=("nice", "-n", "5")) as run:
        assert run.status() == 0
        seen = json.loads(run.output[0])
    environment = {_text(name): _text(value) for name, value in seen["environment"].items()}
    assert environment.pop("ECS_SUPERVISOR_SOCKET").endswith(f"ecs-supervisor-{run.process.pid}.sock")
    assert environment.pop("ECS_SUPERVISOR_API").endswith(f"ecs-supervisor-{run.process.pid}.api")
    assert environment == os.environ | odd | {MARK: run.mark}
    assert (seen["directory"], seen["umask"], seen["niceness"]) == (str(tmp_path), 0o027, niceness)


def test_check_clean_signals(start: Start) -> None:
    """The worker begins with nothing blocked, ignored or caught, even where we were started with all of it."""
    for before in ((), ("env", "--block-signal", "--ignore-signal")):
        for as_pid_1 in (False, True):
            with start(
                *("sed", "-n", "/^Sig[BIC]/p", "/proc/self/status"), before=before, as_pid_1=as_pid_1
            ) as run:
                assert run.status() == 0
                masks = {line.split(":\t")[0]: int(line.split(":\t")[1], 16) for line in run.output}
                assert masks == {"SigBlk": 0, "SigIgn": masks["SigIgn"] & C_LIBRARYS_OWN, "SigCgt": 0}


def test_check_no_fd_leak(start: Start) -> None:
    """The worker has the descriptors that we were given, and none of ours."""
    given, writer = os.pipe()
    with start("sh", "-c", "ls /proc/$$/fd", pass_fds=(given,)) as run:
        assert run.status() == 0
        assert sorted(map(int, run.output)) == [0, 1, 2, given]
    os.close(given)
    os.close(writer)


def test_check_non_root(start: Start, command: str) -> None:
    """Everything works for a user with no rights, also as PID 1: start, hooks' socket, stop, kill."""
    for as_pid_1 in (False, True):
        words = {"entry": (*AS_NOBODY, command), "as_pid_1": as_pid_1}
        with start(*actor("surroundings"), **words) as run:
            assert run.status() == 0
            seen = json.loads(run.output[0])
            assert seen["user"] == NOBODY
            assert b"ECS_SUPERVISOR_SOCKET".hex() in seen["environment"]
        with start(*actor("waits", "5"), **words) as run:
            run.until_ready()
            run.send(signal.SIGTERM)
            assert run.status() == 5
        with start(
            *actor("family", "deaf"),
            options=("--stop-timeout", "3", "--stop-sequence", "TERM 0.3 KILL"),
            **words,
        ) as run:
            run.until_output("ready")
            run.send(signal.SIGTERM)
            assert run.status() == 137
            assert run.marked() == []


def test_check_read_only_root(start: Start, command: str) -> None:
    """With read-only file systems all works, but hooks only where there is a directory for their socket."""
    for writable in ("/dev/shm", ""):
        read_only = ("unshare", "--mount", "sh", "-c", READ_ONLY, "sh", writable)
        with start(*actor("waits", "5"), entry=(*read_only, command), as_pid_1=True, cwd="/") as run:
            run.until_ready()
            environ = Path(f"/proc/{run.pid}/root/proc/{run.output[0].split()[1]}/environ").read_bytes()
            assert (b"ECS_SUPERVISOR_SOCKET=/dev/shm/" in environ) == bool(writable)
            run.send(signal.SIGTERM)
            assert run.status() == 5
            assert ("hooks.unavailable" in run.names()) == (not writable)


def _text(hexadecimal: str) -> str:
    return os.fsdecode(bytes.fromhex(hexadecimal))
