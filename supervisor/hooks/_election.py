"""Hook-only mode: without a supervisor, one of the container's own processes speaks to ECS for all of them.

A team that does not change its entry point uses a hook and nothing else. On ECS (`ECS_AGENT_URI` is there) and without a
supervisor (`ECS_SUPERVISOR_SOCKET` is not), the first process that uses a hook becomes the task's arbiter: a daemon thread of
it (supervisor/arbiter/) does about protection what a supervisor does, over the same socket. All others are its clients,
and so is its own process. When it dies, whoever finds nobody listening stands for election, and everybody says anew
what runs; protection lives at ECS, so a change of arbiters leaves no gap in it.

Rules
  1. One arbiter for each container and user. The place is a folder that only this user may enter, in the first of /run,
     /dev/shm (there when the root is read-only) and /tmp that can be written. Its name has the user's number, and a sum of
     ECS_AGENT_URI, which differs from container to container: those that share a volume do not meet. Processes of another
     user, and the hooks of a second container, have an arbiter of their own and would release protection under each other's
     jobs; they belong under `ecs-supervisor run`, or name one ECS_SUPERVISOR_SOCKET.
  2. The office is a POSIX record lock (fcntl(2)). Not flock(2): a forked child shares that one and would keep it after the
     arbiter's death. A record lock belongs to the process, is not inherited, and goes with it at the latest. It also goes when the
     process closes any descriptor of that file; so nobody opens it twice in one process.
  3. Only the lock's owner binds the socket, under another name, and puts it in place by a rename: whoever finds the path finds
     somebody listening, or a dead arbiter. Neither file is ever removed by anybody else.
  4. A forked child is no arbiter. It closes, before it does anything else, the listening socket and every accepted
     connection that it inherited; with them open, the arbiter's clients would not see its death. `exec` closes them too.
  5. A fork finds the arbiter at rest (a lock, for a bounded time): never inside an import, whose module locks a child
     would inherit taken, nor between accepting a connection and noting it. What forks in C without telling Python is
     not covered: its children may keep dead connections open until they end.
  6. A prefork master that used a hook before it forked is the arbiter, and its children are clients. Where only children use
     hooks, one of them is; one more call, `supervisor.hooks.job.stopping()`, in the master before the fork makes it the
     master. That is better wherever children live for one job only: each would load the arbiter anew, and one that leaves by
     `os._exit` in mid-lease cannot release it.
  7. No process is arbiter that cannot be one: threads patched by gevent or eventlet (ours would wait in their event
     loop), no room, or only the hooks are here and not the distribution. Each of these is said in one line, once.
  8. Where a supervisor of this container runs all the same (somebody's shell in its container: `ecs exec`, cron), nobody
     becomes arbiter: it would release what the supervisor holds.
  9. No signal handler is installed, and the arbiter's threads block all signals: those are for the worker's own threads.
     On SIGTERM the framework does what it always does, and the arbiter goes on until its process ends. It cannot know
     of the stop, so `stopping()` stays False and there is no drain, no order of signals and no reaping: those need
     `ecs-supervisor run`. A process that is stopped (SIGSTOP), or whose code keeps the interpreter for minutes, keeps the
     office and does nothing with it; the lease lasts meanwhile.
 10. A process that ends in order lets protection go if it is the last one and nobody holds; it waits for that
     LEAVE_SECONDS at most. While others are connected it leaves that to the one they elect: their next job may be about
     to begin. One that is killed leaves its lease to them, or to its end.
"""

from __future__ import annotations

import _thread
import contextlib
import importlib
import os
from typing import TYPE_CHECKING, Protocol

from ._fitness import ARBITER_MODULE, unfit
from ._office import listen, take_office
from ._whereabouts import is_elected

if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

# The longest a process that ends waits for the release: most answers of the agent come in a tenth of it.
LEAVE_SECONDS = 2.0

# The longest a fork waits for the arbiter to be at rest; a bound for what should never happen. A turn of its loop takes some
# milliseconds, but loading it takes seconds where there is little CPU and the worker's own threads want all of it, and
# a child forked within would wait for ever.
FORK_WAIT_SECONDS = 20.0


def stand(where: str) -> None:
    """Become the arbiter, if nobody is and this process may. For the thread that found nobody listening, never for a job."""
    if is_elected(where):
        _mind_forks()
        _candidate.stand(where)


def leave() -> None:
    """At the end of the process: let go what nobody needs; by then it should have been said that nothing runs."""
    _candidate.leave()


class Arbiter(Protocol):
    """What supervisor/arbiter/ has of that name."""

    def run(self) -> None: ...

    def leave(self, limit: float) -> None: ...

    def forsake(self) -> None: ...


class AtWork:
    """Held while a fork would tear something apart; of the kind that one thread may take twice, because a signal handler
    may fork as well.

    wanted: the threads that want to fork. Whoever lets go in a loop has to look, or would take it again before them.
    """

    def __init__(self) -> None:
        self._lock = _thread.RLock()
        self.wanted: set[int] = set()

    def acquire(self, timeout: float = -1) -> bool:
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Candidate:
    """This process in the election."""

    def __init__(self) -> None:
        self.at_work = AtWork()
        self._has_withdrawn = False
        self._office = -1
        self._listener = -1
        self._arbiter: Arbiter | None = None

    @property
    def is_arbiter(self) -> bool:
        return self._office >= 0

    def stand(self, where: str) -> None:
        """Take the office if it is free."""
        # NB: with the office in hand the lock's file must not be opened, see rule 2.
        if self.is_arbiter or self._has_withdrawn:
            return
        with self.at_work:
            if why := unfit():
                self._withdraw(why)
                return
            try:
                self._office = take_office(f"{os.path.dirname(where)}/lock")
                if self._office >= 0:
                    self._listener = listen(where)
                    self._begin(where)
            except (OSError, RuntimeError) as error:
                # RuntimeError: no more threads, or the interpreter is ending.
                self._withdraw(f"no arbiter could be started in this process ({error})")

    def leave(self) -> None:
        """At the end of the process: let go what nobody needs."""
        if self._arbiter is not None:
            self._arbiter.leave(LEAVE_SECONDS)

    def forsake(self) -> None:
        """Close all of it, the office last; in a forked child, where the parent's is not affected."""
        try:
            if self._arbiter is not None:
                self._arbiter.forsake()
            elif self._listener >= 0:
                os.close(self._listener)
        finally:
            if self.is_arbiter:
                os.close(self._office)

    def _begin(self, where: str) -> None:
        # The thread inherits the mask: not even its first moment is open to the worker's signals.
        before = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        try:
            _thread.start_new_thread(self._preside, (where,))
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)

    def _preside(self, where: str) -> None:
        try:
            with self.at_work:
                # By name: the hooks know nothing else of the distribution, and work without it.
                module = importlib.import_module(ARBITER_MODULE)
                arbiter: Arbiter = module.Arbiter(self._listener, where, os.environ, self.at_work)
                self._arbiter = arbiter
            arbiter.run()
        except BaseException as error:  # noqa: BLE001 - whatever it was, the worker goes on, and another may do better
            self._withdraw(f"the arbiter has failed in this process ({type(error).__name__}: {error})")
        else:
            self._withdraw()

    def _withdraw(self, why: str = "") -> None:
        """Give the office back for good, and say why."""
        self._has_withdrawn = True
        with self.at_work:
            with contextlib.suppress(OSError):
                self.forsake()
            self._arbiter, self._office, self._listener = None, -1, -1
        if why:
            from ._attach import warn

            warn(f"{why}, so jobs here are protected only where another process or a supervisor does it")


def _before_fork() -> None:
    at_work, thread = _candidate.at_work, _thread.get_ident()
    at_work.wanted.add(thread)
    at_work.acquire(FORK_WAIT_SECONDS)
    at_work.wanted.discard(thread)


def _after_fork() -> None:
    # RuntimeError: it was not to be had in time.
    with contextlib.suppress(RuntimeError):
        _candidate.at_work.release()


def _after_fork_in_child() -> None:
    global _candidate
    inherited, _candidate = _candidate, Candidate()
    with contextlib.suppress(OSError):
        inherited.forsake()


_candidate = Candidate()
_minds_forks = False


def _mind_forks() -> None:
    """Have forks find the arbiter at rest. Not before there can be one: a worker that forks for each job pays for it."""
    global _minds_forks
    if not _minds_forks and hasattr(os, "register_at_fork"):
        _minds_forks = True
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
        )
