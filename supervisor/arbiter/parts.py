"""What an arbiter has in the place of a supervisor's parts: it lives among its own clients, and has started no process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress

from supervisor.adapters.hook_socket import HookSocket
from supervisor.core.events import Event, SpawnFailed
from supervisor.core.names import SignalName, WorkerName


class OwnHooks(HookSocket):
    """The hook socket of one who is among its own clients and may be forked."""

    def serve_others(self) -> bool:
        """Say whether anybody but this process is connected."""
        return any(not self._is_own(holder) for holder in self._connections)

    def retire(self) -> None:
        """Hear nobody new, and end what this process holds: its end will follow."""
        with suppress(KeyError):
            self._selector.unregister(self._server)
        self._server.close()
        self.close()
        for holder, connection in tuple(self._connections.items()):
            if self._is_own(holder):
                self._end(connection, "its process ends")

    def forsake(self) -> None:
        """Close all descriptors, and tell the selector nothing: it may be shared with a parent."""
        self._server.close()
        for connection in self._connections.values():
            connection.close()
            if connection.process is not None:
                os.close(connection.process)

    def _is_own(self, holder: str) -> bool:
        return holder.startswith(f"{os.getpid()}#")


class Elsewhere:
    """Fulfils ports.Workers for one who has started no process: nobody is signalled, and nobody's end is collected."""

    def spawn(self, worker: WorkerName) -> Event:
        return SpawnFailed(worker, 126, "an arbiter starts nothing")

    def signal(self, worker: WorkerName, signal: SignalName) -> bool:  # noqa: ARG002
        return False

    def stop(self, worker: WorkerName, signal: SignalName) -> bool:  # noqa: ARG002
        return False

    def prepared(
        self,
        worker: WorkerName,  # noqa: ARG002
        signal: SignalName,  # noqa: ARG002
        wakes: bool,  # noqa: ARG002
    ) -> tuple[Callable[[], object], ...]:
        return ()

    def kill(self, worker: WorkerName) -> int:  # noqa: ARG002
        return 0

    def reap(self) -> Iterable[Event]:
        return ()

    def sweep(self, limit: float) -> int:  # noqa: ARG002
        return 0
