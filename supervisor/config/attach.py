"""Attaches a hook to a worker that was recognised: which door to open, and what all Python frameworks need besides.

Pure and light: it runs before the worker does, and only the one door that is needed is loaded.
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen

from .doors import Door, Opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Read by supervisor.hooks._attach: the process that becomes the worker takes it out of its environment.
ATTACH_VARIABLE = "ECS_SUPERVISOR_ATTACH"

PYTHON_FRAMEWORKS = frozenset(("celery", "rq", "dramatiq", "huey", "arq", "taskiq"))
# Their doors only set time limits: there is no hook to be heard of.
WITHOUT_HOOK = frozenset(("gunicorn", "uvicorn", "puma"))


class Attached(Frozen):
    """command: what to start. environ: what to add to the worker's. how: for people, empty where nothing was attached.

    expected: the framework whose hook should be heard of, None where there is none. why_not: why nothing was attached.
    """

    command: tuple[str, ...]
    environ: Mapping[str, str]
    how: str
    expected: str | None
    why_not: str


def attach(name: str, door: Door) -> Attached:
    """Open the door of the framework with this name, if it has one."""
    opened = _open(name, door)
    if isinstance(opened, str):
        return Attached(door.command, {}, "", None, opened)
    added = dict(opened.environ)
    if name in PYTHON_FRAMEWORKS:
        python = f"{door.folder}/python"
        path = added.get("PYTHONPATH") or door.environ.get("PYTHONPATH")
        added |= {"PYTHONPATH": f"{python}:{path}" if path else python}
    if name in WITHOUT_HOOK:
        return Attached(opened.command, added, opened.how, None, "")
    added |= {ATTACH_VARIABLE: name}
    return Attached(opened.command, added, opened.how, name, "")


def _open(name: str, door: Door) -> Opened | str:
    match name:
        case "celery":
            from .doors.celery import open_door
        case "rq":
            from .doors.rq import open_door
        case "dramatiq":
            from .doors.dramatiq import open_door
        case "huey":
            from .doors.huey import open_door
        case "arq":
            from .doors.arq import open_door
        case "taskiq":
            from .doors.taskiq import open_door
        case "sidekiq":
            from .doors.sidekiq import open_door
        case "bullmq":
            from .doors.bullmq import open_door
        case "gunicorn":
            from .doors.gunicorn import open_door
        case "uvicorn":
            from .doors.uvicorn import open_door
        case "puma":
            from .doors.puma import open_door
        case _:
            return "there is no hook for this kind of worker"
    return open_door(door)
