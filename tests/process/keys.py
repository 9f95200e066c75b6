"""The credentials endpoint of ECS, whose keys last as long as a test likes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.rehearsals.deliveries import AWS

# How long keys are good here. botocore asks for others before every call of the last ten minutes of a key.
_KEY_SECONDS = 120


class Keys:
    """What the endpoint gives: a new key each time it is asked. given: how many so far. is_stuck: the same again. is_down: none."""

    def __init__(self) -> None:
        self.given = 0
        self.is_stuck = False
        self.is_down = False

    def name(self) -> str:
        self.given += not self.is_stuck
        return f"KEY{self.given}"


@contextmanager
def credentials(keys: Keys) -> Iterator[dict[str, str]]:
    """Serve keys; yield the surroundings in which a daemon finds these and no others."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if keys.is_down:
                self.send_error(503)
                return
            until = datetime.now(UTC) + timedelta(seconds=_KEY_SECONDS)
            told = {
                "AccessKeyId": keys.name(),
                "SecretAccessKey": "secret",
                "Token": "token",
                "Expiration": f"{until:%Y-%m-%dT%H:%M:%SZ}",
            }
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        uri = f"http://127.0.0.1:{server.server_address[1]}/v2/credentials"
        yield {
            **{name: "" if "KEY" in name else text for name, text in AWS.items()},
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": uri,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.shutdown()
        server.server_close()
