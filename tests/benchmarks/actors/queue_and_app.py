"""A queue and a web app in one process, as fast as a loop in Python can be: what a daemon between the two is measured against.

It says its two ports on stdout, and takes `put COUNT` on stdin; then it says so when as many messages have been deleted. It
says how many polls wait whenever that has changed, so that the daemon is known to be up. The queue speaks AWS's JSON protocol as far
as daemons use it at work: leases do not end, and the app answers everything with 200.
"""

from __future__ import annotations

import hashlib
import json
import os
import selectors
import socket
import sys
import time
from collections import deque
from typing import Any

BODY = json.dumps({"job": "a" * 200})
DIGEST = hashlib.md5(BODY.encode()).hexdigest()
APP_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
SQS_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: "

selector = selectors.DefaultSelector()


def say(**told: object) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


class Queue:
    def __init__(self) -> None:
        self.visible: deque[int] = deque()
        self.waiting: deque[tuple[float, Connection, int]] = deque()
        self.left = self.number = self.put = 0
        self.began = 0.0

    def add(self, count: int) -> None:
        self.began, self.left, self.put = time.monotonic(), count, count
        self.visible.extend(range(self.number, self.number + count))
        self.number += count
        while self.waiting and self.visible:
            _, connection, most = self.waiting.popleft()
            connection.answer(self.take(most))

    def take(self, most: int) -> dict[str, Any]:
        now = str(int(time.time() * 1000))
        taken: list[dict[str, Any]] = []
        while self.visible and len(taken) < most:
            name = f"message-{self.visible.popleft()}"
            attributes = {
                "SenderId": "AIDASTANDIN",
                "SentTimestamp": now,
                "ApproximateReceiveCount": "1",
                "ApproximateFirstReceiveTimestamp": now,
            }
            message = {"MessageId": name, "ReceiptHandle": name, "MD5OfBody": DIGEST, "Body": BODY}
            taken.append(message | {"Attributes": attributes})
        return {"Messages": taken} if taken else {}

    def expire(self) -> None:
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            self.waiting.popleft()[1].answer({})

    def asked(self, connection: Connection, action: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        if action == "ReceiveMessage":
            most, wait = asked.get("MaxNumberOfMessages", 1), asked.get("WaitTimeSeconds", 0)
            if self.visible or not wait:
                return self.take(most)
            self.waiting.append((time.monotonic() + wait, connection, most))
            say(waiting=len(self.waiting))
            return None
        entries = [{"Id": entry["Id"]} for entry in asked.get("Entries", ())]
        # A daemon may try at its start with the receipt of no message whether it may delete.
        if action.startswith("DeleteMessage") and (entries or asked["ReceiptHandle"].startswith("message-")):
            self.left -= len(entries) or 1
            if not self.left:
                say(done=self.put, seconds=time.monotonic() - self.began)
        return {"Successful": entries, "Failed": []} if entries else {}


class Connection:
    def __init__(self, connection: socket.socket, queue: Queue | None) -> None:
        self.socket, self.queue, self.read = connection, queue, b""

    def ready(self) -> None:
        try:
            news = self.socket.recv(262144)
        except OSError:
            news = b""
        if not news:
            return self.close()
        self.read += news
        while True:
            end = self.read.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = self.read[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.read) < end + 4 + length:
                return None
            body, self.read = self.read[end + 4 : end + 4 + length], self.read[end + 4 + length :]
            if self.queue is None:
                closes = b"connection: close" in head
                self.socket.sendall(APP_ANSWER + (b"Connection: close\r\n\r\n" if closes else b"\r\n"))
                if closes:
                    return self.close()
            else:
                at = head.find(b"x-amz-target: amazonsqs.")
                action = self.read_action(head[at + 24 :])
                answer = self.queue.asked(self, action, json.loads(body or b"{}"))
                if answer is not None:
                    self.answer(answer)

    def read_action(self, text: bytes) -> str:
        lower = text.split(b"\r\n", 1)[0].decode()
        return ACTIONS.get(lower, lower)

    def answer(self, told: dict[str, Any]) -> None:
        content = json.dumps(told).encode()
        try:
            self.socket.sendall(SQS_ANSWER + str(len(content)).encode() + b"\r\n\r\n" + content)
        except OSError:
            self.close()

    def close(self) -> None:
        if self.socket.fileno() >= 0:
            selector.unregister(self.socket)
            self.socket.close()


ACTIONS = {name.lower(): name for name in ("ReceiveMessage", "DeleteMessage", "DeleteMessageBatch")}


def listen(queue: Queue | None) -> int:
    server = socket.create_server(("127.0.0.1", 0), backlog=512)

    def accept() -> None:
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, Connection(connection, queue).ready)

    selector.register(server, selectors.EVENT_READ, accept)
    return int(server.getsockname()[1])


def command() -> None:
    words = sys.stdin.readline().split()
    if not words:
        sys.exit()
    queue.add(int(words[1]))


queue = Queue()
say(sqs=listen(queue), app=listen(None))
selector.register(sys.stdin, selectors.EVENT_READ, command)
while True:
    for key, _ in selector.select(0.1):
        key.data()
    queue.expire()
