"""A worker process as people write it: protect the task, work, unprotect it; it knows nothing of any supervisor.

Does what each line on its standard input says, and prints what came of it in JSON: `on [MINUTES]`, `off`, `look`, `job SECONDS`
which is all of it, and `shell COMMAND`. First it prints its number.
"""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

ENDPOINT = urlsplit(os.environ["ECS_AGENT_URI"] + "/task-protection/v1/state")

NEVER = threading.Event()


def ask(method: str, body: object = None) -> Any:
    connection = http.client.HTTPConnection(ENDPOINT.netloc, timeout=10)
    try:
        connection.request(method, ENDPOINT.path, None if body is None else json.dumps(body))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def protect(wanted: bool, minutes: int = 5) -> bool:
    """Return whether it is as it is wanted."""
    body = {"ProtectionEnabled": wanted} | ({"ExpiresInMinutes": minutes} if wanted else {})
    return ask("PUT", body).get("protection", {}).get("ProtectionEnabled") is wanted


def job(seconds: float) -> dict[str, Any]:
    is_protected = protect(True)
    begun = time.monotonic()
    NEVER.wait(seconds)
    ended = time.monotonic()
    return {"protected": is_protected, "begun": begun, "ended": ended, "released": protect(False)}


def do(word: str, rest: str) -> Any:
    match word:
        case "on":
            return protect(True, int(rest or 5))
        case "off":
            return protect(False)
        case "look":
            return ask("GET")["protection"]["ProtectionEnabled"]
        case "job":
            return job(float(rest))
        case "shell":
            return subprocess.run(rest, shell=True, capture_output=True, text=True, timeout=20).stdout
        case _:
            raise ValueError(word)


print(os.getpid(), flush=True)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    print(json.dumps(do(word, rest)), flush=True)
