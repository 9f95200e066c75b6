"""Checks: a stop signal is passed on once, never lost, waited for, and followed by SIGKILL in time."""

from __future__ import annotations

import signal

from tests.process.harness import Run, Start, actor
from tests.process.storm import STORM, rage

# Long enough for a worker to see each signal, short enough to wait for. The promise is kept by 3 - 1 s.
QUICK = ("--stop-timeout", "3", "--exit-margin", "1", "--stop-sequence", "TERM 0.5 KILL 1")
STOP_TIMEOUT_SECONDS = 3

# Not forwarded: they mean stop or dump, cannot be caught, tell us of children, or are the kernel's word on a fault or
# a write of our own.
NOT_FORWARDED = {
    *(signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGRTMIN + 4),
    *(signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD),
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS),
    *(signal.SIGTTIN, signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ),
}


def test_check_sigterm_forwarded(start: Start) -> None:
    """SIGTERM reaches the worker once, and what it exits with is our status, also as PID 1."""
    for as_pid_1 in (False, True):
        with start(*actor("waits", "5"), as_pid_1=as_pid_1) as run:
            run.until_ready()
            run.send(signal.SIGTERM)
            assert run.status() == 5
            assert run.output[1:] == ["SIGTERM"]


def test_check_forward_signals(start: Start) -> None:
    """Every signal that can be meant for the worker reaches it, once."""
    forwarded = sorted(signal.valid_signals() - NOT_FORWARDED)
    with start(*actor("prints_signals")) as run:
        run.until_output("ready")
        for count, number in enumerate(forwarded, start=2):
            run.send(number)
            _has_said(run, count)
        run.send(signal.SIGTERM)
        assert run.status() == 0
        assert run.output[1:] == [
            f"RTMIN+{number - signal.SIGRTMIN}" if number >= signal.SIGRTMIN else signal.Signals(number).name
            for number in forwarded
        ]


def test_check_deadline_kill(start: Start) -> None:
    """A worker that ignores its stop signal has its time, and is killed before ECS would kill us."""
    with start(*actor("ignores_term"), options=QUICK) as run:
        run.until_output("ready")
        status, seconds = run.timed_stop()
        assert status == 137
        assert 0.5 <= seconds < STOP_TIMEOUT_SECONDS


def test_check_deadline_nothing_left(start: Start) -> None:
    """At the deadline all is killed that descends from the worker, in whatever session it is."""
    with start(*actor("family", "deaf"), options=QUICK) as run:
        run.until_output("ready")
        assert len(run.marked()) >= 4
        run.send(signal.SIGTERM)
        assert run.status() == 137
        assert run.marked() == []


def test_check_storm(start: Start) -> None:
    """A thousand stop signals a second are one stop request: one deadline, one signal to the worker, nothing lost."""
    with start(*actor("endures"), options=STORM) as run:
        rage(run)


def test_check_drain_waited(start: Start) -> None:
    """A worker that finishes its work after the stop signal is waited for, and not told twice."""
    for as_pid_1 in (False, True):
        with start(*actor("drains", "0"), as_pid_1=as_pid_1) as run:
            run.until_output("ready")
            run.send(signal.SIGTERM)
            run.until_output("draining")
            run.send(signal.SIGTERM)
            run.send(signal.SIGINT)
            run.until_output("drained")
            assert run.status() == 0
            assert "told again" not in run.output


def test_check_drain_code(start: Start) -> None:
    """What a worker exits with after its drain is our status, not that of the signal."""
    with start(*actor("drains", "42")) as run:
        run.until_output("ready")
        run.send(signal.SIGTERM)
        assert run.status() == 42


def _has_said(run: Run, lines: int) -> None:
    run.until(lambda: len(run.output) == lines, f"the worker says line {lines}")
