"""The request that is made of a message, header by header."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.adapters.beanstalk.request import (
    LONGEST_HEAD_BYTES,
    Dropped,
    Mapped,
    Request,
    Style,
    Unmappable,
    make_check,
    make_request,
)
from supervisor.adapters.sqs.message import Attribute, Message

AGENT = "aws-sqsd/3.0.4 (ecs-supervisor/1.0)"
STYLE = Style("/", "application/json", AGENT, "localhost", None, takes_periodic=True)
MESSAGE = Message(
    id="49edd9b4-4ab8-4e4f-8e3b-5f1b6a7a1d5c",
    receipt="r",
    body='{"é": 1}\n',
    is_damaged=False,
    receive_count=2,
    received_first_ms=1573692420999,
    sent_ms=1573692419000,
    sender="AROAEXAMPLE:i-0123",
    group=None,
    trace=None,
    attributes=(),
)
TASK = {
    "beanstalk.sqsd.path": "/nightly",
    "beanstalk.sqsd.task_name": "nightly job",
    "beanstalk.sqsd.scheduled_time": "2019-11-14 00:47:00 UTC",
}


def text(name: str, value: str, kind: str = "String") -> Attribute:
    return Attribute(name, kind, value)


def periodic(**changes: str | None) -> Message:
    """Return a periodic task's message, with some of its attributes changed or, with None, left out."""
    told = TASK | {f"beanstalk.sqsd.{name}": value for name, value in changes.items()}
    attributes = tuple(text(name, value) for name, value in told.items() if value is not None)
    return replace(MESSAGE, body="elasticbeanstalk scheduled job", attributes=attributes)


def mapped(message: Message = MESSAGE, style: Style = STYLE) -> Mapped:
    made = make_request(message, "jobs", style)
    assert isinstance(made, Mapped), made
    return made


def headers(message: Message = MESSAGE, style: Style = STYLE) -> dict[str, str]:
    return {name: value.decode() for name, value in mapped(message, style).request.headers}


def with_attributes(*attributes: Attribute) -> Message:
    return replace(MESSAGE, attributes=attributes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "localhost"),
        ("User-Agent", AGENT),
        ("Content-Type", "application/json"),
        ("Content-Length", "10"),
        ("X-Aws-Sqsd-Msgid", "49edd9b4-4ab8-4e4f-8e3b-5f1b6a7a1d5c"),
        ("X-Aws-Sqsd-Queue", "jobs"),
        ("X-Aws-Sqsd-Receive-Count", "2"),
        ("X-Aws-Sqsd-First-Received-At", "2019-11-14T00:47:00Z"),
        ("X-Aws-Sqsd-Sent-At", "2019-11-14T00:46:59Z"),
        ("X-Aws-Sqsd-Sender-Id", "AROAEXAMPLE:i-0123"),
        ("X-Aws-Sqsd-Path", "/"),
        ("Connection", "close"),
    ],
)
def test_a_plain_message_has_this_header(name: str, value: str) -> None:
    """Exactly in this form: applications parse it."""
    assert headers()[name] == value


def test_a_plain_message_has_no_other_header() -> None:
    """Above all none that names another source, and none of a chunked body."""
    assert set(headers()) == {
        "Host",
        "User-Agent",
        "Content-Type",
        "Content-Length",
        "X-Aws-Sqsd-Msgid",
        "X-Aws-Sqsd-Queue",
        "X-Aws-Sqsd-Receive-Count",
        "X-Aws-Sqsd-First-Received-At",
        "X-Aws-Sqsd-Sent-At",
        "X-Aws-Sqsd-Sender-Id",
        "X-Aws-Sqsd-Path",
        "Connection",
    }


def test_the_body_goes_through_byte_for_byte() -> None:
    """Signatures are made over it."""
    request = mapped().request
    assert (request.method, request.path) == ("POST", "/")
    assert request.body == '{"é": 1}\n'.encode()


def test_the_head_is_what_goes_over_the_wire() -> None:
    """The request line, the headers in their order, an empty line."""
    request = Request("POST", "/a?b", (("Host", b"x"), ("A", "é".encode())), b"body")
    assert request.head() == "POST /a?b HTTP/1.1\r\nHost: x\r\nA: é\r\n\r\n".encode()


def test_what_the_service_did_not_say_is_left_out() -> None:
    """An empty header would be parsed as a time."""
    missing = replace(MESSAGE, received_first_ms=None, sent_ms=None, sender=None)
    assert {"X-Aws-Sqsd-First-Received-At", "X-Aws-Sqsd-Sent-At", "X-Aws-Sqsd-Sender-Id"}.isdisjoint(
        headers(missing)
    )


def test_the_style_decides_the_rest() -> None:
    """Path, type, host, agent, and the protocol that gets past a redirect to https."""
    style = Style("/work", "text/plain", "aws-sqsd/2.4", "app.internal", "https", takes_periodic=True)
    found = headers(style=style)
    assert mapped(style=style).request.path == "/work"
    assert [found[name] for name in ("Content-Type", "User-Agent", "Host", "X-Forwarded-Proto")] == [
        "text/plain",
        "aws-sqsd/2.4",
        "app.internal",
        "https",
    ]
    assert found["X-Aws-Sqsd-Path"] == "/work"


def test_the_trace_goes_on() -> None:
    """Under the name that instrumented applications look for."""
    assert headers(replace(MESSAGE, trace="Root=1-5"))["X-Amzn-Trace-Id"] == "Root=1-5"


@pytest.mark.parametrize("kind", ["String", "String.json", "Number", "Number.int"])
def test_texts_and_numbers_become_headers(kind: str) -> None:
    """With any suffix; the name is as it was sent."""
    message = with_attributes(text("message-digest", "ab12", kind), text("Job_Class.v1", "7", kind))
    found = headers(message)
    assert found["X-Aws-Sqsd-Attr-message-digest"] == "ab12"
    assert found["X-Aws-Sqsd-Attr-Job_Class.v1"] == "7"
    assert mapped(message).dropped == ()


def test_other_scripts_go_as_utf_8() -> None:
    """As they were sent."""
    assert headers(with_attributes(text("name", "Žofie 東")))["X-Aws-Sqsd-Attr-name"] == "Žofie 東"


@pytest.mark.parametrize(
    ("attribute", "why"),
    [
        (Attribute("a", "Binary", None), "it is binary"),
        (Attribute("a", "Binary.png", "text"), "it is binary"),
        (Attribute("a", "Strange", "x"), "it is binary"),
        (text("a b", "x"), "its name cannot be a header's"),
        (text("a:b", "x"), "its name cannot be a header's"),
        (text("a\r\nX-Forwarded-For", "x"), "its name cannot be a header's"),
        (text("é", "x"), "its name cannot be a header's"),
        (text("", "x"), "its name cannot be a header's"),
        *(
            (text("a", f"x{character}y"), "its value has control characters")
            for character in ("\r", "\n", "\r\n", "\t", "\0", "\x1f", "\x7f", "\x85", "\x9f")
        ),
    ],
)
def test_what_cannot_be_a_header_is_dropped_and_named(attribute: Attribute, why: str) -> None:
    """Nothing of it reaches the application, and the message does."""
    message = with_attributes(attribute, text("good", "x"))
    assert mapped(message).dropped == (Dropped(attribute.name, why),)
    assert headers(message)["X-Aws-Sqsd-Attr-good"] == "x"
    assert [name for name in headers(message) if name.startswith("X-Aws-Sqsd-Attr-")] == [
        "X-Aws-Sqsd-Attr-good"
    ]


def test_of_two_names_that_are_one_to_http_the_first_wins() -> None:
    """Header names have no case."""
    message = with_attributes(text("Tenant", "first"), text("tenant", "second"))
    assert headers(message)["X-Aws-Sqsd-Attr-Tenant"] == "first"
    assert mapped(message).dropped == (Dropped("tenant", "another one has the same name but for its case"),)


def test_a_value_that_is_missing_is_binary() -> None:
    """A text attribute always has one, so something else is wrong with it."""
    assert mapped(with_attributes(Attribute("a", "String", None))).dropped == (Dropped("a", "it is binary"),)


def test_an_empty_value_stays() -> None:
    """It says that the attribute is there."""
    assert headers(with_attributes(text("a", "")))["X-Aws-Sqsd-Attr-a"] == ""


def test_headers_that_are_too_long_are_dropped_largest_first() -> None:
    """Servers would refuse the whole request."""
    message = with_attributes(text("small", "x"), text("huge", "x" * 15_000), text("big", "x" * 9_000))
    made = mapped(message)
    assert [each.name for each in made.dropped] == ["huge"]
    assert len(made.request.head()) <= LONGEST_HEAD_BYTES
    assert {"X-Aws-Sqsd-Attr-small", "X-Aws-Sqsd-Attr-big"} <= set(headers(message))


def test_a_head_that_is_too_long_by_itself_is_sent() -> None:
    """There is nothing left to drop; the server has the last word."""
    assert mapped(style=replace(STYLE, path="/" + "x" * LONGEST_HEAD_BYTES)).dropped == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Length", "0"),
        ("X-Aws-Sqsd-Taskname", "nightly job"),
        ("X-Aws-Sqsd-Scheduled-At", "2019-11-14T00:47:00Z"),
        ("X-Aws-Sqsd-Path", "/nightly"),
    ],
)
def test_a_periodic_task_has_this_header(name: str, value: str) -> None:
    """The times as UTC, in the form in which applications parse them."""
    assert headers(periodic())[name] == value


def test_a_periodic_task_goes_to_its_own_path_with_an_empty_body() -> None:
    """What was in the message is only a marker."""
    request = mapped(periodic()).request
    assert (request.path, request.body) == ("/nightly", b"")


@pytest.mark.parametrize(
    "written",
    [
        "2019-11-14T00:47:00Z",
        "2019-11-14T00:47:00.500Z",
        "2019-11-14T01:47:00+01:00",
        " 2019-11-14T00:47:00 ",
        "2019-11-14 00:47:00",
    ],
)
def test_the_time_may_be_iso_8601(written: str) -> None:
    """EventBridge Scheduler writes it so."""
    assert headers(periodic(scheduled_time=written))["X-Aws-Sqsd-Scheduled-At"] == "2019-11-14T00:47:00Z"


@pytest.mark.parametrize("written", ["", "soon", "2019-13-14 00:47:00 UTC", "2019-11-14T00:47:00Z\r\nX: y"])
def test_a_time_that_cannot_be_read_is_left_out(written: str) -> None:
    """It is a periodic task all the same."""
    found = headers(periodic(scheduled_time=written))
    assert "X-Aws-Sqsd-Scheduled-At" not in found
    assert found["X-Aws-Sqsd-Taskname"] == "nightly job"


def test_without_a_path_it_goes_where_all_messages_go() -> None:
    """And without a name it has none."""
    message = periodic(path=None, task_name=None)
    assert mapped(message).request.path == "/"
    assert "X-Aws-Sqsd-Taskname" not in headers(message)


@pytest.mark.parametrize(
    "path",
    ["", "nightly", "http://evil/", "//evil/x", "/a b", "/a\r\nX-Forwarded-For: 1", "/a\tb", "/é", "/\x7f"],
)
def test_a_path_that_no_request_can_have_makes_none(path: str) -> None:
    """Whoever may send to the queue chooses it; a guess could run something else."""
    made = make_request(periodic(path=path), "jobs", STYLE)
    assert isinstance(made, Unmappable)
    assert repr(path) in made.why


def test_a_name_with_control_characters_is_dropped() -> None:
    """It would be a header of its own."""
    made = mapped(periodic(task_name="a\nb"))
    assert made.dropped == (Dropped("X-Aws-Sqsd-Taskname", "its value has control characters"),)


def test_control_attributes_never_become_headers_of_their_own() -> None:
    """Not of a periodic task, and not of a message that has only some of them."""
    plain = with_attributes(text("beanstalk.sqsd.path", "/x"), text("beanstalk.sqsd.more", "y"))
    for message in (plain, periodic()):
        assert not any("beanstalk" in name.lower() for name in headers(message))
        assert mapped(message).dropped == ()
    assert mapped(plain).request.path == "/"
    assert mapped(plain).request.body == MESSAGE.body.encode()


def test_control_attributes_can_be_ignored() -> None:
    """Then a periodic task is a message like any other."""
    request = mapped(periodic(), replace(STYLE, takes_periodic=False)).request
    assert (request.path, request.body) == ("/", b"elasticbeanstalk scheduled job")


def test_a_binary_control_attribute_asks_for_nothing() -> None:
    """There is no text to read."""
    assert mapped(with_attributes(Attribute("beanstalk.sqsd.scheduled_time", "Binary", None))).request.body


def test_a_damaged_body_makes_no_request() -> None:
    """The application would work on something else than what was sent."""
    made = make_request(replace(MESSAGE, is_damaged=True), "jobs", STYLE)
    assert isinstance(made, Unmappable)
    assert "checksum" in made.why


@pytest.mark.parametrize("proto", [None, "https"])
def test_a_health_check_is_not_taken_for_a_job(proto: str | None) -> None:
    """It has another agent, no message headers and no body."""
    check = make_check("/up", "localhost", "ecs-supervisor/1.0", proto)
    assert (check.method, check.path, check.body) == ("GET", "/up", b"")
    names = [name for name, _ in check.headers]
    expected = ["Host", "User-Agent", "X-Forwarded-Proto", "Connection"]
    assert names == [name for name in expected if proto or name != "X-Forwarded-Proto"]


ANY_TEXT = st.text(max_size=8)


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=5), ANY_TEXT, ANY_TEXT)
def test_no_text_of_a_message_becomes_a_line_of_its_own(
    attributes: list[tuple[str, str]], name: str, sender: str
) -> None:
    """Whatever is in it: every line of the head is the request line or one of our headers."""
    told = (*(text(*each) for each in attributes), text("beanstalk.sqsd.task_name", name))
    message = replace(MESSAGE, sender=sender, attributes=(*told, text("beanstalk.sqsd.scheduled_time", "")))
    request = mapped(message).request
    first, *lines, end, after = request.head().split(b"\r\n")
    assert (first, end, after) == (b"POST / HTTP/1.1", b"", b"")
    assert [line.partition(b": ")[0].decode() for line in lines] == [each for each, _ in request.headers]
    assert not any(byte < 0x20 or byte == 0x7F for line in lines for byte in line)
