"""A worker with one pool process; each says `main` or `pool` and the name of every signal. SIGTERM ends the main one."""

import os
import signal

WANTED = (signal.SIGTERM, signal.SIGUSR1)


def say(text: str) -> None:
    # In one piece: two processes write to the same pipe.
    os.write(1, f"{role} {text}\n".encode())


signal.pthread_sigmask(signal.SIG_BLOCK, WANTED)
role = "main" if os.fork() else "pool"
say("ready")
while True:
    number = signal.sigwait(WANTED)
    say(signal.Signals(number).name)
    if (role, number) == ("main", signal.SIGTERM):
        break
