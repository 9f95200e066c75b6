"""What a person reads who asks a running supervisor how it stands."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from typing import Any

import pytest

from supervisor.core.snapshot import HoldView, ProtectionView, Snapshot, WorkerView
from supervisor.render.overview import SNAPSHOT, holds_overview, overview

# 14:05:09 UTC.
WALL = 86_400 * 20_000 + 50_709.0

MAIL = HoldView("j1", "7#1", "mail", "held", age=200.0, expires_in=None)
PROTECTED = ProtectionView(
    phase="protected",
    confirmed=True,
    expires_in=2530.0,
    because=None,
    request_for=None,
    retry_in=None,
    requests=1,
)
WORKING = Snapshot(
    phase="running",
    phase_for=65.0,
    accepting=True,
    quiet_because=None,
    workers=(WorkerView("worker", "running", pid=7, status=None, starts=1, starts_in=None),),
    holds=(MAIL,),
    holds_taken=12,
    hooks=(),
    protection=PROTECTED,
    stages="QUIET 20 TERM 7 KILL 1",
    stage=None,
    seconds_left=None,
    exits_in=None,
)


def document(snapshot: Snapshot = WORKING, **more: object) -> dict[str, Any]:
    """Return what came over the wire."""
    read = json.loads(json.dumps({**asdict(snapshot), **more}))
    assert isinstance(read, dict)
    return read


def text(snapshot: Snapshot = WORKING, **more: object) -> str:
    return "".join(f"{line}\n" for line, _ in overview(document(snapshot, **more), WALL))


def test_a_working_task_at_a_glance() -> None:
    """Who it is, the phase and since when, who works, protection and until when, and what comes next."""
    identity = {
        "cluster": "prod",
        "service": "mail",
        "task": "arn:aws:ecs:eu-west-1:1:task/prod/4f1c",
        "family": "mail",
        "revision": "17",
        "container": "worker",
    }
    assert text(version="1.2.3", pid=1, identity=identity) == (
        "ecs-supervisor 1.2.3, pid 1, 14:05:09Z\n"
        "ecs         cluster prod, service mail, family mail:17, container worker, task 4f1c\n"
        "task        running for 1 min 5 s (since 14:04:04Z), takes new work\n"
        "way out     not begun; would be QUIET 20 TERM 7 KILL 1\n"
        "worker      worker: running, pid 7\n"
        "in flight   1 (12 since the start)\n"
        "            mail  7#1  held for 3 min 20 s\n"
        "protection  protected: ECS leaves this task alone, for the work in flight, the lease ends in 42 min 10 s (14:47:19Z)\n"
        "next        in 42 min 10 s: the lease ends, unless it is renewed\n"
    )


def test_a_stop_has_its_times_of_day() -> None:
    """A tired person compares them with a log."""
    draining = replace(WORKING, phase="draining", stage="QUIET 20", seconds_left=8.0, exits_in=16.0)
    said = "work in flight is interrupted in 8 s (14:05:17Z), exit in 16 s (14:05:25Z) at the latest\n"
    assert said in text(draining)


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (None, "task        running"),
        ({}, "task        running"),
        ({"cluster": None, "family": "mail", "revision": None}, "ecs         family mail\ntask"),
    ],
)
def test_what_is_not_known_of_the_task_is_left_out(identity: object, said: str) -> None:
    """Outside ECS there is no cluster to name."""
    assert text(version="9", identity=identity).startswith(f"ecs-supervisor 9, 14:05:09Z\n{said}")


def test_without_a_version_the_screen_is_still_ours() -> None:
    """The heading names at least what answers."""
    assert text().startswith("ecs-supervisor, 14:05:09Z\n")


@pytest.mark.parametrize(
    ("snapshot", "label", "mood"),
    [
        (WORKING, "task", "good"),
        (WORKING, "in flight", ""),
        (WORKING, "worker", ""),
        (WORKING, "protection", "good"),
        (replace(WORKING, phase="killing"), "task", "bad"),
        (replace(WORKING, protection=replace(PROTECTED, phase="moot")), "protection", ""),
        (replace(WORKING, workers=(replace(WORKING.workers[0], phase="fatal"),)), "worker", "bad"),
    ],
)
def test_a_line_has_the_mood_of_its_phase(snapshot: Snapshot, label: str, mood: str) -> None:
    """What is well and what is not can be seen before it is read."""
    assert [kind for line, kind in overview(document(snapshot), WALL) if line.startswith(label)] == [mood]


def test_no_name_can_spoil_the_screen() -> None:
    """Nothing that came over the wire is shown as a control character."""
    evil = replace(WORKING, stages="\x1b[2J", holds=(replace(MAIL, about="\x07"),))
    assert text(evil, version="\x1b]0;x\x07").replace("\n", "").isprintable()


def test_a_thousand_holds_fit_the_screen_and_the_oldest_are_shown() -> None:
    """The rest is counted, whatever the order in which they came."""
    many = tuple(replace(MAIL, id=str(age), about=f"job {age}", age=float(age)) for age in range(1000))
    shown = text(replace(WORKING, holds=many)).splitlines()
    assert len(shown) <= 24
    assert [line.split()[1] for line in shown if "held for" in line] == [str(n) for n in range(999, 989, -1)]
    assert "            and 990 more, all of them younger" in shown


def test_every_hold_is_listed_where_holds_are_asked_for() -> None:
    """Without a limit, the oldest first."""
    holds = [asdict(replace(MAIL, id=str(age), age=float(age))) for age in range(30)]
    assert holds_overview({"holds": holds})[0] == "mail  7#1  held for 29 s"
    assert len(holds_overview({"holds": holds})) == 30


def test_a_newer_supervisor_is_understood() -> None:
    """Fields and phases that are not known here spoil nothing."""
    newer = replace(WORKING, protection=replace(PROTECTED, phase="doubled"))
    assert "doubled: not known to this version" in text(newer, moons=2)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"phase": None}, "phase"),
        ({"phase_for": float("nan")}, "phase_for"),
        ({"holds_taken": 10**15}, "holds_taken"),
        ({"holds": {}}, "holds"),
        ({"holds": ["mail"]}, "holds"),
        ({"holds": [{**asdict(MAIL), "age": "old"}]}, "holds.age"),
        ({"protection": []}, "protection"),
    ],
)
def test_what_is_no_answer_of_ours_is_told(change: dict[str, object], where: str) -> None:
    """Another program's answer ends in a sentence that says what is wrong with it."""
    with pytest.raises(ValueError, match=f"^the answer's {where} is not as a supervisor has it$"):
        overview({**document(), **change}, WALL)


def test_something_else_altogether_is_told() -> None:
    """An answer without any holds is not an empty list of them."""
    with pytest.raises(ValueError, match="holds"):
        holds_overview({})


def test_the_fields_that_are_read_are_the_snapshots() -> None:
    """All of them, and in its order, so that a new one is not forgotten here."""
    kinds = {"workers": WorkerView, "holds": HoldView}
    assert list(SNAPSHOT) == [field.name for field in fields(Snapshot)]
    for name, kind in kinds.items():
        [shape] = SNAPSHOT[name]
        assert list(shape) == [field.name for field in fields(kind)]
    assert list(SNAPSHOT["protection"]) == [field.name for field in fields(ProtectionView)]


def test_messages_are_shown_where_there_are_any() -> None:
    """Also in ways to end that this version does not know."""
    queue = {"name": "jobs", "polls": 1, "failed_polls": 0, "retry_in": None}
    deliveries = {
        "app_ready": True,
        "slots": 5,
        "phases": {"delivering": 2},
        "ended": {"dissolved": 3},
        "received": 5,
        "possible_duplicates": 0,
        "queues": [queue],
    }
    shown = "\n".join(line for line, _ in overview({**document(), "deliveries": deliveries}, 0.0))
    assert "2 delivering, of 5 at most; 5 received, 3 dissolved" in shown
    with pytest.raises(ValueError, match=r"deliveries\.ended"):
        overview({**document(), "deliveries": {**deliveries, "ended": []}}, 0.0)
