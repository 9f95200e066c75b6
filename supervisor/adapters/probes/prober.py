"""All probes of a run: makes each from what was asked for, and passes on to them what they need to hear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from supervisor.config.probes import ProbeSpec
from supervisor.core.effects import Announce, Note
from supervisor.core.events import Event
from supervisor.core.probing import ProbePolicy
from supervisor.ports import Clock, Sampler

from .family import Family, living
from .statuses import Statuses
from .watch import SHARE, Watch


class Prober:
    """Fulfils ports.Probes.

    Bound: a look at processes, files and the kernel's tables takes what the kernel takes; an HTTP request ends within 3 s,
    a command within 5 s. A look that fails is a look that cannot tell, never an exception.
    """

    def __init__(
        self,
        specs: Sequence[ProbeSpec],
        clock: Clock,
        spawn_thread: Callable[[str, Callable[[], None]], None],
        tell: Callable[[Note], None],
    ) -> None:
        self._specs = specs
        self._clock = clock
        self._spawn_thread = spawn_thread
        self._tell = tell
        self._helpers = set[int]()
        self._statuses = Statuses()
        self._watches: list[Watch] = []

    def start(self, post: Callable[[Event], None]) -> None:
        share = SHARE / len(self._specs)
        for spec in self._specs:
            watch = Watch(
                ProbePolicy(spec.name, spec.settle, proves_idle=spec.sees.proves_idle),
                partial(self._sampler, spec),
                share,
                self._clock,
                post,
                self._tell,
                lambda: not living(self._helpers),
                counts_children=spec.kind == "command",
            )
            self._watches.append(watch)
            self._spawn_thread(spec.name, watch.work)

    def announce(self, news: Announce) -> None:
        for watch in self._watches:
            watch.announce(news.accepting and not news.stopping)

    def worker_ended(self) -> None:
        for watch in self._watches:
            watch.worker_ended()

    def collected(self, pid: int, status: int) -> None:
        self._statuses.add(pid, status)

    def close(self) -> None:
        for watch in self._watches:
            watch.close()

    def _sampler(self, spec: ProbeSpec) -> Sampler:
        """Make what looks; each module is loaded by the first probe that needs it, when the worker runs already."""
        family = partial(Family, self._helpers)
        match spec.kind:
            case "title":
                from .title import Title

                return Title(spec.argument, family)
            case "children":
                from .children import Children

                return Children(spec.argument, family)
            case "command":
                from .command import Command

                return Command(spec.argument, self._statuses, self._helpers)
            case "http":
                from .http import Http

                return Http(spec.argument)
            case "file":
                from .file import File

                return File(spec.argument)
            case "lock":
                from .lock import Lock

                return Lock(spec.argument)
            case "cpu":
                from .cpu import Cpu

                return Cpu(float(spec.argument), family, self._clock.now)
            case "sockets":
                from .sockets import Sockets

                return Sockets(int(spec.argument), self._helpers)
            case _:
                raise ValueError(f"there is no probe {spec.kind}")
