"""A poll loop: asks the gate, then fetches by reading a line of its input, for as long as that takes; prints what it got.

It says when TERM comes, and goes on until it has come: a gate that is shut is not the end of a worker.
"""

import os
import signal
import sys
import threading

from supervisor.hooks.job import gate

asked = threading.Event()


def say(line: str) -> None:
    # In one piece, as TERM may come in the middle of it: `print` writes the end of a line by itself when it is unbuffered.
    os.write(1, line.encode() + b"\n")


def on_term(*_: object) -> None:
    say("TERM")
    asked.set()


signal.signal(signal.SIGTERM, on_term)
say("ready")
while gate.open():
    say("fetching")
    line = sys.stdin.readline().strip()
    say(f"got {line}")
say("shut")
asked.wait()
