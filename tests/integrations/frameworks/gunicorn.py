"""gunicorn with two sync workers; its bind address is in its config file, as each task needs a port of its own."""

from __future__ import annotations

from tests.integrations.configuration import Configuration

from .web import Web

GUNICORN = Web("gunicorn", "gunicorn", ("app",), slots=2)

CONFIGURATIONS: tuple[Configuration, ...] = (GUNICORN,)
