"""Looks at a running supervisor once a second, until it has gone: for `status --watch` and `drain --wait`."""

from __future__ import annotations

import json
import os
import select
import sys

from supervisor.adapters.control_client import ControlClient, GoneError, UnansweredError

from .output import lines_of, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class View(Protocol):
        """What is shown each time."""

        def show(self, document: dict[str, Any]) -> int: ...

        def close(self) -> None: ...


# As often as an eye follows, and as a supervisor's loop does not notice.
_LOOK_SECONDS = 1.0

# A supervisor at its end may cut one look off, before nobody listens any more.
_FAILED_LOOKS = 3

_STDOUT, _STDERR = 1, 2


def watch(client: ControlClient, as_json: bool) -> int:
    """Show the state until the supervisor has gone or somebody presses Ctrl-C; return the exit status."""
    view = _view(as_json)
    try:
        follow(client, lambda document: view.show(document) == 0, has_answered=False)
    except KeyboardInterrupt:
        return 0
    finally:
        view.close()
    return write("ecs-supervisor: the supervisor has gone\n", _STDERR)


def follow(client: ControlClient, goes_on: Callable[[dict[str, Any]], bool], *, has_answered: bool) -> None:
    """Look until the supervisor has gone or the callable says that it is enough. Raise ControlError where it hangs.

    has_answered: whether it was there before; one that was never there has not gone.
    """
    failed = 0
    while True:
        try:
            document = client.ask("GET", "/v1/status")
        except GoneError:
            if has_answered:
                return
            raise
        except UnansweredError:
            failed += 1
            if failed == _FAILED_LOOKS or not has_answered:
                raise
        else:
            failed, has_answered = 0, True
            if not goes_on(document):
                return
        select.select((), (), (), _LOOK_SECONDS)


class _Documents:
    """One JSON document a line."""

    def show(self, document: dict[str, Any]) -> int:
        return write(f"{json.dumps(document)}\n")

    def close(self) -> None:
        """There is nothing to close."""


class _Blocks(_Documents):
    """For a pipe or a file: one block of lines after the other."""

    def show(self, document: dict[str, Any]) -> int:
        return write("".join(f"{line}\n" for line, _ in lines_of(document)) + "\n")


def _view(as_json: bool) -> View:
    if as_json:
        return _Documents()
    if not os.isatty(_STDOUT):
        return _Blocks()
    from .ctl_view import Screen

    return Screen(sys.stdout)
