"""What this process tells the supervisor and last heard of it; never fails a job, never waits unasked.

A process has one Client, made at import and replaced in a forked child, which is a holder of its own and must
not speak for its parent. The first use starts one daemon thread: it connects, listens, and after a loss
connects again and says anew which holds are open. Until then, and without a supervisor for ever, jobs run as
if nothing were here.

No lock is taken on a job's way, so a fork, a signal handler or an exception thrown into any line finds
nothing half held. That rests on two orders. A hold is noted before it is said, and a connection is published
before the open holds are said on it: every hold is said at least once. A hold is struck out before its
release is said, and whoever says a hold late looks again afterwards: none stays said that has ended. Saying a
thing twice is harmless.

Frameworks throw their time limits into whatever line is running. One that is swallowed here would let a job
run for ever, so a job's way has no catch-all and, less plainly, no `__del__` either, in which Python swallows
as well. Instead each open hold has a guard, a weak reference to its job: where the exception hit the very end
of a job, the guard is still there and says the release when the object goes.

Everything the reading thread needs is imported with this module. A fork in the middle of another thread's
import would leave the child with an import lock that nobody ever opens.
"""

from __future__ import annotations

import _thread
import itertools
import os
import sys
import threading
import time
import weakref

from . import _election
from . import _words as words
from ._link import Link
from ._waiting import Waiting

SOCKET_VARIABLE = "ECS_SUPERVISOR_SOCKET"
HOLD_WAIT_VARIABLE = "ECS_SUPERVISOR_HOLD_WAIT"

# Between attempts to connect. The worker is started before the socket exists, so the first attempt often
# fails; the last delay is what a worker pays for ever where its supervisor is gone.
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0
# A supervisor gone for so long says nothing any more: the gate opens again.
FORGET_SECONDS = 10.0
# For the supervisor's first word, from the first use: a gate is not open because nobody has answered yet.
FIRST_WORD_SECONDS = 0.5

UNKNOWN = words.State()
# The number, which no hold has, under which a link knows the standing lines.
STANDING = 0
# Stands where an answer will be; compared by identity.
NOT_YET = "not yet"


class Client:
    """This process as a holder."""

    def __init__(self, state: words.State = UNKNOWN, about: str = "") -> None:
        self.state = state
        self.waiting = Waiting()
        self.hold_wait = 0.0
        self._path: str | None = None
        self._about = about
        # What a framework's hook has to say for itself, said anew on every connection.
        self._standing: dict[str, bytes] = {}
        self._numbers = itertools.count(1)
        self._holds: dict[int, bytes] = {}
        self._guards: dict[int, weakref.ref[object]] = {}
        self._answers: dict[int, str | None] = {}
        self._unanswered = False
        self._supervisor = 0
        self._link: Link | None = None
        self._started = False
        self._reading = threading.Lock()
        self._first_word_deadline = 0.0
        self._retired = False

    def introduce(self, about: str, framework: str = "", version: str = "", gated: bool = False) -> None:
        """Name this process as people know it; else it goes by its program's name.

        framework, version: what a hook is attached to. gated: it will say when nothing new can begin (say_gate).
        """
        self._about = about
        self.stand_by("hello", words.hello(about, framework, version, gated))

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
        link = self._link
        if link is not None:
            link.tell(STANDING, line)
        elif not self._started:
            self._start()

    def enter(self, owner: object) -> int:
        """Return a number for a hold that ends with its owner at the latest; 0 where nobody listens."""
        if not (self._started or self._start()):
            return 0
        number = next(self._numbers)
        self._guards[number] = weakref.ref(owner, lambda _: self.release(number))
        return number

    def begin(self, number: int, about: str, ttl: float | None) -> bool:
        """Say that work begins. True where it has to wait for its answer, at most `hold_wait` seconds.

        A supervisor that let a question time out is not waited for again until it has said something.
        """
        asks = self.hold_wait > 0 and not self._unanswered
        if asks:
            self._answers[number] = NOT_YET
        line = words.question(number, about, ttl) if asks else words.hold(number, about, ttl)
        self._holds[number] = line
        link = self._link
        if link is not None:
            link.begin(number, line)
        return asks

    def fetch(self, number: int) -> None:
        """Say that this process looks for work."""
        line = self._holds[number] = words.fetch(number)
        link = self._link
        if link is not None:
            link.begin(number, line)

    def answered(self, number: int) -> bool:
        """Whether the question about this hold has its answer."""
        return self._answers.get(number) is not NOT_YET

    def take_answer(self, number: int, about: str, ttl: float | None) -> str | None:
        """End the wait for an answer. Why it was no; None where it was yes or did not come.

        A refusal has ended the hold over there. It is said again all the same: until the job is handed back
        there is work in flight.
        """
        answer = self._answers.pop(number, None)
        if answer is NOT_YET:
            self._unanswered = True
            answer = None
        if number in self._guards:
            # From now on, also where it has to be said again, it is work in flight that asks nothing.
            line = self._holds[number] = words.hold(number, about, ttl)
            link = self._link
            if answer is not None and link is not None:
                link.tell(number, line)
        return answer

    def refresh(self, number: int, ttl: float | None) -> None:
        """Say that the work still progresses."""
        link = self._link
        if link is not None and number in self._holds:
            link.tell(number, words.refresh(number, ttl))

    def rename(self, number: int, about: str, ttl: float | None) -> None:
        """Call an open hold something else."""
        if number in self._holds:
            line = self._holds[number] = words.hold(number, about, ttl)
            link = self._link
            if link is not None:
                link.tell(number, line)

    def release(self, number: int) -> None:
        """Say that the work has ended; once that is done, a second time does nothing."""
        if number in self._guards:
            self._answers.pop(number, None)
            self._holds.pop(number, None)
            link = self._link
            if link is not None:
                link.end(number, words.release(number))
            # Last of all: whatever interrupts this before, the guard remains and does it again.
            self._guards.pop(number, None)

    def look(self) -> words.State:
        """Return what the supervisor last said."""
        if not self._started:
            self._start()
        return self.state

    def spoken(self) -> bool:
        """Whether the supervisor has said anything."""
        return self.look() is not UNKNOWN

    def first_word_timeout(self) -> float:
        """Return how long the supervisor's first word is still worth waiting for."""
        return self._first_word_deadline - time.monotonic()

    @property
    def is_cut_off(self) -> bool:
        """Whether there was a connection to a supervisor, and there is none now."""
        return self._link is None and self._supervisor > 0

    def supervisor_is_dead(self) -> bool:
        """Whether the process that supervised this one has ended; False where that cannot be known."""
        # An arbiter is one of the worker's own processes: its end is not the end of a supervision.
        if not self.is_cut_off or _election.is_elected(self._path):
            return False
        try:
            os.kill(self._supervisor, 0)
            with open(f"/proc/{self._supervisor}/stat", "rb") as file:
                # Its state comes after its name, which may hold anything. Z: dead, and not reaped by whoever started it.
                return file.read().rpartition(b")")[2].split()[:1] == [b"Z"]
        except ProcessLookupError:
            return True
        except OSError:
            return False  # another user's, whom we may not ask about

    def retire(self) -> Client:
        """Fall silent, in a forked child: connection and holds are its parent's. Return the child's own."""
        self._retired = True
        self._started = False
        self._holds = {}
        self._guards = {}
        link, self._link = self._link, None
        if link is not None:
            link.forsake()
        return Client(self.state, self._about)

    def _line_for(self, number: int) -> bytes:
        if number == STANDING:
            standing = dict(self._standing)
            return b"".join((standing.pop("hello", b""), *standing.values()))
        return self._holds.get(number) or words.release(number)

    def _start(self) -> bool:
        """Begin to listen at the first use; whether there is a supervisor to listen to."""
        if self._path is None:
            self.hold_wait = words.read_seconds(_election.hold_wait())
            self._path = _election.path()
        if not self._path or self._retired:
            return False
        self._first_word_deadline = time.monotonic() + FIRST_WORD_SECONDS
        # Before the thread: a hold that is noted from now on will be said when the connection stands.
        self._started = True
        try:
            _thread.start_new_thread(self._run, ())
        except BaseException as error:
            self._started = False
            # RuntimeError: no more threads, or the interpreter is ending. Anything else was thrown at the
            # job.
            if not isinstance(error, RuntimeError):
                raise
        return self._started

    def _run(self) -> None:
        if not self._reading.acquire(blocking=False):
            return  # several jobs began at once, and another one's thread was first
        delay = FIRST_RETRY_SECONDS
        lost_at = time.monotonic()
        pause = threading.Event()
        while not self._retired:
            connected_at = time.monotonic()
            try:
                self._converse()
                lost_at = time.monotonic()
            except OSError:
                # Nobody listens there, yet or any more. Without a supervisor, one of the processes does its part.
                _election.stand(self._path or "")
            if lost_at - connected_at > LAST_RETRY_SECONDS:
                delay = FIRST_RETRY_SECONDS
            if time.monotonic() - lost_at > FORGET_SECONDS:
                self.state = UNKNOWN
                self.waiting.wake_all()
            # Up to half of it more: the processes of a pool all lost their supervisor at the same instant.
            pause.wait(delay * (1 + os.urandom(1)[0] / 512))
            delay = min(delay * 2, LAST_RETRY_SECONDS)

    def _converse(self) -> None:
        link = Link(self._path or "", self._line_for)
        self._standing.setdefault("hello", words.hello(self._about or _program()))
        standing = self._line_for(STANDING)
        link.tell(STANDING, standing)
        self._supervisor = link.peer
        self._link = link
        # What was added to the standing lines in between is said with all of them.
        changed = [STANDING] if self._line_for(STANDING) != standing else []
        link.tell_later([*changed, *list(self._holds)])
        try:
            for line in link.lines():
                if self._retired:
                    return
                self._hear(words.read(line))
        finally:
            if not self._retired:
                self._link = None
                link.hang_up()
                # Who waits may want to know that there is nobody to wait for.
                self.waiting.wake_all()

    def _hear(self, message: dict[str, object]) -> None:
        match message.get("op"):
            case "state":
                self.state = words.read_state(message)
            case "granted":
                # The job that waited for it may ask at once; the next `state` may come a moment later.
                self.state = self.state.with_protection(message.get("protected") is True)
                self._note_answer(words.read_number(message), None)
            case "refused":
                self._note_answer(words.read_number(message), str(message.get("why", "")))
            case _:
                return
        self._unanswered = False
        self.waiting.wake_all()

    def _note_answer(self, number: int, answer: str | None) -> None:
        if self._answers.get(number) is NOT_YET:
            self._answers[number] = answer
        elif answer is not None and number in self._holds and self._link is not None:
            # Refused when nobody waited any more: the hold has ended over there, but the work is running.
            self._link.tell_later((number,))


def _program() -> str:
    folder, file = os.path.split(sys.argv[0] if sys.argv else "")
    # `python -m celery` is celery, not __main__.py.
    return os.path.basename(folder) if file == "__main__.py" else file


_client = Client()


def client() -> Client:
    """Return the client of this process."""
    return _client


def renew() -> None:
    """Give this process, a forked child, a client of its own."""
    global _client
    _client = _client.retire()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=renew)
