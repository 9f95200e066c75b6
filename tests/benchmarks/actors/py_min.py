"""The yardstick: what one writes in fifteen lines to start a worker, pass signals on and exit with its status."""

from __future__ import annotations

import signal
import subprocess
import sys

child: subprocess.Popen[bytes] | None = None


def forward(number: int, _frame: object) -> None:
    if child is not None:
        child.send_signal(number)


for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(number, forward)
child = subprocess.Popen(sys.argv[1:])
status = child.wait()
sys.exit(status if status >= 0 else 128 - status)
