"""Sees work in the processes that workers fork for each job (RQ's work-horse, Resque's child).

Most children of a worker are no jobs: pools, schedulers and wrappers live as long as it does. Without an expression only the
parent's own word counts, a title that says `Forked 123 at ...`, and only while that child lives: RQ says so on after its
end. Who was seen once is waited for until it ends, by its number and the time at which it began: a horse outlives the
worker that forked it.
"""

from __future__ import annotations

from collections.abc import Callable

from supervisor.core.probing import Busy, Idle, Sample

from .family import NOBODY, Family, Member
from .title import LONGEST_ABOUT


class Children:
    """expression: of the titles of processes that are jobs; empty where the parents say which are."""

    def __init__(self, expression: str, family: Callable[[], Family]) -> None:
        import re

        self._says = re.compile(r"\b(?:Forked|Spawned) (\d+)\b").search
        self._search = re.compile(expression).search if expression else None
        self._family = family()
        self._jobs: set[tuple[int, int]] = set()

    def look(self) -> Sample:
        members = self._family.members()
        if not members:
            return NOBODY
        found = self._named(members) if self._search is None else self._matching(members)
        # What was a job is one until its end, whoever its parent is by now and however it calls itself.
        jobs = [member for member in members if member.name in found or member.name in self._jobs]
        self._jobs = {job.name for job in jobs}
        if not jobs:
            return Idle()
        title = self._family.title(jobs[0])[:LONGEST_ABOUT]
        return Busy(f"{title} [{jobs[0].pid}]" if title else f"process {jobs[0].pid}")

    def _named(self, members: list[Member]) -> set[tuple[int, int]]:
        """Return the children whose parent says that it has forked them for a job."""
        by_pid = {member.pid: member for member in members}
        found = set()
        for parent in members:
            said = self._says(self._family.title(parent))
            child = by_pid.get(int(said[1])) if said is not None else None
            if child is not None and child.parent == parent.pid:
                found.add(child.name)
        return found

    def _matching(self, members: list[Member]) -> set[tuple[int, int]]:
        search = self._search
        assert search is not None
        # The first is the worker itself.
        return {member.name for member in members[1:] if search(self._family.title(member))}
