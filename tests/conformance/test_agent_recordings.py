"""The emulated agent against recordings of the real one (amazon-ecs-agent 1.105.1).

The recordings were made with its own router, limiter and SDK client. In them T stands for the ARN of the
task, D for a date and R for a request id.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.faults import Fault
from supervisor.emulator.world import World
from tests.waiting import until

# The longest recorded call is 4 seconds; here it takes 0.1.
FAST = 40.0

ENABLE = b'{"ProtectionEnabled":true}'
DISABLE = b'{"ProtectionEnabled":false}'
UNPROTECTED = '{"protection":{"ExpirationDate":null,"ProtectionEnabled":false,"TaskArn":"T"}}'
PROTECTED = '{"protection":{"ExpirationDate":"D","ProtectionEnabled":true,"TaskArn":"T"}}'
UNDECODABLE = (
    '{"error":{"Code":"InvalidParameterException",'
    '"Message":"UpdateTaskProtection: failed to decode request"}}'
)
UNDECIDED = (
    '{"error":{"Arn":"T","Code":"InvalidParameterException",'
    '"Message":"Invalid request: does not contain \'ProtectionEnabled\' field"}}'
)
TIMED_OUT = (
    '{"error":{"Arn":"T","Code":"RequestCanceled","Message":"Timed out calling ECS Task Protection API"}}'
)
NO_CREDENTIALS = (
    '{"error":{"Arn":"T","Code":"AccessDeniedException",'
    '"Message":"Invalid Request: no task IAM role credentials available for task"}}'
)
UNKNOWN_ENDPOINT = (
    '{"error":{"Code":"ResourceNotFoundException","Message":"Failed to find a task for the request"}}'
)
UNEXPECTED = '{"error":{"Arn":"T","Code":"ServerException","Message":"Unexpected error occurred"}}'

BODIES = [
    (ENABLE, 200, PROTECTED),
    (DISABLE, 200, UNPROTECTED),
    (b'{"protectionEnabled":true,"expiresInMinutes":5}', 200, PROTECTED),
    (b'{"ProtectionEnabled":true,"ExpiresInMinutes":null}', 200, PROTECTED),
    (b'{"ProtectionEnabled":false,"ExpiresInMinutes":5}', 200, UNPROTECTED),
    (b'{"ProtectionEnabled":true,"ExpiresInMinutes":4294967297}', 200, PROTECTED),
    (b' \r\n\t{"ProtectionEnabled":true} and then anything', 200, PROTECTED),
    (b'{"ProtectionEnabled":false,"ProtectionEnabled":true}', 200, PROTECTED),
    (b'{"ProtectionEnabled":true,"ExpiresInMinutes":60.0}', 400, UNDECODABLE),
    (b'{"ProtectionEnabled":true,"ExpiresInMinutes":1.5}', 400, UNDECODABLE),
    (b'{"ProtectionEnabled":true,"ExpiresInMinutes":"60"}', 400, UNDECODABLE),
    (b'{"ProtectionEnabled":true,"ExpiresInMinutes":6e1}', 400, UNDECODABLE),
    (b'{"ProtectionEnabled":true,"ExpiresInMinutes":9223372036854775808}', 400, UNDECODABLE),
    (b'{"ProtectionEnabled":true,"ExpiresInMinutes":true}', 400, UNDECODABLE),
    (b'{"ProtectionEnabled":"true"}', 400, UNDECODABLE),
    (b'{"ProtectionEnabled":1}', 400, UNDECODABLE),
    (b'{"ProtectionEnabled":true,"Reason":"busy"}', 400, UNDECODABLE),
    (b'{"ProtectionEnabled":true,"ExpiresInMinutes":NaN}', 400, UNDECODABLE),
    (b'\xef\xbb\xbf{"ProtectionEnabled":true}', 400, UNDECODABLE),
    (b"[" * 100_000, 400, UNDECODABLE),
    (b"[]", 400, UNDECODABLE),
    (b'"text"', 400, UNDECODABLE),
    (b"", 400, UNDECODABLE),
    (b"ProtectionEnabled=true", 400, UNDECODABLE),
    (b"{}", 400, UNDECIDED),
    (b"null", 400, UNDECIDED),
    (b'{"ProtectionEnabled":null}', 400, UNDECIDED),
]


def _refusal(reason: str, detail: str = "null") -> str:
    return f'{{"failure":{{"Arn":"T","Detail":{detail},"Reason":"{reason}"}}}}'


def _ecs_error(code: str, message: str) -> str:
    return f'{{"requestID":"R","error":{{"Arn":"T","Code":"{code}","Message":"{message}"}}}}'


def _sdk_error(status_code: int, cause: str) -> str:
    return (
        '{"error":{"Arn":"T","Code":"ServerException","Message":"operation error ECS: UpdateTaskProtection, '
        "exceeded maximum number of attempts, 3, https response error StatusCode: "
        f'{status_code}, RequestID: , {cause}"}}}}'
    )


TOKEN = "The security token included in the request is"
OUTCOMES = [
    (Fault.NONE, 200, PROTECTED),
    (Fault.DEPLOYMENT_BLOCKED, 200, _refusal("DEPLOYMENT_BLOCKED")),
    (Fault.TASK_NOT_VALID, 200, _refusal("TASK_NOT_VALID")),
    (Fault.MISSING, 200, _refusal("MISSING")),
    (Fault.FUTURE_REASON, 200, _refusal("SOME_FUTURE_REASON", '"a detail text"')),
    (Fault.BLOCKED_AFTER_RETRIES, 200, _refusal("DEPLOYMENT_BLOCKED")),
    (Fault.INVALID_PARAMETER, 400, _ecs_error("InvalidParameterException", "Invalid parameter")),
    (Fault.CLIENT_EXCEPTION, 400, _ecs_error("ClientException", "The request was not accepted")),
    (Fault.RESOURCE_NOT_FOUND, 400, _ecs_error("ResourceNotFoundException", "The resource was not found")),
    (Fault.CLUSTER_NOT_FOUND, 400, _ecs_error("ClusterNotFoundException", "Cluster not found.")),
    (Fault.UNSUPPORTED_FEATURE, 400, _ecs_error("UnsupportedFeatureException", "The task is not supported")),
    (
        Fault.IAM_DENIED,
        400,
        _ecs_error(
            "AccessDeniedException",
            "User: arn:aws:sts::111122223333:assumed-role/worker/emulated is not authorized to perform: "
            "ecs:UpdateTaskProtection on resource: T",
        ),
    ),
    (Fault.EXPIRED_TOKEN, 400, _ecs_error("ExpiredTokenException", f"{TOKEN} expired")),
    (Fault.UNRECOGNIZED_CLIENT, 400, _ecs_error("UnrecognizedClientException", f"{TOKEN} invalid.")),
    (Fault.THROTTLED, 400, _ecs_error("ThrottlingException", "Rate exceeded")),
    (
        Fault.SERVER_EXCEPTION,
        500,
        _ecs_error("ServerException", "Service Unavailable. Please try again later."),
    ),
    (
        Fault.ECS_NOT_JSON,
        500,
        _sdk_error(
            503,
            "deserialization failed, failed to decode response body, "
            "invalid character '\\u003c' looking for beginning of value",
        ),
    ),
    (
        Fault.ECS_UNREACHABLE,
        500,
        _sdk_error(
            0,
            'request send failed, Post \\"https://ecs.eu-west-1.amazonaws.com/\\": '
            "dial tcp: connect: connection refused",
        ),
    ),
    (Fault.TWO_FAILURES, 500, UNEXPECTED),
    (Fault.SLOW_ECS, 200, PROTECTED),
    (Fault.THROTTLED_UNTIL_TIMEOUT, 504, TIMED_OUT),
    (Fault.TIMEOUT_NOT_APPLIED, 504, TIMED_OUT),
    (Fault.TIMEOUT_APPLIED, 504, TIMED_OUT),
    (Fault.WRONG_STATE, 200, UNPROTECTED),
    (Fault.SHORT_EXPIRY, 200, PROTECTED),
    (Fault.NO_ROLE_CREDENTIALS, 403, NO_CREDENTIALS),
    (Fault.UNKNOWN_ENDPOINT, 404, UNKNOWN_ENDPOINT),
    (
        Fault.NO_TASK_METADATA,
        500,
        '{"error":{"Code":"ServerException","Message":"Failed to generate metadata for the task"}}',
    ),
    (Fault.TOO_MANY_REQUESTS, 429, "You have reached maximum request limit."),
    (Fault.GARBAGE, 200, "<html><body>It works!</body></html>"),
]
CLOSING = [Fault.EMPTY_REPLY, Fault.HANG]

# How long the recorded call took at least, in seconds of the world.
DURATIONS = [
    (Fault.SLOW_ECS, 3.5),
    (Fault.BLOCKED_AFTER_RETRIES, 3.9),
    (Fault.TIMEOUT_APPLIED, 4.0),
    (Fault.TIMEOUT_NOT_APPLIED, 4.0),
    (Fault.THROTTLED_UNTIL_TIMEOUT, 4.0),
]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    text: str
    headers: http.client.HTTPMessage


class Client:
    """One task of an emulated service, and requests to its endpoint."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.task_id = agent.world.add_task(agent.now())
        self.arn = agent.world.arn(self.task_id)
        self.path = "/" + agent.uri(self.task_id).split("/", 3)[3] + "/task-protection/v1/state"

    def connect(self) -> http.client.HTTPConnection:
        host, port = self.agent.uri(self.task_id).split("/")[2].split(":")
        return http.client.HTTPConnection(host, int(port), timeout=10)

    def send(self, method: str, body: bytes | None = None, path: str | None = None) -> Reply:
        connection = self.connect()
        try:
            connection.request(method, path or self.path, body)
            response = connection.getresponse()
            return Reply(response.status, response.read().decode(), response.headers)
        finally:
            connection.close()

    def recorded(self, reply: Reply) -> str:
        """The body with everything that differs between two recordings replaced by its letter."""
        text = reply.text.replace(self.arn, "T")
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?Z", "D", text)
        return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "R", text)


@pytest.fixture
def client() -> Iterator[Client]:
    with Agent(World(), time_scale=FAST) as agent:
        yield Client(agent)


@pytest.mark.parametrize(("body", "status", "recording"), BODIES, ids=range(len(BODIES)))
def test_a_body_is_decoded_as_the_agent_does(
    client: Client, body: bytes, status: int, recording: str
) -> None:
    """Each recorded body gets the recorded answer, key case, strictness and trailing garbage included."""
    reply = client.send("PUT", body)
    assert (reply.status, client.recorded(reply)) == (status, recording)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"ProtectionEnabled":"true"}'])
def test_a_bad_body_is_found_before_an_unknown_task(client: Client, body: bytes) -> None:
    """A malformed body on an unknown endpoint is 400, not 404."""
    path = "/api/nobody/task-protection/v1/state"
    reply = client.send("PUT", body, path)
    assert (reply.status, reply.text) == (400, UNDECODABLE)
    reply = client.send("PUT", ENABLE, path)
    assert (reply.status, reply.text) == (404, UNKNOWN_ENDPOINT)


@pytest.mark.parametrize("minutes", [0, -1, 2881])
def test_minutes_out_of_range_are_refused_by_ecs(client: Client, minutes: int) -> None:
    """The agent does not check the range: the error comes from ECS and so has a request id."""
    reply = client.send("PUT", b'{"ProtectionEnabled":true,"ExpiresInMinutes":%d}' % minutes)
    assert reply.status == 400
    assert client.recorded(reply).startswith('{"requestID":"R","error":{"Arn":"T","Code":"InvalidParam')


def test_minutes_beyond_32_bits_are_cut(client: Client) -> None:
    """4294967297 minutes become one minute, and the answer is still 200."""
    client.send("PUT", b'{"ProtectionEnabled":true,"ExpiresInMinutes":4294967297}')
    expires_at = client.agent.world.task(client.task_id).protection.expires_at
    assert expires_at is not None
    assert expires_at - client.agent.now() <= 60


@pytest.mark.parametrize(
    ("fault", "status", "recording"), OUTCOMES, ids=[fault.value for fault, _, _ in OUTCOMES]
)
def test_a_fault_gives_its_recorded_answer(client: Client, fault: Fault, status: int, recording: str) -> None:
    """Each fault answers with the status and the body recorded for it, and the next call is well again."""
    client.agent.faults.next(fault)
    reply = client.send("PUT", ENABLE)
    assert (reply.status, client.recorded(reply)) == (status, recording)
    assert client.send("PUT", DISABLE).status == 200


def test_every_fault_has_a_recording() -> None:
    """No fault can be added without saying what it answers."""
    assert {fault for fault, _, _ in OUTCOMES} | set(CLOSING) == set(Fault)


@pytest.mark.parametrize(("fault", "seconds"), DURATIONS, ids=[fault.value for fault, _ in DURATIONS])
def test_a_late_ecs_keeps_the_client_waiting(client: Client, fault: Fault, seconds: float) -> None:
    """A call takes as long as ECS does, and is cut at four seconds."""
    client.agent.faults.next(fault)
    client.send("PUT", ENABLE)
    (call,) = client.agent.calls
    assert call.seconds >= seconds / FAST * 0.99


def test_an_empty_reply_is_a_closed_connection(client: Client) -> None:
    """When ECS answers with neither tasks nor failures, the client gets no response at all."""
    client.agent.faults.next(Fault.EMPTY_REPLY)
    with pytest.raises(http.client.RemoteDisconnected):
        client.send("PUT", ENABLE)
    assert client.agent.calls[0].status is None


def test_a_hanging_agent_never_answers(client: Client) -> None:
    """A hanging call ends only when the client gives up, and nothing is applied."""
    client.agent.faults.next(Fault.HANG)
    connection = client.connect()
    connection.request("PUT", client.path, ENABLE)
    until(lambda: client.agent.in_flight(client.task_id) == 1, why="the call arrives")
    connection.close()
    until(lambda: client.agent.calls, why="the call ends with its client")
    assert not client.agent.is_protected(client.task_id)


def test_get_reports_what_was_set_and_what_lapsed(client: Client) -> None:
    """Protection is off at first, on with the same date when set, and off without a word after its expiry."""
    assert client.recorded(client.send("GET")) == UNPROTECTED
    put = client.send("PUT", b'{"ProtectionEnabled":true,"ExpiresInMinutes":1}')
    assert client.send("GET").text == put.text
    until(lambda: client.recorded(client.send("GET")) == UNPROTECTED, why="the lease lapses")


def test_a_504_may_have_been_applied(client: Client) -> None:
    """After one 504 the next GET says protected, after another it says that nothing changed."""
    client.agent.faults.next(Fault.TIMEOUT_APPLIED)
    assert client.send("PUT", ENABLE).status == 504
    assert client.recorded(client.send("GET")) == PROTECTED
    client.agent.faults.next(Fault.TIMEOUT_NOT_APPLIED)
    assert client.send("PUT", DISABLE).status == 504
    assert client.recorded(client.send("GET")) == PROTECTED


def test_the_world_refuses_by_itself(client: Client) -> None:
    """Without any fault a standalone task and one protected task too many get the recorded refusals."""
    client.agent.world.scale(0)
    assert client.recorded(client.send("PUT", ENABLE)) == _refusal("DEPLOYMENT_BLOCKED")
    assert client.send("PUT", DISABLE).status == 200
    standalone = client.agent.world.add_task(client.agent.now(), standalone=True)
    path = client.agent.uri(standalone) + "/task-protection/v1/state"
    for method in ("PUT", "GET"):
        assert json.loads(client.send(method, ENABLE, path).text)["failure"]["Reason"] == "TASK_NOT_VALID"


def test_a_wrong_state_contradicts_whatever_was_asked(client: Client) -> None:
    """With that fault the answer is the opposite of the request, or of the truth; nothing is applied."""
    client.agent.faults.always(Fault.WRONG_STATE)
    assert client.recorded(client.send("PUT", ENABLE)) == UNPROTECTED
    assert client.recorded(client.send("PUT", DISABLE)) == PROTECTED
    assert client.recorded(client.send("GET")) == PROTECTED
    assert not client.agent.is_protected(client.task_id)


def test_a_short_expiry_is_real(client: Client) -> None:
    """With that fault a lease ends at a quarter of what was asked, and its date says so."""
    client.agent.faults.next(Fault.SHORT_EXPIRY)
    client.send("PUT", b'{"ProtectionEnabled":true,"ExpiresInMinutes":60}')
    expires_at = client.agent.world.task(client.task_id).protection.expires_at
    assert expires_at is not None
    assert expires_at - client.agent.now() <= 15 * 60


def test_a_client_that_hangs_up_cancels_its_request(client: Client) -> None:
    """A client less patient than ECS is slow leaves protection off."""
    client.agent.faults.next(Fault.SLOW_ECS)
    connection = client.connect()
    connection.request("PUT", client.path, ENABLE)
    until(lambda: client.agent.in_flight(client.task_id) == 1, why="the call arrives")
    connection.close()
    until(lambda: client.agent.calls, why="the call ends with its client")
    assert client.agent.calls[0].status is None
    assert client.recorded(client.send("GET")) == UNPROTECTED


def test_a_stopped_task_has_no_credentials(client: Client) -> None:
    """The agent drops the role credentials of a task once all of it has stopped, not while it drains."""
    client.agent.world.container_exited(client.task_id, "worker", 0, client.agent.now())
    reply = client.send("GET")
    assert (reply.status, client.recorded(reply)) == (403, NO_CREDENTIALS)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"])
def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    """Anything but GET and PUT is 405 with an empty body."""
    reply = client.send(method, ENABLE)
    assert (reply.status, reply.text) == (405, "")


def test_a_trailing_slash_is_not_found(client: Client) -> None:
    """The state's path with a slash at its end is a plain 404."""
    reply = client.send("PUT", ENABLE, client.path + "/")
    assert (reply.status, reply.text) == (404, "404 page not found\n")
    assert (reply.headers["Content-Type"] or "").startswith("text/plain")


def test_a_double_slash_is_redirected(client: Client) -> None:
    """A doubled slash is 301 with the clean path, for PUT too."""
    reply = client.send("PUT", ENABLE, client.path.replace("/task-protection", "//task-protection") + "?a=1")
    assert (reply.status, reply.headers["Location"]) == (301, client.path + "?a=1")


def test_a_burst_beyond_sixty_meets_the_limiter(client: Client) -> None:
    """At least sixty calls of a burst pass; then comes 429 in plain text, on this path only."""
    connection = client.connect()
    passed = 0
    while True:
        connection.request("GET", client.path)
        response = connection.getresponse()
        text = response.read().decode()
        assert response.headers["X-Rate-Limit-Limit"] == "40.00"
        assert response.headers["X-Rate-Limit-Duration"] == "1"
        if response.status != 200:
            break
        passed += 1
        assert passed < 5000
    connection.close()
    assert passed >= 60
    assert (response.status, text) == (429, "You have reached maximum request limit.")
    assert (response.headers["Content-Type"] or "").startswith("text/plain")
    assert client.send("GET", path=client.agent.metadata_uri(client.task_id)).status == 200


def test_an_idle_connection_is_closed(client: Client) -> None:
    """A kept connection serves a second call at once, and is closed by the agent after its read limit."""
    connection = client.connect()
    for _ in range(2):
        connection.request("GET", client.path)
        connection.getresponse().read()
    assert connection.sock is not None
    assert connection.sock.recv(1) == b""
    connection.close()


def test_a_body_that_does_not_arrive_gets_no_answer(client: Client) -> None:
    """The connection is closed when the body is not complete within the read limit."""
    connection = client.connect()
    connection.putrequest("PUT", client.path)
    connection.putheader("Content-Length", "100")
    connection.endheaders(ENABLE)
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()
    assert client.agent.calls == ()


def test_a_body_that_trickles_is_cut_off(client: Client) -> None:
    """The read limit is one for the whole body: single bytes, each in time, do not prolong it."""
    connection = client.connect()
    connection.putrequest("PUT", client.path)
    connection.putheader("Content-Length", "1000000")
    connection.endheaders()

    def is_cut() -> bool:
        try:
            connection.send(b" ")
        except OSError:
            return True
        return False

    until(is_cut, limit=5, why="the agent stops reading")
    connection.close()
    assert client.agent.calls == ()


def test_a_chunked_body_is_read(client: Client) -> None:
    """The length of the body need not be known in advance."""
    connection = client.connect()
    connection.request("PUT", client.path, iter([b'{"ProtectionEnabled":', b"true}"]), encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, response.read()[:13]) == (200, b'{"protection"')
    connection.request("GET", client.path)
    assert connection.getresponse().status == 200
    connection.close()


def test_a_request_sent_as_to_a_proxy_is_understood(client: Client) -> None:
    """The whole URL may stand in the request line, with a query, which does not matter."""
    url = client.agent.uri(client.task_id) + "/task-protection/v1/state?why=not"
    assert client.recorded(client.send("PUT", ENABLE, url)) == PROTECTED


def test_an_agent_needs_a_pace_and_an_address() -> None:
    """A time that stands still is refused, and there is no URI before the first start."""
    with pytest.raises(ValueError, match="time_scale"):
        Agent(World(), time_scale=0)
    agent = Agent(World())
    with pytest.raises(RuntimeError, match="first start"):
        agent.uri(agent.world.add_task(0))


def test_what_is_not_http_is_a_bad_request(client: Client) -> None:
    """A line that is no request is answered 400, and the connection is closed."""
    with socket.create_connection(("127.0.0.1", client.connect().port), timeout=10) as connection:
        connection.sendall(b"hello there\r\n\r\n")
        answer = b""
        while piece := connection.recv(1000):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_calls_under_way_together_are_counted(client: Client) -> None:
    """Each call says how many of its task were in flight when it came, itself included."""
    client.agent.faults.always(Fault.HANG)
    first, second = client.connect(), client.connect()
    first.request("PUT", client.path, ENABLE)
    until(lambda: client.agent.in_flight(client.task_id) == 1, why="the first call arrives")
    second.request("PUT", client.path, ENABLE)
    until(lambda: client.agent.in_flight(client.task_id) == 2, why="the second call arrives")
    first.close()
    second.close()
    until(lambda: len(client.agent.calls) == 2, why="both calls end")
    assert sorted(call.in_flight for call in client.agent.calls) == [1, 2]
    assert client.agent.max_in_flight(client.task_id) == 2


def test_a_restarted_agent_has_its_port_and_the_protection(client: Client) -> None:
    """While the agent is down connections are refused and open calls are cut; afterwards all is as before."""
    client.send("PUT", ENABLE)
    client.agent.faults.next(Fault.HANG)
    cut: list[Exception] = []

    def call() -> None:
        try:
            client.send("PUT", DISABLE)
        except (OSError, http.client.HTTPException) as error:
            cut.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    until(lambda: client.agent.in_flight(client.task_id) == 1, why="the call arrives")
    client.agent.stop()
    caller.join(timeout=10)
    assert len(cut) == 1
    with pytest.raises(ConnectionRefusedError):
        client.send("GET")
    client.agent.start()
    assert client.recorded(client.send("GET")) == PROTECTED


def test_faults_can_be_programmed_per_method_and_cleared(client: Client) -> None:
    """Programmed faults come in order, those of another method wait, and clearing ends them all."""
    client.agent.faults.always(Fault.THROTTLED, method="GET")
    client.agent.faults.next(Fault.NONE, Fault.IAM_DENIED, method="PUT")
    assert [client.send(method, ENABLE).status for method in ("PUT", "GET", "PUT", "PUT")] == [
        200,
        400,
        400,
        200,
    ]
    client.agent.faults.clear()
    assert client.send("GET").status == 200


def test_metadata_of_a_stop(client: Client) -> None:
    """From the stop order on everything is desired STOPPED, and known RUNNING until it has exited."""
    path = client.agent.metadata_uri(client.task_id)

    def statuses(suffix: str) -> tuple[str, str]:
        document = json.loads(client.send("GET", path=path + suffix).text)
        return document["DesiredStatus"], document["KnownStatus"]

    now = time.monotonic()
    assert statuses("/task") == statuses("") == ("RUNNING", "RUNNING")
    client.agent.world.scale(0)
    client.agent.world.decide(now)
    assert statuses("/task") == statuses("") == ("STOPPED", "RUNNING")
    client.agent.world.container_exited(client.task_id, "worker", 143, now)
    assert statuses("/task") == statuses("") == ("STOPPED", "STOPPED")
    assert json.loads(client.send("GET", path=path).text)["ExitCode"] == 143


def test_metadata_names_the_service_of_service_tasks_only(client: Client) -> None:
    """A standalone task has no ServiceName, which hints that it cannot be protected."""
    standalone = client.agent.world.add_task(client.agent.now(), standalone=True)
    documents = [
        json.loads(client.send("GET", path=client.agent.metadata_uri(task_id) + "/task").text)
        for task_id in (client.task_id, standalone)
    ]
    assert ["ServiceName" in document for document in documents] == [True, False]


def test_metadata_of_nobody_is_a_json_string(client: Client) -> None:
    """The metadata endpoint reports errors as a bare JSON string."""
    reply = client.send("GET", path="/v4/nobody/task")
    assert reply.status == 404
    assert json.loads(reply.text).startswith("V4 task metadata handler: unable to get task arn")
