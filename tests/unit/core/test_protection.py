"""The ECS lease, told as playbooks."""

from __future__ import annotations

from itertools import pairwise

import pytest

from supervisor.core.backoff import Backoff
from supervisor.core.effects import Exit, LookAtProtection, Protect, Quiet, Resume, Stop, Unprotect
from supervisor.core.events import (
    DrainRequested,
    HoldReleased,
    HoldTaken,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    Refusal,
    StopRequested,
    WorkerExited,
    WorkerSpawned,
)
from supervisor.core.names import Attempt, SignalName
from supervisor.core.protection import ProtectionPolicy, WhenBlocked

from .playbook import ALICE, BOB, J1, J2, WEB, Playbook, at, policy, told

HOUR = 3600.0


def a(number: int) -> Attempt:
    return Attempt(number)


def refused(number: int, kind: Refusal, code: str = "X") -> ProtectionRefused:
    return ProtectionRefused(a(number), kind, code)


def started(**how: object) -> Playbook:
    """A task on ECS whose worker runs and whose first look has been asked for."""
    lease = ProtectionPolicy(**how)  # type: ignore[arg-type]
    return (
        Playbook(policy(protection=lease))
        >> WorkerSpawned(WEB, 7)
        << LookAtProtection(a(1))
        << told("worker.started")
        << told("task.running")
    )


def unprotected(**how: object) -> Playbook:
    """The same when nothing was left to adopt."""
    return started(**how) >> ProtectionSeen(a(1), None)


def protected(**how: object) -> Playbook:
    """The same with a job in flight since 0 s and an hour's lease asked for at 0 s."""
    return (
        unprotected(**how)
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired", lease=HOUR)
    )


def test_work_is_protected_and_idleness_is_not() -> None:
    """Protection follows the work: asked for with the first hold, let go when the release delay has passed."""
    assert (
        protected()
        >> at(10)
        >> HoldReleased(J1)
        >> at(39.9)
        >> at(40)
        << Unprotect(a(3))
        >> ProtectionCleared(a(3))
        << told("protection.released", because="cleared")
    )


def test_c8_another_job_keeps_the_task_protected() -> None:
    """C8, C9: a release by one holder does not unprotect another's job."""
    assert protected() >> HoldTaken(J2, BOB, "report") >> at(10) >> HoldReleased(J1) >> at(1000)


def test_c22_short_gaps_between_jobs_cost_no_call() -> None:
    """C22: jobs that follow each other within the release delay share one lease."""
    script = protected()
    for second in range(1, 100):
        script = (
            script
            >> at(second * 10 - 5)
            >> HoldReleased(J1)
            >> at(second * 10)
            >> HoldTaken(J1, ALICE, "mail")
        )
    assert script
    assert script.engine.snapshot(script.now).protection.requests == 2


def test_c12_a_lease_is_renewed_before_it_ends() -> None:
    """C12: with half an hour left the lease is asked for again, and the new one counts from that asking."""
    assert (
        protected()
        >> at(1800)
        << Protect(a(3), 60)
        >> at(1803)
        >> ProtectionGranted(a(3), HOUR)
        << told("protection.renewed", lease=HOUR)
        >> at(3599)
        >> at(3600)
        << Protect(a(4), 60)
    )


def test_a_lease_counts_from_the_asking() -> None:
    """An answer that took four seconds leaves four seconds less."""
    assert (
        unprotected(renew_before=60)
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> at(4)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
        >> at(3539)
        >> at(3540)
        << Protect(a(3), 60)
    )


def test_c2_one_request_at_a_time_and_stale_answers_count_for_nothing() -> None:
    """C2, C3: while a request is in flight nothing is asked; its answer alone, by its number, changes the state."""
    assert (
        protected()
        >> at(10)
        >> HoldReleased(J1)
        >> at(40)
        << Unprotect(a(3))
        >> HoldTaken(J2, BOB, "report")
        >> ProtectionGranted(a(2), HOUR)
        >> ProtectionCleared(a(3))
        << told("protection.released")
        << Protect(a(4), 60)
    )


def test_c5_a_failed_first_request_is_repeated_while_there_is_demand() -> None:
    """C5: what is wanted is compared with what is confirmed after every answer, with growing pauses."""
    script = unprotected() >> HoldTaken(J1, ALICE, "mail") << Protect(a(2), 60)
    assert script >> refused(2, Refusal.TRY_AGAIN) << told("protection.refused", code="X")
    pauses = []
    for number in range(3, 12):
        before, due = script.now, script.engine.wake_at()
        pauses.append(due - before)
        assert script >> at(due) << Protect(a(number), 60)
        assert script >> refused(number, Refusal.TRY_AGAIN)
    assert all(0.5 * 2**n <= pause <= 2**n for n, pause in enumerate(pauses[:6]))
    assert max(pauses) <= 60


def test_c14_one_failure_while_protected_changes_nothing() -> None:
    """C14: the lease holds until its own end, whatever a renewal answers; then it is lost, loudly, and asked for anew."""
    script = protected(backoff=Backoff(1000, 1000)) >> at(1800) << Protect(a(3), 60)
    assert (
        script >> refused(3, Refusal.TRY_AGAIN, "Throttling") << told("protection.refused", code="Throttling")
    )
    assert script.engine.snapshot(script.now).protection.confirmed
    assert (
        script
        >> at(script.engine.wake_at())
        << Protect(a(4), 60)
        >> refused(4, Refusal.TRY_AGAIN, "Throttling")
    )
    assert script.engine.snapshot(script.now).protection.confirmed
    while script.engine.wake_at() < 3600:
        number = script.engine.snapshot(script.now).protection.requests + 1
        assert script >> at(script.engine.wake_at()) << Protect(a(number), 60)
        assert script >> refused(number, Refusal.TRY_AGAIN, "Throttling")
    assert script >> at(3600) << told("protection.lapsed", last_refusal="Throttling")
    assert not script.engine.snapshot(script.now).protection.confirmed


def test_a_lease_that_ran_out_unnoticed_is_asked_for_at_once() -> None:
    """A process that was suspended past its lease finds it lost and asks again without a pause."""
    script = protected()
    script.engine._wake_at = 4000.0  # type: ignore[assignment]  # the machine slept and nobody ticked
    assert script >> at(4000) << told("protection.lapsed", last_refusal=None) << Protect(a(3), 60)


def test_c16_an_unknown_outcome_is_looked_up() -> None:
    """C16: after a 504 the state is read; if the request was carried out after all, it counts."""
    assert (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> at(4)
        >> ProtectionUnknown(a(2), "504")
        << told("protection.unknown", asked="protect", why="504")
        << LookAtProtection(a(3))
        >> ProtectionSeen(a(3), HOUR - 4)
        << told("protection.acquired", lease=HOUR - 4)
    )


def test_c16_a_look_cannot_find_more_than_was_asked_for() -> None:
    """C16: what is left is told by two wall clocks; with ours an hour behind, the lease lasts as long as we asked for."""
    assert (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> ProtectionUnknown(a(2), "504")
        << told("protection.unknown")
        << LookAtProtection(a(3))
        >> ProtectionSeen(a(3), 2 * HOUR)
        << told("protection.acquired", lease=HOUR)
    )


def test_c16_a_request_that_was_lost_is_repeated() -> None:
    """C16: if the look shows that nothing happened, the request is made again."""
    script = (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> ProtectionUnknown(a(2), "time-out")
        << told("protection.unknown")
        << LookAtProtection(a(3))
        >> ProtectionSeen(a(3), None)
    )
    assert script >> at(script.engine.wake_at()) << Protect(a(4), 60)


def test_a_look_that_fails_too_leads_to_the_request_itself() -> None:
    """Setting a state twice is safe, so a second unknown outcome is answered with the request, after a pause."""
    script = (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> ProtectionUnknown(a(2), "time-out")
        << told("protection.unknown")
        << LookAtProtection(a(3))
        >> ProtectionUnknown(a(3), "time-out")
    )
    assert script >> at(script.engine.wake_at()) << Protect(a(4), 60)


def test_c4_a_request_without_any_answer_is_given_up() -> None:
    """C4: even a protector that never answers holds nothing up for ever."""
    assert (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> at(29.9)
        >> at(30)
        << told("protection.unknown", why="no answer")
        << LookAtProtection(a(3))
    )


def test_demand_that_ends_during_the_request_is_settled_after_it() -> None:
    """A job shorter than the call: the grant is taken, and let go after the release delay."""
    assert (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> at(1)
        >> HoldReleased(J1)
        >> at(2)
        >> ProtectionGranted(a(2), HOUR)
        << told("protection.acquired")
        >> at(31)
        << Unprotect(a(3))
    )


def test_a_refused_request_without_demand_is_dropped() -> None:
    """Nobody works any more and nothing is on: nothing is left to do."""
    script = (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> HoldReleased(J1)
        >> refused(2, Refusal.TRY_AGAIN)
        << told("protection.refused")
    )
    assert script
    assert script.engine.snapshot(script.now).protection.phase == "unprotected"


def test_an_unknown_request_without_demand_is_undone() -> None:
    """Nobody works any more, but the task may be protected: it is looked up and taken off."""
    script = (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> HoldReleased(J1)
        >> ProtectionUnknown(a(2), "504")
        << told("protection.unknown")
        << LookAtProtection(a(3))
        >> ProtectionSeen(a(3), 3000)
    )
    assert (
        script
        >> at(script.engine.wake_at())
        << Unprotect(a(4))
        >> ProtectionCleared(a(4))
        << told("protection.released")
    )


def test_c13_a_release_is_repeated_until_it_is_confirmed() -> None:
    """C13: a release that fails is tried again, and ends at the latest with the lease."""
    script = protected() >> HoldReleased(J1) >> at(30) << Unprotect(a(3))
    assert script >> refused(3, Refusal.TRY_AGAIN) << told("protection.refused")
    while script.engine.wake_at() < 3600:
        number = script.engine.snapshot(script.now).protection.requests + 1
        assert (
            script
            >> at(script.engine.wake_at())
            << Unprotect(a(number))
            >> refused(number, Refusal.TRY_AGAIN)
        )
    assert script >> at(3600) << told("protection.released", because="expired by itself")


def test_a_lease_that_ends_during_its_release_waits_for_the_answer() -> None:
    """The request in flight decides, not the clock."""
    assert (
        protected()
        >> at(1800)
        << Protect(a(3), 60)
        >> refused(3, Refusal.TRY_AGAIN)
        << told("protection.refused")
        >> HoldReleased(J1)
        >> at(1830)
        << Unprotect(a(4))
        >> at(1831)
        >> ProtectionCleared(a(4))
        << told("protection.released")
    )


def test_a_release_that_straddles_the_end_of_the_lease() -> None:
    """When the lease ends while its release is in flight, the answer alone moves the machine."""
    assert (
        protected(release_delay=3595)
        >> HoldReleased(J1)
        >> at(3595)
        << Unprotect(a(3))
        >> at(3610)
        >> ProtectionCleared(a(3))
        << told("protection.released")
    )


def test_a_lease_that_nobody_needs_may_end_by_itself() -> None:
    """With a release delay longer than the lease there is nothing to release, and nothing has lapsed."""
    assert (
        protected(release_delay=5000)
        >> at(10)
        >> HoldReleased(J1)
        >> at(3600)
        << told("protection.released", because="expired by itself")
        >> at(9000)
    )


def test_an_unknown_release_is_looked_up() -> None:
    """A release whose outcome is unknown counts as done when the look shows it off."""
    assert (
        protected()
        >> HoldReleased(J1)
        >> at(30)
        << Unprotect(a(3))
        >> ProtectionUnknown(a(3), "504")
        << told("protection.unknown", asked="unprotect")
        << LookAtProtection(a(4))
        >> ProtectionSeen(a(4), None)
        << told("protection.released", because="cleared")
    )


def test_demand_during_a_refused_release_finds_the_lease_still_there() -> None:
    """A release that was refused took nothing off: a job that comes then is protected without another call."""
    script = (
        protected()
        >> HoldReleased(J1)
        >> at(30)
        << Unprotect(a(3))
        >> refused(3, Refusal.TRY_AGAIN)
        << told("protection.refused")
        >> HoldTaken(J2, BOB, "report")
        >> at(1799)
    )
    assert script
    assert script.engine.snapshot(script.now).protection.confirmed
    assert script >> at(1800) << Protect(a(4), 60)


def test_demand_during_an_unknown_release_is_asked_for_anew() -> None:
    """A release that may have been carried out leaves nothing to rely on; the pause that is running goes on."""
    script = (
        protected()
        >> HoldReleased(J1)
        >> at(30)
        << Unprotect(a(3))
        >> ProtectionUnknown(a(3), "504")
        << told("protection.unknown")
        << LookAtProtection(a(4))
        >> ProtectionUnknown(a(4), "504")
        >> HoldTaken(J2, BOB, "report")
    )
    assert script >> at(script.engine.wake_at()) << Protect(a(5), 60)


def test_c22_a_refused_request_is_not_repeated_for_every_job() -> None:
    """C22: while the agent throttles, jobs that come and go wait for the pause that is running."""
    script = (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> refused(2, Refusal.TRY_AGAIN, "Throttling")
        << told("protection.refused")
        >> HoldReleased(J1)
        >> HoldTaken(J2, ALICE, "mail")
        >> HoldReleased(J2)
        >> HoldTaken(J1, ALICE, "mail")
    )
    assert script >> at(script.engine.wake_at()) << Protect(a(3), 60)
    assert script.now >= 0.5


def test_what_an_earlier_process_left_is_adopted_and_released() -> None:
    """A restarted supervisor inherits the task's protection: kept for the release delay, then let go."""
    assert (
        started()
        >> ProtectionSeen(a(1), 5000)
        << told("protection.adopted", lease=5000)
        >> at(29.9)
        >> at(30)
        << Unprotect(a(2))
    )


def test_an_adopted_lease_covers_work_that_reappears_and_is_asked_for_anew() -> None:
    """Work finds the task protected; but what the earlier process asked for last may come through after our look."""
    assert (
        started()
        >> ProtectionSeen(a(1), 2000)
        << told("protection.adopted")
        >> at(3)
        >> HoldTaken(J1, ALICE, "mail")
        >> at(5)
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), 3600)
        << told("protection.renewed")
        >> at(600)
    )


def test_a_first_look_that_fails_is_repeated_until_somebody_works() -> None:
    """Demand does not wait for the look to succeed."""
    script = started() >> ProtectionUnknown(a(1), "refused") << told("protection.unknown")
    assert script >> at(script.engine.wake_at()) << LookAtProtection(a(2))
    assert script >> ProtectionUnknown(a(2), "refused") >> HoldTaken(J1, ALICE, "mail") << Protect(a(3), 60)


def test_a_task_of_no_service_is_told_once_and_quietly() -> None:
    """TASK_NOT_VALID: protection does not apply, and nothing is asked any more."""
    assert (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> refused(2, Refusal.NOT_A_SERVICE_TASK, "TASK_NOT_VALID")
        << told("protection.not_applicable", code="TASK_NOT_VALID")
        >> HoldReleased(J1)
        >> HoldTaken(J2, BOB, "report")
        >> at(100_000)
    )


def test_a_look_can_find_that_protection_does_not_apply() -> None:
    """The first look already tells a standalone task."""
    assert (
        started()
        >> refused(1, Refusal.NOT_A_SERVICE_TASK, "TASK_NOT_VALID")
        << told("protection.not_applicable")
    )


def test_a_missing_permission_is_an_error_and_asked_again_rarely() -> None:
    """The task role can be mended while the task runs: every five minutes, as long as somebody works."""
    assert (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> refused(2, Refusal.NOT_ALLOWED, "AccessDeniedException")
        << told("protection.not_allowed", code="AccessDeniedException")
        >> at(299)
        >> at(300)
        << Protect(a(3), 60)
        >> refused(3, Refusal.NOT_ALLOWED, "AccessDeniedException")
        >> HoldReleased(J1)
        >> at(2000)
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(4), 60)
        >> ProtectionGranted(a(4), HOUR)
        << told("protection.acquired")
    )


def test_a_role_that_may_not_look_may_still_protect() -> None:
    """A denied GET is reported; whether PUT is denied too is found out when somebody works."""
    assert (
        started()
        >> refused(1, Refusal.NOT_ALLOWED, "AccessDeniedException")
        << told("protection.refused", asked="look")
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
    )


def test_a_permission_lost_in_mid_run_leaves_the_lease_alone() -> None:
    """A renewal that is denied is repeated like any other; the lease runs on meanwhile."""
    script = protected() >> at(1800) << Protect(a(3), 60)
    assert script >> refused(3, Refusal.NOT_ALLOWED, "AccessDeniedException") << told("protection.refused")
    assert script.engine.snapshot(script.now).protection.phase == "renewing"


def test_blocked_by_a_deployment_means_quiet_finish_release_and_resume() -> None:
    """The default for DEPLOYMENT_BLOCKED: stop fetching, finish, release, leave a window, resume."""
    script = (
        protected(window=120)
        >> at(1800)
        << Protect(a(3), 60)
        >> refused(3, Refusal.BLOCKED, "DEPLOYMENT_BLOCKED")
        << told("protection.refused", code="DEPLOYMENT_BLOCKED")
        << told("task.quiet", reason="a deployment waits for this task", in_flight=1)
        << Quiet(WEB, None)
        >> HoldReleased(J1)
        << Unprotect(a(4))
        >> ProtectionCleared(a(4))
        << told("protection.released")
        << told("protection.window", seconds=120)
        >> at(1919)
    )
    assert script >> at(1920) << told("task.resumed") << Resume(WEB, None)


def test_a_quiet_task_keeps_its_protection_for_a_fetch_that_began_before() -> None:
    """What a fetch brings after the gate has shut finds the task protected, if it does not take for ever."""
    quiet = (
        protected(budget=600)
        >> HoldTaken(J2, ALICE, "fetch", fetching=True)
        >> at(600)
        << told("protection.budget_spent")
        << told("task.quiet")
        << Quiet(WEB, None)
        >> HoldReleased(J1)
    )
    assert quiet >> at(624.9) >> at(625) << Unprotect(a(3))


def test_a_quiet_task_is_released_when_its_last_fetch_is_over() -> None:
    """The thread that finds the gate shut was the last reason to wait."""
    assert (
        protected(budget=600)
        >> HoldTaken(J2, ALICE, "fetch", fetching=True)
        >> at(600)
        << told("protection.budget_spent")
        << told("task.quiet")
        << Quiet(WEB, None)
        >> HoldReleased(J1)
        >> at(603)
        >> HoldReleased(J2)
        << Unprotect(a(3))
    )


def test_work_in_flight_keeps_being_protected_while_blocked() -> None:
    """A refused renewal is repeated for the job that is still running; when ECS agrees, its lease goes on."""
    script = (
        protected()
        >> at(1800)
        << Protect(a(3), 60)
        >> refused(3, Refusal.BLOCKED, "DEPLOYMENT_BLOCKED")
        << told("protection.refused")
        << told("task.quiet")
        << Quiet(WEB, None)
    )
    assert (
        script
        >> at(script.engine.wake_at())
        << Protect(a(4), 60)
        >> ProtectionGranted(a(4), HOUR)
        << told("protection.renewed")
    )


def test_a_task_that_never_had_protection_does_not_wait_for_a_window() -> None:
    """The new tasks of a deployment are refused while the old ones hold on: they finish, and go on, one pause apart."""
    script = (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> refused(2, Refusal.BLOCKED, "DEPLOYMENT_BLOCKED")
        << told("protection.refused")
        << told("task.quiet")
        << Quiet(WEB, None)
        >> HoldReleased(J1)
        << told("task.resumed")
        << Resume(WEB, None)
        >> HoldTaken(J2, ALICE, "mail")
    )
    assert script >> at(script.engine.wake_at()) << Protect(a(3), 60)


def test_keep_trying_does_not_go_quiet() -> None:
    """`--when-blocked keep-trying`: the worker goes on fetching while protection is asked for again and again."""
    script = (
        unprotected(when_blocked=WhenBlocked.KEEP_TRYING) >> HoldTaken(J1, ALICE, "mail") << Protect(a(2), 60)
    )
    assert script >> refused(2, Refusal.BLOCKED, "DEPLOYMENT_BLOCKED") << told("protection.refused")
    assert script >> at(script.engine.wake_at()) << Protect(a(3), 60)


def test_c29_the_protected_time_budget_ends_in_a_release_window() -> None:
    """C29: after so much unbroken protection the task goes quiet by itself, finishes, releases and gives ECS a window."""
    script = protected(budget=600, window=60)
    for second in range(100, 600, 100):
        script = (
            script
            >> at(second)
            >> HoldTaken(J2, BOB, "next")
            >> HoldReleased(J1)
            >> HoldTaken(J1, ALICE, "mail")
        )
        script = script >> HoldReleased(J2)
    assert (
        script
        >> at(600)
        << told("protection.budget_spent", seconds=600)
        << told("task.quiet", reason="the protected-time budget is spent")
        << Quiet(WEB, None)
        >> at(900)
        >> HoldReleased(J1)
        << Unprotect(a(3))
        >> ProtectionCleared(a(3))
        << told("protection.released")
        << told("protection.window")
        >> at(960)
        << told("task.resumed")
        << Resume(WEB, None)
    )


def test_work_taken_while_quiet_is_protected_and_moves_the_window() -> None:
    """A worker that does not heed the gate still gets its job protected, with the usual delay, and the window anew."""
    assert (
        protected(budget=600, window=60)
        >> at(600)
        << told("protection.budget_spent")
        << told("task.quiet")
        << Quiet(WEB, None)
        >> HoldReleased(J1)
        << Unprotect(a(3))
        >> ProtectionCleared(a(3))
        << told("protection.released")
        << told("protection.window")
        >> at(630)
        >> HoldTaken(J2, BOB, "ungated")
        << Protect(a(4), 60)
        >> ProtectionGranted(a(4), HOUR)
        << told("protection.acquired")
        >> at(640)
        >> HoldReleased(J2)
        >> at(670)
        << Unprotect(a(5))
        >> ProtectionCleared(a(5))
        << told("protection.released")
        << told("protection.window")
        >> at(729)
        >> at(730)
        << told("task.resumed")
        << Resume(WEB, None)
    )


def test_somebody_else_took_the_protection_off() -> None:
    """When a look shows a lease gone that we held, it has lapsed: said loudly, and asked for again."""
    script = (
        protected()
        >> at(1800)
        << Protect(a(3), 60)
        >> ProtectionUnknown(a(3), "504")
        << told("protection.unknown")
        << LookAtProtection(a(4))
        >> ProtectionSeen(a(4), None)
        << told("protection.lapsed")
    )
    assert script >> at(script.engine.wake_at()) << Protect(a(5), 60)


def test_a_renewal_seen_to_be_on_with_little_left_was_not_carried_out() -> None:
    """A look that shows the old lease means that the renewal is still to be done."""
    script = (
        protected()
        >> at(1800)
        << Protect(a(3), 60)
        >> ProtectionUnknown(a(3), "504")
        << told("protection.unknown")
        << LookAtProtection(a(4))
        >> ProtectionSeen(a(4), 1799)
    )
    assert script >> at(script.engine.wake_at()) << Protect(a(5), 60)


def test_a_lease_shorter_than_asked_for_is_renewed_at_half() -> None:
    """The lease that counts is the one that was granted."""
    assert (
        unprotected()
        >> HoldTaken(J1, ALICE, "mail")
        << Protect(a(2), 60)
        >> ProtectionGranted(a(2), 600)
        << told("protection.acquired", lease=600)
        >> at(299)
        >> at(300)
        << Protect(a(3), 60)
    )


def test_absurdly_short_leases_do_not_make_us_hammer_the_agent() -> None:
    """However little is granted, requests are at least five seconds apart."""
    script = unprotected() >> HoldTaken(J1, ALICE, "mail") << Protect(a(2), 60)
    asked_at = [script.now]
    for number in range(3, 10):
        assert script >> ProtectionGranted(a(number - 1), 0.1) << told("protection.acquired")
        assert script >> at(script.engine.wake_at()) << told("protection.lapsed")
        assert script >> at(script.engine.wake_at()) << Protect(a(number), 60)
        asked_at.append(script.now)
    assert min(later - sooner for sooner, later in pairwise(asked_at)) >= 5


def test_once_ecs_ends_the_task_nothing_is_asked() -> None:
    """A lease cannot help against the stop signal; the drain is not spent on calls to the agent."""
    assert (
        protected()
        >> at(10)
        >> StopRequested("TERM")
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(15)
        >> HoldReleased(J1)
        << told("task.stopping")
        << Stop(WEB, SignalName("TERM"))
        >> WorkerExited(WEB, 0)
        << told("worker.exited")
        << told("task.exited")
        << Exit(0)
    )


def test_c20_an_operators_drain_keeps_protection_until_the_last_job() -> None:
    """C20: protection is not dropped when the drain begins, but when the last job has ended, and before the exit."""
    assert (
        protected()
        >> DrainRequested("drain")
        << told("task.draining")
        << Quiet(WEB, None)
        >> at(1800)
        << Protect(a(3), 60)
        >> ProtectionGranted(a(3), HOUR)
        << told("protection.renewed")
        >> at(2000)
        >> HoldReleased(J1)
        << Unprotect(a(4))
        << told("task.stopping")
        << Stop(WEB, SignalName("TERM"))
        >> WorkerExited(WEB, 0)
        << told("worker.exited")
        >> at(2003)
        >> ProtectionCleared(a(4))
        << told("protection.released")
        << told("task.exited", status=0)
        << Exit(0)
    )


def test_the_exit_waits_for_a_release_no_longer_than_one_call() -> None:
    """A worker that exits by itself takes its protection with it if the agent answers, and exits all the same if not."""
    assert (
        protected()
        >> HoldReleased(J1)
        >> at(5)
        >> WorkerExited(WEB, 0)
        << told("worker.exited")
        << Unprotect(a(3))
        >> at(11.9)
        >> at(12)
        << told("task.exited", status=0)
        << Exit(0)
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"lease_minutes": 0},
        {"lease_minutes": 2881},
        {"renew_before": 3600.0},
        {"renew_before": 0.0},
        {"release_delay": -1.0},
        {"budget": 0.0},
        {"window": -1.0},
    ],
)
def test_impossible_policies_are_refused(bad: dict[str, float]) -> None:
    """A lease that is renewed after its end, or lasts longer than the API allows, cannot be configured."""
    with pytest.raises(ValueError, match=r"lease|delays"):
        ProtectionPolicy(**bad)  # type: ignore[arg-type]
