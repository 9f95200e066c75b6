"""Whether a framework's version is one that a hook was tested with."""

from __future__ import annotations

from . import _attach


def note_version(name: str, version: str, supported: tuple[str, str]) -> None:
    """Say so, once, where a version is outside of the tested range. supported: the oldest tested, the first not tested."""
    if version and not _numbers(supported[0]) <= _numbers(version) < _numbers(supported[1]):
        _attach.warn(
            f"the hook for {name} was tested from {supported[0]} to below {supported[1]}, and this is {version}: it attaches,"
            " since all that it needs is there"
        )


def _numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version; what is none counts as 0."""
    found = [int(part) if part.isdecimal() else 0 for part in version.split(".")[:2]]
    return (*found, 0, 0)[:2]
