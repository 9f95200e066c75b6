"""Asks SQS over connections of its own, with the requests that botocore would send.

A third of the processor time of botocore's own way, which builds and takes apart every request and every answer by the
service's description. What is rare stays botocore's: credentials, their renewal, and what the service's errors mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import gmtime, strftime
from typing import Any

from supervisor.adapters.bounded_http import WholeReply, ask

from .connections import Connections, opener
from .form import Form
from .signature import Secret, Signer
from .trouble import Kind, Trouble, from_code, from_error

# Ten messages of SQS's 1 MiB altogether, each character of which may be written as six, and their attributes.
_LONGEST_ANSWER_BYTES = 16 * 1024 * 1024

_SUCCESS = range(200, 300)


class Direct:
    """May be used by any number of threads. credentials: botocore's, which renews them; None where there are none.

    connect_seconds, answer_seconds: how long each may take. again: try a second time, over a new connection, what was not
    answered or not by the service itself. connections: how many are kept.
    """

    def __init__(
        self,
        form: Form,
        credentials: Any,
        *,
        connect_seconds: float,
        answer_seconds: float,
        again: bool,
        connections: int,
    ) -> None:
        self._form = form
        self._credentials = credentials
        self._signer = Signer(form.headers, form.region, form.service)
        self._answer_seconds = answer_seconds
        self._again = again
        self._connections = Connections(
            opener(form.host, form.port, connect_seconds, form.bundle), connections
        )

    def __call__(self, action: str, asked: Mapping[str, Any]) -> Mapping[str, Any] | Trouble:
        """Return what SQS answers to an action, or the Trouble in its place."""
        try:
            request = self._request(action, json.dumps(asked).encode())
        except Exception as error:  # noqa: BLE001 - credentials come from files, programs and servers
            return from_error(error)
        outcome = self._attempt(request, self._connections.take_kept())
        if self._again and isinstance(outcome, Trouble) and outcome.maybe_done:
            outcome = self._attempt(request, None)
        return outcome

    def _request(self, action: str, body: bytes) -> bytes:
        if self._credentials is None:
            from botocore.exceptions import NoCredentialsError

            raise NoCredentialsError
        secret = Secret(*self._credentials.get_frozen_credentials()[:3])
        own = {"x-amz-target": self._form.target + action}
        headers = self._signer.headers(own, body, secret, strftime("%Y%m%dT%H%M%SZ", gmtime()))
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"POST / HTTP/1.1\r\n{lines}user-agent: {self._form.user_agent}\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def _attempt(self, request: bytes, connection: Any) -> Mapping[str, Any] | Trouble:
        try:
            connection = connection or self._connections.open()
        except (OSError, UnicodeError) as error:
            return Trouble(Kind.UNREACHABLE, type(error).__name__, f"{self._form.host}: {error}", False)
        try:
            return _read(self._ask(connection, request))
        except (OSError, ValueError) as error:
            return _unanswered(error)

    def _ask(self, connection: Any, request: bytes) -> WholeReply:
        try:
            reply = ask(connection, request, self._answer_seconds, _LONGEST_ANSWER_BYTES)
        except BaseException:
            connection.close()
            raise
        if connection.fileno() >= 0 and reply.headers.get("connection", "").lower() != "close":
            self._connections.keep(connection)
        else:
            connection.close()
        return reply


def _unanswered(error: Exception) -> Trouble:
    return Trouble(Kind.UNREACHABLE, type(error).__name__, str(error) or type(error).__name__, True)


def _read(reply: WholeReply) -> Mapping[str, Any] | Trouble:
    if reply.status not in _SUCCESS:
        return _refusal(reply)
    # What has nothing to say may be empty.
    answer = json.loads(reply.body or b"{}")
    if not isinstance(answer, dict):
        raise ValueError("the answer is no JSON object")
    return answer


def _refusal(reply: WholeReply) -> Trouble:
    """Have botocore read an error: the code is in one of several places."""
    from botocore.awsrequest import HeadersDict
    from botocore.parsers import create_parser

    told = {"status_code": reply.status, "headers": HeadersDict(reply.headers), "body": reply.body}
    try:
        error = create_parser("json").parse(told, None).get("Error", {})
    except Exception as unreadable:  # noqa: BLE001 - whatever it says, it comes from something between us and the service
        return _unanswered(unreadable)
    return from_code(str(error.get("Code", "")), str(error.get("Message", "")), reply.status)
