"""The configurations of all frameworks, found by name, so that one that cannot be imported does not hide the others."""

from __future__ import annotations

import importlib

from tests.integrations.configuration import Configuration

# Every module here has CONFIGURATIONS. One line each, in the order of the table.
MODULES = (
    "plain",
    "celery",
    "rq",
    "dramatiq",
    "huey",
    "arq",
    "taskiq",
    "sidekiq",
    "bullmq",
    "gunicorn",
    "uvicorn",
    "puma",
)


def configurations() -> tuple[list[Configuration], dict[str, str]]:
    """Return all that can be used, and why the others cannot: module -> reason."""
    found: list[Configuration] = []
    missing = {}
    for name in MODULES:
        try:
            module = importlib.import_module(f"{__name__}.{name}")
        except ImportError as error:
            missing[name] = str(error)
        else:
            found += module.CONFIGURATIONS
    return found, missing
