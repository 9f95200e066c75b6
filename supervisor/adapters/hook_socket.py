"""The hooks' socket: each connection is a holder, each line one fact about its holds, its end the end of all it held.

Served within the loop, without a thread: a line costs less than passing it to another thread would. The end of a
connection is not enough to see a holder's death, because a child it forked may keep the descriptor open; so the process that
connected is watched as well, by a pidfd. Where the child does so to go on with the work, which its hook says (`heirs`), the
connection alone tells the end of that, and the end of the process only that it begins nothing new. Nothing a peer does can
hold the loop up: reads are bounded per turn, what it does not read is superseded or dropped, and when descriptors run out the
socket rests for a second. The C module below `socket` does all of it, for half a megabyte less.
"""

from __future__ import annotations

import _socket
import itertools
import os
import selectors
import sys
from collections.abc import Callable
from contextlib import suppress

from supervisor.core.effects import Announce, Grant, Refuse
from supervisor.core.events import (
    AdviceGiven,
    Event,
    GateOpened,
    GateShut,
    HolderDied,
    HoldRefreshed,
    HoldReleased,
    HoldTaken,
    HookAttached,
    JobsCounted,
    WorkReserved,
)
from supervisor.core.instants import NEVER, Instant, after
from supervisor.core.names import HolderId, HoldId
from supervisor.ports import Clock

from . import hook_protocol as protocol
from .hook_connection import Connection

# More processes than a task has room for; each costs two descriptors and some memory.
MOST_CONNECTIONS = 1000

# Of the descriptors that we may have. Twice as many are taken then, and the rest is for the API, for the requests that renew a
# lease, and for the last look at who is left.
_SHARE_OF_DESCRIPTORS = 3

# Per connection. A worker does not run so many jobs at a time: a hook that opens more forgets to close them.
MOST_HOLDS = 10_000

# So many lines in a row that cannot be understood come from something that is no hook.
MALFORMED_IN_A_ROW = 10

# How long no connection is accepted after descriptors or memory ran out; whoever connects waits in the kernel.
_REST_SECONDS = 1.0

# One call of accept a turn would be enough; a few save turns when all of a worker's processes start at once.
_ACCEPT_AT_ONCE = 16

# struct ucred: pid, uid, gid, four bytes each (unix(7)).
_CREDENTIALS_BYTES = 12


class HookSocket:
    """Fulfils ports.Hooks.

    listener: the descriptor of the listening socket at `path`. emit: takes the facts, in order.
    """

    def __init__(
        self,
        listener: int,
        path: str,
        selector: selectors.BaseSelector,
        clock: Clock,
        emit: Callable[[Event], None],
    ) -> None:
        self._server = _socket.socket(fileno=listener)
        self._path = path
        self._selector = selector
        self._clock = clock
        self._emit = emit
        self._numbers = itertools.count(1)
        self._connections: dict[str, Connection] = {}
        self._news: Announce | None = None
        self._news_at = Instant(0.0)
        self._rests_until = NEVER
        self._most_connections = _most_connections()
        selector.register(self._server, selectors.EVENT_READ, self._accept)

    def announce(self, news: Announce) -> None:
        self._news, self._news_at = news, self._clock.now()
        for connection in tuple(self._connections.values()):
            self._say_state(connection)

    def answer(self, order: Grant | Refuse) -> None:
        holder, _, id_ = order.hold.partition("/")
        connection = self._connections.get(holder)
        if connection is None:
            return
        if isinstance(order, Grant):
            connection.say(protocol.granted(id_, order.protected))
        else:
            connection.open_ids.pop(id_, None)
            connection.say(protocol.refused(id_, order.why))
        self._watch(connection)

    def close(self) -> None:
        # The end of this process, which follows at once, hangs up on everybody, and faster than we could.
        with suppress(OSError):
            os.unlink(self._path)

    def wake_at(self) -> Instant:
        """Return when to accept connections again."""
        return self._rests_until

    def wake(self) -> None:
        """Accept connections again."""
        self._rests_until = NEVER
        self._selector.register(self._server, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        for _ in range(_ACCEPT_AT_ONCE):
            try:
                descriptor, _ = self._server._accept()  # type: ignore[attr-defined]
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:
                # No descriptors or no memory: what waits would wake the loop for ever.
                self._selector.unregister(self._server)
                self._rests_until = after(self._clock.now(), _REST_SECONDS)
                return
            self._welcome(_socket.socket(fileno=descriptor))

    def _welcome(self, connected: _socket.socket) -> None:
        pid = _peer(connected)
        connection = Connection(connected, f"{pid}#{next(self._numbers)}")
        if len(self._connections) >= self._most_connections:
            connection.say(protocol.problem(f"there are {self._most_connections} connections already"))
            connection.close()
            return
        self._connections[connection.holder] = connection
        self._selector.register(connection.fileno(), selectors.EVENT_READ, lambda: self._serve(connection))
        # The number is 0 where the peer is in another PID namespace; then only the connection tells its end.
        if pid > 0:
            self._watch_process(connection, pid)
        if connection.holder in self._connections:
            self._say_state(connection)

    def _watch_process(self, connection: Connection, pid: int) -> None:
        try:
            connection.process = os.pidfd_open(pid)
        except ProcessLookupError:
            self._end(connection, f"process {pid} has ended")
            return
        except OSError:
            # An old kernel, or no descriptor left.
            return
        ended = f"process {pid} has ended"
        self._selector.register(
            connection.process, selectors.EVENT_READ, lambda: self._process_ended(connection, ended)
        )

    def _process_ended(self, connection: Connection, why: str) -> None:
        if not connection.has_heirs:
            self._end(connection, why)
            return
        self._forget_process(connection)
        holder = HolderId(connection.holder)
        self._emit(GateShut(holder))
        self._emit(WorkReserved(holder, 0))

    def _serve(self, connection: Connection) -> None:
        if connection.holder not in self._connections:
            # Its process was found dead in this turn.
            return
        connection.flush()
        try:
            lines = connection.read_lines()
        except OverflowError:
            connection.say(protocol.problem(f"a line must be shorter than {protocol.LINE_BYTES} bytes"))
            self._end(connection, "it sent an endless line")
            return
        if lines is None:
            self._end(connection, "it has closed the connection")
            return
        released: dict[str, None] = {}
        for line in lines:
            self._take(connection, line, released)
            if connection.malformed >= MALFORMED_IN_A_ROW:
                break
        for id_ in released:
            self._emit(HoldReleased(_hold(connection, id_)))
        if connection.malformed >= MALFORMED_IN_A_ROW:
            self._end(connection, "it does not speak the protocol")
        else:
            self._watch(connection)

    def _take(self, connection: Connection, line: bytes, released: dict[str, None]) -> None:
        """Pass on what a line says.

        released: holds whose end is passed on after all that was said in the same breath, or a worker that ends a job and
        begins the next would look idle in between, and a stop would come just then.
        """
        try:
            request = protocol.read_request(line)
        except protocol.MalformedError as error:
            connection.malformed += 1
            connection.say(protocol.problem(str(error)))
            return
        connection.malformed = 0
        holder, now_open = HolderId(connection.holder), connection.open_ids
        match request:
            case protocol.Hold(id=id_, about=about, ttl=ttl, wait=wait, fetching=fetching):
                if id_ not in now_open and connection.is_full(MOST_HOLDS, self._clock):
                    connection.say(
                        protocol.problem(f"there are {MOST_HOLDS} holds already, {id_} is not one")
                    )
                    return
                if id_ in released:
                    del released[id_]
                    self._emit(HoldReleased(_hold(connection, id_)))
                now_open[id_] = self._ends_at(ttl)
                self._emit(HoldTaken(_hold(connection, id_), holder, about, ttl, wait, fetching))
            case protocol.Refresh(id=id_, ttl=ttl):
                if id_ in now_open:
                    now_open[id_] = self._ends_at(ttl)
                    self._emit(HoldRefreshed(_hold(connection, id_), ttl))
            case protocol.Release(id=id_):
                if id_ in now_open:
                    del now_open[id_]
                    released[id_] = None
            case protocol.Did(count=count):
                self._emit(JobsCounted(holder, count))
            case protocol.Hello(about=about):
                connection.about, connection.has_heirs = about, request.heirs
                if request.framework:
                    connection.is_attached = True
                    self._emit(HookAttached(holder, about, request.framework, request.version, request.gate))
            case protocol.Shut():
                self._emit(GateShut(holder))
            case protocol.Opened():
                self._emit(GateOpened(holder))
            case protocol.Reserved(count=count):
                self._emit(WorkReserved(holder, count))
            case protocol.Advice(setting=setting, why=why, fix=fix):
                self._emit(AdviceGiven(holder, setting, why, fix))
            case protocol.Ping():
                connection.say(protocol.pong())

    def _ends_at(self, ttl: float | None) -> Instant:
        return NEVER if ttl is None else after(self._clock.now(), ttl)

    def _say_state(self, connection: Connection) -> None:
        if self._news is None:
            return
        left = self._news.seconds_left
        if left is not None:
            left = max(0.0, left - (self._clock.now() - self._news_at))
        connection.say_state(protocol.state(self._news, left))
        self._watch(connection)

    def _watch(self, connection: Connection) -> None:
        """Wait for room to write only where something waits for it, or the loop would never rest."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.is_behind else 0)
        key = self._selector.get_key(connection.fileno())
        if key.events != wanted:
            self._selector.modify(connection.fileno(), wanted, key.data)

    def _end(self, connection: Connection, why: str) -> None:
        """Forget a connection and all that it held."""
        if connection.holder not in self._connections:
            return
        self._drop(connection)
        if connection.open_ids or connection.is_attached:
            about = f"{connection.about}: {why}" if connection.about else why
            self._emit(HolderDied(HolderId(connection.holder), about))

    def _drop(self, connection: Connection) -> None:
        del self._connections[connection.holder]
        self._selector.unregister(connection.fileno())
        self._forget_process(connection)
        connection.close()

    def _forget_process(self, connection: Connection) -> None:
        process, connection.process = connection.process, None
        if process is not None:
            self._selector.unregister(process)
            os.close(process)


def _most_connections() -> int:
    limit = os.sysconf("SC_OPEN_MAX")
    return MOST_CONNECTIONS if limit < 0 else min(MOST_CONNECTIONS, limit // _SHARE_OF_DESCRIPTORS)


def _hold(connection: Connection, id_: str) -> HoldId:
    return HoldId(f"{connection.holder}/{id_}")


def _peer(connected: _socket.socket) -> int:
    """Return the number of the process that connected."""
    credentials = connected.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _CREDENTIALS_BYTES)
    return int.from_bytes(credentials[:4], sys.byteorder, signed=True)
