"""A worker whose jobs are done by a child of its own. First argument: where the hooks are.

Says `working` when the job runs; at the line `fork` gives the child a child, which keeps all that it had open; at the line
`kill` kills the child in the middle of its job and says `killed` with the instant. Then lives on.
"""

import ctypes
import os
import signal
import sys
import time

sys.path.insert(0, sys.argv[1])

from supervisor.hooks.job import job

# Past Python, whose hooks would close the connection in the child of the child: as a library in C may fork.
libc = ctypes.PyDLL(None)


def fork(*_: object) -> None:
    if libc.fork() == 0:
        libc.pause()
    os.write(writer, b".")


reader, writer = os.pipe()
if (child := os.fork()) == 0:
    signal.signal(signal.SIGUSR1, fork)
    with job("send_mail"):
        os.write(writer, b".")
        while True:
            signal.pause()
os.read(reader, 1)
print("working")
for line in sys.stdin:
    if line == "fork\n":
        os.kill(child, signal.SIGUSR1)
        os.read(reader, 1)
        print("forked")
    else:
        killed_at = time.monotonic()
        os.kill(child, signal.SIGKILL)
        print("killed", killed_at)
signal.pause()
