"""What `drain` says when the supervisor is gone before its answer is."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from tests.process.harness import checkout

UNAVAILABLE = 69

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"phase": "running"}\n'


class Failing:
    """Takes one request and hangs up without an answer; then it is gone, or answers whoever comes next."""

    def __init__(self, path: Path, stays: bool) -> None:
        self.asked: list[bytes] = []
        self._path = path
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._stays = stays
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._server:
            self._take(b"")
            if self._stays:
                self._take(ANSWER)

    def _take(self, answer: bytes) -> None:
        connected, _ = self._server.accept()
        with connected:
            self.asked.append(connected.recv(4096).split()[1])
            if not self._stays:
                self._path.unlink()
            connected.sendall(answer)

    def close(self) -> None:
        self._thread.join()


@pytest.mark.parametrize(
    ("stays", "status", "says"),
    [
        (False, 0, "the supervisor has exited\n"),
        (True, UNAVAILABLE, "ecs-supervisor: the supervisor at unix:"),
    ],
)
def test_a_drain_may_end_before_it_is_answered(tmp_path: Path, stays: bool, status: int, says: str) -> None:
    """An idle worker may end at once: that is what was asked for, and no failure; a supervisor that is still there has failed."""
    server = Failing(tmp_path / "api", stays)
    done = subprocess.run(
        [*checkout(), "drain", "--wait", "--api", f"unix:{tmp_path / 'api'}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=15,
        env=dict(os.environ),
    )
    server.close()
    assert server.asked == [b"/v1/drain", b"/v1/status"][: 1 + stays]
    assert done.returncode == status
    assert done.stdout.startswith(says)
