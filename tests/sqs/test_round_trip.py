"""A message from the queue to an application and out of the queue, over real HTTP on both sides."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from supervisor.adapters.beanstalk.periodic import control_attributes
from supervisor.adapters.beanstalk.post import Answered, Patience, post
from supervisor.adapters.beanstalk.request import Mapped, Style, make_request
from supervisor.adapters.sqs.queue import Queue
from tests.sqs.polling import MakeQueue, one, poll

STYLE = Style("/work", "application/json", "aws-sqsd/3.0.4", "localhost", None, takes_periodic=True)
PATIENCE = Patience(5.0, 5.0, 10.0)


class App:
    """An application on Python's own server. seen: path, headers and body of each request."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Headers, bytes]] = []
        app = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                app.seen.append((self.path, self.headers, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self.server.server_address[1]


@pytest.fixture
def app() -> Iterator[App]:
    running = App()
    thread = threading.Thread(target=running.server.serve_forever, args=(0.05,))
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


def deliver(queue: Queue, app: App) -> tuple[str, Headers, bytes]:
    """Take one message, post it, delete it; return what the application has seen."""
    message = one(queue)
    made = make_request(message, queue.name, STYLE)
    assert isinstance(made, Mapped)
    answer = post(made.request, "127.0.0.1", app.port, PATIENCE)
    assert isinstance(answer, Answered)
    assert answer.status == 200
    assert queue.delete(message.receipt) is None
    assert poll(queue) == ()
    (seen,) = app.seen
    return seen


def test_a_job_arrives_as_it_was_sent(anywhere: MakeQueue, app: App) -> None:
    """Path, body and attributes, at an application that has not heard of us."""
    queue = anywhere()
    queue.send(
        '{"job": "é"}', {"message-digest": "ab12", "tenant": "Žofie", "evil": "x\r\nX-Forwarded-For: 1"}
    )
    path, headers, body = deliver(queue, app)
    assert (path, body) == ("/work", '{"job": "é"}'.encode())
    assert headers["X-Aws-Sqsd-Attr-message-digest"] == "ab12"
    # To WSGI and Rack a header is bytes; Python shows them as latin-1.
    assert headers["X-Aws-Sqsd-Attr-tenant"].encode("latin-1").decode() == "Žofie"
    assert headers["X-Aws-Sqsd-Queue"] == "jobs"
    assert headers["X-Aws-Sqsd-Receive-Count"] == "1"
    assert "X-Forwarded-For" not in headers
    assert "X-Aws-Sqsd-Attr-evil" not in headers


def test_a_periodic_task_arrives_at_its_path(anywhere: MakeQueue, app: App) -> None:
    """With an empty body, its name and its time."""
    queue = anywhere()
    queue.send("elasticbeanstalk scheduled job", control_attributes("nightly job", "/nightly", 1573692420.0))
    path, headers, body = deliver(queue, app)
    assert (path, body, headers["Content-Length"]) == ("/nightly", b"", "0")
    assert headers["X-Aws-Sqsd-Taskname"] == "nightly job"
    assert headers["X-Aws-Sqsd-Scheduled-At"] == "2019-11-14T00:47:00Z"
