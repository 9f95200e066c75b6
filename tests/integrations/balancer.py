"""A small load balancer: sends requests to the tasks that are healthy and registered, and goes on for a while after one is not.

That delay is what makes stops of web workers hard: the balancer hears late that a task is leaving, and what it sends until then
must still be answered.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# A request that takes longer than any job here has been forgotten.
_LIMIT_SECONDS = 60.0


@dataclass
class Outcomes:
    """What became of the requests. status: by the job's name; 0 where the connection was refused, reset or cut."""

    status: dict[str, int] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> dict[str, str]:
        return {
            name: self.why.get(name, str(status)) for name, status in self.status.items() if status != 200
        }


class Balancer:
    """registered: the ports that it should send to now. delay: seconds for which it goes on after a port has left them.

    most: requests under way to one port; more than a server can work on would wait inside it, and a server that is too
    small for its load loses requests without being stopped. answered: called after each answer, from the request's thread.
    """

    def __init__(
        self,
        registered: Callable[[], Iterable[int]],
        delay: float,
        most: int = 1000,
        answered: Callable[[], object] = lambda: None,
    ) -> None:
        self.outcomes = Outcomes()
        self._registered = registered
        self._delay = delay
        self._until: dict[int, float] = {}
        self._healthy = set[int]()
        self._most = most
        self._answered = answered
        self._under_way: Counter[int] = Counter()
        self._lock = threading.RLock()
        self._threads: list[threading.Thread] = []

    def targets(self) -> list[int]:
        """Return the ports that get requests: seen healthy once, and registered until a moment ago."""
        now = time.monotonic()
        for port in self._registered():
            self._until[port] = now + self._delay
        sent_to = [port for port, until in self._until.items() if now < until]
        self._healthy |= {port for port in sent_to if port not in self._healthy and _answers(port)}
        return sorted(port for port in sent_to if port in self._healthy)

    def send(self, name: str, seconds: float) -> bool:
        """Send a request that takes so long, from a thread of its own; False where there is nobody to send it to."""
        with self._lock:
            free = [port for port in self.targets() if self._under_way[port] < self._most]
            if not free:
                return False
            port = min(free, key=self._under_way.__getitem__)
            self._under_way[port] += 1
            thread = threading.Thread(target=self._ask, args=(port, name, seconds), daemon=True)
            self._threads.append(thread)
        thread.start()
        return True

    def finish(self) -> Outcomes:
        """Wait for all that was sent."""
        for thread in self._threads:
            thread.join(_LIMIT_SECONDS)
        return self.outcomes

    def _ask(self, port: int, name: str, seconds: float) -> None:
        try:
            self.outcomes.status[name] = get(port, f"/{name}?{seconds}")
        except (OSError, http.client.HTTPException) as error:
            self.outcomes.why[name] = repr(error)
            self.outcomes.status[name] = 0
        with self._lock:
            self._under_way[port] -= 1
        self._answered()


def get(port: int, path: str) -> int:
    """Return the status of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT_SECONDS)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def _answers(port: int) -> bool:
    try:
        return get(port, "/") == 200
    except (OSError, http.client.HTTPException):
        return False
