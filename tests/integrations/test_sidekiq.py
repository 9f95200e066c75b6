"""Sidekiq under `run`, attached through RUBYOPT: what it says of its jobs, how it goes quiet, and what a kill costs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from tests.integrations.beside_fake import beside_fake
from tests.integrations.brokers import Broker
from tests.integrations.configuration import Job, Setting
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.sidekiq import Sidekiq
from tests.unit.hooks.fake_supervisor import QUIET, RUNNING, FakeSupervisor, grant, refuse

SIDEKIQ = Sidekiq()


@pytest.fixture
def setting(setting_for: SettingFor) -> Setting:
    return setting_for(SIDEKIQ)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeSupervisor]:
    fake = FakeSupervisor(tmp_path / "hook")
    fake.start()
    yield fake
    fake.stop()


def test_it_attaches_and_says_what_it_is(run_worker: Run, setting: Setting) -> None:
    """The supervisor hears of a Sidekiq with a gate, and that its fetch loses what runs at a kill."""
    worker = run_worker(SIDEKIQ, setting)
    told = worker.until_attached(framework="sidekiq")
    assert (told["version"], told["gate"]) == ("6.4.1", True)
    worker.until_noted("worker.advice", setting="fetch")


def test_the_task_is_busy_while_a_job_runs(run_worker: Run, setting: Setting) -> None:
    """A hold with class and id lasts as long as the job, and protects the task."""
    SIDEKIQ.enqueue(setting, [Job("a", 0.5)])
    worker = run_worker(SIDEKIQ, setting)
    worker.until_started("a")
    worker.until_busy()
    worker.until_protected()
    worker.until_ended("a")
    worker.until_idle()
    (about,) = worker.held()
    assert about.startswith("Sample ")
    assert len(about.split()[1]) == 24


def test_a_failing_job_is_held_until_it_is_in_the_retry_set(setting: Setting, fake: FakeSupervisor) -> None:
    """The hold covers what Sidekiq does after the job has raised."""
    SIDEKIQ.enqueue(setting, [Job("a", 0.1)], "Fails")
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake) as worker:
        worker.until_said("release")
        assert SIDEKIQ.left(setting) == {"a": "retry set, back after Sidekiq's delay"}
        assert fake.open_holds() == []


def test_quiet_is_confirmed_and_can_be_taken_back(setting: Setting, fake: FakeSupervisor) -> None:
    """Nothing begins after `shut`, although the fetchers stand in their blocking pops; after `opened` the jobs run."""
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake) as worker:
        SIDEKIQ.enqueue(setting, [Job("before", 0.01)])
        worker.until_ended("before")
        fake.say(QUIET)
        worker.until_said("shut")
        SIDEKIQ.enqueue(setting, [Job(f"after {number}", 0.01) for number in range(8)])
        # Both pops that were under way bring a job, and both go back.
        worker.until(lambda: SIDEKIQ.waiting(setting) == 8, "all jobs are in the queue")
        Sidekiq.enqueue(SIDEKIQ, setting, [Job("last", 0.01)])
        assert worker.started() == ["before"]
        fake.say(RUNNING)
        worker.until_said("opened")
        worker.until_ended("last", *(f"after {number}" for number in range(8)))
        assert len(worker.started()) == 10


def test_at_the_start_nothing_is_fetched_until_the_supervisor_welcomes_it(
    setting: Setting, fake: FakeSupervisor
) -> None:
    """A gate that is shut from the beginning keeps the queue as it is."""
    fake.greeting = QUIET
    SIDEKIQ.enqueue(setting, [Job("a", 0.01)])
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake) as worker:
        worker.until_said("shut")
        worker.until(lambda: any("Running in ruby" in line for line in worker.output), "it has booted")
        assert SIDEKIQ.waiting(setting) == 1
        fake.say(RUNNING)
        worker.until_ended("a")


def test_a_stop_lets_jobs_end_and_begins_nothing(run_worker: Run, setting: Setting) -> None:
    """A short and a long job end, what waits stays in the queue, and the exit status is 0."""
    worker = run_worker(SIDEKIQ, setting)
    SIDEKIQ.enqueue(setting, [Job("short", 1.5), Job("long", 3), Job("c", 0.1), Job("d", 0.1)])
    worker.until_started("short", "long")
    worker.send(signal.SIGTERM)
    worker.until_noted("quiet.confirmed")
    assert worker.status() == 0
    assert sorted(worker.started()) == sorted(worker.ended()) == ["long", "short"]
    assert SIDEKIQ.left(setting) == {"c": "queue", "d": "queue"}


def test_no_job_is_lost_or_doubled_by_a_stop_in_a_stream(run_worker: Run, setting: Setting) -> None:
    """With a backlog of tiny jobs every one has ended once or waits in the queue."""
    jobs = [Job(f"{number}", 0.002) for number in range(3000)]
    SIDEKIQ.enqueue(setting, jobs)
    worker = run_worker(SIDEKIQ, setting)
    worker.until(lambda: len(worker.ended()) > 50, "some have ended")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.started() == list(dict.fromkeys(worker.started()))
    assert sorted(worker.started()) == sorted(worker.ended())
    assert sorted([*worker.ended(), *SIDEKIQ.left(setting)]) == sorted(job.name for job in jobs)


def test_a_job_that_outlives_the_stop_is_pushed_back(run_worker: Run, setting: Setting) -> None:
    """Sidekiq's own time limit is set below ours, so that it comes before our SIGKILL."""
    SIDEKIQ.enqueue(setting, [Job("endless", 60)])
    worker = run_worker(SIDEKIQ, setting, stop_timeout=12)
    worker.until_started("endless")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert SIDEKIQ.left(setting) == {"endless": "queue"}


def test_a_time_limit_of_the_app_stands(setting: Setting, fake: FakeSupervisor, tmp_path: Path) -> None:
    """Where sidekiq.yml has one it is kept, and told of when it comes after our SIGKILL."""
    (tmp_path / "sidekiq.yml").write_text(":timeout: 50\n")
    configured = replace(SIDEKIQ, options=("-C", str(tmp_path / "sidekiq.yml")))
    with beside_fake(configured, setting, "sidekiq", fake) as worker:
        worker.until(lambda: "timeout" in [each["setting"] for each in fake.messages("advice")], "it is told")


def test_a_killed_worker_holds_nothing(run_worker: Run, setting: Setting) -> None:
    """The end of the process ends its holds, and the task's status says how it ended."""
    SIDEKIQ.enqueue(setting, [Job("a", 60)])
    worker = run_worker(SIDEKIQ, setting)
    worker.until_attached()
    worker.until_busy()
    os.kill(worker.main_pid, signal.SIGKILL)
    assert worker.status() == 137


def test_a_killed_supervisor_leaves_no_fetching_worker(run_worker: Run, setting: Setting) -> None:
    """The worker finishes its job, takes no other, and ends."""
    worker = run_worker(SIDEKIQ, setting)
    SIDEKIQ.enqueue(setting, [Job("a", 3)])
    worker.until_started("a")
    main = psutil.Process(worker.main_pid)
    os.kill(worker.pid, signal.SIGKILL)
    worker.until(lambda: any("supervisor has died" in line for line in worker.output), "it has noticed")
    SIDEKIQ.enqueue(setting, [Job("b", 0.1)])
    worker.until(lambda: not main.is_running(), "the worker has ended")
    assert (worker.ended(), worker.started()) == (["a"], ["a"])
    assert SIDEKIQ.left(setting) == {"b": "queue"}


def test_a_broker_that_goes_and_comes_back(
    run_worker: Run, setting: Setting, own_redis_server: Broker
) -> None:
    """The hold of a job that runs meanwhile ends with the job, and later jobs run."""
    setting = replace(setting, broker=own_redis_server.url)
    worker = run_worker(SIDEKIQ, setting)
    worker.until_attached()
    SIDEKIQ.enqueue(setting, [Job("a", 1.5)])
    worker.until_busy()
    own_redis_server.kill()
    worker.until_ended("a")
    worker.until_idle()
    own_redis_server.restart()
    SIDEKIQ.enqueue(setting, [Job("b", 0.1)])
    worker.until_ended("b")
    worker.until_idle()


def test_a_job_can_ask_how_long_it_has(run_worker: Run, setting: Setting) -> None:
    """`EcsSupervisor.stopping?` and `.seconds_left` answer inside a job."""
    SIDEKIQ.enqueue(setting, [Job("a", 30)], "AsksHowLong")
    worker = run_worker(SIDEKIQ, setting)
    worker.until_started("a")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    (told,) = [line.what for line in worker.lines() if line.what.startswith("told")]
    assert told.startswith("told true ")
    assert 0 < float(told.split()[2]) <= 15


def test_a_calculating_job_is_seen_and_does_not_delay_the_quiet(run_worker: Run, setting: Setting) -> None:
    """Ruby gives the hook its turn: the stop is confirmed while a job computes, and nothing else begins."""
    SIDEKIQ.enqueue(setting, [Job("a", 3), Job("b", 3), Job("c", 0.1)], "Calculates")
    worker = run_worker(SIDEKIQ, setting)
    worker.until_started("a", "b")
    worker.until_busy(2)
    worker.send(signal.SIGTERM)
    worker.until_noted("quiet.confirmed")
    assert worker.ended() == []
    assert worker.status() == 0
    assert sorted(worker.ended()) == ["a", "b"]
    assert SIDEKIQ.left(setting) == {"c": "queue"}


def test_what_a_job_starts_is_not_attached(setting: Setting, fake: FakeSupervisor) -> None:
    """A command knows nothing of us; a fork that works for itself is a holder of its own, and its end is not its parent's."""
    SIDEKIQ.enqueue(setting, [Job("a", 0)], "Commands")
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake, {"RUBYOPT": "-W0"}) as worker:
        worker.until_said("release", 2)
        worker.until_ended("a")
    (said,) = [line for line in setting.records.read_text().splitlines() if "command says" in line]
    assert 'command says \\"-W0\\"nil' in said
    mine, forked = fake.messages("hold")
    assert (mine["about"].split()[0], forked["about"]) == ("Commands", "in the fork")
    holders = [connection for connection, message in fake.said if message["op"] == "hold"]
    assert len(set(holders)) == 2


BROKEN = """
require "sidekiq/cli"
class Sidekiq::Processor
  alias once process_one
  undef process_one
  def run
    once until @done
    @mgr.processor_stopped(self)
  rescue Sidekiq::Shutdown
    @mgr.processor_stopped(self)
  end
end
"""
OTHER = """
require "sidekiq/cli"
Sidekiq.send(:remove_const, :VERSION)
Sidekiq::VERSION = "9.1.0"
"""


def test_a_missing_method_costs_the_gate_only(setting: Setting, fake: FakeSupervisor, tmp_path: Path) -> None:
    """One warning, no gate; the jobs are seen all the same, and quiet is Sidekiq's own."""
    (tmp_path / "broken.rb").write_text(BROKEN)
    SIDEKIQ.enqueue(setting, [Job("a", 0.1)])
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake, {"RUBYOPT": f"-r{tmp_path}/broken.rb"}) as worker:
        worker.until_ended("a")
        worker.until_said("release")
        warned = [line for line in worker.output if line.startswith("ecs-supervisor:")]
        assert len(warned) == 1
        assert "process_one" in warned[0]
        fake.say(QUIET)
        worker.until(
            lambda: any("Terminating quiet workers" in line for line in worker.output), "it is quiet"
        )
        SIDEKIQ.enqueue(setting, [Job("b", 0.1)])
        worker.until(lambda: SIDEKIQ.left(setting) == {"b": "queue"}, "what was popped too late is back")
        assert worker.started() == ["a"]
    assert {each["gate"] for each in fake.messages("hello")} == {False}
    assert [each["about"].split()[0] for each in fake.messages("hold")] == ["Sample"]


def test_an_unknown_version_is_told_of_once(setting: Setting, fake: FakeSupervisor, tmp_path: Path) -> None:
    """Everything that is there is attached."""
    (tmp_path / "other.rb").write_text(OTHER)
    SIDEKIQ.enqueue(setting, [Job("a", 0.1)])
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake, {"RUBYOPT": f"-r{tmp_path}/other.rb"}) as worker:
        worker.until_ended("a")
        warned = [line for line in worker.output if line.startswith("ecs-supervisor:")]
        assert len(warned) == 1
        assert "9.1.0 was not tested" in warned[0]
    assert fake.messages("hello")[-1]["gate"] is True


@dataclass(frozen=True, slots=True)
class Bundled(Sidekiq):
    """Started by `bundle exec`, from a copy of the app with a Gemfile."""

    def command(self, setting: Setting) -> list[str]:
        folder = setting.folder / "bundled"
        if not folder.exists():
            shutil.copytree(self.app, folder)
            (folder / "Gemfile").write_text('gem "sidekiq"\ngem "rake"\n')
            (folder / "Rakefile").write_text(
                'task(:default) { puts "rake: #{defined?(EcsSupervisor).inspect}" }\n'
            )
            bundle = shutil.which("bundle") or shutil.which("bundle3.1") or "bundle"
            (folder / "bundle").symlink_to(bundle)
            subprocess.run(
                (bundle, "install", "--local", "--quiet"),
                cwd=folder,
                check=True,
                timeout=60,
                capture_output=True,
            )
        words = ("sidekiq", "-r", str(folder / "app.rb"), "-c", "2")
        return [str(folder / "bundle"), "exec", *words]

    def environ(self, setting: Setting) -> dict[str, str]:
        return {"REDIS_URL": setting.broker, "BUNDLE_GEMFILE": str(setting.folder / "bundled" / "Gemfile")}


def test_bundle_exec_attaches_after_bundler_has_chosen(run_worker: Run, setting: Setting) -> None:
    """The Gemfile's Sidekiq is the one that is attached to."""
    bundled = Bundled()
    bundled.enqueue(setting, [Job("a", 0.1)])
    worker = run_worker(bundled, setting)
    assert worker.until_attached(framework="sidekiq")["version"] == "6.4.1"
    worker.until_ended("a")
    worker.send(signal.SIGTERM)
    worker.until_noted("quiet.confirmed")
    assert worker.status() == 0


def test_another_ruby_program_is_left_alone(setting: Setting, fake: FakeSupervisor) -> None:
    """Rake, with the same environment, loads nothing of ours and connects to nobody."""

    @dataclass(frozen=True, slots=True)
    class Rake(Bundled):
        def command(self, setting: Setting) -> list[str]:
            words = Bundled.command(self, setting)
            return [*words[:2], "rake", "-f", str(setting.folder / "bundled" / "Rakefile")]

    with beside_fake(Rake(), setting, "sidekiq", fake) as worker:
        worker.process.wait(30)
        worker.until(lambda: "rake: nil" in worker.output, "rake has run")
    assert fake.accepted == 0


def test_a_refused_job_goes_back_to_its_queue(setting: Setting, fake: FakeSupervisor) -> None:
    """Under before-start it is never run and never counted as a retry; a granted one runs."""
    fake.answer = refuse
    SIDEKIQ.enqueue(setting, [Job("a", 0.1)])
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake, {"ECS_SUPERVISOR_HOLD_WAIT": "5"}) as worker:
        worker.until_said("hold")
        worker.until(lambda: SIDEKIQ.waiting(setting) == 1, "it is back")
        assert worker.started() == []
        fake.answer = grant
        worker.until_ended("a")
        assert worker.started() == ["a"]


def test_a_supervisor_that_is_silent_or_hangs_delays_no_job(setting: Setting, fake: FakeSupervisor) -> None:
    """More jobs than its socket takes lines run to their end, and when it reads again it knows what is true."""
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake) as worker:
        worker.until_said("hello")
        fake.hang()
        jobs = [Job(f"{number}", 0) for number in range(3000)]
        SIDEKIQ.enqueue(setting, [*jobs, Job("long", 3)])
        worker.until_started("long")
        assert len(worker.ended()) >= 2998
        fake.wake_up()
        worker.until(lambda: [each.split()[0] for each in fake.open_holds()] == ["Sample"], "one job is held")
        worker.until_ended("long")
        worker.until(lambda: fake.open_holds() == [], "nothing is held")


def test_after_a_lost_connection_open_holds_are_said_anew(setting: Setting, fake: FakeSupervisor) -> None:
    """The supervisor that comes back hears of the job that runs."""
    SIDEKIQ.enqueue(setting, [Job("a", 4)])
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake) as worker:
        worker.until_said("hold")
        fake.drop_connections()
        worker.until_said("hold", 2)
        assert len(fake.open_holds()) == 1
        worker.until_ended("a")
        worker.until(lambda: fake.open_holds() == [], "nothing is held")


def test_a_job_can_save_how_far_it_has_come_and_go_back(run_worker: Run, setting: Setting) -> None:
    """The documented example: it ends at once when a stop begins, and stands in the queue for another worker."""
    SIDEKIQ.enqueue(setting, [Job("a", 60)], "Pages")
    worker = run_worker(SIDEKIQ, setting)
    worker.until_started("a")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.ended() == []
    assert SIDEKIQ.left(setting) == {"a": "queue"}


def test_nonsense_from_the_supervisor_is_ignored(setting: Setting, fake: FakeSupervisor) -> None:
    """Jobs run on, and what is understood afterwards counts."""
    with beside_fake(SIDEKIQ, setting, "sidekiq", fake) as worker:
        worker.until_said("hello")
        fake.send(
            b'null\n[]\n1\nxyz\n\xff\xfe\n{"op":[]}\n{"op":"state","seconds_left":"soon"}\n{"op":"granted"}\n\n'
        )
        SIDEKIQ.enqueue(setting, [Job("a", 0.01)])
        worker.until_ended("a")
        fake.say(QUIET)
        worker.until_said("shut")
        assert fake.accepted == 1
