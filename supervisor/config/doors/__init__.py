"""The doors: how a hook gets into each framework's worker from outside, by the framework's own means.

One module a framework, each with one function, `open_door`. Pure and light: a door is opened before the worker is
spawned, by changing its command line or its environment, and nothing else.
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Door(Frozen):
    """A worker that was recognised, and what a door needs to know of it.

    at: where the framework's own program stands in the command, -1 where only the profile was named and the command is
    not known. arguments: where its arguments begin. environ: the worker's. folder: where the hooks for other
    interpreters and languages lie. stop_seconds: what the worker has at least between its stop signal and SIGKILL.
    """

    command: tuple[str, ...]
    at: int
    arguments: int
    environ: Mapping[str, str]
    folder: str
    stop_seconds: float


class Opened(Frozen):
    """command: what to start. environ: what to add to the worker's. how: for people."""

    command: tuple[str, ...]
    environ: Mapping[str, str]
    how: str


def value_of(words: tuple[str, ...], *names: str) -> str | None:
    """Return the last value of an option, spelled `--name value`, `--name=value` or `-n value`; None if it is not given."""
    found = None
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names and equals:
            found = value
        elif word in names:
            found = words[index + 1] if index + 1 < len(words) else ""
    return found
