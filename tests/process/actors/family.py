"""Has two descendants that are deaf to everything but SIGKILL: a child in a session of its own, and a daemon.

Says their pids, then `ready`. First argument: `exit` to exit with 3 at once, `obey` to exit with 5 at SIGTERM, `deaf` to
ignore it too.
"""

import os
import signal
import sys

DEAF = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


def live_on(writer: int) -> None:
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, DEAF)
    os.write(writer, f"{os.getpid()} ".encode())
    while True:
        signal.pause()


reader, writer = os.pipe()
if os.fork() == 0:
    live_on(writer)
if (between := os.fork()) == 0:
    if os.fork() == 0:
        live_on(writer)
    os._exit(0)
os.waitpid(between, 0)
pids = b""
while pids.count(b" ") < 2:
    pids += os.read(reader, 100)
print("descendants", pids.decode())
if sys.argv[1] == "exit":
    sys.exit(3)
signal.pthread_sigmask(signal.SIG_BLOCK, DEAF)
print("ready")
if sys.argv[1] == "obey":
    signal.sigwait([signal.SIGTERM])
    sys.exit(5)
while True:
    signal.pause()
