"""Reads how the web application is talked to."""

from __future__ import annotations

from supervisor.config.periodic_message import wrong_path
from supervisor.config.reading import Reader

from .settings import AppSettings

_SUCCESSES = range(200, 300)

_ANY_SUCCESS = "2xx"

# The name's first address is the IPv6 one on many systems, where most applications do not listen.
_LOCALHOST = "127.0.0.1"


def read_app(reader: Reader) -> AppSettings:
    """Return what was given, and note what is wrong with it."""
    proto = reader.choice("forwarded_proto")
    every = None if reader.given("health_every") is None else reader.number("health_every")
    return AppSettings(
        address=_address(reader),
        port=_port(reader),
        path=_path(reader, "http_path"),
        mime_type=_header(reader, "mime_type"),
        user_agent=_header(reader, "user_agent"),
        host=_header(reader, "http_host"),
        forwarded_proto=None if proto == "none" else proto,
        takes_periodic=reader.choice("periodic") == "yes",
        connect_timeout=reader.number("connect_timeout"),
        inactivity_timeout=reader.number("inactivity_timeout"),
        health_path=None if reader.given("health_path") is None else _path(reader, "health_path"),
        health_every=every,
        success=_success(reader),
    )


def _address(reader: Reader) -> str:
    address = reader.text("http_address").strip("[]")
    if address == "localhost":
        return _LOCALHOST
    is_here = address == "::1" or address.startswith("127.")
    if not is_here and reader.choice("http_remote") == "no":
        fix = (
            "let the app listen on 127.0.0.1 in the same task (awsvpc), or add --http-remote if that is meant"
        )
        reader.refuse("http_address", f"is `{address}`, from where frameworks take no jobs", fix)
    return address


def _port(reader: Reader) -> int:
    port = reader.number("http_port")
    if reader.is_good("http_port") and not port.is_integer():
        reader.refuse("http_port", f"is {port:g}", "give a whole number")
    return int(port)


def _path(reader: Reader, key: str) -> str:
    """Return a path that begins with a slash, as Elastic Beanstalk completes it."""
    text = reader.text(key)
    path = text if text.startswith("/") else f"/{text}"
    if "://" in path or wrong_path(path) is not None:
        reader.refuse(key, f"is `{text}`", "give a path as in /work, with %-escapes for what is not ASCII")
    return path


def _header(reader: Reader, key: str) -> str:
    text = reader.text(key)
    if not text or not all(" " <= character <= "~" for character in text):
        reader.refuse(key, f"is {text!r}", "give printable ASCII: it becomes a header")
    return text


def _success(reader: Reader) -> frozenset[int]:
    words = reader.words("success_status")
    if words == (_ANY_SUCCESS,):
        return frozenset(_SUCCESSES)
    statuses = frozenset(int(word) for word in words if word.isascii() and word.isdecimal())
    if not words or len(statuses) < len(set(words)) or not statuses <= set(_SUCCESSES):
        given = reader.text("success_status")
        reader.refuse("success_status", f"is `{given}`", f"give numbers from 200 to 299, or `{_ANY_SUCCESS}`")
    return statuses
