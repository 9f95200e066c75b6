"""How a hook gets into a worker that nobody has edited: claimed once, warned of once, and never in a job's way.

Rules
  1. Only the process that becomes the worker attaches: the first that claims. It writes its number into the variable,
     so that what it starts later (a job's own commands) inherits the claim of another process, which is none; a worker
     that executes itself anew, as Celery and Huey do at SIGHUP, is still the same process.
  2. A hook that does not fit says so in one line and leaves the worker as it was.
  3. Patches are made when the framework's module has been imported by the worker itself: importing it earlier could
     load another version than the worker's own, or cost a program that is no worker its start time.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# Set by `run` for the worker: the framework that was recognised; the claim adds a colon and the process's number.
ATTACH_VARIABLE = "ECS_SUPERVISOR_ATTACH"

_WRAPPED = "_ecs_supervisor_wrapped"

_warned: set[str] = set()


def warn(what: str) -> None:
    """Say one line on standard error, once in this process and those it forks."""
    if what not in _warned:
        _warned.add(what)
        # One write, so that the lines of several processes do not mix; a closed stderr is no reason to fail.
        with contextlib.suppress(OSError):
            os.write(2, f"ecs-supervisor: {what}\n".encode(errors="replace"))


def guard(ours: F) -> F:
    """Keep a defect of ours away from the worker. Never around a job: its exceptions are not ours to swallow."""

    @functools.wraps(ours)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return ours(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker goes on
            warn(
                f"{ours.__qualname__} failed ({type(error).__name__}: {error}); the worker runs as without it"
            )
            return None

    return guarded  # type: ignore[return-value]


def wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Wrap a method in the class that defines it, once, whichever of the classes below it is used."""
    owner = next(each for each in owner.__mro__ if name in vars(each))
    raw = vars(owner)[name]
    original = raw.__func__ if isinstance(raw, classmethod) else raw
    if hasattr(original, _WRAPPED):
        return

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return wrapper(original, *args, **kwargs)

    setattr(wrapped, _WRAPPED, True)
    setattr(owner, name, classmethod(wrapped) if isinstance(raw, classmethod) else wrapped)


def claim(framework: str) -> bool:
    """Whether this process is the worker that `run` has started for this framework; only the first one is."""
    wanted, _, claimed_by = os.environ.get(ATTACH_VARIABLE, "").partition(":")
    own = str(os.getpid())
    if wanted != framework or claimed_by not in ("", own):
        return False
    os.environ[ATTACH_VARIABLE] = f"{framework}:{own}"
    return True


def is_main(framework: str) -> bool:
    """Whether this very process, not a child of it, has claimed."""
    return os.environ.get(ATTACH_VARIABLE) == f"{framework}:{os.getpid()}"


def when_imported(name: str, then: Callable[[ModuleType], object]) -> None:
    """Call back with a module as soon as somebody has imported it, or at once if that has happened."""
    module = sys.modules.get(name)
    if module is not None:
        then(module)
    else:
        _finder.wanted.setdefault(name, []).append(then)
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)


class _Finder:
    """Finds nothing itself: it lets the others find, and adds a call to the end of the module's execution."""

    def __init__(self) -> None:
        self.wanted: dict[str, list[Callable[[ModuleType], object]]] = {}

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:  # noqa: ARG002
        if name not in self.wanted:
            return None
        callbacks = self.wanted.pop(name)
        if not self.wanted:
            # All that was waited for is there: nobody's import, in no child either, shall pass here any more.
            with contextlib.suppress(ValueError):
                sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = getattr(getattr(spec, "loader", None), "exec_module", None)
        if spec is None or execute is None:
            return spec

        def then(module: ModuleType) -> None:
            execute(module)
            for callback in callbacks:
                guard(callback)(module)

        try:
            spec.loader.exec_module = then  # type: ignore[union-attr, method-assign]
        except AttributeError:
            warn(f"{name} was loaded in an unknown way, so nothing is attached to it")
        return spec


_finder = _Finder()
