"""What a person should know about how this run begins."""

from __future__ import annotations

from collections.abc import Sequence

from supervisor.adapters.openings import Openings
from supervisor.config.attach import Attached
from supervisor.config.doubts import doubts
from supervisor.config.settings import RunSettings
from supervisor.core.effects import Level, Note, note
from supervisor.core.sequence import format_stages


def beginning(
    settings: RunSettings, openings: Openings, attached: Attached, is_subreaper: bool
) -> Sequence[Note]:
    """Return it as notes for the log."""
    notes = [note("settings.doubtful", Level.WARNING, doubt=doubt) for doubt in doubts(settings)]
    if settings.profile.name != "plain":
        name, stages = settings.profile.name, format_stages(settings.stages)
        if attached.how:
            notes.append(note("worker.recognised", profile=name, attached=attached.how, stages=stages))
        else:
            notes.append(
                note("worker.recognised", profile=name, not_attached=attached.why_not, stages=stages)
            )
    if not openings.hooks.path and settings.socket != "none":
        notes.append(
            note(
                "hooks.unavailable",
                Level.WARNING,
                why=f"no socket could be made: {openings.hooks.why}",
                so="jobs cannot say that they run, so nothing is protected and a drain waits for nothing",
                fix="mount a writable directory, or name one with --socket",
            )
        )
    if openings.why_no_api:
        notes.append(
            note(
                "api.unavailable",
                Level.WARNING,
                why=f"no socket could be made: {openings.why_no_api}",
                so="`status`, `drain` and workers in other languages do not find this supervisor",
                fix="mount a writable directory, or name an address with --api",
            )
        )
    notes += (
        note("probe.watching", probe=probe.name, settle=probe.settle, unseen=probe.sees.unseen)
        for probe in settings.probes
    )
    if not is_subreaper:
        notes.append(
            note(
                "orphans.unseen",
                Level.WARNING,
                why="the kernel does not let this process adopt orphans, and it is not PID 1",
                so="a daemon that detaches itself from the worker may outlive it",
                fix="run as PID 1",
            )
        )
    return notes
