"""Speaks to the hook socket: sends each argument as a line and a ping, then prints every line that comes back.

SIGUSR1 makes it send a release of the hold `1`. SIGTERM ends it.
"""

import json
import os
import signal
import socket
import sys

server = socket.socket(socket.AF_UNIX)
server.connect(os.environ["ECS_SUPERVISOR_SOCKET"])
for line in (*sys.argv[1:], '{"op":"ping"}'):
    server.sendall(line.encode() + b"\n")
signal.signal(signal.SIGUSR1, lambda *_: server.sendall(b'{"op":"release","id":"1"}\n'))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
for answer in server.makefile():
    print(json.dumps(json.loads(answer)))
signal.pause()
