"""Every answer of the agent that has been recorded, through the client, without a socket."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests
import responses

from supervisor.adapters.ecs_agent import EcsAgent
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


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def ask(wire: responses.RequestsMock) -> Iterator[Ask]:  # noqa: ARG001 - nothing may leave before it is there
    answers: queue.SimpleQueue[ProtectionAnswer] = queue.SimpleQueue()
    agent = EcsAgent(AGENT_URI, spawn_thread, lambda: ASKED_WALL)
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
def test_a_confirmation(
    wire: responses.RequestsMock, ask: Ask, order: Order, body: str, answer: ProtectionAnswer
) -> None:
    """What the agent answers when all is well confirms each of the three orders."""
    wire.add(responses.PUT, URL, body=body, content_type=JSON)
    wire.add(responses.GET, URL, body=body, content_type=JSON)
    assert ask(order) == answer


def test_a_look_at_protection_that_is_on(wire: responses.RequestsMock, ask: Ask) -> None:
    """A GET tells the seconds that are left."""
    wire.add(responses.GET, URL, body=OK, content_type=JSON)
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
    wire: responses.RequestsMock,
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
    wire.add(responses.PUT, URL, status=status, body=body, content_type=content_type)
    wire.add(responses.GET, URL, status=status, body=body, content_type=content_type)
    answer = ask(order)
    assert isinstance(answer, ProtectionRefused)
    assert (answer.attempt, answer.kind, answer.code) == (ONE, kind, code)
    assert word in answer.detail


@pytest.mark.parametrize(
    ("status", "content_type", "body", "word"),
    [row[1:] for row in OPEN_OUTCOMES],
    ids=[row[0] for row in OPEN_OUTCOMES],
)
def test_an_open_outcome(
    wire: responses.RequestsMock, ask: Ask, status: int, content_type: str, body: str, word: str
) -> None:
    """Where the change may have been made all the same, the answer says that nobody knows, and why."""
    wire.add(responses.PUT, URL, status=status, body=body, content_type=content_type)
    answer = ask(PROTECT)
    assert isinstance(answer, ProtectionUnknown)
    assert answer.attempt == ONE
    assert word in answer.why


def test_c1_a_failure_in_a_200_is_no_protection(wire: responses.RequestsMock, ask: Ask) -> None:
    """C1: a status of 200 protects nothing; only the body can say that the task is protected."""
    wire.add(responses.PUT, URL, body='{"failure":{"Arn":"T","Detail":null,"Reason":"DEPLOYMENT_BLOCKED"}}')
    assert isinstance(ask(PROTECT), ProtectionRefused)


def test_c1_a_shorter_expiry_is_a_shorter_lease(wire: responses.RequestsMock, ask: Ask) -> None:
    """C1: protection that ends sooner than asked is believed only until then."""
    wire.add(responses.PUT, URL, body=OK.replace("18:00:07.947Z", "17:10:00Z"), content_type=JSON)
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
    wire: responses.RequestsMock, ask: Ask, order: Order, method: str, body: object
) -> None:
    """C23: PUT with one or two keys, integers as integers; the agent refuses anything else."""
    wire.add(method, URL, body=OK, content_type=JSON)
    ask(order)
    [call] = wire.calls
    sent = call.request.body
    assert (None if sent is None else json.loads(sent)) == body
    assert b"." not in (sent or b"")
    assert call.request.headers["Connection"] == "close"


@pytest.mark.parametrize("uri", [AGENT_URI, AGENT_URI + "/", AGENT_URI + "//"])
def test_a_trailing_slash_is_tolerated(wire: responses.RequestsMock, uri: str) -> None:
    """The path never holds a double slash, which the agent would answer with a redirect."""
    wire.add(responses.PUT, URL, body=OK, content_type=JSON)
    answers: queue.SimpleQueue[ProtectionAnswer] = queue.SimpleQueue()
    agent = EcsAgent(uri, spawn_thread, lambda: ASKED_WALL)
    agent.submit(PROTECT)
    agent.start(answers.put)
    assert isinstance(answers.get(timeout=10), ProtectionGranted)
    agent.close()


def test_a_redirect_is_not_followed(wire: responses.RequestsMock, ask: Ask) -> None:
    """Following would lose the body on the way, so a redirect is an answer like any other: a refusal."""
    wire.add(responses.PUT, URL, status=301, headers={"Location": URL + "/elsewhere"})
    answer = ask(PROTECT)
    assert isinstance(answer, ProtectionRefused)
    assert answer.code == "Http301"
    assert len(wire.calls) == 1


def test_an_answer_that_never_ends_is_cut(wire: responses.RequestsMock, ask: Ask) -> None:
    """More than the agent can have to say is not read."""
    wire.add(responses.PUT, URL, body=b" " * 65_537, content_type=JSON)
    answer = ask(PROTECT)
    assert isinstance(answer, ProtectionUnknown)
    assert "longer" in answer.why


@pytest.mark.parametrize(
    "uri", ["", "/api/x", "https://169.254.170.2/api/x", "http://", "http://[/api", "nonsense"]
)
def test_an_unusable_address_is_an_answer(wire: responses.RequestsMock, uri: str) -> None:
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
    assert not wire.calls
    agent.close()


def test_a_surprise_is_an_answer(wire: responses.RequestsMock, ask: Ask) -> None:
    """An exception nobody thought of leaves the outcome open, and the next order is carried out."""
    wire.add(responses.PUT, URL, body=ZeroDivisionError("who divides here"))
    wire.add(responses.GET, URL, body=OFF)
    surprised = ask(PROTECT)
    assert isinstance(surprised, ProtectionUnknown)
    assert surprised.why == "ZeroDivisionError: who divides here"
    assert ask(LOOK) == ProtectionSeen(ONE, None)


def test_nothing_sent_is_refused_and_not_unknown(wire: responses.RequestsMock, ask: Ask) -> None:
    """Without a connection nothing can have changed, so there is no need to look."""
    wire.add(responses.PUT, URL, body=requests.ConnectionError("no way there"))
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


def test_a_closed_agent_does_nothing_more(wire: responses.RequestsMock) -> None:
    """What waits when the agent is closed is neither sent nor answered, and the thread ends."""
    wire.add(responses.GET, URL, body=OFF)
    threads: list[Callable[[], None]] = []
    answers: list[ProtectionAnswer] = []
    agent = EcsAgent(AGENT_URI, lambda _name, run: threads.append(run), time.time)
    agent.submit(LOOK)
    agent.start(answers.append)
    agent.close()
    [run] = threads
    run()
    assert answers == []
    assert len(wire.calls) == 0
