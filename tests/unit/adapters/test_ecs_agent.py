"""Every answer of the agent that has been recorded, through the client, without a socket."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from supervisor.adapters.bounded_http import NoReply, Reply
from supervisor.adapters.ecs_agent import PATIENCE, EcsAgent
from supervisor.adapters.ecs_answers import Order
from supervisor.core.effects import LookAtProtection, Protect, Unprotect
from supervisor.core.events import (
    ProtectionAnswer,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    Refusal,
)
from supervisor.core.names import Attempt
from tests.unit.adapters.agent_bodies import JSON, OFF, OK, OPEN_OUTCOMES, REFUSALS

AGENT_URI = "http://169.254.170.2/api/e7f4c2d0"
URL = "http://169.254.170.2/api/e7f4c2d0/task-protection/v1/state"

# 2026-11-22T17:00:00Z
ASKED_WALL = 1795366800.0

ONE = Attempt(1)
PROTECT = Protect(ONE, minutes=60)
UNPROTECT = Unprotect(ONE)
LOOK = LookAtProtection(ONE)

Ask = Callable[[Order], ProtectionAnswer]


def spawn_thread(name: str, run: Callable[[], None]) -> None:
    threading.Thread(target=run, name=name, daemon=True).start()


class Wire:
    """Stands in for the exchange: answers each method as told, and remembers what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, bytes | None]] = []
        self._outcomes: dict[str, Reply | NoReply | Exception] = {}

    def add(self, method: str, outcome: Reply | NoReply | Exception) -> None:
        self._outcomes[method] = outcome

    def answer(
        self, body: str, status: int = 200, content_type: str = JSON, methods: str = "PUT GET"
    ) -> None:
        for method in methods.split():
            self.add(method, Reply(status, content_type, body.encode()))

    def exchange(
        self, method: str, url: str, body: bytes | None, *, connect_seconds: float, answer_seconds: float
    ) -> Reply | NoReply:
        assert (connect_seconds, answer_seconds) == (PATIENCE.connect_seconds, PATIENCE.answer_seconds)
        self.calls.append((method, url, body))
        outcome = self._outcomes[method]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def ask(wire: Wire) -> Iterator[Ask]:
    answers: queue.SimpleQueue[ProtectionAnswer] = queue.SimpleQueue()
    agent = EcsAgent(AGENT_URI, spawn_thread, lambda: ASKED_WALL, ask=wire.exchange)
    agent.start(answers.put)

    def submit_and_wait(order: Order) -> ProtectionAnswer:
        agent.submit(order)
        return answers.get(timeout=10)

    yield submit_and_wait
    agent.close()


@pytest.mark.parametrize(
    ("order", "body", "answer"),
    [
        (PROTECT, OK, ProtectionGranted(ONE, 3600.0)),
        (UNPROTECT, OFF, ProtectionCleared(ONE)),
        (LOOK, OFF, ProtectionSeen(ONE, None)),
    ],
)
def test_a_confirmation(wire: Wire, ask: Ask, order: Order, body: str, answer: ProtectionAnswer) -> None:
    """What the agent answers when all is well confirms each of the three orders."""
    wire.answer(body)
    assert ask(order) == answer


def test_a_look_at_protection_that_is_on(wire: Wire, ask: Ask) -> None:
    """A GET tells the seconds that are left."""
    wire.answer(OK)
    seen = ask(LOOK)
    assert isinstance(seen, ProtectionSeen)
    assert seen.left == pytest.approx(3607.947)


@pytest.mark.parametrize("order", [PROTECT, UNPROTECT, LOOK], ids=["protect", "unprotect", "look"])
@pytest.mark.parametrize(
    ("status", "content_type", "body", "kind", "code", "word"),
    [row[1:] for row in REFUSALS],
    ids=[row[0] for row in REFUSALS],
)
def test_a_refusal(
    wire: Wire,
    ask: Ask,
    order: Order,
    status: int,
    content_type: str,
    body: str,
    kind: Refusal,
    code: str,
    word: str,
) -> None:
    """Where nothing has changed the answer is a refusal: its kind, its code, and what to do about it."""
    wire.answer(body, status, content_type)
    answer = ask(order)
    assert isinstance(answer, ProtectionRefused)
    assert (answer.attempt, answer.kind, answer.code) == (ONE, kind, code)
    assert word in answer.detail


@pytest.mark.parametrize(
    ("status", "content_type", "body", "word"),
    [row[1:] for row in OPEN_OUTCOMES],
    ids=[row[0] for row in OPEN_OUTCOMES],
)
def test_an_open_outcome(wire: Wire, ask: Ask, status: int, content_type: str, body: str, word: str) -> None:
    """Where the change may have been made all the same, the answer says that nobody knows, and why."""
    wire.answer(body, status, content_type)
    answer = ask(PROTECT)
    assert isinstance(answer, ProtectionUnknown)
    assert answer.attempt == ONE
    assert word in answer.why


def test_c1_a_failure_in_a_200_is_no_protection(wire: Wire, ask: Ask) -> None:
    """C1: a status of 200 protects nothing; only the body can say that the task is protected."""
    wire.answer('{"failure":{"Arn":"T","Detail":null,"Reason":"DEPLOYMENT_BLOCKED"}}', content_type="")
    assert isinstance(ask(PROTECT), ProtectionRefused)


def test_c1_a_shorter_expiry_is_a_shorter_lease(wire: Wire, ask: Ask) -> None:
    """C1: protection that ends sooner than asked is believed only until then."""
    wire.answer(OK.replace("18:00:07.947Z", "17:10:00Z"))
    assert ask(PROTECT) == ProtectionGranted(ONE, 600.0)


@pytest.mark.parametrize(
    ("order", "method", "body"),
    [
        (PROTECT, "PUT", {"ProtectionEnabled": True, "ExpiresInMinutes": 60}),
        (UNPROTECT, "PUT", {"ProtectionEnabled": False}),
        (LOOK, "GET", None),
    ],
)
def test_c23_the_request_has_exactly_the_documented_keys(
    wire: Wire, ask: Ask, order: Order, method: str, body: object
) -> None:
    """C23: PUT with one or two keys, integers as integers; the agent refuses anything else."""
    wire.answer(OK, methods=method)
    ask(order)
    [(used, url, sent)] = wire.calls
    assert (used, url) == (method, URL)
    assert (None if sent is None else json.loads(sent)) == body
    assert b"." not in (sent or b"")


@pytest.mark.parametrize("uri", [AGENT_URI, AGENT_URI + "/", AGENT_URI + "//"])
def test_a_trailing_slash_is_tolerated(wire: Wire, uri: str) -> None:
    """The path never holds a double slash, which the agent would answer with a redirect."""
    wire.answer(OK)
    answers: queue.SimpleQueue[ProtectionAnswer] = queue.SimpleQueue()
    agent = EcsAgent(uri, spawn_thread, lambda: ASKED_WALL, ask=wire.exchange)
    agent.submit(PROTECT)
    agent.start(answers.put)
    assert isinstance(answers.get(timeout=10), ProtectionGranted)
    assert wire.calls[0][1] == URL
    agent.close()


def test_a_redirect_is_not_followed(wire: Wire, ask: Ask) -> None:
    """Following would lose the body on the way, so a redirect is an answer like any other: a refusal."""
    wire.answer("", 301)
    answer = ask(PROTECT)
    assert isinstance(answer, ProtectionRefused)
    assert answer.code == "Http301"
    assert len(wire.calls) == 1


def test_an_answer_that_cannot_be_used_leaves_the_outcome_open(wire: Wire, ask: Ask) -> None:
    """Once the request was sent, whatever goes wrong with the answer says nothing of what was done."""
    wire.add("PUT", NoReply(sent=True, why="the answer is longer than 65536 bytes"))
    answer = ask(PROTECT)
    assert isinstance(answer, ProtectionUnknown)
    assert "longer" in answer.why


@pytest.mark.parametrize(
    "uri", ["", "/api/x", "https://169.254.170.2/api/x", "http://", "http://[/api", "nonsense"]
)
def test_an_unusable_address_is_an_answer(uri: str) -> None:
    """A wrong ECS_AGENT_URI is told with every order instead of ending anything."""
    answers: queue.SimpleQueue[ProtectionAnswer] = queue.SimpleQueue()
    agent = EcsAgent(uri, spawn_thread, lambda: ASKED_WALL)
    agent.start(answers.put)
    for attempt in (1, 2):
        agent.submit(Protect(Attempt(attempt), minutes=60))
        answer = answers.get(timeout=10)
        assert isinstance(answer, ProtectionRefused)
        assert (answer.attempt, answer.code) == (attempt, "AgentUnreachable")
        assert "ECS_AGENT_URI" in answer.detail
    agent.close()


def test_a_surprise_is_an_answer(wire: Wire, ask: Ask) -> None:
    """An exception nobody thought of leaves the outcome open, and the next order is carried out."""
    wire.add("PUT", ZeroDivisionError("who divides here"))
    wire.answer(OFF, methods="GET")
    surprised = ask(PROTECT)
    assert isinstance(surprised, ProtectionUnknown)
    assert surprised.why == "ZeroDivisionError: who divides here"
    assert ask(LOOK) == ProtectionSeen(ONE, None)


def test_nothing_sent_is_refused_and_not_unknown(wire: Wire, ask: Ask) -> None:
    """Without a connection nothing can have changed, so there is no need to look."""
    wire.add("PUT", NoReply(sent=False, why="no way there"))
    answer = ask(PROTECT)
    assert isinstance(answer, ProtectionRefused)
    assert (answer.kind, answer.code) == (Refusal.TRY_AGAIN, "AgentUnreachable")
    assert "no way there" in answer.detail


def test_orders_beyond_the_crowd_are_turned_away_in_their_turn() -> None:
    """Two orders wait; a third one is answered after them, without a request of its own."""
    threads: list[Callable[[], None]] = []
    answers: list[ProtectionAnswer] = []
    agent = EcsAgent("nonsense", lambda _name, run: threads.append(run), time.time)
    for attempt in (1, 2, 3):
        agent.submit(Unprotect(Attempt(attempt)))

    def take(answer: ProtectionAnswer) -> None:
        answers.append(answer)
        if len(answers) == 3:
            agent.close()

    agent.start(take)
    [run] = threads
    run()
    told = [(answer.attempt, answer.code) for answer in answers if isinstance(answer, ProtectionRefused)]
    assert told == [(1, "AgentUnreachable"), (2, "AgentUnreachable"), (3, "TooManyOrders")]


def test_a_closed_agent_does_nothing_more(wire: Wire) -> None:
    """What waits when the agent is closed is neither sent nor answered, and the thread ends."""
    wire.answer(OFF)
    threads: list[Callable[[], None]] = []
    answers: list[ProtectionAnswer] = []
    agent = EcsAgent(AGENT_URI, lambda _name, run: threads.append(run), time.time, ask=wire.exchange)
    agent.submit(LOOK)
    agent.start(answers.append)
    agent.close()
    [run] = threads
    run()
    assert answers == []
    assert len(wire.calls) == 0
