"""What has happened to one message, line by line, from everybody's records: so that a violation can be understood."""

from __future__ import annotations

from .evidence import Evidence


def story(evidence: Evidence, message: str) -> str:
    """Return the lines: what the queue, the apps and the conductor saw, by their clock, and then what the daemons said."""
    known: list[tuple[float, str]] = []
    for moment in evidence.moments:
        if moment.message == message:
            more = f", {moment.seconds:g} s" if moment.what in ("received", "visibility") else ""
            known.append((moment.at, f"{moment.queue}: {moment.what}{more} ({moment.receipt[-6:] or '-'})"))
    jobs = [job for job in evidence.jobs if job.message == message]
    for job in jobs:
        known.append((job.began_at, f"{job.task}: the app begins"))
        if job.ended_at is not None:
            known.append((job.ended_at, f"{job.task}: the app has done it, {job.status}"))
        elif job.gone_at is not None:
            known.append((job.gone_at, f"{job.task}: the app is gone"))
    tasks = {job.task for job in jobs}
    known += [
        (blow.at, f"{blow.task}: {blow.what.value} {blow.detail}".rstrip())
        for blow in evidence.blows
        if blow.task in tasks
    ]
    said = [line.text for line in evidence.lines if message in line.messages]
    return "\n".join([f"  {at:12.3f}  {text}" for at, text in sorted(known)] + [f"  {text}" for text in said])
