"""The processes we started and all that descends from them: signal, kill, collect.

This is the only place that waits for children, because a status can be collected once: a second waiter would make the first
report success for a child that failed. It is also why the worker's number is safe to signal: it stays the worker's until we
have collected it. As PID 1 everything in the namespace is ours to kill; otherwise we are a subreaper, so what a dying process
leaves behind becomes our child, and killing until there is no child reaches it all, `setsid` or not.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial

from supervisor.config.signals import NUMBERS, describe
from supervisor.core.events import Event, OrphanReaped, SpawnFailed, WorkerExited, WorkerSpawned
from supervisor.core.names import SignalName, WorkerName

from .launch import Launcher
from .proctree import Seen, descendants, is_still
from .terminal import Terminal

# More children than this wait for the next turn, so that a flood of orphans cannot keep a stop request waiting.
REAP_AT_ONCE = 64

# While the tree dies as it should, the kernel wakes us for every child. This is for what was forked while we looked.
_LOOK_AGAIN_SECONDS = 0.05

# A shell reports a death by a signal as 128 and the signal's number.
_BY_SIGNAL = 128

# What stops a process, SIGSTOP aside, which is never sent to a worker.
_STOPPING = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


class Processes:
    """Fulfils ports.Workers for one worker.

    pid: the worker's, as it was first started. to_group: signals go to its whole group, not to its main process.
    suspend: stops ourselves, as Ctrl-Z does, until somebody wakes us.
    """

    def __init__(
        self,
        worker: WorkerName,
        launcher: Launcher,
        pid: int,
        to_group: bool,
        terminal: Terminal | None,
        suspend: Callable[[], None],
    ) -> None:
        self._worker = worker
        self._launcher = launcher
        self._pid: int | None = pid
        self._to_group = to_group
        self._terminal = terminal
        self._suspend = suspend
        # Whether the worker was told to stop by order of the core (Sidekiq's TSTP means quiet), not by a person.
        self._stop_was_sent = False
        self._follows = False
        self._wait_flags = os.WNOHANG if terminal is None else os.WNOHANG | os.WUNTRACED

    def spawn(self, worker: WorkerName) -> Event:
        try:
            self._pid = self._launcher.start()
        except OSError as error:
            status, why = self._launcher.explain(error)
            return SpawnFailed(worker, status, why)
        self._stop_was_sent = False
        self.hand_over()
        return WorkerSpawned(worker, self._pid)

    def signal(self, worker: WorkerName, signal: SignalName) -> bool:
        return self._send(worker, NUMBERS[signal])

    def stop(self, worker: WorkerName, signal: SignalName) -> bool:
        return self._send(worker, NUMBERS[signal]) and self._send(worker, NUMBERS["CONT"])

    def prepared(
        self, worker: WorkerName, signal: SignalName, wakes: bool
    ) -> tuple[Callable[[], object], ...]:
        pid, number = self._pid_of(worker), NUMBERS[signal]
        if pid is None or self._to_group or number in _STOPPING:
            return (partial(self.stop if wakes else self.signal, worker, signal),)
        # Nothing of ours runs before the system call: code that was never run is slow the first time.
        then = partial(self._send, worker, NUMBERS["CONT"]) if wakes else self._note_no_stop
        return (partial(os.kill, pid, number), then)

    def kill(self, worker: WorkerName) -> int:
        return self._kill_all(self._pid_of(worker))

    def reap(self) -> Iterator[Event]:
        for pid, status in _ended_children(self._wait_flags):
            if not os.WIFSTOPPED(status):
                yield self._ended(pid, status)
            elif pid == self._pid and self._terminal is not None:
                self._stopped(self._pid, self._terminal, os.WSTOPSIG(status))

    def sweep(self, limit: float) -> int:
        if not self._has_children():
            return 0
        deadline = time.monotonic() + limit
        # Out of our handlers' hands meanwhile, so that the wait below ends with the first child that does.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
        try:
            while self._has_children():
                self._kill_all(self._pid)
                left = deadline - time.monotonic()
                if left <= 0:
                    return max(1, _alive(descendants()))
                signal.sigtimedwait((signal.SIGCHLD,), min(left, _LOOK_AGAIN_SECONDS))
            return 0
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def hand_over(self) -> None:
        """Give the worker the terminal if we have it: it is not for us, whoever gave it to us (a shell's `fg` does)."""
        if self._pid is not None and self._terminal is not None and self._terminal.is_with_us():
            self._terminal.give(self._pid)

    def follow_next_stop(self) -> None:
        """Take note that Ctrl-Z came to us, in a moment when the worker did not have the terminal: it means both of us."""
        self._follows = True

    def _pid_of(self, worker: WorkerName) -> int | None:
        return self._pid if worker == self._worker else None

    def _note_no_stop(self) -> None:
        self._stop_was_sent = False

    def _send(self, worker: WorkerName, number: int) -> bool:
        pid = self._pid_of(worker)
        if pid is None:
            return False
        self._stop_was_sent = number in _STOPPING and not self._follows
        try:
            if not (self._to_group and _sent_to_group(pid, number)):
                os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _kill_all(self, group: int | None) -> int:
        below = descendants()
        try:
            if os.getpid() == 1:
                os.kill(-1, signal.SIGKILL)
            elif group is not None:
                os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        if os.getpid() != 1:
            for process in below:
                _kill(process)
        return _alive(below)

    def _has_children(self) -> bool:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._ended(pid, status)

    def _ended(self, pid: int, status: int) -> Event:
        code = os.waitstatus_to_exitcode(status)
        if pid != self._pid:
            return _orphan(pid, code)
        self._pid = None
        if self._terminal is not None and self._terminal.is_with(pid):
            self._terminal.take_back()
        if code < 0:
            return WorkerExited(self._worker, _BY_SIGNAL - code, SignalName(describe(-code)))
        return WorkerExited(self._worker, code)

    def _stopped(self, pid: int, terminal: Terminal, by: int) -> None:
        """Do what a person at the terminal expects when the worker has stopped: stop too, and wake it with us."""
        if self._stop_was_sent:
            return
        if by in (signal.SIGTTIN, signal.SIGTTOU) and terminal.is_with(pid):
            # It reached for the terminal in the moment between its start and our giving it away.
            os.killpg(pid, signal.SIGCONT)
            return
        self._follows = False
        if terminal.is_with(pid):
            terminal.take_back()
        self._suspend()
        self.hand_over()
        os.killpg(pid, signal.SIGCONT)


def reap_orphans() -> Iterator[Event]:
    """Collect what has ended below us, for one who starts nothing: as PID 1 we are given the orphans of the namespace."""
    for pid, status in _ended_children(os.WNOHANG):
        yield _orphan(pid, os.waitstatus_to_exitcode(status))


def _ended_children(flags: int) -> Iterator[tuple[int, int]]:
    for _ in range(REAP_AT_ONCE):
        try:
            pid, status = os.waitpid(-1, flags)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def _orphan(pid: int, code: int) -> OrphanReaped:
    return OrphanReaped(pid, code if code >= 0 else _BY_SIGNAL - code)


def _sent_to_group(group: int, number: int) -> bool:
    """Say whether the group was there: the worker may have moved to another one."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def _kill(process: Seen) -> None:
    """SIGKILL a process that its parent may collect at any moment, after which its number may name another."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    except OSError:
        # No pidfd on this kernel, or no descriptor left: a look at its start is the next best thing.
        handle = None
    try:
        if not is_still(process):
            return
        if handle is None:
            os.kill(process.pid, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        if handle is not None:
            os.close(handle)


def _alive(processes: list[Seen]) -> int:
    return sum(not process.zombie for process in processes)
