"""Reads the options of the local API and of the unix sockets; a module of its own, because most give none of them."""

from __future__ import annotations

from .reading import Reader, check_path
from .settings import ApiSettings

UNIX = "unix:"

_HIGHEST_PORT = 65_535

_OCTAL = frozenset("01234567")

# Reading and writing, for owner, group and others: more means nothing for a socket (unix(7)).
_MODES = 0o666


def read_api(reader: Reader) -> ApiSettings:
    """Return what was given, and note what is wrong with it."""
    remote = reader.choice("api_remote") == "yes"
    return ApiSettings(
        addresses=_addresses(reader, remote),
        token_file=_token_file(reader),
        remote=remote,
        mode=_mode(reader),
        group=reader.given("socket_group"),
        arbitrates=reader.choice("arbitrate") == "yes",
    )


def _addresses(reader: Reader, remote: bool) -> tuple[str, ...]:
    text = reader.text("api")
    words = tuple(dict.fromkeys(word for part in _parts(text) if (word := part.strip())))
    for word in words:
        if word.startswith(UNIX):
            check_path(reader, "api", word, word.removeprefix(UNIX))
        elif word not in ("auto", "none"):
            _check_tcp(reader, word, remote)
    if "none" in words and len(words) > 1:
        reader.refuse("api", "has `none` beside an address", "keep one of the two")
    return tuple(word for word in words if word != "none")


def _parts(text: str) -> list[str]:
    return text.replace("\n", ";").replace(",", ";").split(";")


def _check_tcp(reader: Reader, word: str, remote: bool) -> None:
    host, colon, port = word.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        fix = "give unix:PATH, HOST:PORT as in 127.0.0.1:8126, `auto` or `none`"
        reader.refuse("api", f"has `{word}`, which is no address", fix)
    elif not remote and not _is_loopback(host):
        fix = (
            "listen at 127.0.0.1, which all containers of a task share, or add --api-remote if that is meant"
        )
        reader.refuse("api", f"has `{word}`, which others than this task can reach", fix)


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "[::1]", "::1") or host.startswith("127.")


def _token_file(reader: Reader) -> str | None:
    path = reader.given("api_token_file")
    if path is not None and not path.startswith("/"):
        reader.refuse("api_token_file", f"is `{path}`", "give an absolute path")
    return path


def _mode(reader: Reader) -> int:
    text = reader.text("socket_mode").removeprefix("0o")
    mode = int(text, 8) if text and _OCTAL.issuperset(text) else -1
    if mode < 0 or mode & ~_MODES or not mode & 0o200:
        fix = "give the rights to read and write, as in 0600, 0660 or 0666"
        reader.refuse("socket_mode", f"is `{text}`", fix)
        return 0o600
    return mode
