"""Leaves a daemon behind at once: forked twice, in a session of its own, deaf to everything but SIGKILL.

`exit` as argument: then exits with 3. Otherwise says ready and waits.
"""

import os
import signal
import sys

reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        os.write(writer, str(os.getpid()).encode())
        while True:
            signal.pause()
    os._exit(0)
os.wait()
print("daemon", os.read(reader, 20).decode())
if sys.argv[1:] == ["exit"]:
    sys.exit(3)
print("ready")
signal.pause()
