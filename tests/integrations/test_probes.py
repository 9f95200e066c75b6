"""Real workers that have no hook, seen by probes: Sidekiq by its title, RQ by its horse."""

from __future__ import annotations

import signal

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.rq import Rq
from tests.integrations.frameworks.sidekiq import Sidekiq

SIDEKIQ = Sidekiq()
RQ = Rq("rq-worker", ("worker",))

TITLE = ("--no-attach", "--probe", r"title=\[(\d+) of \d+ busy\]", "--release-delay", "0")
HORSE = ("--no-attach", "--probe", "children", "--release-delay", "0")


def test_sidekiqs_title_is_believed_after_its_next_beat(run_worker: Run, setting_for: SettingFor) -> None:
    """A job longer than the beat is protected and waited for; idle is believed when a whole beat has shown nothing else."""
    setting = setting_for(SIDEKIQ)
    worker = run_worker(SIDEKIQ, setting, *TITLE, stop_timeout=40)
    SIDEKIQ.enqueue(setting, [Job("long", 9.0)])
    worker.until_started("long")
    worker.until_protected(limit=20)
    assert "[1 of 2 busy]" in worker.holds()[0]
    worker.send(signal.SIGTERM)
    worker.until_noted("task.draining")
    assert worker.status(limit=40) == 0
    assert worker.ended() == ["long"]
    assert not worker.noted("holds.abandoned")
    # Told to stop because idle was believed, not because its time was over.
    assert worker.noted("task.exited")[0]["took"] < 25


def test_a_job_that_sidekiqs_title_has_not_shown_yet_is_waited_for(
    run_worker: Run, setting_for: SettingFor
) -> None:
    """It began a moment before the stop: quiet comes first, and the settle time is longer than the beat."""
    setting = setting_for(SIDEKIQ)
    worker = run_worker(SIDEKIQ, setting, *TITLE, stop_timeout=40)
    SIDEKIQ.enqueue(setting, [Job("first", 0.0)])
    worker.until_ended("first")
    SIDEKIQ.enqueue(setting, [Job("long", 8.0)])
    worker.until_started("long")
    worker.send(signal.SIGTERM)
    assert worker.status(limit=40) == 0
    assert worker.ended() == ["first", "long"]
    assert not worker.noted("holds.abandoned")


def test_rqs_horse_is_seen_while_it_lives(run_worker: Run, setting_for: SettingFor) -> None:
    """Its parent's title names it and goes on doing so when it is gone; only the living child counts."""
    setting = setting_for(RQ)
    worker = run_worker(RQ, setting, *HORSE)
    worker.until_protected(False)
    RQ.enqueue(setting, [Job("long", 4.0)])
    worker.until_protected()
    worker.until_ended("long")
    worker.until_protected(False)
    worker.send(signal.SIGTERM)
    assert worker.status() == 0


def test_rq_without_a_hook_gets_its_stop_signal_at_once(run_worker: Run, setting_for: SettingFor) -> None:
    """Nobody can make it quiet but its own warm shutdown, and a probe would wait for a gap in the queue that never comes."""
    setting = setting_for(RQ)
    worker = run_worker(RQ, setting, *HORSE)
    RQ.enqueue(setting, [Job("long", 3.0), Job("next", 1.0)])
    worker.until_started("long")
    worker.until_protected()
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.ended() == ["long"]
    assert RQ.waiting(setting) == 1


def test_a_horse_outlives_a_worker_that_was_killed(run_worker: Run, setting_for: SettingFor) -> None:
    """It finishes its job, and the supervisor waits for it."""
    setting = setting_for(RQ)
    worker = run_worker(RQ, setting, *HORSE)
    RQ.enqueue(setting, [Job("long", 5.0)])
    worker.until_started("long")
    worker.until(lambda: worker.holds(), "the horse is seen")
    (main,) = [process for process in worker.descendants if process.pid == worker.main_pid]
    main.kill()
    assert worker.status() == 137
    assert worker.ended() == ["long"]
