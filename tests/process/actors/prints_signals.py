"""Says ready, then the name of every signal that comes; SIGTERM ends it."""

import signal

WANTED = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}

signal.pthread_sigmask(signal.SIG_BLOCK, WANTED)
print("ready")
while (number := signal.sigwait(WANTED)) != signal.SIGTERM:
    print(f"RTMIN+{number - signal.SIGRTMIN}" if number >= signal.SIGRTMIN else signal.Signals(number).name)
