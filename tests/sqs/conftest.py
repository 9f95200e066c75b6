"""Both servers, and clients of the kind that the supervisor uses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest
from moto.server import ThreadedMotoServer
from moto.sqs.models import SQSBackend

from supervisor.adapters.sqs.queue import Queue
from supervisor.emulator.sqs.server import SqsServer
from tests.sqs.polling import MakeQueue, clients


@pytest.fixture(scope="session")
def session() -> Any:
    """Load botocore's descriptions of the service once: that takes longer than most tests here."""
    return botocore.session.get_session()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, session: Any) -> None:
    """Give botocore something to sign with, and nothing of this machine's."""
    monkeypatch.setattr(botocore.session, "get_session", lambda: session)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.fixture
def stand_in() -> Iterator[SqsServer]:
    with SqsServer() as server:
        yield server


# What of the emulator looks at a queue and then changes it.
STEPS = ("send_message", "receive_message", "delete_message", "change_message_visibility", "purge_queue")


def one_at_a_time(step: Callable[..., Any]) -> Callable[..., Any]:
    """Let one thread at a time take a step at a queue; who waits for messages there lets others in meanwhile.

    moto 5 answers each request in a thread, and its `receive_message` marks a message some lines after it found it
    visible, its `delete_message` replaces a list to which another thread may have added: two polls could bring one message,
    and a message sent during a delete could be lost. Neither says anything about us.
    """

    @functools.wraps(step)
    def alone(backend: Any, queue_name: str, *args: Any, **kwargs: Any) -> Any:
        # The reentrant lock of the condition that moto itself waits on.
        with backend.get_queue(queue_name)._messages_lock:
            return step(backend, queue_name, *args, **kwargs)

    return alone


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Start the emulator once: it takes a second."""
    for name in STEPS:
        step = getattr(SQSBackend, name)
        if not hasattr(step, "__wrapped__"):
            setattr(SQSBackend, name, one_at_a_time(step))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def queue(stand_in: SqsServer) -> MakeQueue:
    """Make queues on the stand-in; attributes as keywords."""
    made = clients(stand_in.url)

    def make(name: str = "jobs", **attributes: str) -> Queue:
        return Queue(made, stand_in.create_queue(name, **attributes))

    return make


@pytest.fixture(params=["moto", "stand-in"])
def anywhere(request: pytest.FixtureRequest) -> Iterator[MakeQueue]:
    """Make queues on both, by the API; what is there at the end is deleted."""
    url = request.getfixturevalue("moto_url" if request.param == "moto" else "stand_in_url")
    made = clients(url)
    names: list[str] = []

    def make(name: str = "jobs", **attributes: str) -> Queue:
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        created: dict[str, Any] = made.rest.create_queue(QueueName=name, Attributes=attributes)
        names.append(created["QueueUrl"])
        return Queue(made, created["QueueUrl"])

    yield make
    if request.param == "moto":
        for each in names:
            made.rest.delete_queue(QueueUrl=each)


@pytest.fixture
def stand_in_url(stand_in: SqsServer) -> str:
    return stand_in.url
