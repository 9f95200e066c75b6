"""Takes every signal that can be caught, and remembers it until the loop asks; light, because it is in place before the
worker starts.

The interpreter's own handler, in C, writes the signal's number into a pipe at the moment of delivery; that is what wakes the
loop, and what keeps order and count. Our handler in Python, which the interpreter runs a little later and once for
several, does three small things: it calls what the loop has armed for it, it notes the number, and it raises `came`, so that
long turns of the loop can be cut short. The note is for one case only. If nobody reads while 65,536 signals come (a
flood of dying children, say), the pipe is full and a later number is lost; so when a read finds it full, what was noted
counts too. Then a signal may be seen twice, but a stop request is never lost. Handlers, unlike ignored and blocked
signals, do not pass to a worker (execve(2)).
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Container, Mapping
else:
    import _signal

# What a pipe holds by default on Linux (pipe(7)).
_PIPE_BYTES = 65_536

# The terminal sends the first two to a background process that reads or writes: stopping us for it would stop the
# supervision, and with a handler the write would be tried for ever. The others follow a write of our own (to a closed
# pipe, beyond a file's limit), which fails with an error that is handled where it happens.
_IGNORED = (_signal.SIGTTIN, _signal.SIGTTOU, _signal.SIGPIPE, _signal.SIGXFSZ)

# A defect in the interpreter raises these in the thread that has it: a handler would return into the same fault for ever.
_FAULTS = (_signal.SIGSEGV, _signal.SIGBUS, _signal.SIGFPE, _signal.SIGILL, _signal.SIGTRAP, _signal.SIGSYS)

_UNCATCHABLE = (_signal.SIGKILL, _signal.SIGSTOP)


class Signals:
    """Everything the kernel has told us and the loop has not yet taken."""

    __slots__ = ("_armed", "_early", "_noted", "_reader", "came")

    def __init__(self) -> None:
        self.came = False
        self._noted: set[int] = set()
        self._early: list[int] = []
        self._armed: Mapping[int, Callable[[int], bool]] | None = None
        self._reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        _signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def install(self) -> None:
        """Begin to take signals, those first that were blocked until now."""
        for number in _signal.valid_signals():
            if number in _IGNORED:
                _signal.signal(number, _signal.SIG_IGN)
            elif number not in _FAULTS and number not in _UNCATCHABLE:
                _signal.signal(number, self._note)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, ())

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a signal has come."""
        return self._reader

    def first_of(self, wanted: Container[int]) -> int | None:
        """Return the first signal that has come and is one of these; all stay to be taken."""
        self._early += self._read()
        return next((number for number in self._early if number in wanted), None)

    def take(self) -> list[int]:
        """Return the numbers of all signals that have come since, in order; disarm."""
        self.disarm()
        early, self._early = self._early, []
        return early + self._read()

    def arm(self, actions: Mapping[int, Callable[[int], bool]]) -> None:
        """Have these called in the handler, by number, until one says False or a signal comes that is not among them.

        Nothing is taken by that: the loop sees all signals in its turn. Where it has one to see already, nothing is armed.
        """
        self._armed = actions
        if self.came:
            self._armed = None

    def disarm(self) -> None:
        """Leave everything to the loop again."""
        self._armed = None

    def suspend(self) -> None:
        """Stop our group as Ctrl-Z would have; return when woken.

        Return at once where the kernel knows nobody who could wake us: it discards this signal, unlike SIGSTOP, for a
        group without a shell behind it (setpgid(2), orphaned process groups).
        """
        _signal.signal(_signal.SIGTSTP, _signal.SIG_DFL)
        os.kill(0, _signal.SIGTSTP)
        _signal.signal(_signal.SIGTSTP, self._note)

    def _note(self, number: int, _frame: object) -> None:
        # First, because somebody waits for it.
        if self._armed is not None and ((action := self._armed.get(number)) is None or not action(number)):
            # Signals stay in order: what comes after this one has to wait for the loop as well.
            self._armed = None
        self._noted.add(number)
        self.came = True

    def _read(self) -> list[int]:
        self.came = False
        try:
            numbers = list(os.read(self._reader, _PIPE_BYTES))
        except BlockingIOError:
            return []
        if len(numbers) == _PIPE_BYTES:
            # This call runs the handlers in Python of all signals that have been delivered, before it returns.
            _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
            numbers += sorted(self._noted.difference(numbers))
        self._noted.clear()
        return numbers
