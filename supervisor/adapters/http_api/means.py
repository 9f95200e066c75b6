"""What the API needs of the rest of the supervisor, and how it is to behave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supervisor.core.effects import Note
from supervisor.core.tally import Tally
from supervisor.ports import Clock, Desk, Hooks

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from .exchange import WSGIApp


@dataclass(frozen=True, slots=True)
class Patience:
    """So many seconds a connection may take. request: to say what it wants, a packet mostly. read: to take the answer.

    idle: with nothing to say. Clients that keep a connection for the next job reconnect after a longer pause. alive: until a
    stream gives a sign of life: what is between may close a silent connection, and only writing finds out a lost peer.
    """

    request: float = 10.0
    read: float = 30.0
    idle: float = 120.0
    alive: float = 15.0


@dataclass(frozen=True, slots=True)
class Also:
    """What status and metrics have beside a snapshot and the counts.

    fields: of status, as `json.dumps` takes them. metrics: makes a collector, in whatever thread wants one.
    """

    fields: Mapping[str, object]
    metrics: Callable[[], Collector]


@dataclass(frozen=True, slots=True)
class Means:
    """tell: takes a note, from any thread. about: what status says of this process: at least `version`.

    token_file: has what whoever steers must know. remote: others than this task may come, by names that we do not know.
    mounts: applications that answer below a path, such as "/agent", in our place; they have our limits. hooks: hear what is
    announced and answered on their behalf. also: looks at the rest, on the deciding thread; None where there is none.
    """

    desk: Desk
    clock: Clock
    tell: Callable[[Note], None]
    tally: Tally
    about: Callable[[], Mapping[str, object]]
    lines_dropped: Callable[[], int]
    token_file: str | None = None
    remote: bool = False
    mounts: Mapping[str, WSGIApp] = field(default_factory=dict)
    hooks: Sequence[Hooks] = ()
    also: Callable[[], Also] | None = None
    patience: Patience = Patience()
