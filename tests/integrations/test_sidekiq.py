"""Sidekiq under `run`, attached through RUBYOPT: what it says of its jobs, how it goes quiet, and what a kill costs."""

from __future__ import annotations

import shutil
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.integrations.configuration import Job, Setting
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.sidekiq import Sidekiq
from tests.integrations.hooked import hooked
from tests.unit.hooks.fake_supervisor import QUIET, FakeSupervisor

SIDEKIQ = Sidekiq()


@pytest.fixture
def setting(setting_for: SettingFor) -> Setting:
    return setting_for(SIDEKIQ)


def test_it_attaches_and_says_what_it_is(run_worker: Run, setting: Setting) -> None:
    """The supervisor hears of a Sidekiq with a gate, and that its fetch loses what runs at a kill."""
    worker = run_worker(SIDEKIQ, setting)
    told = worker.until_attached(framework="sidekiq")
    assert (told["version"], told["gate"]) == ("6.4.1", True)
    worker.until_noted("worker.advice", setting="fetch")


def test_a_failing_job_is_held_until_it_is_in_the_retry_set(
    setting: Setting, supervisor: FakeSupervisor
) -> None:
    """The hold covers what Sidekiq does after the job has raised."""
    SIDEKIQ.enqueue(setting, [Job("a", 0.1)], "fails")
    with hooked(SIDEKIQ, setting, supervisor) as worker:
        worker.until_said("release")
        assert SIDEKIQ.left(setting) == {"a": "retry set, back after Sidekiq's delay"}
        assert supervisor.open_holds() == []


def test_a_time_limit_of_the_app_stands(setting: Setting, supervisor: FakeSupervisor, tmp_path: Path) -> None:
    """Where sidekiq.yml has one it is kept, and told of when it comes after our SIGKILL."""
    (tmp_path / "sidekiq.yml").write_text(":timeout: 50\n")
    configured = replace(SIDEKIQ, options=("-C", str(tmp_path / "sidekiq.yml")))
    with hooked(configured, setting, supervisor) as worker:
        worker.until(
            lambda: "timeout" in [each["setting"] for each in supervisor.messages("advice")], "it is told"
        )


def test_a_calculating_job_is_seen_and_does_not_delay_the_quiet(run_worker: Run, setting: Setting) -> None:
    """Ruby gives the hook its turn: the stop is confirmed while a job computes, and nothing else begins."""
    SIDEKIQ.enqueue(setting, [Job("a", 3), Job("b", 3), Job("c", 0.1)], "calculates")
    worker = run_worker(SIDEKIQ, setting)
    worker.until_started("a", "b")
    worker.until_busy(2)
    worker.send(signal.SIGTERM)
    worker.until_noted("quiet.confirmed")
    assert worker.ended() == []
    assert worker.status() == 0
    assert sorted(worker.ended()) == ["a", "b"]
    assert SIDEKIQ.left(setting) == {"c": "queue"}


def test_what_a_job_starts_is_not_attached(setting: Setting, supervisor: FakeSupervisor) -> None:
    """A command knows nothing of us; a fork that works for itself is a holder of its own, and its end is not its parent's."""
    SIDEKIQ.enqueue(setting, [Job("a", 0)], "commands")
    with hooked(SIDEKIQ, setting, supervisor, environ={"RUBYOPT": "-W0"}) as worker:
        worker.until_said("release", 2)
        worker.until_ended("a")
    (said,) = [line for line in setting.records.read_text().splitlines() if "command says" in line]
    assert 'command says \\"-W0\\"nil' in said
    mine, forked = supervisor.messages("hold")
    assert (mine["about"].split()[0], forked["about"]) == ("Commands", "in the fork")
    holders = [connection for connection, message in supervisor.said if message["op"] == "hold"]
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


def test_a_missing_method_costs_the_gate_only(
    setting: Setting, supervisor: FakeSupervisor, tmp_path: Path
) -> None:
    """One warning, no gate; the jobs are seen all the same, and quiet is Sidekiq's own."""
    (tmp_path / "broken.rb").write_text(BROKEN)
    SIDEKIQ.enqueue(setting, [Job("a", 0.1)])
    with hooked(SIDEKIQ, setting, supervisor, environ={"RUBYOPT": f"-r{tmp_path}/broken.rb"}) as worker:
        worker.until_ended("a")
        worker.until_said("release")
        (warned,) = worker.warnings
        assert "process_one" in warned
        supervisor.say(QUIET)
        worker.until(lambda: "Terminating quiet workers" in worker.output, "it is quiet")
        SIDEKIQ.enqueue(setting, [Job("b", 0.1)])
        worker.until(lambda: SIDEKIQ.left(setting) == {"b": "queue"}, "what was popped too late is back")
        assert worker.jobs("start") == ["a"]
    assert {each["gate"] for each in supervisor.messages("hello")} == {False}
    assert [each["about"].split()[0] for each in supervisor.messages("hold")] == ["Sample"]


def test_an_unknown_version_is_told_of_once(
    setting: Setting, supervisor: FakeSupervisor, tmp_path: Path
) -> None:
    """Everything that is there is attached."""
    (tmp_path / "other.rb").write_text(OTHER)
    SIDEKIQ.enqueue(setting, [Job("a", 0.1)])
    with hooked(SIDEKIQ, setting, supervisor, environ={"RUBYOPT": f"-r{tmp_path}/other.rb"}) as worker:
        worker.until_ended("a")
        (warned,) = worker.warnings
        assert "9.1.0 was not tested" in warned
    assert supervisor.messages("hello")[-1]["gate"] is True


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


def test_another_ruby_program_is_left_alone(setting: Setting, supervisor: FakeSupervisor) -> None:
    """Rake, with the same environment, loads nothing of ours and connects to nobody."""

    @dataclass(frozen=True, slots=True)
    class Rake(Bundled):
        def command(self, setting: Setting) -> list[str]:
            words = Bundled.command(self, setting)
            return [*words[:2], "rake", "-f", str(setting.folder / "bundled" / "Rakefile")]

    with hooked(Rake(), setting, supervisor) as worker:
        worker.process.wait(30)
        worker.until(lambda: "rake: nil" in worker.output, "rake has run")
    assert supervisor.accepted == 0
