"""Turn a function into one whose every call is a job; the `@job(...)` form.

A coroutine function stays one, and so does a generator function: its job lasts from the first item asked for
to the last. An async generator is refused when it is decorated, because nobody but its own body knows when it
ends.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from .job import Job

P = ParamSpec("P")
R = TypeVar("R")


def decorate(
    work: Callable[P, R], make_job: Callable[[], Job], on_refused: Callable[..., Any] | None
) -> Callable[P, R]:
    """Return the function to call instead of `work`. on_refused: what it does when it may not begin."""
    run: Callable[..., Any]
    if inspect.isasyncgenfunction(work):
        raise TypeError(f"{work.__qualname__} is an async generator: use `async with job(...)` inside it")
    if inspect.iscoroutinefunction(work):

        async def run(*args: Any, **kwargs: Any) -> Any:
            async with make_job() as j:
                result = _chosen(j, work, on_refused)(*args, **kwargs)
                return await result if inspect.isawaitable(result) else result

    elif inspect.isgeneratorfunction(work):

        def run(*args: Any, **kwargs: Any) -> Any:
            with make_job() as j:
                return (yield from _chosen(j, work, on_refused)(*args, **kwargs))

    else:

        def run(*args: Any, **kwargs: Any) -> Any:
            with make_job() as j:
                return _chosen(j, work, on_refused)(*args, **kwargs)

    return functools.wraps(work)(run)


def _chosen(j: Job, work: Callable[..., Any], on_refused: Callable[..., Any] | None) -> Callable[..., Any]:
    return on_refused if j.refused and on_refused is not None else work
