"""The queues, as soon as the library that talks to them is loaded: that takes longer than all else at the start."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from supervisor.adapters.sqs.client import make_clients
from supervisor.adapters.sqs.queue import Queue, Receiver
from supervisor.adapters.sqs.trouble import Trouble
from supervisor.config.sqsd.queues import QueueSpec


class Service:
    """May be used by any number of threads. wait: seconds, of the longest poll. connections: calls at once."""

    def __init__(
        self,
        specs: Sequence[QueueSpec],
        region: str | None,
        endpoint_url: str | None,
        wait: int,
        connections: int,
    ) -> None:
        self._specs = specs
        self._region = region
        self._endpoint_url = endpoint_url
        self._wait = wait
        self._connections = connections
        self._opening = threading.Lock()
        self._queues: Mapping[str, Queue] = {}
        self._receivers: dict[str, list[Receiver]] = {spec.name: [] for spec in specs}

    def queue(self, name: str) -> Queue | Trouble:
        """Return a queue, or why there is none yet; the next call tries again. Waits while the library is loaded."""
        with self._opening:
            if not self._queues:
                clients = make_clients(self._region, self._endpoint_url, self._wait, self._connections)
                if isinstance(clients, Trouble):
                    return clients
                self._queues = {spec.name: Queue(clients, spec.url) for spec in self._specs}
        return self._queues[name]

    def borrow(self, name: str) -> Receiver | Trouble:
        """Return a receiver for one poll: the one that came back last, because it may have something to ask for again."""
        queue = self.queue(name)
        if isinstance(queue, Trouble):
            return queue
        try:
            return self._receivers[name].pop()
        except IndexError:
            return queue.receiver()

    def give_back(self, name: str, receiver: Receiver) -> None:
        self._receivers[name].append(receiver)
