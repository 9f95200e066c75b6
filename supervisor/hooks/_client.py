"""What this process tells the supervisor and last heard of it; never fails a job, never waits unasked.

A process has one Client, made at import and replaced in a forked child, which is a holder of its own and must
not speak for its parent. Without a supervisor for ever, and as long as none is connected, jobs run as if
nothing were here; what is open when one comes is said then.

No lock is taken on a job's way, so a fork, a signal handler or an exception thrown into any line finds
nothing half held. That rests on two orders. A hold is noted before it is said, and a connection is published
before the open holds are said on it: every hold is said at least once. A hold is struck out before its
release is said, and whoever says a hold late looks again afterwards: none stays said that has ended. Saying a
thing twice is harmless. How late a plain job may be said, is told in _breath.py.

Frameworks throw their time limits into whatever line is running. One that is swallowed here would let a job
run for ever, so a job's way has no catch-all and, less plainly, no `__del__` either, in which Python swallows
as well. Instead each open hold has a guard, a weak reference to its job: where the exception hit the very end
of a job, the guard is still there and says the release when the object goes.

Everything the threads need is imported with this module. A fork in the middle of another thread's import
would leave the child with an import lock that nobody ever opens.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
import weakref

from . import _whereabouts
from . import _words as words
from ._answers import Answers
from ._connection import STANDING, Connection
from ._link import Link
from ._waiting import Waiting

UNKNOWN = words.State()


class Client:
    """This process as a holder."""

    def __init__(self, state: words.State = UNKNOWN, about: str = "") -> None:
        self.state = state
        self.waiting = Waiting()
        self.hold_wait = 0.0
        # What is open, by number: the name alone of a job that is only to be named, or all that is to be said.
        self.holds: dict[int, str | bytes] = {}
        self._connection = Connection(self)
        self._about = about
        # What a framework's hook has to say for itself, said anew on every connection.
        self._standing: dict[str, bytes] = {}
        self._numbers = itertools.count(1)
        self._guards: dict[int, weakref.ref[object]] = {}
        self._answers = Answers()
        # Whether a child that is forked now keeps the connection open (_lending.py).
        self.lends = False
        # The connection of the process that has forked this one and lent it.
        self._lent: Link | None = None
        self.is_retired = False
        self._heirs: dict[str, Client] = {}

    def introduce(
        self,
        about: str,
        framework: str = "",
        version: str = "",
        gated: bool = False,
        heirs: bool = False,
    ) -> None:
        """Name this process as people know it; else it goes by its program's name.

        framework, version: what a hook is attached to. gated: it will say when nothing new can begin (say_gate). heirs: it
        lends its connection to children.
        """
        self._about = about
        self.stand_by("hello", words.hello(about, framework, version, gated, heirs))

    def say_gate(self, shut: bool) -> None:
        """Confirm that nothing new will begin in this process, or that it may again."""
        self.stand_by("gate", words.SHUT if shut else words.OPENED)

    def reserved(self, count: int) -> None:
        """Say how many jobs were fetched and have not begun."""
        self.stand_by("reserved", words.reserved(count))

    def advise(self, setting: str, why: str, fix: str) -> None:
        """Tell people of a setting that makes a drain late or loses jobs."""
        self.stand_by(f"advice {setting}", words.advice(setting, why, fix))

    def stand_by(self, key: str, line: bytes) -> None:
        """Say something that is true until it is said otherwise, now and on every later connection."""
        if self._standing.get(key) == line:
            return
        self._standing[key] = line
        link = self._connection.link
        if link is not None:
            link.tell(STANDING, line)
        elif not self._connection.is_started:
            self._start()

    def enter(self, owner: object) -> int:
        """Return a number for a hold that ends with its owner at the latest; 0 where nobody listens."""
        if not (self._connection.is_started or self._start()):
            return 0
        number = next(self._numbers)
        self._guards[number] = weakref.ref(owner, lambda _: self.release(number))
        return number

    def begin(self, owner: object, about: str, ttl: float | None) -> int:
        """Say that work begins, which ends with its owner at the latest; return its number, 0 where nobody listens.

        Where that has asked (`asked`), the answer is to be waited for, at most `hold_wait` seconds, and taken.
        """
        # As `enter` does: every call on a job's way is paid by every job.
        if not (self._connection.is_started or self._start()):
            return 0
        number = next(self._numbers)
        self._guards[number] = weakref.ref(owner, lambda _: self.release(number))
        if self.hold_wait > 0 and self._answers.can_be_had:
            self._answers.expect(number)
            self._begin_at_once(number, words.question(number, about, ttl))
        elif ttl is None:
            self.holds[number] = about
            breath = self._connection.breath
            if breath is not None:
                breath.begin(number, about)
        else:
            self._begin_at_once(number, words.hold(number, about, ttl))
        return number

    def fetch(self, number: int) -> None:
        """Say that this process looks for work."""
        self._begin_at_once(number, words.fetch(number))

    def asked(self, number: int) -> bool:
        """Whether this hold has a question open, or an answer that was not taken."""
        return self._answers.is_open(number)

    def answered(self, number: int) -> bool:
        """Whether the question about this hold has its answer."""
        return self._answers.is_there(number)

    def take_answer(self, number: int, about: str, ttl: float | None) -> str | None:
        """End the wait for an answer. Why it was no; None where it was yes or did not come.

        A refusal has ended the hold over there. It is said again all the same: until the job is handed back
        there is work in flight.
        """
        why = self._answers.take(number)
        if number in self._guards:
            # From now on, also where it has to be said again, it is work in flight that asks nothing.
            line = words.hold(number, about, ttl)
            self.holds[number] = about if ttl is None else line
            link = self._connection.link
            if why is not None and link is not None:
                link.tell(number, line)
        return why

    def refresh(self, number: int, ttl: float | None) -> None:
        """Say that the work still progresses."""
        link = self._connection.link
        if link is not None and number in self.holds:
            link.tell(number, words.refresh(number, ttl))

    def rename(self, number: int, about: str, ttl: float | None) -> None:
        """Call an open hold something else."""
        if number in self.holds:
            if ttl is None:
                self.holds[number] = about
                breath = self._connection.breath
                if breath is not None:
                    breath.rename(number, about)
            else:
                line = self.holds[number] = words.hold(number, about, ttl)
                link = self._connection.link
                if link is not None:
                    link.tell(number, line)

    def release(self, number: int) -> None:
        """Say that the work has ended; once that is done, a second time does nothing."""
        if number in self._guards:
            if self.hold_wait > 0:
                self._answers.forget(number)
            self.holds.pop(number, None)
            breath = self._connection.breath
            if breath is not None:
                breath.end(number)
            # Last of all: whatever interrupts this before, the guard remains and does it again.
            self._guards.pop(number, None)

    def look(self) -> words.State:
        """Return what the supervisor last said."""
        if not self._connection.is_started:
            self._start()
        return self.state

    def spoken(self) -> bool:
        """Whether the supervisor has said anything."""
        return self.look() is not UNKNOWN

    def first_word_timeout(self) -> float:
        """Return how long the supervisor's first word is still worth waiting for."""
        return self._connection.first_word_deadline - time.monotonic()

    @property
    def is_cut_off(self) -> bool:
        """Whether there was a connection to a supervisor, and there is none now."""
        return self._connection.is_cut_off

    def supervisor_is_dead(self) -> bool:
        """Whether the process that supervised this one has ended; False where that cannot be known."""
        return self._connection.supervisor_is_dead()

    @property
    def link(self) -> Link | None:
        """Where to speak; None while there is no connection."""
        return self._connection.link

    def retire(self) -> None:
        """Fall silent, in a forked child: connection and holds are its parent's."""
        self.is_retired = True
        self._guards = {}
        if self._lent is not None:
            self._lent.forsake()
        self._lent = self._connection.forsake(self.lends)

    def heir(self) -> Client:
        """Return the child's own, always the same: two threads may ask at once."""
        heir = Client(self.state, self._about)
        heir._lent = self._lent
        return self._heirs.setdefault("heir", heir)

    def line_for(self, number: int) -> bytes:
        """Return what is true of a hold, and for STANDING all that is to be said first."""
        if number == STANDING:
            standing = dict(self._standing)
            hello = standing.pop("hello", b"") or words.hello(self._about or _program())
            return b"".join((hello, *standing.values()))
        return words.truth(number, self.holds.get(number))

    def hear(self, line: bytes) -> None:
        """Take a line of the supervisor."""
        message = words.read(line)
        match message.get("op"):
            case "state":
                self._follow(words.read_state(message))
            case "granted":
                # The job that waited for it may ask at once; the next `state` may come a moment later.
                self.state = self.state.with_protection(message.get("protected") is True)
                self._note_answer(words.read_number(message), None)
            case "refused":
                self._note_answer(words.read_number(message), str(message.get("why", "")))
            case _:
                return
        self._answers.heard()
        self.waiting.wake_all()

    def lose(self, for_long: bool) -> None:
        """Take that there is no connection, just now or for long."""
        if for_long:
            self.state = UNKNOWN
        self.waiting.wake_all()

    def _start(self) -> bool:
        if self._connection.path is None:
            self.hold_wait = words.read_seconds(_whereabouts.hold_wait())
        return self._connection.start()

    def _begin_at_once(self, number: int, line: bytes) -> None:
        self.holds[number] = line
        link = self._connection.link
        if link is not None:
            link.begin(number, line)

    def _follow(self, state: words.State) -> None:
        breath = self._connection.breath
        if breath is not None:
            if state.accepting and not state.stopping:
                breath.welcome()
            else:
                # Before anybody acts on it: whoever confirms that nothing begins has been heard about all that began.
                breath.rest()
        self.state = state

    def _note_answer(self, number: int, answer: str | None) -> None:
        was_waited_for = self._answers.note(number, answer)
        if (
            not was_waited_for
            and answer is not None
            and number in self.holds
            and self._connection.link is not None
        ):
            # Refused when nobody waited any more: the hold has ended over there, but the work is running.
            self._connection.link.tell_later((number,))


def _program() -> str:
    folder, file = os.path.split(sys.argv[0] if sys.argv else "")
    # `python -m celery` is celery, not __main__.py.
    return os.path.basename(folder) if file == "__main__.py" else file


_client = Client()


def client() -> Client:
    """Return the client of this process. A forked child has its own from when it asks: many do one job and never do."""
    global _client
    here = _client
    if here.is_retired:
        here = _client = here.heir()
    return here


def retire() -> None:
    """Fall silent in this process, a forked child."""
    _client.retire()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=retire)
