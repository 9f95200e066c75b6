"""The worker's processes, as probes look at them: whatever descends from us, without what probes themselves have started.

psutil reads what there is to know of each; a number and the time at which the process began name it for good, because
the kernel gives numbers out again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from supervisor.adapters.proctree import Seen, descendants
from supervisor.core.probing import Unknown

if TYPE_CHECKING:
    from psutil import Process


@dataclass(frozen=True, slots=True)
class Member:
    """One living process. parent: its number; orphans are ours."""

    seen: Seen
    process: Process

    @property
    def pid(self) -> int:
        return self.seen.pid

    @property
    def parent(self) -> int:
        return self.seen.parent

    @property
    def name(self) -> tuple[int, int]:
        """What names this process and no other one, ever."""
        return self.seen.pid, self.seen.started


# While the worker runs there is always one; /proc may show another namespace, or no process of another user.
NOBODY = Unknown("no process of the worker's can be seen from here")


class Family:
    """helpers: the numbers of processes that probes have started, kept up to date by them."""

    def __init__(self, helpers: set[int]) -> None:
        # Imported by the first probe that needs it, in its own thread: the worker runs already.
        import psutil

        self._psutil = psutil
        self._helpers = helpers
        self._known: dict[tuple[int, int], Process] = {}
        self.errors: tuple[type[Exception], ...] = (psutil.Error, OSError)

    def members(self) -> list[Member]:
        """Return every living process of the worker's, parents before their children."""
        found: list[Member] = []
        for seen in living(self._helpers):
            process = self._known.get((seen.pid, seen.started))
            if process is None:
                try:
                    process = self._psutil.Process(seen.pid)
                except self._psutil.Error:
                    continue
            found.append(Member(seen, process))
        self._known = {member.name: member.process for member in found}
        return found

    def title(self, member: Member) -> str:
        """Return what the process calls itself, as `ps` shows it; empty where it has just ended or may not be seen."""
        try:
            # NB: psutil asks for the create time first, so that another process of the same number is not taken for it.
            return " ".join(member.process.cmdline()).strip() if member.process.is_running() else ""
        except self.errors:
            return ""

    def processor_seconds(self, member: Member) -> float:
        """Return the processor time that it has used so far, without what its children have."""
        try:
            times = member.process.cpu_times()
        except self.errors:
            return 0.0
        return times.user + times.system


def living(helpers: set[int]) -> list[Seen]:
    """Return what lives below us, without these helpers and whatever is below them."""
    hidden = set(helpers)
    found = []
    for seen in descendants():
        if seen.pid in hidden or seen.parent in hidden:
            hidden.add(seen.pid)
        elif not seen.zombie:
            found.append(seen)
    return found
