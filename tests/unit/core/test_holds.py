"""Who is busy, for how long, and who has to wait, told as playbooks."""

from __future__ import annotations

import pytest

from supervisor.core.effects import Grant, LookAtProtection, Protect, Quiet, Refuse, Stop, Unprotect
from supervisor.core.events import (
    DrainRequested,
    HolderDied,
    HoldRefreshed,
    HoldReleased,
    HoldTaken,
    JobsCounted,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    Refusal,
    StopRequested,
    WorkerSpawned,
)
from supervisor.core.holds import HoldPolicy, Holds, is_working, step
from supervisor.core.instants import Instant
from supervisor.core.names import Attempt, HolderId, HoldId, SignalName
from supervisor.core.protection import ProtectionPolicy

from .playbook import ALICE, BOB, J1, J2, WEB, Playbook, at, policy, told

HOUR = 3600.0
J3 = HoldId("j3")
TERM = SignalName("TERM")


def a(number: int) -> Attempt:
    return Attempt(number)


def elsewhere(**how: float) -> Playbook:
    """A running task that is not on ECS."""
    script = Playbook(policy(holds=HoldPolicy(**how)))  # type: ignore[arg-type]
    return script >> WorkerSpawned(WEB, 7) << told("worker.started") << told("task.running")


def on_ecs(**how: float) -> Playbook:
    """A running task on ECS, unprotected because nobody works; blocked, it stays quiet for a minute."""
    lease = ProtectionPolicy(refused_window=60)
    script = Playbook(policy(protection=lease, holds=HoldPolicy(**how)))  # type: ignore[arg-type]
    script = (
        script
        >> WorkerSpawned(WEB, 7)
        << LookAtProtection(a(1))
        << told("worker.started")
        << told("task.running")
    )
    return script >> ProtectionSeen(a(1), None)


def gated(**how: float) -> Playbook:
    """The same where a job that asks is to start only when the task is protected."""
    return on_ecs(before_start=True, **how)


def asks(
    hold: HoldId = J1, holder: HolderId = ALICE, about: str = "mail", ttl: float | None = None
) -> HoldTaken:
    return HoldTaken(hold, holder, about, ttl, asks=True)


def open_holds(script: Playbook) -> list[str]:
    return [hold.id for hold in script.engine.snapshot(script.now).holds]


def test_a_hold_is_in_flight_from_its_taking_to_its_release() -> None:
    """What is in flight is listed oldest first, and no longer than it is held."""
    script = elsewhere() >> HoldTaken(J1, ALICE, "mail") >> HoldTaken(J2, BOB, "report")
    assert open_holds(script) == [J1, J2]
    script = script >> HoldReleased(J1)
    assert open_holds(script) == [J2]


def test_jobs_that_were_no_holds_are_counted() -> None:
    """What came and went while another hold of its holder was open changes nothing but the count."""
    script = on_ecs() >> HoldTaken(J1, ALICE, "mail") << Protect(a(2), 60) >> JobsCounted(ALICE, 12)
    assert open_holds(script) == [J1]
    assert script.engine.snapshot(script.now).holds_taken == 13


def test_c6_a_hold_released_twice_ends_once() -> None:
    """C6: an error hook and a finishing hook that both release do not take another job's hold away."""
    script = elsewhere() >> HoldTaken(J1, ALICE, "mail") >> HoldTaken(J2, ALICE, "report")
    script = script >> HoldReleased(J1) >> HoldReleased(J1)
    assert open_holds(script) == [J2]


def test_c6_a_late_release_does_not_unprotect_the_next_job() -> None:
    """C6: a release that is repeated after the next job has begun leaves that one protected."""
    assert (
        on_ecs()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
        >> HoldReleased(J1)
        >> HoldTaken(J2, ALICE, "report")
        >> HoldReleased(J1)
        >> at(1000)
    )


def test_what_is_said_of_an_unknown_hold_is_ignored() -> None:
    """A refresh or a release that comes after the end of its hold is no error and brings nothing back."""
    script = elsewhere() >> HoldRefreshed(J1, 60) >> HoldReleased(J1)
    assert script
    assert open_holds(script) == []


def test_a_hold_taken_twice_is_one_hold() -> None:
    """A hook that repeats itself after a reconnect is not counted twice, and one release ends the hold."""
    script = elsewhere() >> HoldTaken(J1, ALICE, "mail") >> at(5) >> HoldTaken(J1, ALICE, "mail")
    assert script.engine.snapshot(script.now).holds_taken == 1
    assert script.engine.snapshot(script.now).holds[0].age == 5
    assert open_holds(script >> HoldReleased(J1)) == []


def test_a_hold_keeps_its_description_when_it_is_repeated_without_one() -> None:
    """A repetition may add a description, and never loses one."""
    script = elsewhere() >> HoldTaken(J1, ALICE, "mail") >> HoldTaken(J1, ALICE, "")
    assert script.engine.snapshot(script.now).holds[0].about == "mail"
    script = script >> HoldTaken(J1, ALICE, "mail to bob")
    assert script.engine.snapshot(script.now).holds[0].about == "mail to bob"


def test_work_that_got_its_description_late_is_abandoned_under_that_name() -> None:
    """The log names abandoned work as the status shows it, by the latest description."""
    assert (
        elsewhere()
        >> HoldTaken(J1, ALICE, "")
        >> HoldTaken(J1, ALICE, "mail")
        >> StopRequested("TERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(20)
        << told("holds.abandoned", work=("mail (alice)",))
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_work_without_a_description_is_still_named() -> None:
    """A hold that says nothing about itself is reported by its holder."""
    assert (
        elsewhere()
        >> HoldTaken(J1, ALICE, "", ttl=5)
        >> at(5)
        << told("hold.expired", hold="unnamed (alice)")
    )


def test_c7_a_hold_with_a_time_to_live_ends_by_itself() -> None:
    """C7: a hold whose holder cannot be seen to die ends when its time has passed, with a warning."""
    script = elsewhere() >> HoldTaken(J1, ALICE, "mail", ttl=5) >> at(4.9)
    assert open_holds(script) == [J1]
    script = script >> at(5) << told("hold.expired", hold="mail (alice)")
    assert open_holds(script) == []


def test_each_hold_expires_at_its_own_time() -> None:
    """The end of one hold leaves the others, and their times, as they are."""
    script = elsewhere() >> HoldTaken(J1, ALICE, "mail", ttl=5) >> HoldTaken(J2, BOB, "report", ttl=9)
    script = script >> at(5) << told("hold.expired", hold="mail (alice)") >> at(8.9)
    assert script >> at(9) << told("hold.expired", hold="report (bob)")


def test_a_refresh_counts_the_time_to_live_from_now() -> None:
    """A job that shows progress keeps its hold."""
    assert (
        elsewhere()
        >> HoldTaken(J1, ALICE, "mail", ttl=5)
        >> at(4)
        >> HoldRefreshed(J1, 5)
        >> at(8.9)
        >> at(9)
        << told("hold.expired")
    )


def test_a_refresh_without_a_time_to_live_takes_the_limit_away() -> None:
    """A hold that is refreshed without a ttl lasts until it is released or its holder dies."""
    assert open_holds(
        elsewhere() >> HoldTaken(J1, ALICE, "mail", ttl=5) >> at(4) >> HoldRefreshed(J1) >> at(100_000)
    ) == [J1]


def test_a_repeated_hold_counts_its_time_to_live_anew() -> None:
    """Taking a hold that is held already refreshes it."""
    assert (
        elsewhere()
        >> HoldTaken(J1, ALICE, "mail", ttl=5)
        >> at(4)
        >> HoldTaken(J1, ALICE, "mail", ttl=5)
        >> at(8.9)
        >> at(9)
        << told("hold.expired")
    )


def test_c7_the_death_of_a_holder_ends_all_it_held() -> None:
    """C7: a crashed process leaks nothing; its jobs are named together, once."""
    script = (
        elsewhere()
        >> HoldTaken(J1, ALICE, "mail")
        >> HoldTaken(J2, ALICE, "report")
        >> HolderDied(ALICE, "connection closed")
        << told("holder.died", holder=ALICE, why="connection closed", work=("mail (alice)", "report (alice)"))
        >> HolderDied(ALICE, "its process has ended")
    )
    assert open_holds(script) == []


def test_c8_the_death_of_a_holder_ends_only_what_it_held() -> None:
    """C8: another process's job stays in flight and protected."""
    script = (
        on_ecs()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
        >> HoldTaken(J2, BOB, "report")
        >> HolderDied(ALICE, "its process has ended")
        << told("holder.died", work=("mail (alice)",))
        >> at(1000)
    )
    assert open_holds(script) == [J2]


def test_a_holder_that_held_nothing_dies_unnoticed() -> None:
    """A connection that ends between two jobs is nothing to report."""
    assert elsewhere() >> HoldTaken(J1, ALICE, "mail") >> HolderDied(BOB, "connection closed")


def test_a_job_shorter_than_after_costs_no_call() -> None:
    """`--protect after=60`: a job that has ended within the minute was never a reason to ask."""
    assert on_ecs(after=60) >> HoldTaken(J1, ALICE, "mail") >> at(59) >> HoldReleased(J1) >> at(1000)


def test_a_job_that_lasts_longer_than_after_is_protected_then() -> None:
    """`--protect after=60`: protection is asked for when the job is a minute old."""
    assert (
        on_ecs(after=60) >> at(10) >> HoldTaken(J1, ALICE, "mail") >> at(69.9) >> at(70) << Protect(a(2), 60)
    )


def test_the_age_of_a_job_counts_from_its_first_moment() -> None:
    """Refreshing or repeating a hold does not make the job young again."""
    assert (
        on_ecs(after=60)
        >> HoldTaken(J1, ALICE, "mail")
        >> at(50)
        >> HoldTaken(J1, ALICE, "mail")
        >> HoldRefreshed(J1)
        >> at(60)
        << Protect(a(2), 60)
    )


def test_jobs_younger_than_after_do_not_add_up() -> None:
    """`after` is the age of one job: many short ones in a row make no long one."""
    script = on_ecs(after=60)
    for second in range(0, 600, 50):
        script = script >> at(second) >> HoldReleased(J1) >> HoldTaken(J1, ALICE, "mail")
    assert script


def test_who_wants_protection_at_once_need_not_be_old_enough() -> None:
    """`after` is for jobs of which protection is a side effect; one who asks for just that counts from the beginning."""
    assert on_ecs(after=60) >> HoldTaken(J1, ALICE, "mail", at_once=True) << Protect(a(2), 60)


def test_a_job_younger_than_after_is_waited_for() -> None:
    """What needs no protection yet is in flight all the same: a drain waits for it."""
    assert (
        on_ecs(after=60)
        >> HoldTaken(J1, ALICE, "mail")
        >> DrainRequested("drain")
        << told("task.draining", in_flight=1)
        << Quiet(WEB, None)
        >> HoldReleased(J1)
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
    )


def test_a_fetch_is_waited_for_but_is_no_reason_to_be_protected() -> None:
    """A fetch that may bring nothing costs no call, yet a drain lets it return."""
    assert (
        on_ecs()
        >> HoldTaken(J1, ALICE, "receive", fetching=True)
        >> at(1000)
        >> DrainRequested("drain")
        << told("task.draining", in_flight=0)
        << Quiet(WEB, None)
        >> HoldReleased(J1)
        << told("task.stopping")
        << Stop(WEB, TERM)
    )


def test_a_fetch_that_brought_a_job_is_protected_from_then() -> None:
    """The same hold, taken again as work, counts as a job."""
    assert (
        on_ecs()
        >> HoldTaken(J1, ALICE, "receive", fetching=True)
        >> at(9)
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
    )


def test_a_fetch_that_asks_does_not_wait_for_protection() -> None:
    """Nobody asks ECS for protection because of a fetch, so there is nothing that its answer could wait for."""
    assert gated() >> HoldTaken(J1, ALICE, "receive", asks=True, fetching=True) << Grant(J1, protected=False)


def test_whoever_asks_where_nothing_is_gated_starts_at_once() -> None:
    """Without before-start the answer is immediate, and says truly whether the task is protected."""
    assert (
        on_ecs()
        >> asks(J1)
        << Grant(J1, protected=False)
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
        >> asks(J2)
        << Grant(J2, protected=True)
    )


def test_before_start_a_job_waits_for_the_confirmation() -> None:
    """`--protect before-start`: a job that asks is told to start when ECS has confirmed, and not before."""
    script = gated() >> asks() << Protect(a(2), 60) >> at(3)
    assert script.engine.snapshot(script.now).holds[0].phase == "waiting"
    assert script >> ProtectionGranted(a(2), HOUR) << told("protection.acquired") << Grant(J1, protected=True)
    assert script.engine.snapshot(script.now).holds[0].phase == "held"


def test_before_start_all_who_wait_are_answered_together() -> None:
    """One confirmation serves everybody, in the order in which they asked."""
    assert (
        gated()
        >> asks(J1)
        << Protect(a(2), 60)
        >> asks(J2, BOB)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
        << Grant(J1, protected=True)
        << Grant(J2, protected=True)
    )


def test_before_start_costs_a_protected_task_nothing() -> None:
    """While the task is protected a job that asks starts at once and without a call."""
    assert (
        gated()
        >> asks(J1)
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
        << Grant(J1, protected=True)
        >> HoldReleased(J1)
        >> at(29)
        >> asks(J2)
        << Grant(J2, protected=True)
    )


def test_before_start_does_not_stop_those_who_do_not_ask() -> None:
    """A hook that only reports its jobs is protected at their start, like everywhere."""
    script = gated() >> HoldTaken(J1, ALICE, "mail") << Protect(a(2), 60)
    assert script.engine.snapshot(script.now).holds[0].phase == "held"


def releasing() -> Playbook:
    """A gated task whose release was sent at 30 s and is not answered yet."""
    return (
        gated()
        >> asks(J1)
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
        << Grant(J1, protected=True)
        >> HoldReleased(J1)
        >> at(30)
        << Unprotect(a(3))
    )


def test_c3_a_job_that_asks_during_a_release_waits_for_the_next_confirmation() -> None:
    """C3: the protection that is being let go does not count; only one confirmed after the asking does."""
    assert (
        releasing()
        >> asks(J2, BOB)
        >> ProtectionGranted(a(2), HOUR)
        >> at(31)
        >> ProtectionCleared(a(3))
        << told("protection.released")
        << Protect(a(4), 60)
        >> at(32)
        >> ProtectionGranted(a(4), HOUR)
        << told("protection.acquired")
        << Grant(J2, protected=True)
    )


def test_c3_a_release_that_is_due_goes_out_before_the_job_that_comes_with_it() -> None:
    """C3: a job that asks at the very instant of the release finds it sent, and waits."""
    script = (
        gated()
        >> asks(J1)
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
        << Grant(J1, protected=True)
        >> HoldReleased(J1)
    )
    script.now = script.engine.wake_at()
    assert script.now == 30
    assert script >> asks(J2, BOB) << Unprotect(a(3))
    assert script.engine.snapshot(script.now).holds[0].phase == "waiting"


def test_c4_fail_open_a_job_starts_unprotected_when_its_wait_is_over() -> None:
    """C4: every wait has a bound; by default the job then starts, unprotected and with a warning."""
    assert (
        gated(wait=10)
        >> at(5)
        >> asks()
        << Protect(a(2), 60)
        >> at(14.9)
        >> at(15)
        << Grant(J1, protected=False)
        << told("hold.unprotected", hold="mail (alice)", why="no protection within 10 s")
        >> at(16)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
    )


def test_c4_fail_closed_a_job_is_refused_when_its_wait_is_over() -> None:
    """C4: `--protect-failure closed`: the job does not start, and is no demand any more."""
    script = (
        gated(wait=10, fail_open=False)
        >> asks()
        << Protect(a(2), 60)
        >> at(10)
        << Refuse(J1, "no protection within 10 s")
        << told("hold.refused", hold="mail (alice)", why="no protection within 10 s")
        >> ProtectionRefused(a(2), Refusal.TRY_AGAIN, "Throttling")
        << told("protection.refused")
        >> at(1000)
    )
    assert open_holds(script) == []


def test_c4_everybody_waits_for_their_own_time() -> None:
    """C4: the wait counts from each job's own asking."""
    script = gated(wait=10) >> asks(J1) << Protect(a(2), 60) >> at(4) >> asks(J2, BOB)
    script = script >> at(10) << Grant(J1, protected=False) << told("hold.unprotected", hold="mail (alice)")
    assert (
        script
        >> at(13.9)
        >> at(14)
        << Grant(J2, protected=False)
        << told("hold.unprotected", hold="mail (bob)")
    )


def test_a_passing_fault_is_waited_out() -> None:
    """A refusal that may pass is no answer to the job: it waits for the next try within its time."""
    script = gated() >> asks() << Protect(a(2), 60)
    script = script >> ProtectionRefused(a(2), Refusal.TRY_AGAIN, "Throttling") << told("protection.refused")
    script = script >> at(script.engine.wake_at()) << Protect(a(3), 60)
    assert script >> ProtectionGranted(a(3), HOUR) << told("protection.acquired") << Grant(J1, protected=True)


def test_where_there_is_no_ecs_a_job_starts_at_once() -> None:
    """The same image runs on a laptop: before-start costs nothing where there is nobody to ask."""
    assert elsewhere(before_start=True) >> asks() << Grant(J1, protected=False)


def test_a_job_that_asks_before_anything_is_known_is_answered() -> None:
    """The very first fact may be a job that asks; off ECS its answer does not wait for the next fact."""
    assert Playbook(policy(holds=HoldPolicy(before_start=True))) >> asks() << Grant(J1, protected=False)


def test_in_a_task_of_no_service_a_job_starts_at_once() -> None:
    """Who waits while it is found out that protection does not apply is let go, and so is who comes later."""
    assert (
        gated()
        >> asks(J1)
        << Protect(a(2), 60)
        >> ProtectionRefused(a(2), Refusal.NOT_A_SERVICE_TASK, "TASK_NOT_VALID")
        << told("protection.not_applicable")
        << Grant(J1, protected=False)
        >> asks(J2)
        << Grant(J2, protected=False)
    )


def test_fail_open_a_hopeless_wait_is_cut_short() -> None:
    """A role that may not protect will not do so within seconds: the job starts at once, with a warning."""
    assert (
        gated()
        >> asks()
        << Protect(a(2), 60)
        >> ProtectionRefused(a(2), Refusal.NOT_ALLOWED, "AccessDeniedException")
        << told("protection.not_allowed")
        << Grant(J1, protected=False)
        << told("hold.unprotected", why="AccessDeniedException")
    )


def test_fail_closed_a_hopeless_wait_is_refused_at_once() -> None:
    """Blocked by a deployment, no job is let in: it is refused without the wait, and the worker goes quiet."""
    assert (
        gated(fail_open=False)
        >> asks()
        << Protect(a(2), 60)
        >> ProtectionRefused(a(2), Refusal.BLOCKED, "DEPLOYMENT_BLOCKED")
        << told("protection.refused")
        << Refuse(J1, "DEPLOYMENT_BLOCKED")
        << told("hold.refused", why="DEPLOYMENT_BLOCKED")
        << told("protection.window")
        << told("task.quiet", in_flight=0)
        << Quiet(WEB, None)
    )


def test_a_job_that_waits_counts_whatever_its_age() -> None:
    """Waiting for protection is wanting it: `after` is for jobs that already run."""
    assert gated(after=60) >> asks() << Protect(a(2), 60)


@pytest.mark.parametrize("before_start", [False, True])
def test_on_the_way_out_a_job_that_asks_is_refused(before_start: bool) -> None:
    """No new work is begun after the stop, whether or not jobs are gated by protection."""
    script = (
        elsewhere(before_start=before_start)
        >> HoldTaken(J1, ALICE, "mail")
        >> StopRequested("TERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> asks(J2, BOB)
        << Refuse(J2, "the task is being stopped")
    )
    assert open_holds(script) == [J1]


def test_the_way_out_refuses_whoever_waits() -> None:
    """A job that waits for its start when the stop comes is told not to start, and is not waited for."""
    assert (
        gated()
        >> asks()
        << Protect(a(2), 60)
        >> StopRequested("TERM")
        << told("task.draining")
        << Quiet(WEB, None)
        << Refuse(J1, "the task is being stopped")
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
    )


def test_a_job_that_began_on_the_way_out_is_waited_for() -> None:
    """A job that did not ask has begun, wanted or not; the drain waits for it."""
    assert (
        elsewhere()
        >> HoldTaken(J1, ALICE, "mail")
        >> StopRequested("TERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> HoldTaken(J2, BOB, "prefetched")
        >> HoldReleased(J1)
        >> at(5)
        >> HoldReleased(J2)
        << told("task.stopping", because="nothing in flight")
        << Stop(WEB, TERM)
    )


def test_a_job_that_was_told_to_start_hears_the_same_again() -> None:
    """A holder that lost the answer may ask again, even on the way out: it has begun, as far as anyone knows."""
    assert (
        elsewhere()
        >> asks()
        << Grant(J1, protected=False)
        >> asks()
        << Grant(J1, protected=False)
        >> StopRequested("TERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> asks()
        << Grant(J1, protected=False)
    )


def test_a_job_that_asks_twice_while_it_waits_is_answered_once() -> None:
    """Asking again neither lengthens the wait nor doubles the answer."""
    assert (
        gated(wait=10)
        >> asks()
        << Protect(a(2), 60)
        >> at(6)
        >> asks()
        >> at(10)
        << Grant(J1, protected=False)
        << told("hold.unprotected")
        >> at(16)
    )


def test_whoever_gives_up_waiting_is_not_answered_any_more() -> None:
    """A job that is released, or whose holder dies, while it waits gets no answer, and its demand is gone."""
    script = (
        gated()
        >> asks(J1)
        << Protect(a(2), 60)
        >> asks(J2, BOB)
        >> HoldReleased(J1)
        >> HolderDied(BOB, "connection closed")
        << told("holder.died", work=("mail (bob)",))
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
    )
    assert script >> at(30) << Unprotect(a(3))


def test_the_time_to_live_of_a_hold_that_waits_counts_from_its_answer() -> None:
    """What has not begun cannot hang, however long it is kept waiting."""
    script = (
        gated(wait=10)
        >> asks(ttl=4)
        << Protect(a(2), 60)
        >> at(8)
        >> ProtectionGranted(a(2), 3600)
        << told("protection.acquired")
        << Grant(J1, protected=True)
        >> at(11.9)
        >> at(12)
        << told("hold.expired", hold="mail (alice)")
    )
    assert script >> at(20)
    assert open_holds(script) == []


@pytest.mark.parametrize("bad", [{"after": -1.0}, {"wait": 0.0}, {"wait": -1.0}])
def test_impossible_times_are_refused(bad: dict[str, float]) -> None:
    """A wait of no time at all could not be answered, and no job is younger than its start."""
    with pytest.raises(ValueError, match="may not be negative"):
        HoldPolicy(**bad)  # type: ignore[arg-type]


def test_only_what_has_begun_is_waited_for() -> None:
    """A job that waits for protection has not begun; a stop turns it away."""
    policy_ = HoldPolicy(before_start=True)
    waiting, _ = step(Holds(policy_), asks(), Instant(0.0))
    assert not is_working(waiting)
    working, _ = step(waiting, HoldTaken(J2, BOB, "report"), Instant(0.0))
    assert is_working(working)
