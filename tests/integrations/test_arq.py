"""arq under the real supervisor, started as its users start it."""

from __future__ import annotations

import signal

from tests.integrations.configuration import Job
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.arq import DEFAULT


def test_a_job_that_is_too_long_is_put_back_and_not_killed(run_worker: Run, setting_for: SettingFor) -> None:
    """Its settings say nothing of a completion wait: at the stop signal the hook gives arq what is left, less a second."""
    setting = setting_for(DEFAULT)
    worker = run_worker(DEFAULT, setting, stop_timeout=10)
    worker.until_attached()
    DEFAULT.enqueue(setting, [Job("endless", 60.0)])
    worker.until_busy(1)
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert DEFAULT.left(setting) == {"endless": "queue"}


def test_it_is_busy_exactly_while_a_job_runs(run_worker: Run, setting_for: SettingFor) -> None:
    """After success, failure, retry, abort and time limit nothing is held; a deferred job is held when it runs."""
    setting = setting_for(DEFAULT)
    worker = run_worker(DEFAULT, setting)
    worker.until_attached()
    DEFAULT.send(setting, ("work", "good", 2.0))
    worker.until(lambda: worker.holds() == ["work good"], "the job is held by its name")
    worker.until_protected()
    worker.until_idle()
    DEFAULT.send(setting, ("work", "deferred", 0.0), _defer_by=3)
    DEFAULT.send(setting, ("fail", "bad", 0.0), ("again", "again", 1.5), ("limited", "limited", 60.0))
    worker.until_started("bad", "again", "limited")
    worker.until_idle()
    DEFAULT.send(setting, ("work", "aborted", 60.0))
    worker.until_started("aborted")
    DEFAULT.abort(setting, "aborted")
    worker.until_ended("again", "deferred")
    names = [
        "again again",
        "again again",
        "fail bad",
        "limited limited",
        "work aborted",
        "work deferred",
        "work good",
    ]
    # A job is held before its name is known.
    worker.until(
        lambda: sorted(about for about in worker.held() if " " in about) == names, "each try was held"
    )
    worker.until_idle()
    assert worker.ended() == ["good", "again", "deferred"]
    assert DEFAULT.left(setting) == {}
