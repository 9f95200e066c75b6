"""Connects to the hook socket so many times (the argument), then prints how often it heard each word first.

SIGTERM is ignored, also by a child in a session of its own.
"""

import json
import os
import signal
import socket
import sys
from collections import Counter

signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    signal.pause()
connections = []
heard: Counter[str] = Counter()
for _ in range(int(sys.argv[1])):
    connections.append(socket.socket(socket.AF_UNIX))
    connections[-1].connect(os.environ["ECS_SUPERVISOR_SOCKET"])
    heard[json.loads(connections[-1].makefile().readline())["op"]] += 1
print(json.dumps(heard))
signal.pause()
