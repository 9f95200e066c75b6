"""Control groups named after containers, by which a process of one container tells whose another one is.

They limit nothing. Without the right to make them (they need root and a writable hierarchy) containers run without.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

# The second version's mount, then those of the first; which of them does not matter, any says who belongs together.
_HIERARCHIES = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory")

# Joins a group, then becomes the command.
_JOIN = 'echo $$ >"$0" && exec "$@"'


class ControlGroups:
    """A directory of groups in the first hierarchy that lets us; `are_possible` says whether there is one."""

    def __init__(self) -> None:
        self._root = _made(f"ecs-emulated-{uuid.uuid4().hex}")
        self._groups: list[Path] = []

    @property
    def are_possible(self) -> bool:
        return self._root is not None

    def launcher(self, docker_id: str) -> tuple[str, ...]:
        """The words before a command that is to run in the group of this container."""
        if self._root is None:
            return ()
        group = self._root / docker_id
        group.mkdir(exist_ok=True)
        self._groups.append(group)
        return ("sh", "-c", _JOIN, str(group / "cgroup.procs"))

    def close(self) -> None:
        """Remove the groups whose processes have ended."""
        for group in (*self._groups, *([] if self._root is None else [self._root])):
            with suppress(OSError):
                group.rmdir()


def _made(name: str) -> Path | None:
    for hierarchy in _HIERARCHIES:
        path = Path(hierarchy) / name
        try:
            path.mkdir()
        except OSError:
            continue
        if (path / "cgroup.procs").exists():
            return path
        path.rmdir()
    return None
