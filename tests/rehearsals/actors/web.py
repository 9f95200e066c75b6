"""A web app that takes jobs as frameworks do: what to do is in the body, what was done is said on stdout, one line each.

Arguments: a port, 0 for any. A body is JSON: `job`, a name; `seconds` that it takes; `status` to answer; `dies`: the process
does, in the midst of it. With SECRET in the environment a job must be signed, as active_elastic_job does it. At SIGTERM it takes
no further connection and finishes what it has.
"""

import hashlib
import hmac
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

secret = os.environ.get("SECRET", "")


def say(**told: object) -> None:
    os.write(1, json.dumps(told).encode() + b"\n")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        digest = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
        if secret and not hmac.compare_digest(digest, headers.get("x-aws-sqsd-attr-message-digest", "")):
            say(refused=body.decode())
            self.answer(403)
            return
        asked = json.loads(body) if body else {}
        job = asked.get("job", headers.get("x-aws-sqsd-taskname"))
        say(began=job, path=self.path, headers=headers, length=len(body))
        if asked.get("dies"):
            os._exit(3)
        threading.Event().wait(asked.get("seconds", 0))
        say(ended=job)
        self.answer(asked.get("status", 200))

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing: the lines on stdout have it."""


class Server(ThreadingHTTPServer):
    # Requests under way are waited for at the end.
    daemon_threads = False


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
say(port=server.server_address[1])
server.serve_forever(0.05)
server.server_close()
say(gone=True)
