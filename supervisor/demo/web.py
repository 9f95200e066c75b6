"""The web app of the demo of `sqsd`: a job a request. It fails the job `fails` once, and takes its time for a `long` one."""

from __future__ import annotations

import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_LONG_SECONDS = 3.0

_OK, _FAILED = 200, 500


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_first = self.headers["X-Aws-Sqsd-Receive-Count"] == "1"
        if body["kind"] == "long":
            threading.Event().wait(_LONG_SECONDS)
        self.send_response(_FAILED if body["kind"] == "fails" and is_first else _OK)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    # Requests under way are waited for at the end.
    daemon_threads = False


def main(port: int) -> None:
    """Serve until SIGTERM."""
    server = _Server(("127.0.0.1", port), _Handler)

    def wait() -> None:
        signal.sigwait((signal.SIGTERM,))
        server.shutdown()

    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))
    threading.Thread(target=wait, daemon=True).start()
    server.serve_forever(0.05)
    server.server_close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
