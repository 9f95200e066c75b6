"""What quiet and stop mean to the kinds of worker we know.

Measured on Celery 5.7, RQ 3.0, Dramatiq 2.2, Huey 3.5, gunicorn 27 and Sidekiq 6.4. Two things hold for all of them: the
main process alone is signalled, because a signal to the group also ends the pool processes that do the jobs (Celery,
Dramatiq, Huey), and each signal is sent once, because a second one means "drop everything" (Dramatiq, RQ, Huey).
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen
from supervisor.core.sequence import Stage, default_stages, format_stages, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    SignalTarget = Literal["main", "group"]


class Profile(Frozen):
    """`shape` is the default stop sequence, with shares of the time there is in place of seconds.

    quiet_signal, resume_signal: None where only the hooks can be told. resumable: quiet can be taken back.
    stop_drains: at its stop signal the worker takes no new work and finishes what it has.
    """

    name: str
    what: str
    shape: str
    quiet_signal: str | None
    resume_signal: str | None
    resumable: bool
    stop_drains: bool
    stop_signal: str
    signal_target: SignalTarget

    def stages(self, stop_timeout: float, exit_margin: float) -> tuple[Stage, ...]:
        """Return the default stop sequence, cut to a stop timeout and an exit margin in seconds."""
        shape, _ = parse(self.shape)
        return default_stages(shape, stop_timeout, exit_margin)


def _draining_at_stop(name: str, what: str, signal: str = "TERM") -> Profile:
    return Profile(
        name=name,
        what=what,
        shape=f"{signal} 100 KILL",
        quiet_signal=None,
        resume_signal=None,
        resumable=True,
        stop_drains=True,
        stop_signal=signal,
        signal_target="main",
    )


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="plain",
            what="any program: quiet by hooks, then TERM, which may end it at once",
            shape="QUIET 70 TERM 30 KILL",
            quiet_signal=None,
            resume_signal=None,
            resumable=True,
            stop_drains=False,
            stop_signal="TERM",
            signal_target="main",
        ),
        _draining_at_stop(
            "celery", "TERM is Celery's warm shutdown: it finishes its jobs and gives the rest back"
        ),
        _draining_at_stop("rq", "TERM lets RQ finish the job it is doing; a second one would kill that job"),
        _draining_at_stop("dramatiq", "TERM lets Dramatiq finish its jobs; a second one would kill them"),
        _draining_at_stop("huey", "INT lets Huey finish its jobs; TERM would interrupt and lose them", "INT"),
        _draining_at_stop(
            "gunicorn", "TERM lets gunicorn finish its requests within its own graceful timeout"
        ),
        Profile(
            name="sidekiq",
            what="TSTP makes Sidekiq quiet, for good; TERM then ends it and pushes back what is left",
            shape="TSTP 70 TERM 30 KILL",
            quiet_signal="TSTP",
            resume_signal=None,
            # Sidekiq has no signal that takes TSTP back.
            resumable=False,
            stop_drains=True,
            stop_signal="TERM",
            signal_target="main",
        ),
    )
}


def profiles_table() -> str:
    """Return the profiles as a Markdown table, with their sequences for a stop timeout of 30 s."""
    rows = [
        f"| `{profile.name}` | `{format_stages(profile.stages(30, 2))}` | {profile.what} |"
        for profile in PROFILES.values()
    ]
    return "\n".join(("| Profile | Sequence for 30 s | Why |", "|---|---|---|", *rows))
