"""Detects that another distribution put its files into our package: supervisord's package is called `supervisor` too."""

from __future__ import annotations

from importlib import metadata

_OTHER = "supervisor"


def package_clash() -> str | None:
    """Return one sentence about it, None where there is no clash. Takes tens of milliseconds: not before the spawn."""
    try:
        version = metadata.version(_OTHER)
    except metadata.PackageNotFoundError:
        return None
    return (
        f"The distribution {_OTHER} {version} (supervisord) is installed in the same Python environment and shares the"
        " package `supervisor` with ecs-supervisor, so that removing one of them breaks the other:"
        " install them in separate environments."
    )
