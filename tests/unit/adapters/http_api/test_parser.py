"""A request that is read fast says the same as one that is read by waitress."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waitress.adjustments import Adjustments

from supervisor.adapters.http_api.parser import Parser

LIMITS = Adjustments(max_request_body_size=1000, max_request_header_size=2000)

HOST = b"Host: localhost\r\n"
BODY = b'{"about": "mail"}'

USUAL = {
    "begin": b"PUT /v1/holds/1 HTTP/1.1\r\n%sContent-Length: 17\r\n\r\n%s" % (HOST, BODY),
    "end": b"DELETE /v1/holds/a%2Fb%20%C3%A4 HTTP/1.1\r\nHost:localhost\r\n\r\n",
    "look": b"GET //livez;x=1 HTTP/1.1\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nConnection: Close\r\n\r\n",
    "bare": b"GET / HTTP/1.1\r\n\r\n",
}
UNUSUAL = {
    "query": b"GET /v1/accepting?wait=1 HTTP/1.1\r\n\r\n",
    "old": b"GET /livez HTTP/1.0\r\n\r\n",
    "steering": b"POST /v1/quiet HTTP/1.1\r\n\r\n",
    "address": b"GET http://localhost/livez HTTP/1.1\r\n\r\n",
    "twice": b"GET /livez HTTP/1.1\r\nX: 1\r\nx: 2\r\n\r\n",
    "part": b"GET /livez#top HTTP/1.1\r\n\r\n",
    "underscore": b"GET /livez HTTP/1.1\r\nX_Y: 1\r\n\r\n",
    "chunks to come": b"PUT /v1/holds/1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunks": b"PUT /v1/holds/1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "expects": b"PUT /v1/holds/1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    "folded": b"GET /livez HTTP/1.1\r\nX: 1\r\n 2\r\n\r\n",
    "bare end": b"GET /livez HTTP/1.1\r\nX: 1\n\r\n\r\n",
    "signed": b"PUT /v1/holds/1 HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}",
    "endless": b"PUT /v1/holds/1 HTTP/1.1\r\nContent-Length: " + b"0" * 5000 + b"2\r\n\r\n{}",
    "too much": b"PUT /v1/holds/1 HTTP/1.1\r\nContent-Length: 2000\r\n\r\n" + b" " * 2000,
    "two": USUAL["bare"] * 2,
    "empty line": b"\r\n" + USUAL["bare"],
}

# What requests are made of.
METHODS = (b"GET", b"PUT", b"DELETE", b"DELETE", b"get")
TARGETS = (
    b"/",
    b"//",
    b"a",
    b"%41",
    b"%",
    b"?x=1",
    b"#a",
    b";",
    b":",
    b"@",
    b"\xe4",
    b"http://h",
    b" ",
    b"\t",
    b"",
)
VERSIONS = (*(b" HTTP/1.1",) * 5, b" HTTP/1.0", b" HTTP/2.0", b"")
HEADERS = (
    *(HOST, b"X: 1\r\n", b"x: 2\r\n", b"X_Y: 1\r\n", b"X:1 \r\n", b"X : 1\r\n", b" y\r\n", b"X:\r\n"),
    *(
        b"X: \xe4\r\n",
        b"X: a\tb\r\n",
        b"X: 1\n\r\n",
        b"X: a\rb\r\n",
        b"X:  a  b\r\n",
        b"Connection: close\r\n",
    ),
    *(
        b"Content-Length: 2\r\n",
        b"Content-Length: 0\r\n",
        b"Content-Length: +2\r\n",
        b"content_length: 2\r\n",
    ),
    *(b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n"),
)
BODIES = (b"", b"", b"", b"{}", b"{}G", b"0\r\n\r\n")


# So many find most of the mistakes that are easily made in the pattern; those named above find the rest.
EXAMPLES = 1000


def some(pieces: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    return st.lists(st.sampled_from(pieces), max_size=2).map(b"".join)


# All that waitress and we ask a request for.
KNOWN = (
    *("command", "version", "path", "query", "fragment", "request_uri", "first_line", "headers"),
    *("url_scheme", "proxy_scheme", "proxy_netloc", "connection_close", "expect_continue", "chunked"),
    *("content_length", "headers_finished"),
)


class Slow(Parser):
    """Leaves everything to waitress."""

    def _is_usual(self, data: bytes) -> bool:
        return False


def read(parser: Parser, *packets: bytes) -> dict[str, object]:
    """Return what is known of a request that comes in these packets, and how many bytes are left of the last."""
    data = b""
    for packet in packets:
        data = packet
        while data and not parser.completed:
            data = data[parser.received(data) :]
    if not parser.completed or parser.error or parser.empty:
        return {"refused": parser.error and parser.error.code, "empty": parser.empty, "left": len(data)}
    body = parser.get_body_stream().read()
    return {name: getattr(parser, name) for name in KNOWN} | {"body": body, "left": len(data)}


@pytest.mark.parametrize("request_", USUAL.values(), ids=USUAL)
def test_a_usual_request_is_taken_in_at_once(request_: bytes) -> None:
    """And all that is known of it is as if waitress had read it."""
    parser = Parser(LIMITS)
    assert parser.received(request_) == len(request_)
    assert parser.completed
    assert read(Parser(LIMITS), request_) == read(Slow(LIMITS), request_)


@pytest.mark.parametrize("request_", UNUSUAL.values(), ids=UNUSUAL)
def test_whatever_else_is_left_to_waitress(request_: bytes) -> None:
    """From the first byte, so that its refusals stay what they are."""
    assert not Parser(LIMITS)._is_usual(request_)
    assert read(Parser(LIMITS), request_) == read(Slow(LIMITS), request_)


@pytest.mark.parametrize("request_", USUAL.values(), ids=USUAL)
def test_what_comes_in_pieces_is_left_to_waitress(request_: bytes) -> None:
    """Wherever it is cut, the same request comes out."""
    whole = read(Slow(LIMITS), request_)
    for cut in range(1, len(request_)):
        assert read(Parser(LIMITS), request_[:cut], request_[cut:]) == whole


@settings(max_examples=EXAMPLES)
@given(
    st.sampled_from(METHODS),
    some(TARGETS),
    st.sampled_from(VERSIONS),
    some(HEADERS),
    st.sampled_from(BODIES),
)
def test_whatever_a_request_is_made_of_both_read_the_same(
    method: bytes, target: bytes, version: bytes, headers: bytes, body: bytes
) -> None:
    """A request that two readers understand differently is how others' requests are smuggled in."""
    request = method + b" /" + target + version + b"\r\n" + headers + b"\r\n" + body
    assert read(Parser(LIMITS), request) == read(Slow(LIMITS), request)
