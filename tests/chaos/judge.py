"""Says of a run what was broken: a message lost, run twice without a reason, overtaken, deleted or given back at the wrong time.

A message runs twice where it begins again although it has succeeded before, or is still at work. SQS delivers at least
once, so that can happen; what may not is that nobody knows of it. A reason is one of those in Reason, and each but a SIGKILL,
whose victim can say nothing any more, has to stand in the log of one of the two tasks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from tests.sqs.history import Moment

from .evidence import Blow, Evidence, Job, Line, What


class Wrong(Enum):
    LOST = "lost"
    LEFT = "still in the queue"
    DELETED = "deleted without a success"
    DUPLICATE = "run again without a reason"
    OVERTAKEN = "overtaken in its FIFO group"
    GIVEN_BACK = "made visible at once while it was at work"
    STRANGE = "a daemon said what it may not"


class Reason(Enum):
    """Why a message ran again."""

    SIGKILL = "SIGKILL of the daemon"
    LEASE = "lost lease, named in the log"
    DEADLINE = "still at work at the deadline, named in the log"
    ANSWER = "app killed before its answer, named in the log"


_NAMING = {
    "delivery.possible_duplicate": Reason.LEASE,
    "delivery.lapsed": Reason.LEASE,
    "deliveries.abandoned": Reason.DEADLINE,
    "deliveries.unsettled": Reason.DEADLINE,
    # All that is said by one who wakes up after the end of its time.
    "holds.abandoned": Reason.DEADLINE,
}


@dataclass(frozen=True, slots=True)
class Violation:
    """message: empty where it is about none."""

    wrong: Wrong
    message: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """again: how many runs were repeated for which reason. retried: after a failure, which is no repetition."""

    violations: tuple[Violation, ...]
    again: Counter[Reason]
    retried: int


def judge(evidence: Evidence) -> Verdict:
    jobs: dict[str, list[Job]] = defaultdict(list)
    for job in sorted(evidence.jobs, key=lambda job: job.began_at):
        jobs[job.message].append(job)
    reasons = _Reasons(evidence)
    violations = [
        *_unfinished(evidence, jobs),
        *_deleted(evidence.moments, jobs),
        *_given_back(evidence.moments, jobs, reasons),
        *_overtaken(evidence, jobs),
        *(Violation(Wrong.STRANGE, "", text) for text in evidence.strange),
    ]
    again: Counter[Reason] = Counter()
    retried = 0
    for message, runs in jobs.items():
        for index, run in enumerate(runs):
            before = [earlier for earlier in runs[:index] if _repeats(run, earlier)]
            retried += bool(index and not before)
            for earlier in before[-1:]:
                reason = reasons.of(earlier, run)
                if reason is None:
                    detail = f"{earlier.task} ran it at {earlier.began_at:.3f}, and {run.task} at {run.began_at:.3f}"
                    violations.append(Violation(Wrong.DUPLICATE, message, detail))
                else:
                    again[reason] += 1
    return Verdict(tuple(violations), again, retried)


def _repeats(run: Job, earlier: Job) -> bool:
    return earlier.is_done or earlier.over_at > run.began_at


class _Reasons:
    def __init__(self, evidence: Evidence) -> None:
        self._kills = _by_task(evidence.blows, What.KILLED)
        self._app_kills = _by_task(evidence.blows, What.APP_KILLED)
        self._named: dict[tuple[str, str], list[Line]] = defaultdict(list)
        for line in evidence.lines:
            for message in line.messages:
                self._named[line.task, message].append(line)

    def of(self, earlier: Job, run: Job) -> Reason | None:
        """Return why a message ran again after it had run before."""
        events = [line.event for line in self._named[earlier.task, earlier.message]]
        # Who was late with a message that it had lost may also be the second to run it.
        for event in (*events, *(line.event for line in self._named[run.task, run.message])):
            if event in _NAMING:
                return _NAMING[event]
        # What was sent before the kill may begin after it.
        if any(at <= run.began_at for at in self._kills[earlier.task]):
            return Reason.SIGKILL
        app_died = any(earlier.began_at <= at <= run.began_at for at in self._app_kills[earlier.task])
        return Reason.ANSWER if app_died and "delivery.failed" in events else None


def _by_task(blows: Iterable[Blow], what: What) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for blow in blows:
        if blow.what is what:
            found[blow.task].append(blow.at)
    return found


def _unfinished(evidence: Evidence, jobs: Mapping[str, list[Job]]) -> Iterator[Violation]:
    for sent in evidence.sent:
        if not any(job.is_done for job in jobs.get(sent.message, ())):
            detail = f"of {len(jobs.get(sent.message, ()))} runs none succeeded"
            yield Violation(Wrong.LOST, sent.message, detail)
        if sent.message in evidence.left:
            yield Violation(Wrong.LEFT, sent.message, f"in {sent.queue}, although all is over")


def _deleted(moments: Iterable[Moment], jobs: Mapping[str, list[Job]]) -> Iterator[Violation]:
    for moment in moments:
        if moment.what == "deleted" and not any(
            job.is_done and job.over_at <= moment.at for job in jobs.get(moment.message, ())
        ):
            yield Violation(Wrong.DELETED, moment.message, f"at {moment.at:.3f}, with no success before")
        if moment.what == "dead":
            yield Violation(Wrong.LOST, moment.message, f"a dead letter at {moment.at:.3f}")


def _given_back(
    moments: Iterable[Moment], jobs: Mapping[str, list[Job]], reasons: _Reasons
) -> Iterator[Violation]:
    for moment in moments:
        if moment.what != "visibility" or moment.seconds > 0:
            continue
        for job in jobs.get(moment.message, ()):
            # One that has become the message's second run is judged as such.
            at_work = job.began_at <= moment.at < job.over_at
            if at_work and reasons.of(job, Job(job.message, "", moment.at)) is None:
                detail = f"at {moment.at:.3f}, while {job.task} was at it from {job.began_at:.3f} to {job.over_at:.3f}"
                yield Violation(Wrong.GIVEN_BACK, moment.message, detail)


def _overtaken(evidence: Evidence, jobs: Mapping[str, list[Job]]) -> Iterator[Violation]:
    """Of a group nothing begins before all that was sent earlier has succeeded."""
    free_at: dict[tuple[str, str], float] = {}
    for sent in evidence.sent:
        if sent.group is None:
            continue
        runs = jobs.get(sent.message, ())
        group = sent.queue, sent.group
        since = free_at.get(group, 0.0)
        if runs and runs[0].began_at < since:
            detail = f"{sent.group} began with it at {runs[0].began_at:.3f}; what was sent before was done at {since:.3f}"
            yield Violation(Wrong.OVERTAKEN, sent.message, detail)
        done = min((job.over_at for job in runs if job.is_done), default=float("inf"))
        free_at[group] = max(since, done)
