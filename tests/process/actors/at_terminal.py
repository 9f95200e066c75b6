"""Says ready, repeats every line that is typed, and says when it is interrupted or its window changes."""

import os
import signal
import sys

signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\n"))
signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b"resized\n"))
print("ready", os.getpid())
for line in sys.stdin:
    if line == "end\n":
        sys.exit(6)
    print("got", line, end="")
