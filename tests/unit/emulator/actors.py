"""Small programs for the containers of these tests; each prints a word when it is ready."""

from __future__ import annotations

import sys


def program(source: str) -> tuple[str, ...]:
    """A command that runs this source."""
    return (sys.executable, "-u", "-c", source)


GRACEFUL = program(
    "import signal, sys\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
    "print('ready')\n"
    "while True: signal.pause()\n"
)

# Its grandchild has a session of its own, so killing a process group would miss it.
STUBBORN = program(
    "import signal, subprocess, sys\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "source = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); '\n"
    "source += 'print(\"ready\", flush=True); time.sleep(600)'\n"
    "subprocess.Popen([sys.executable, '-c', source, sys.argv[1]], start_new_session=True)\n"
    "while True: signal.pause()\n"
)

BRIEF = program("print('ready')\nraise SystemExit(3)\n")

# Leaves a child behind, which would outlive it if nobody ended it.
DESERTING = program(
    "import subprocess, sys\n"
    "source = 'import time; print(\"ready\", flush=True); time.sleep(600)'\n"
    "child = subprocess.Popen([sys.executable, '-c', source, sys.argv[1]], stdout=subprocess.PIPE,\n"
    "                         start_new_session=True)\n"
    "child.stdout.readline()\n"
    "print('ready')\n"
)
