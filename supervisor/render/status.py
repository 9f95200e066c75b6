"""How things stand, for a tired person: one screen that says what goes on, why, and what comes next by the clock.

Every line begins with what it is about and can be read alone. What workers say of themselves is cut and cleaned, so
that neither a thousand jobs nor a control character in the name of one can spoil the screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise

from supervisor.core.snapshot import HoldView, ProtectionView, Snapshot, WorkerView

# With the other lines this stays within the 24 lines of a small terminal.
_HOLDS_SHOWN = 10

_ABOUT_WIDTH = 28
_HOLDER_WIDTH = 20
_LABEL_WIDTH = 12

# In seconds; a duration shows two neighbours of these.
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def render(snapshot: Snapshot, *, log_lines_dropped: int = 0) -> str:
    """Return some 20 lines of text at most, for one worker."""
    lines = [
        ("task", _task(snapshot)),
        *_way_out(snapshot),
        *(("worker", _worker(worker)) for worker in snapshot.workers),
        *(("hooks", hooks) for hooks in _hooks(snapshot)),
        ("in flight", _in_flight(snapshot)),
        *(("", hold) for hold in _holds(snapshot.holds)),
        ("protection", _protection(snapshot.protection, bool(snapshot.holds))),
        ("next", _next(snapshot)),
    ]
    if log_lines_dropped:
        lines.append(("log", f"lines dropped, because nobody read them fast enough: {log_lines_dropped}"))
    return "".join(f"{label:{_LABEL_WIDTH}}{text}\n" for label, text in lines)


def as_json(snapshot: Snapshot, *, log_lines_dropped: int = 0) -> dict[str, object]:
    """Return the same as a structure that `json.dumps` takes: names as in Snapshot, times in seconds."""
    return {**asdict(snapshot), "log_lines_dropped": log_lines_dropped}


def _task(snapshot: Snapshot) -> str:
    admission = "takes new work" if snapshot.accepting else "takes no new work"
    text = f"{snapshot.phase} for {_duration(snapshot.phase_for)}, {admission}"
    # Once the way out has begun, why the task was quiet before is of no interest any more.
    because = snapshot.quiet_because if snapshot.phase == "quiet" else None
    return text if because is None else f"{text}: {_clean(because)}"


def _way_out(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    if snapshot.stage is None:
        yield "way out", f"not begun; would be {snapshot.stages}"
    else:
        yield "way out", f"now {snapshot.stage}, of {snapshot.stages}"
    ends = []
    if snapshot.seconds_left is not None:
        ends.append(f"work in flight is interrupted {_in(snapshot.seconds_left)}")
    if snapshot.exits_in is not None:
        ends.append(f"exit {_in(snapshot.exits_in)} at the latest")
    if ends:
        yield "", ", ".join(ends)


def _worker(worker: WorkerView) -> str:
    words = [f"{_clean(worker.name)}: {worker.phase}"]
    if worker.pid is not None:
        words.append(f"pid {worker.pid}")
    if worker.status is not None:
        words.append(f"last status {worker.status}")
    if worker.starts > 1:
        words.append(f"started {worker.starts} times")
    if worker.starts_in is not None:
        words.append(f"starts again {_in(worker.starts_in)}")
    return ", ".join(words)


def _hooks(snapshot: Snapshot) -> Iterator[str]:
    """One line for all processes of a framework: a pool may have many."""
    for name in dict.fromkeys(f"{hook.framework} {hook.version}".strip() for hook in snapshot.hooks):
        alike = [hook for hook in snapshot.hooks if f"{hook.framework} {hook.version}".strip() == name]
        gates = [hook.gate for hook in alike if hook.gate is not None]
        words = [f"{_clean(name)} in {len(alike)} process{'es' if len(alike) > 1 else ''}"]
        if gates:
            words.append(f"{gates.count('shut')} of {len(gates)} gates shut")
        if reserved := sum(hook.reserved for hook in alike):
            words.append(f"{reserved} fetched but not begun")
        yield ", ".join(words)


def _in_flight(snapshot: Snapshot) -> str:
    return f"{len(snapshot.holds) or 'nothing'} ({snapshot.holds_taken} since the start)"


def _holds(holds: tuple[HoldView, ...]) -> Iterator[str]:
    shown = holds[:_HOLDS_SHOWN]
    names = [
        (_cut(hold.about or "unnamed", _ABOUT_WIDTH), _cut(hold.holder, _HOLDER_WIDTH)) for hold in shown
    ]
    about_width = max((len(about) for about, _ in names), default=0)
    holder_width = max((len(holder) for _, holder in names), default=0)
    for hold, (about, holder) in zip(shown, names, strict=True):
        since = f"{hold.phase} for {_duration(hold.age)}"
        ends = "" if hold.expires_in is None else f", expires {_in(hold.expires_in)}"
        yield f"{about:{about_width}}  {holder:{holder_width}}  {since}{ends}"
    if len(holds) > len(shown):
        yield f"and {len(holds) - len(shown)} more, all of them younger"


def _protection(protection: ProtectionView, working: bool) -> str:
    words = [f"{protection.phase}: {_MEANING[protection.phase]}"]
    if (lease := _lease(protection)) is not None:
        words.append("for the work in flight" if working else "kept a while for the next job")
        words.append(f"the lease ends {_in(lease)}")
    if protection.request_for is not None:
        words.append(f"asked {_duration(protection.request_for)} ago, not answered yet")
    if protection.retry_in is not None:
        words.append(f"will be asked for again {_in(protection.retry_in)}")
    text = ", ".join(words)
    return text if protection.because is None else f"{text} ({_clean(protection.because)})"


# What each phase of the protection means to people, by its name in the snapshot.
_MEANING = {
    "off": "nobody is asked for it",
    "looking": "whether the task is protected is not known yet",
    "unprotected": "no work asks for it, ECS may end this task at any time",
    "acquiring": "wanted, but not confirmed",
    "protected": "ECS leaves this task alone",
    "renewing": "ECS leaves this task alone, a new lease is wanted",
    "releasing": "being let go, no work asks for it any more",
    "unavailable": "it cannot be had",
    "moot": "the task is being stopped, a lease cannot help any more",
}


def _lease(protection: ProtectionView) -> float | None:
    # What is left of a lease that is being released, or that is not confirmed, must not be relied upon.
    return protection.expires_in if protection.confirmed else None


def _next(snapshot: Snapshot) -> str:
    """Name what the clock alone will bring first."""
    protection = snapshot.protection
    planned = [
        (snapshot.seconds_left, "work in flight is interrupted"),
        (snapshot.exits_in, "the supervisor exits, whatever is left"),
        *((worker.starts_in, f"{_clean(worker.name)} is started again") for worker in snapshot.workers),
        *(
            (hold.expires_in, f"{_cut(hold.about or 'unnamed', _ABOUT_WIDTH)} expires")
            for hold in snapshot.holds
        ),
        (_lease(protection), "the lease ends, unless it is renewed"),
        (protection.retry_in, "protection is asked for again"),
    ]
    # What has passed already is told elsewhere; here it would hide what is still to come.
    ahead = [(seconds, what) for seconds, what in planned if seconds is not None and seconds > 0]
    if not ahead:
        return "nothing by the clock alone"
    seconds, what = min(ahead)
    return f"{_in(seconds)}: {what}"


def _in(seconds: float) -> str:
    return f"in {_duration(seconds)}" if seconds > 0 else "now"


def _duration(seconds: float) -> str:
    """Return the largest unit and its neighbour, such as `3 min 20 s`."""
    whole = round(seconds)
    for (name, size), (part_name, part_size) in pairwise(_UNITS):
        if whole >= size:
            part = whole % size // part_size
            return f"{whole // size} {name} {part} {part_name}" if part else f"{whole // size} {name}"
    return f"{whole} s"


def _cut(text: str, width: int) -> str:
    clean = _clean(text)
    return clean if len(clean) <= width else f"{clean[: width - 3]}..."


def _clean(text: str) -> str:
    """Return the text on one line and without what a terminal would act upon."""
    return "".join(each if each.isprintable() else "?" for each in text)
