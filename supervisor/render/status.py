"""How things stand, for a tired person: one screen that says what goes on, why, and what comes next by the clock.

Every line begins with what it is about and can be read alone. What workers say of themselves is cut and cleaned, so
that neither a thousand jobs nor a control character in the name of one can spoil the screen.
"""

from __future__ import annotations

from .wording import clean, cut, duration, within

TYPE_CHECKING = False
if TYPE_CHECKING:
    # For their names only: the command that shows the state of another process has no use for the machines behind them.
    from collections.abc import Callable, Iterator

    from supervisor.core.snapshot import HoldView, ProtectionView, Snapshot, WorkerView

    # Says at what time something is, so many seconds from now, after a word; empty where nobody needs to know.
    Stamp = Callable[[float, str], str]

# With the other lines this stays within the 24 lines of a small terminal.
_HOLDS_SHOWN = 10

_ABOUT_WIDTH = 28
_HOLDER_WIDTH = 20
LABEL_WIDTH = 12


def render(snapshot: Snapshot, *, log_lines_dropped: int = 0) -> str:
    """Return some 20 lines of text at most, for one worker."""
    shown = list(lines(snapshot, lambda _seconds, _word: ""))
    if log_lines_dropped:
        shown.append(("log", f"lines dropped, because nobody read them fast enough: {log_lines_dropped}"))
    return "".join(f"{label:{LABEL_WIDTH}}{text}\n" for label, text in shown)


def lines(snapshot: Snapshot, stamp: Stamp) -> Iterator[tuple[str, str]]:
    """Yield what each line is about, empty where it goes on with the one above, and the line."""
    yield "task", _task(snapshot, stamp)
    yield from _way_out(snapshot, stamp)
    yield from (("worker", _worker(worker)) for worker in snapshot.workers)
    yield from (("hooks", hooks) for hooks in _hooks(snapshot))
    yield "in flight", _in_flight(snapshot)
    yield from (("", hold) for hold in hold_lines(snapshot.holds, _HOLDS_SHOWN))
    yield "protection", _protection(snapshot.protection, bool(snapshot.holds), stamp)
    yield "next", _next(snapshot)


def as_json(snapshot: Snapshot, *, log_lines_dropped: int = 0) -> dict[str, object]:
    """Return the same as a structure that `json.dumps` takes: names as in Snapshot, times in seconds."""
    from dataclasses import asdict

    return {**asdict(snapshot), "log_lines_dropped": log_lines_dropped}


def _task(snapshot: Snapshot, stamp: Stamp) -> str:
    admission = "takes new work" if snapshot.accepting else "takes no new work"
    since = stamp(-snapshot.phase_for, "since ")
    text = f"{snapshot.phase} for {duration(snapshot.phase_for)}{since}, {admission}"
    # Once the way out has begun, why the task was quiet before is of no interest any more.
    because = snapshot.quiet_because if snapshot.phase == "quiet" else None
    return text if because is None else f"{text}: {clean(because)}"


def _way_out(snapshot: Snapshot, stamp: Stamp) -> Iterator[tuple[str, str]]:
    if snapshot.stage is None:
        yield "way out", f"not begun; would be {snapshot.stages}"
    else:
        yield "way out", f"now {snapshot.stage}, of {snapshot.stages}"
    ends = []
    if snapshot.seconds_left is not None:
        left = snapshot.seconds_left
        ends.append(f"work in flight is interrupted {within(left)}{stamp(left, '')}")
    if snapshot.exits_in is not None:
        ends.append(f"exit {within(snapshot.exits_in)}{stamp(snapshot.exits_in, '')} at the latest")
    if ends:
        yield "", ", ".join(ends)


def _worker(worker: WorkerView) -> str:
    words = [f"{clean(worker.name)}: {worker.phase}"]
    if worker.pid is not None:
        words.append(f"pid {worker.pid}")
    if worker.status is not None:
        words.append(f"last status {worker.status}")
    if worker.starts > 1:
        words.append(f"started {worker.starts} times")
    if worker.starts_in is not None:
        words.append(f"starts again {within(worker.starts_in)}")
    return ", ".join(words)


def _hooks(snapshot: Snapshot) -> Iterator[str]:
    """One line for all processes of a framework: a pool may have many."""
    for name in dict.fromkeys(f"{hook.framework} {hook.version}".strip() for hook in snapshot.hooks):
        alike = [hook for hook in snapshot.hooks if f"{hook.framework} {hook.version}".strip() == name]
        gates = [hook.gate for hook in alike if hook.gate is not None]
        words = [f"{clean(name)} in {len(alike)} process{'es' if len(alike) > 1 else ''}"]
        if gates:
            words.append(f"{gates.count('shut')} of {len(gates)} gates shut")
        if reserved := sum(hook.reserved for hook in alike):
            words.append(f"{reserved} fetched but not begun")
        yield ", ".join(words)


def _in_flight(snapshot: Snapshot) -> str:
    return f"{len(snapshot.holds) or 'nothing'} ({snapshot.holds_taken} since the start)"


def hold_lines(holds: tuple[HoldView, ...], most: int) -> Iterator[str]:
    """Yield a line for each hold, the oldest first, and one that counts those that are too many."""
    shown = sorted(holds, key=lambda hold: hold.age, reverse=True)[:most]
    names = [(cut(hold.about or "unnamed", _ABOUT_WIDTH), cut(hold.holder, _HOLDER_WIDTH)) for hold in shown]
    about_width = max((len(about) for about, _ in names), default=0)
    holder_width = max((len(holder) for _, holder in names), default=0)
    for hold, (about, holder) in zip(shown, names, strict=True):
        since = f"{hold.phase} for {duration(hold.age)}"
        ends = "" if hold.expires_in is None else f", expires {within(hold.expires_in)}"
        yield f"{about:{about_width}}  {holder:{holder_width}}  {since}{ends}"
    if len(holds) > len(shown):
        yield f"and {len(holds) - len(shown)} more, all of them younger"


def _protection(protection: ProtectionView, working: bool, stamp: Stamp) -> str:
    # Another version's supervisor may know a phase more.
    words = [f"{protection.phase}: {_MEANING.get(protection.phase, 'not known to this version')}"]
    if (lease := _lease(protection)) is not None:
        words.append("for the work in flight" if working else "kept a while for the next job")
        words.append(f"the lease ends {within(lease)}{stamp(lease, '')}")
    if protection.request_for is not None:
        words.append(f"asked {duration(protection.request_for)} ago, not answered yet")
    if protection.retry_in is not None:
        words.append(f"will be asked for again {within(protection.retry_in)}")
    text = ", ".join(words)
    return text if protection.because is None else f"{text} ({clean(protection.because)})"


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
        *((worker.starts_in, f"{clean(worker.name)} is started again") for worker in snapshot.workers),
        *(
            (hold.expires_in, f"{cut(hold.about or 'unnamed', _ABOUT_WIDTH)} expires")
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
    return f"{within(seconds)}: {what}"
