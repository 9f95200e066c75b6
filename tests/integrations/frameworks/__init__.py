"""The configurations of all frameworks, found by name, so that one that cannot be imported does not hide the others."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from tests.integrations.configuration import Configuration

# Those of the tests that all frameworks share. Named, not imported: a test can be collected where only one is installed.
CELERY = tuple(
    f"celery-{pool}-{broker}" for broker in ("redis", "rabbitmq") for pool in ("prefork", "threads", "solo")
)
RQ = ("rq-worker", "rq-simple", "rq-spawn", "rq-pool")
DRAMATIQ = ("dramatiq-redis", "dramatiq-rabbitmq")
HUEY = ("huey-threads-redis", "huey-processes-redis", "huey-threads-sqlite", "huey-processes-sqlite")
ARQ = ("arq",)
ARQ_PATIENT = "arq-completion-wait"
TASKIQ = ("taskiq-list", "taskiq-stream")
IN_PYTHON = (*CELERY, *RQ, *DRAMATIQ, *HUEY, *ARQ, *TASKIQ)
ELSEWHERE = ("sidekiq-redis", "bullmq-redis")

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


# The same for workers that have a sidecar instead of `run`.
BESIDE = ("beside", "beside_bullmq")


def configurations(modules: Sequence[str] = MODULES) -> tuple[list[Configuration], dict[str, str]]:
    """Return all that can be used, and why the others cannot: module -> reason."""
    found: list[Configuration] = []
    missing = {}
    for name in modules:
        try:
            module = importlib.import_module(f"{__name__}.{name}")
        except ImportError as error:
            missing[name] = str(error)
        else:
            found += module.CONFIGURATIONS
    return found, missing


def named(name: str) -> Configuration:
    """Return the configuration of that name. Its framework has to be installed."""
    module = importlib.import_module(f"{__name__}.{name.partition('-')[0]}")
    known: tuple[Configuration, ...] = (*module.CONFIGURATIONS, *getattr(module, "ALSO", ()))
    return next(each for each in known if each.name == name)
