"""The web app of the chaos test: does what a body says, and appends a line to a file at the beginning and the end of each job.

Arguments: a port, the file, the name of the task. A body is JSON: `seconds` that the job takes; `failures`: at so many
receives it answers 500. Each line is one write to a file opened with O_APPEND, so that nothing is lost or torn when the
process is killed. The end is written before the answer: what the job does has been done by then.
"""

import itertools
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, path, task = int(sys.argv[1]), sys.argv[2], sys.argv[3]
records = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
numbers = itertools.count(1)


def record(**told: object) -> None:
    line = {"at": time.monotonic(), "task": task, "pid": os.getpid(), **told}
    os.write(records, json.dumps(line).encode() + b"\n")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        run = f"{task}/{os.getpid()}/{next(numbers)}"
        record(what="begin", message=self.headers["X-Aws-Sqsd-Msgid"], run=run)
        threading.Event().wait(asked["seconds"])
        failed = int(self.headers["X-Aws-Sqsd-Receive-Count"]) <= asked["failures"]
        status = 500 if failed else 200
        record(what="end", run=run, status=status)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        pass


server = Server(("127.0.0.1", port), Handler)
record(what="up")
server.serve_forever(0.05)
