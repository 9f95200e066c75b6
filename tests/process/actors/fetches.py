"""A poll loop: asks the gate, then fetches by reading a line of its input, for as long as that takes; prints what it got.

TERM ends it at once, as it ends a program that does not know better.
"""

import sys

from supervisor.hooks.job import gate

print("ready", flush=True)
while gate.open():
    print("fetching", flush=True)
    line = sys.stdin.readline().strip()
    print(f"got {line}", flush=True)
print("shut", flush=True)
