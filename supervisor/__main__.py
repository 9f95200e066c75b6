"""`python -I -m supervisor`: the same as the command `ecs-supervisor`, for where its script cannot be used."""

import _signal  # type: ignore[import-not-found]  # the C module below signal, which would import enum

# First of all: a signal that comes during start-up now waits for us. Process 1 would lose it, any other would die of it.
_signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())

from supervisor.cli.environment import restore
from supervisor.cli.main import main

restore()
main()
