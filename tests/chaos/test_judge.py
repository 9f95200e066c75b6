"""The judge notices what it is there for, and lets pass what has a reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.sqs.history import Moment

from .evidence import Blow, Evidence, Job, Line, Sent, What, read_jobs, read_line
from .judge import Reason, Verdict, Wrong, judge
from .story import story

QUEUE = "orders.fifo"


def job(
    message: str, began_at: float, status: int | None = 200, task: str = "a", gone_at: float | None = None
) -> Job:
    """Return a job of one second; with status None its app ends in the midst of it."""
    ended_at = None if status is None else began_at + 1.0
    return Job(message, task, began_at, ended_at, status, gone_at)


def deleted(message: str, at: float) -> Moment:
    return Moment(at, QUEUE, message, "deleted")


def line(event: str, *messages: str, task: str = "a") -> Line:
    return Line(task, event, "", frozenset(messages), event)


def verdict(
    jobs: Iterable[Job],
    moments: Iterable[Moment] = (),
    blows: Iterable[Blow] = (),
    lines: Iterable[Line] = (),
    sent: Iterable[str] = ("m",),
    **more: Any,
) -> Verdict:
    """Judge a run; all messages are of one FIFO group, in the order in which they are given."""
    messages = tuple(Sent(message, QUEUE, "g") for message in sent)
    evidence = Evidence(
        messages, tuple(jobs), tuple(moments), tuple(blows), tuple(lines), **({"left": frozenset()} | more)
    )
    return judge(evidence)


def wrongs(*arguments: Any, **more: Any) -> list[tuple[Wrong, str]]:
    """Judge a run as `verdict` does; return what was wrong with which message."""
    return [(found.wrong, found.message) for found in verdict(*arguments, **more).violations]


def test_a_run_in_which_all_is_well_has_no_violation() -> None:
    """Each message succeeded once, in order, and was deleted after that."""
    good = verdict([job("m", 1), job("n", 2)], [deleted("m", 2), deleted("n", 3)], sent=("m", "n"))
    assert (good.violations, good.retried, good.again.total()) == ((), 0, 0)


@pytest.mark.parametrize("jobs", [[], [job("m", 1, 500)], [job("m", 1, None, gone_at=1.5)]])
def test_a_message_that_never_succeeded_is_lost(jobs: list[Job]) -> None:
    """Whether it was never run, or failed, or went down with its app."""
    assert wrongs(jobs) == [(Wrong.LOST, "m")]


def test_a_message_that_is_a_dead_letter_is_lost() -> None:
    """Nothing here fails so often."""
    assert (Wrong.LOST, "m") in wrongs([job("m", 1)], [Moment(3, QUEUE, "m", "dead")])


def test_a_message_that_is_left_is_told() -> None:
    """Somebody would get it once more."""
    assert wrongs([job("m", 1)], left=frozenset({"m"})) == [(Wrong.LEFT, "m")]


@pytest.mark.parametrize("jobs", [[job("m", 1, 500), job("m", 5)], [job("m", 2.5)]])
def test_a_delete_before_the_first_success_is_told(jobs: list[Job]) -> None:
    """Had the app failed then, the message would have been lost."""
    assert wrongs(jobs, [deleted("m", 3)]) == [(Wrong.DELETED, "m")]


@pytest.mark.parametrize(
    "first", [job("m", 1, 500), job("m", 1, None, gone_at=1.5)], ids=["failed", "its app has gone"]
)
def test_a_run_after_a_failure_is_no_duplicate(first: Job) -> None:
    """It is what a queue is for."""
    again = verdict([first, job("m", 3, task="b")])
    assert (again.violations, again.retried, again.again.total()) == ((), 1, 0)


@pytest.mark.parametrize(
    "second", [job("m", 1.5, task="b"), job("m", 3, task="b")], ids=["while it runs", "after it has run"]
)
def test_a_second_run_without_a_reason_is_a_violation(second: Job) -> None:
    """Nobody was killed, and nobody has said anything."""
    assert wrongs([job("m", 1), second]) == [(Wrong.DUPLICATE, "m")]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("delivery.possible_duplicate", Reason.LEASE),
        ("deliveries.abandoned", Reason.DEADLINE),
        ("deliveries.unsettled", Reason.DEADLINE),
        ("holds.abandoned", Reason.DEADLINE),
    ],
)
@pytest.mark.parametrize("task", ["a", "b"])
def test_a_second_run_that_the_log_has_named_is_explained(event: str, reason: Reason, task: str) -> None:
    """By the task that ran it first, or by one that was late with it."""
    lines = [line(event, "m", task=task)]
    assert verdict([job("m", 1), job("m", 3, task="b")], lines=lines).again == {reason: 1}


@pytest.mark.parametrize(
    "said",
    [
        line("delivery.possible_duplicate", "other"),
        line("delivery.possible_duplicate", "m", task="c"),
        line("delivery.done", "m"),
    ],
    ids=["of another message", "by another task", "nothing of the kind"],
)
def test_a_line_about_something_else_explains_nothing(said: Line) -> None:
    """Each duplicate has to be named, by who knows of it."""
    assert wrongs([job("m", 1), job("m", 3, task="b")], lines=[said]) == [(Wrong.DUPLICATE, "m")]


@pytest.mark.parametrize("at", [0.9, 2.5], ids=["the request was on its way", "after the job"])
def test_a_sigkill_explains_a_second_run_of_what_the_daemon_had(at: float) -> None:
    """It could neither delete the message nor say so."""
    killed = Blow(at, "a", What.KILLED)
    assert verdict([job("m", 1), job("m", 3, task="b")], blows=[killed]).again == {Reason.SIGKILL: 1}


@pytest.mark.parametrize(
    "blow",
    [
        Blow(3.5, "a", What.KILLED),
        Blow(2.5, "b", What.KILLED),
        Blow(2.5, "a", What.STOPPED),
        Blow(2.5, "a", What.APP_KILLED),
    ],
    ids=["after", "of another", "a stop signal", "of the app, unsaid"],
)
def test_another_blow_explains_nothing(blow: Blow) -> None:
    """A stop signal least of all."""
    assert wrongs([job("m", 1), job("m", 3, task="b")], blows=[blow]) == [(Wrong.DUPLICATE, "m")]


def test_an_app_that_is_killed_before_its_answer_explains_a_second_run_where_that_is_said() -> None:
    """The job was done, and nobody was told."""
    killed, said = Blow(2.5, "a", What.APP_KILLED), line("delivery.failed", "m")
    again = verdict([job("m", 1), job("m", 3, task="b")], blows=[killed], lines=[said]).again
    assert again == {Reason.ANSWER: 1}


def test_an_overtaking_in_a_group_is_told() -> None:
    """The second began before the first had succeeded."""
    assert wrongs([job("m", 1), job("n", 1.5)], sent=("m", "n")) == [(Wrong.OVERTAKEN, "n")]


def test_a_failed_first_is_waited_for() -> None:
    """What comes behind it begins neither while it runs nor before it comes back."""
    jobs = [job("m", 1, 500), job("n", 3), job("m", 5)]
    assert wrongs(jobs, sent=("m", "n")) == [(Wrong.OVERTAKEN, "n")]


def test_of_other_groups_and_queues_nothing_is_overtaken() -> None:
    """Order is promised within a group only."""
    sent = (Sent("m", QUEUE, "g"), Sent("n", QUEUE, "h"), Sent("o", "jobs"), Sent("p", "jobs"))
    jobs = (job("p", 1), job("o", 2), job("n", 3), job("m", 4))
    assert not judge(Evidence(sent, jobs, (), (), (), frozenset())).violations


@pytest.mark.parametrize(("at", "is_wrong"), [(1.5, True), (2.5, False)])
def test_a_message_that_is_visible_at_once_while_it_is_at_work_is_told(at: float, is_wrong: bool) -> None:
    """Somebody else would run it at the same time."""
    found = wrongs([job("m", 1)], [Moment(at, QUEUE, "m", "visibility", seconds=0)])
    assert found == ([(Wrong.GIVEN_BACK, "m")] if is_wrong else [])


def test_what_no_daemon_may_say_is_told() -> None:
    """A defect, for example."""
    assert wrongs([job("m", 1)], strange=("a: Traceback",)) == [(Wrong.STRANGE, "")]


def test_jobs_are_read_from_what_apps_have_recorded() -> None:
    """One that has no end ended with its app."""
    shared = {"task": "a", "pid": 7}
    records = [
        {"what": "up", "at": 0.5, **shared},
        {"what": "begin", "at": 1.0, "message": "m", "run": "1", **shared},
        {"what": "begin", "at": 1.5, "message": "n", "run": "2", **shared},
        {"what": "end", "at": 2.0, "run": "1", "status": 200, **shared},
    ]
    done, cut = read_jobs(records, gone={7: 3.0})
    assert (done.message, done.is_done, done.over_at) == ("m", True, 2.0)
    assert (cut.message, cut.is_done, cut.over_at) == ("n", False, 3.0)


@pytest.mark.parametrize(
    "named",
    [{"message": "m"}, {"messages": ["m from jobs", "n from jobs"]}, {"work": ["m from jobs, receive 1"]}],
)
def test_a_line_names_one_message_or_several(named: dict[str, object]) -> None:
    """As the daemon writes them."""
    assert "m" in read_line("a", {"event": "e", "time": "t", **named}, "").messages


def test_a_story_has_everything_about_its_message_in_order() -> None:
    """From the queue, the app, the conductor and the log; and nothing of others."""
    evidence = Evidence(
        (Sent("m", QUEUE, "g"),),
        (job("m", 1), job("n", 1.2, task="b")),
        (Moment(0.5, QUEUE, "m", "received", "r", 6.0), deleted("n", 3)),
        (Blow(1.5, "a", What.KILLED), Blow(1.6, "b", What.STOPPED)),
        (line("delivery.done", "m"), line("delivery.done", "n")),
        frozenset(),
    )
    told = story(evidence, "m").splitlines()
    assert [" ".join(each.split()[:3]) for each in told] == [
        "0.500 orders.fifo: received,",
        "1.000 a: the",
        "1.500 a: SIGKILL",
        "2.000 a: the",
        "delivery.done",
    ]
