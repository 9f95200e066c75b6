"""What a person reads who wants to know how the task stands."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from supervisor.core.protection import Phase
from supervisor.core.snapshot import HoldView, HookView, ProtectionView, Snapshot, WorkerView
from supervisor.render.status import as_json, render

OFF = ProtectionView(
    phase="off",
    confirmed=False,
    expires_in=None,
    because="not on ECS",
    request_for=None,
    retry_in=None,
    requests=0,
)
WEB = WorkerView("web", "running", pid=7, status=None, starts=1, starts_in=None)
MAIL = HoldView("j1", "alice", "mail", "held", age=5.0, expires_in=None)
IDLE = Snapshot(
    phase="running",
    phase_for=65.0,
    accepting=True,
    quiet_because=None,
    workers=(WEB,),
    holds=(),
    holds_taken=12,
    hooks=(),
    protection=OFF,
    stages="QUIET 20 TERM 7 KILL 1",
    stage=None,
    seconds_left=None,
    exits_in=None,
)
DRAINING = replace(
    IDLE, phase="draining", accepting=False, holds=(MAIL,), stage="QUIET 20", seconds_left=8.0, exits_in=16.0
)
LEASE = replace(OFF, phase="protected", confirmed=True, expires_in=2530.0, because=None, requests=1)


def line(snapshot: Snapshot, label: str) -> str:
    """Return the one line that begins so, without its label."""
    [found] = [each for each in render(snapshot).splitlines() if each.startswith(label)]
    return found.removeprefix(label).strip()


def protection(**what: object) -> str:
    return line(replace(IDLE, protection=replace(OFF, **what)), "protection")  # type: ignore[arg-type]


def test_an_idle_task_at_a_glance() -> None:
    """Phase and since when, the way out, the worker, the work, the protection, and what comes next."""
    assert render(IDLE) == (
        "task        running for 1 min 5 s, takes new work\n"
        "way out     not begun; would be QUIET 20 TERM 7 KILL 1\n"
        "worker      web: running, pid 7\n"
        "in flight   nothing (12 since the start)\n"
        "protection  off: nobody is asked for it (not on ECS)\n"
        "next        nothing by the clock alone\n"
    )


def test_hooks_of_a_pool_share_a_line() -> None:
    """Which framework, in how many processes, how many gates are shut, and what waits in their hands."""
    pool = tuple(
        HookView(f"w{number}", "dramatiq", "2.2.1", gate, reserved=2)
        for number, gate in enumerate(("open", "shut", "shut"))
    )
    seen = replace(IDLE, hooks=(*pool, HookView("x", "taskiq", "", gate=None, reserved=0)))
    lines = [each for each in render(seen).splitlines() if each.startswith("hooks")]
    assert lines == [
        "hooks       dramatiq 2.2.1 in 3 processes, 2 of 3 gates shut, 6 fetched but not begun",
        "hooks       taskiq in 1 process",
    ]


def test_a_draining_task_at_a_glance() -> None:
    """What is waited for, how long, and when it is over."""
    two = (
        replace(MAIL, age=200.0),
        HoldView("j2", "celery@host", "report", "waiting", age=2.0, expires_in=58.0),
    )
    moot = replace(OFF, phase="moot", because=None)
    assert render(replace(DRAINING, holds=two, phase_for=12.0, protection=moot)) == (
        "task        draining for 12 s, takes no new work\n"
        "way out     now QUIET 20, of QUIET 20 TERM 7 KILL 1\n"
        "            work in flight is interrupted in 8 s, exit in 16 s at the latest\n"
        "worker      web: running, pid 7\n"
        "in flight   2 (12 since the start)\n"
        "            mail    alice        held for 3 min 20 s\n"
        "            report  celery@host  waiting for 2 s, expires in 58 s\n"
        "protection  moot: the task is being stopped, a lease cannot help any more\n"
        "next        in 8 s: work in flight is interrupted\n"
    )


def test_a_quiet_task_says_why() -> None:
    """A worker that takes no work and does not stop is the first thing people ask about."""
    quiet = replace(IDLE, phase="quiet", accepting=False, quiet_because="a deployment waits for this task")
    assert line(quiet, "task") == "quiet for 1 min 5 s, takes no new work: a deployment waits for this task"


def test_why_a_task_was_quiet_is_of_no_interest_on_the_way_out() -> None:
    """The reason belongs to the phase, not to the task."""
    assert line(replace(DRAINING, quiet_because="operator"), "task").endswith("takes no new work")


def test_an_operators_drain_has_a_stage_and_no_clock() -> None:
    """Where no deadline runs none is shown."""
    text = render(replace(DRAINING, seconds_left=None, exits_in=None))
    assert "now QUIET 20" in text
    assert "interrupted" not in text
    assert "exit" not in text


def test_a_deadline_that_has_come_is_now() -> None:
    """While the worker is killed nobody wants to read `in 0 s`."""
    killing = replace(DRAINING, phase="killing", stage="KILL 1", seconds_left=0.0, exits_in=0.6)
    assert "work in flight is interrupted now, exit in 1 s at the latest" in render(killing)
    assert line(killing, "next") == "in 1 s: the supervisor exits, whatever is left"


def test_a_worker_with_a_past_tells_it() -> None:
    """How it ended last, how often it was started, and when it will be again."""
    back = WorkerView("web", "backoff", pid=None, status=137, starts=3, starts_in=4.0)
    snapshot = replace(IDLE, workers=(back,))
    assert line(snapshot, "worker") == "web: backoff, last status 137, started 3 times, starts again in 4 s"
    assert line(snapshot, "next") == "in 4 s: web is started again"


@pytest.mark.parametrize(("starts", "said"), [(1, ""), (2, ", started 2 times")])
def test_the_first_start_is_not_counted(starts: int, said: str) -> None:
    """A worker that has simply been running is not accused of having been started again."""
    assert (
        line(replace(IDLE, workers=(replace(WEB, starts=starts),)), "worker") == f"web: running, pid 7{said}"
    )


def test_every_worker_has_its_line() -> None:
    """Several workers are shown one below the other."""
    text = render(replace(IDLE, workers=(WEB, replace(WEB, name="db", pid=8))))
    assert "worker      web: running, pid 7\nworker      db: running, pid 8\n" in text


def test_a_thousand_jobs_fit_the_screen() -> None:
    """The oldest are shown, the others counted; the screen stays within 24 lines."""
    many = tuple(replace(MAIL, id=str(number), about=f"job {number}") for number in range(1000))
    lines = render(replace(DRAINING, holds=many), log_lines_dropped=5).splitlines()
    assert len(lines) <= 24
    assert "            job 9  alice  held for 5 s" in lines
    assert "            and 990 more, all of them younger" in lines
    assert "in flight   1000 (12 since the start)" in lines


def test_ten_jobs_are_shown_in_full() -> None:
    """Nothing is counted that could be named."""
    ten = tuple(replace(MAIL, id=str(number)) for number in range(10))
    text = render(replace(DRAINING, holds=ten))
    assert text.count("alice") == 10
    assert "more" not in text


def test_what_a_worker_says_of_itself_cannot_spoil_the_screen() -> None:
    """Escape sequences and line breaks in the name of a job are shown as question marks, and long names are cut."""
    rude = replace(MAIL, about="\x1b[2Jmail\nnext  in 0 s", holder="h" * 200)
    [shown] = [each for each in render(replace(IDLE, holds=(rude,))).splitlines() if "?[2Jmail?next" in each]
    assert "\x1b" not in shown
    assert "h" * 17 + "..." in shown
    assert "h" * 18 not in shown


@pytest.mark.parametrize(("length", "shown"), [(28, "a" * 28), (29, "a" * 25 + "...")])
def test_a_name_is_cut_only_where_it_does_not_fit(length: int, shown: str) -> None:
    """What fits the column is shown in full, and what is cut shows that it is."""
    text = render(replace(IDLE, holds=(replace(MAIL, about="a" * length),)))
    assert f"            {shown}  alice  held" in text


def test_a_job_without_a_name_is_shown_as_such() -> None:
    """An empty column would look like a mistake."""
    assert "unnamed  alice  held for 5 s" in render(replace(IDLE, holds=(replace(MAIL, about=""),)))


def test_protection_says_until_when_and_what_for() -> None:
    """A lease is shown with its end, and with the reason for which it is kept."""
    held = line(replace(IDLE, holds=(MAIL,), protection=LEASE), "protection")
    assert (
        held == "protected: ECS leaves this task alone, for the work in flight, the lease ends in 42 min 10 s"
    )
    kept = line(replace(IDLE, protection=LEASE), "protection")
    assert (
        kept
        == "protected: ECS leaves this task alone, kept a while for the next job, the lease ends in 42 min 10 s"
    )


def test_protection_that_is_being_asked_for_shows_how_long() -> None:
    """A request without an answer is shown with its age, a refused one with its reason and the next try."""
    asking = protection(phase="acquiring", because=None, request_for=2.4)
    assert asking == "acquiring: wanted, but not confirmed, asked 2 s ago, not answered yet"
    refused = protection(phase="acquiring", because="Throttling", retry_in=3.0)
    assert refused == "acquiring: wanted, but not confirmed, will be asked for again in 3 s (Throttling)"


def test_a_lease_that_is_being_let_go_is_not_called_protection() -> None:
    """Only what is confirmed counts, even while an old lease still has time left."""
    text = render(
        replace(IDLE, protection=replace(LEASE, phase="releasing", confirmed=False, request_for=1.0))
    )
    assert "lease ends" not in text


@pytest.mark.parametrize("phase", [phase.value for phase in Phase if phase is not Phase.ABSENT])
def test_every_phase_of_protection_is_explained(phase: str) -> None:
    """The word of the machine comes first, then what it means."""
    word, meaning = protection(phase=phase).split(": ", 1)
    assert word == phase
    assert len(meaning) > 10


@pytest.mark.parametrize(
    ("sooner", "what"),
    [
        ({"holds": (replace(MAIL, expires_in=3.0),)}, "in 3 s: mail expires"),
        ({"holds": (replace(MAIL, about="", expires_in=3.0),)}, "in 3 s: unnamed expires"),
        ({"protection": replace(LEASE, expires_in=4.0)}, "in 4 s: the lease ends, unless it is renewed"),
        ({"protection": replace(OFF, retry_in=5.0)}, "in 5 s: protection is asked for again"),
        ({"exits_in": 6.0}, "in 6 s: the supervisor exits, whatever is left"),
        ({"protection": replace(LEASE, expires_in=9.0)}, "in 8 s: work in flight is interrupted"),
    ],
)
def test_the_next_deadline_is_the_earliest(sooner: dict[str, object], what: str) -> None:
    """Of everything that the clock will bring, the first is named."""
    assert line(replace(DRAINING, **sooner), "next") == what  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (125.0, "2 min 5 s"),
        (3600.0, "1 h"),
        (7559.0, "2 h 5 min"),
        (86400.0 * 2 + 3 * 3600, "2 d 3 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    """Nobody needs the seconds of a day."""
    assert line(replace(IDLE, phase_for=seconds), "task").startswith(f"running for {text}, ")


def test_lost_log_lines_are_admitted() -> None:
    """Who reads the log must know that it has holes; where it has none nothing is said."""
    assert render(IDLE, log_lines_dropped=3).splitlines()[-1].endswith("fast enough: 3")
    assert "log" not in render(IDLE)


def test_machines_get_the_same_as_json() -> None:
    """`--json` has every value of the snapshot under its own name, times in seconds."""
    read = json.loads(json.dumps(as_json(replace(DRAINING, protection=LEASE), log_lines_dropped=3)))
    assert read["phase"] == "draining"
    assert read["holds"] == [
        {"id": "j1", "holder": "alice", "about": "mail", "phase": "held", "age": 5.0, "expires_in": None}
    ]
    assert read["protection"]["expires_in"] == 2530.0
    assert (read["seconds_left"], read["exits_in"], read["log_lines_dropped"]) == (8.0, 16.0, 3)
    assert as_json(IDLE)["log_lines_dropped"] == 0
