"""A worker that speaks the hook socket's words itself: so many holds a second, each taken and ended, and counts them."""

import json
import select
import socket
import sys
import time

# As many at a time as a busy process says within some milliseconds.
GROUP = 50

path, rate = sys.argv[1], float(sys.argv[2])
connection = socket.socket(socket.AF_UNIX)
connection.connect(path)


def served() -> None:
    """Wait for the answer to a ping: all before it has been decided, or is next."""
    connection.sendall(b'{"op":"ping"}\n')
    heard = b""
    while b'"pong"' not in heard:
        heard = heard[-16:] + connection.recv(65536)


served()
sys.stdout.write("ready\n")
sys.stdout.flush()
began = due = time.monotonic()
number = 0
while not select.select((sys.stdin,), (), (), max(0.0, due - time.monotonic()))[0]:
    lines = b"".join(
        b'{"op":"hold","id":"%d","about":"load","ttl":null}\n{"op":"release","id":"%d"}\n' % (each, each)
        for each in range(number, number + GROUP)
    )
    connection.sendall(lines)
    number += GROUP
    due += GROUP / rate
served()
sys.stdout.write(json.dumps({"per_second": number / (time.monotonic() - began), "taken": []}))
