"""Says ready, then the name of every signal that comes; none of them ends it. `hold` as argument: has work in flight."""

import os
import signal
import socket
import sys

WANTED = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}

signal.pthread_sigmask(signal.SIG_BLOCK, WANTED)
if sys.argv[1:] == ["hold"]:
    server = socket.socket(socket.AF_UNIX)
    server.connect(os.environ["ECS_SUPERVISOR_SOCKET"])
    server.sendall(b'{"op":"hold","id":"1","about":"endless"}\n{"op":"ping"}\n')
    answers = b""
    while b"pong" not in answers:
        answers += server.recv(4096)
print("ready")
while number := signal.sigwait(WANTED):
    print(f"RTMIN+{number - signal.SIGRTMIN}" if number >= signal.SIGRTMIN else signal.Signals(number).name)
