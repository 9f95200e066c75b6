"""puma, alone and with workers; its bind address is in its config file, as each task needs a port of its own."""

from __future__ import annotations

from tests.integrations.configuration import Configuration

from .web import Web

PUMA = Web("puma", "puma", ("-C", "puma.rb", "config.ru"), slots=4)
PUMA_WORKERS = Web("puma-workers", "puma", ("-C", "puma.rb", "-w", "2", "config.ru"), slots=8)

CONFIGURATIONS: tuple[Configuration, ...] = (PUMA, PUMA_WORKERS)
