"""The probes that a user may ask for: how each is written, what it sees, and what it cannot see.

A text names one probe, as in `title=busy` or `children`. Several in one text (the variable) stand on lines of their own or
are parted by semicolons, and `;;` is a semicolon that means itself. Only a probe with a regular expression pays for the module that reads one.
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen
from supervisor.core.problem import Problem

from .reading import did_you_mean, finite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .reading import Reader

# Ports of TCP.
_PORTS = range(1, 65_536)


class ProbeSpec(Frozen):
    """One probe. settle: seconds of nothing but idle before it is believed."""

    kind: str
    argument: str
    name: str
    settle: float

    @property
    def sees(self) -> ProbeKind:
        return KINDS[self.kind]


class ProbeKind(Frozen):
    """argument: how it is written. settle: seconds, longer than the slowest publisher of what this kind looks at.

    unseen: what it cannot see, for people. is_needed: whether there must be an argument.
    """

    name: str
    argument: str
    is_needed: bool
    settle: float
    busy: str
    unseen: str
    proves_idle: bool

    @property
    def written(self) -> str:
        return f"{self.name}={self.argument}" if self.is_needed else f"{self.name}[={self.argument}]"


_ROWS = (
    ProbeKind(
        name="title",
        argument="REGEX",
        is_needed=True,
        # Sidekiq rewrites its title every 5 s; and the time between two looks.
        settle=7.0,
        busy="the title of one of the worker's processes matches; with a group in REGEX, when the group is neither 0 nor"
        " empty, and then no match at all means nothing",
        unseen="a job shorter than the time between two titles (Sidekiq: 5 s), or a job in its first seconds",
        proves_idle=True,
    ),
    ProbeKind(
        name="children",
        argument="REGEX",
        is_needed=False,
        settle=2.0,
        busy="a process lives of which its parent's title says `Forked` or `Spawned` and its number (RQ, Resque); with"
        " REGEX, when the title of a process below the worker's first one matches. It counts until it ends, even after"
        " its parent",
        unseen="a job between two looks, a job in a thread, and RQ's jobs where setproctitle is not installed",
        proves_idle=True,
    ),
    ProbeKind(
        name="command",
        argument="COMMAND",
        is_needed=True,
        settle=3.0,
        busy="COMMAND, run by /bin/sh, exits with 0 within 5 s; 1 is idle, anything else means nothing",
        unseen="whatever COMMAND does not, and a job between two looks",
        proves_idle=True,
    ),
    ProbeKind(
        name="http",
        argument="URL",
        is_needed=True,
        settle=3.0,
        busy="GET is answered by 200 within 3 s; 204 is idle, anything else means nothing. With `#field.of.json` at its"
        " end: when that field is true, above 0 or not empty",
        unseen="a job between two looks, and which of several processes behind one port is busy",
        proves_idle=True,
    ),
    ProbeKind(
        name="file",
        argument="PATH",
        is_needed=True,
        settle=2.0,
        busy="PATH exists",
        unseen="a job between two looks; a file left behind by a job that was killed counts until it is removed or no"
        " process is left",
        proves_idle=True,
    ),
    ProbeKind(
        name="lock",
        argument="PATH",
        is_needed=True,
        settle=2.0,
        busy="somebody holds a lock on PATH (flock or fcntl); it is looked up, never taken",
        unseen="a job between two looks, and locks held in another container",
        proves_idle=True,
    ),
    ProbeKind(
        name="cpu",
        argument="PERCENT",
        is_needed=True,
        settle=15.0,
        busy="the worker's processes together use more than PERCENT of one core between two looks",
        unseen="a job that waits (for a database, a network, a disk): low processor time is never taken for idle",
        proves_idle=False,
    ),
    ProbeKind(
        name="sockets",
        argument="PORT",
        is_needed=True,
        settle=2.0,
        busy="one of the worker's processes has an established TCP connection from or to PORT, or the kernel keeps one"
        " for it to accept",
        unseen="a request between two looks; a connection kept alive without a request counts as busy",
        proves_idle=True,
    ),
)

KINDS: dict[str, ProbeKind] = {kind.name: kind for kind in _ROWS}


def probes_help() -> str:
    """Return the lines of `run --help` about probes."""
    return "\n".join(f"  {kind.written}" for kind in _ROWS)


def probes_table() -> str:
    """Return the table for README, in Markdown."""
    rows = [f"| `{kind.written}` | {kind.busy} | {kind.settle:g} s | {kind.unseen} |" for kind in _ROWS]
    return "\n".join(("| Probe | Busy when | Settle | Cannot see |", "|---|---|---|---|", *rows))


def read_probes(reader: Reader) -> tuple[ProbeSpec, ...]:
    """Return the probes that were asked for; whatever is wrong with one is noted in the reader."""
    found: list[ProbeSpec] = []
    settle = reader.number("probe_settle") if reader.given("probe_settle") is not None else None
    for text in split(reader.given("probe") or ""):
        kind, equals, argument = (word.strip() for word in text.partition("="))
        if (problem := _problem(kind, argument, bool(equals))) is not None:
            where = reader.where("probe")
            reader.add("probe", Problem(f"{where}: `{text}` {problem.what}", problem.why, problem.fix))
        elif any(other.kind == kind and other.argument == argument for other in found):
            reader.refuse("probe", f"has `{text}` twice", "keep one of the two")
        else:
            number = sum(other.kind == kind for other in found) + 1
            name = f"probe:{kind}" if number == 1 else f"probe:{kind}-{number}"
            found.append(ProbeSpec(kind, argument, name, KINDS[kind].settle if settle is None else settle))
    return tuple(found)


def split(text: str) -> tuple[str, ...]:
    """Return the probes in a text; a line or a semicolon parts them, two semicolons are one that means itself."""
    whole: list[str] = []
    for line in text.split("\n"):
        kept = line.replace(";;", "\n")
        whole += (part.replace("\n", ";").strip() for part in kept.split(";"))
    return tuple(part for part in whole if part)


def _problem(kind: str, argument: str, has_equals: bool) -> Problem | None:
    why = "a probe that cannot look would leave the task unprotected"
    known = KINDS.get(kind)
    if known is None:
        fix = f"give one of {', '.join(KINDS)}{did_you_mean(kind, KINDS)}"
        return Problem("is no probe", why, fix)
    if not argument and (known.is_needed or has_equals):
        return Problem("says not what to look at", why, f"write `{known.written}`")
    check = _CHECKS.get(kind)
    found = None if check is None or not argument else check(argument)
    return None if found is None else Problem(found[0], why, found[1])


def _expression(argument: str) -> tuple[str, str] | None:
    # Not at the top: only who writes an expression waits for it before the worker is started.
    import re

    try:
        groups = re.compile(argument).groups
    except re.error as error:
        return f"is no regular expression ({error})", "write it as Python's re module reads it"
    if groups > 1:
        return (
            f"has {groups} groups",
            "keep one group, the one that says how much; write the others as (?:...)",
        )
    return None


def _url(argument: str) -> tuple[str, str] | None:
    if not argument.startswith("http://"):
        return "is no http:// URL", "name an address on this machine's link; https is not spoken here"
    host = argument[len("http://") :].partition("/")[0].partition("#")[0]
    if not host or host.startswith(":") or not argument.isascii() or " " in argument:
        return "is no URL", "write it as `http=http://127.0.0.1:8080/busy#jobs`"
    return None


def _path(argument: str) -> tuple[str, str] | None:
    if argument.startswith("/"):
        return None
    return "is no absolute path", "begin it with `/`: the worker may work in another directory"


def _percent(argument: str) -> tuple[str, str] | None:
    percent = finite(argument)
    if percent is not None and 0 < percent <= 10_000:
        return None
    return "is no percentage", "give a number above 0; 100 is one whole core"


def _port(argument: str) -> tuple[str, str] | None:
    if argument.isascii() and argument.isdigit() and int(argument) in _PORTS:
        return None
    return "is no port", "give a number from 1 to 65535"


_CHECKS: dict[str, Callable[[str], tuple[str, str] | None]] = {
    "title": _expression,
    "children": _expression,
    "http": _url,
    "file": _path,
    "lock": _path,
    "cpu": _percent,
    "sockets": _port,
}
