"""Reads requests as waitress does, and those that are usual faster: jobs begin and end by them, many a second.

Usual is what a program sends that asks for little: the whole request in one packet, with a few plain headers, none of them
twice, and a body of a known length. Whatever is not exactly that is left to waitress from its first byte, with all that it
knows of what is wrong with a request; so of two readers of the same request only one has ever begun it.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from waitress.parser import HTTPRequestParser, ParsingError

# A target without a query, and headers without anything that would have to be looked at twice.
_USUAL = re.compile(
    rb"(GET|PUT|DELETE) (/[\w/.~%:@!$&'()*+,;=-]*) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z][A-Za-z0-9-]*: ?[!-~](?:[ -~]*[!-~])?\r\n)*+)\r\n",
)

# What changes how a request is to be read.
_UNUSUAL = frozenset(("TRANSFER_ENCODING", "EXPECT"))

# More digits than these are no length of ours.
_LENGTH = re.compile("[0-9]{1,6}", re.ASCII)


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    body_rcv: Any

    def received(self, data: bytes) -> int:
        is_new = not self.header_plus and not self.headers_finished and not self.completed
        if is_new and self._is_usual(data):
            return len(data)
        consumed: int = super().received(data)
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError:
            # An address such as http://[, or a length of more digits than a number may have.
            raise ParsingError("the head of the request makes no sense") from None

    def _is_usual(self, data: bytes) -> bool:
        """Take in a whole request, if it is a usual one."""
        head = _USUAL.match(data)
        # All of it is less than either part may be.
        if head is None or len(data) >= min(self.adj.max_request_header_size, self.adj.max_request_body_size):
            return False
        command, uri, lines = head[1].decode(), head[2], head[3].decode()
        headers: dict[str, str] = {}
        for line in lines.split("\r\n")[:-1]:
            name, _, value = line.partition(":")
            name = name.upper().replace("-", "_")
            if name in headers or name in _UNUSUAL:
                return False
            headers[name] = value.lstrip(" ")
        length = headers.get("CONTENT_LENGTH", "0")
        body = data[head.end() :]
        if not _LENGTH.fullmatch(length) or int(length) != len(body):
            return False
        self.headers, self.command, self.version = headers, command, "1.1"
        self.path, self.request_uri = unquote_to_bytes(uri).decode("latin-1"), uri.decode()
        self.query = self.fragment = self.proxy_scheme = self.proxy_netloc = ""
        self.url_scheme = self.adj.url_scheme
        self.first_line = data[: head.start(3) - 2]
        self.connection_close = headers.get("CONNECTION", "").lower() == "close"
        self.header_bytes_received, self.content_length = head.end(), len(body)
        if body:
            self.body_rcv = _Body(body)
        self.headers_finished = self.completed = True
        return True


class _Body:
    """A body that has come at once, as waitress has others."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def getbuf(self) -> _Body:
        return self

    def get(self, most: int) -> bytes:
        return self._body[:most]

    def getfile(self) -> BytesIO:
        return BytesIO(self._body)

    def close(self) -> None:
        """There is nothing to close."""
