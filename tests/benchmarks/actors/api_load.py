"""A worker that says over HTTP what it does: takes a hold and ends it, so many times a second, and counts how long it takes.

Speaks through one connection that stays open, with sockets alone: a client's library would cost more than what is measured.
"""

import json
import select
import socket
import sys
import time

HEAD = b"HTTP/1.1 "

port, rate, name = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
connection = socket.create_connection(("127.0.0.1", port))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def ask(method: str, number: int) -> None:
    body = b'{"about":"load","ttl":60}' if method == "PUT" else b""
    connection.sendall(
        b"%s /v1/holds/%s-%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
        % (method.encode(), name.encode(), number, len(body), body)
    )
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += connection.recv(65536)
    head, _, rest = heard.partition(b"\r\n\r\n")
    status = int(head[len(HEAD) : len(HEAD) + 3])
    assert status in (200, 201, 204), heard
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            left = int(line[15:]) - len(rest)
            while left > 0:
                left -= len(connection.recv(left))


sys.stdout.write("ready\n")
sys.stdout.flush()
began = due = time.monotonic()
number, taken = 0, []
while not select.select((sys.stdin,), (), (), max(0.0, due - time.monotonic()))[0]:
    at = time.monotonic()
    ask("PUT", number)
    taken.append(time.monotonic() - at)
    ask("DELETE", number)
    number += 1
    due += 1 / rate
sys.stdout.write(json.dumps({"per_second": number / (time.monotonic() - began), "taken": taken}))
