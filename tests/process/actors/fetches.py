"""A poll loop: asks the gate, then fetches by reading a line of its input, for as long as that takes; prints what it got.

It says when TERM comes, and goes on until it has come: a gate that is shut is not the end of a worker.
"""

import os
import signal
import sys
import threading

from supervisor.hooks.job import gate

asked = threading.Event()


def on_term(*_: object) -> None:
    # In one piece, and wherever the program is just now.
    os.write(1, b"TERM\n")
    asked.set()


signal.signal(signal.SIGTERM, on_term)
print("ready", flush=True)
while gate.open():
    print("fetching", flush=True)
    line = sys.stdin.readline().strip()
    print(f"got {line}", flush=True)
print("shut", flush=True)
asked.wait()
