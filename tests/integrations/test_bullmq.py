"""BullMQ under `run`, attached through NODE_OPTIONS: what it says of its jobs, how it goes quiet, and what a kill costs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.integrations.beside_fake import beside_fake
from tests.integrations.brokers import Broker
from tests.integrations.configuration import Job, Setting
from tests.integrations.conftest import Run, SettingFor
from tests.integrations.frameworks.bullmq import BullMQ
from tests.integrations.worker import Worker
from tests.unit.hooks.fake_supervisor import QUIET, RUNNING, FakeSupervisor, grant, refuse

BULLMQ = BullMQ()


@pytest.fixture
def setting(setting_for: SettingFor) -> Setting:
    return setting_for(BULLMQ)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeSupervisor]:
    fake = FakeSupervisor(tmp_path / "hook")
    fake.start()
    yield fake
    fake.stop()


def start(
    run_worker: Run, setting: Setting, configuration: BullMQ = BULLMQ, stop_timeout: float = 15
) -> Worker:
    """Start the app, which is recognised by what its script says."""
    worker: Worker = run_worker(configuration, setting, stop_timeout=stop_timeout)
    worker.until_attached(framework="bullmq")
    return worker


def test_it_attaches_and_says_what_it_is(run_worker: Run, setting: Setting) -> None:
    """The supervisor hears of a BullMQ with a gate."""
    told = start(run_worker, setting).until_attached(framework="bullmq")
    assert (told["version"], told["gate"], told["about"].startswith("bullmq app.js@")) == (
        "6.7.0",
        True,
        True,
    )


def test_a_module_is_attached_too(run_worker: Run, setting: Setting) -> None:
    """What Node's `import` loads is BullMQ's CommonJS build."""
    worker = start(run_worker, setting, replace(BULLMQ, script="app.mjs"))
    BULLMQ.enqueue(setting, [Job("a", 0.3)])
    worker.until_ended("a")
    worker.until_idle()
    assert worker.held() == ["sample 1"]
    worker.send(signal.SIGTERM)
    assert worker.status() == 0


def test_the_task_is_busy_while_a_job_runs(run_worker: Run, setting: Setting) -> None:
    """A hold with name and id lasts as long as the job, and protects the task."""
    worker = start(run_worker, setting)
    BULLMQ.enqueue(setting, [Job("a", 0.5)])
    worker.until_started("a")
    worker.until_busy()
    worker.until_protected()
    worker.until_ended("a")
    worker.until_idle()
    assert worker.held() == ["sample 1"]


def test_a_failing_job_is_held_until_it_is_among_the_failed(setting: Setting, fake: FakeSupervisor) -> None:
    """The hold covers what BullMQ does after the processor has thrown."""
    BULLMQ.enqueue(setting, [Job("a", 0.1)], "fails")
    with beside_fake(BULLMQ, setting, "bullmq", fake) as worker:
        worker.until_said("release")
        assert fake.open_holds() == []
        assert BULLMQ.left(setting) == {}
        assert worker.started() == ["a"]


def test_quiet_is_confirmed_and_can_be_taken_back(setting: Setting, fake: FakeSupervisor) -> None:
    """Nothing begins after `shut`, although a fetch is under way; after `opened` the jobs run."""
    with beside_fake(BULLMQ, setting, "bullmq", fake) as worker:
        BULLMQ.enqueue(setting, [Job("before", 0.01)])
        worker.until_ended("before")
        fake.say(QUIET)
        worker.until_said("shut")
        BULLMQ.enqueue(setting, [Job(f"after {number}", 0.01) for number in range(8)])
        # The fetch that was under way brings a job, and it goes back.
        worker.until(lambda: BULLMQ.waiting(setting) == 8, "all jobs are in the queue")
        assert worker.started() == ["before"]
        fake.say(RUNNING)
        worker.until_said("opened")
        worker.until_ended(*(f"after {number}" for number in range(8)))
        assert len(worker.started()) == 9


def test_at_the_start_nothing_is_fetched_until_the_supervisor_welcomes_it(
    setting: Setting, fake: FakeSupervisor
) -> None:
    """A gate that is shut from the beginning keeps the queue as it is."""
    fake.greeting = QUIET
    BULLMQ.enqueue(setting, [Job("a", 0.01)])
    with beside_fake(BULLMQ, setting, "bullmq", fake) as worker:
        worker.until_said("shut")
        assert BULLMQ.waiting(setting) == 1
        fake.say(RUNNING)
        worker.until_ended("a")


def test_a_stop_lets_jobs_end_and_begins_nothing(run_worker: Run, setting: Setting) -> None:
    """A short and a long job end, what waits stays in the queue, and the exit status is 0."""
    worker = start(run_worker, setting)
    BULLMQ.enqueue(setting, [Job("short", 1.5), Job("long", 3), Job("c", 0.1), Job("d", 0.1)])
    worker.until_started("short", "long")
    worker.send(signal.SIGTERM)
    worker.until_noted("quiet.confirmed")
    assert worker.status() == 0
    assert sorted(worker.started()) == sorted(worker.ended()) == ["long", "short"]
    assert BULLMQ.left(setting) == {"c": "queue", "d": "queue"}


def test_no_job_is_lost_or_doubled_by_a_stop_in_a_stream(run_worker: Run, setting: Setting) -> None:
    """With a backlog of tiny jobs every one has ended once or waits in the queue."""
    jobs = [Job(f"{number}", 0.002) for number in range(3000)]
    BULLMQ.enqueue(setting, jobs)
    worker = start(run_worker, setting)
    worker.until(lambda: len(worker.ended()) > 50, "some have ended")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.started() == list(dict.fromkeys(worker.started()))
    assert sorted(worker.started()) == sorted(worker.ended())
    assert sorted([*worker.ended(), *BULLMQ.left(setting)]) == sorted(job.name for job in jobs)


def test_a_job_that_outlives_the_stop_goes_back_to_its_queue(run_worker: Run, setting: Setting) -> None:
    """Not to the jobs whose lock has to expire first, and the exit status is 0."""
    worker = start(run_worker, setting, stop_timeout=12)
    BULLMQ.enqueue(setting, [Job("endless", 60)])
    worker.until_started("endless")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert BULLMQ.left(setting) == {"endless": "queue"}


def test_the_handler_of_the_app_is_the_only_one(run_worker: Run, setting: Setting) -> None:
    """Where the app ends by itself at SIGTERM, ours does nothing."""
    worker = start(run_worker, setting, replace(BULLMQ, arguments=("own-handler",)))
    BULLMQ.enqueue(setting, [Job("a", 0.5)])
    worker.until_started("a")
    worker.send(signal.SIGTERM)
    assert worker.status() == 3
    assert worker.ended() == ["a"]


def test_a_sandboxed_processor_is_held_from_its_parent(run_worker: Run, setting: Setting) -> None:
    """Its job is seen, ends before the worker does, and a killed sandbox ends the hold."""
    worker = start(run_worker, setting, replace(BULLMQ, arguments=("sandbox",)))
    BULLMQ.enqueue(setting, [Job("a", 60)])
    worker.until_started("a")
    worker.until_busy()
    (line,) = worker.lines()
    assert line.pid != worker.main_pid
    os.kill(line.pid, signal.SIGKILL)
    worker.until_idle()
    BULLMQ.enqueue(setting, [Job("b", 1)])
    worker.until_started("b")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.ended() == ["b"]


def test_a_killed_worker_holds_nothing(run_worker: Run, setting: Setting) -> None:
    """The end of the process ends its holds, and the task's status says how it ended."""
    worker = start(run_worker, setting)
    BULLMQ.enqueue(setting, [Job("a", 60)])
    worker.until_busy()
    os.kill(worker.main_pid, signal.SIGKILL)
    assert worker.status() == 137


def test_a_killed_supervisor_leaves_no_fetching_worker(run_worker: Run, setting: Setting) -> None:
    """The worker finishes its job, takes no other, and ends."""
    worker = start(run_worker, setting)
    BULLMQ.enqueue(setting, [Job("a", 3)])
    worker.until_started("a")
    main = psutil.Process(worker.main_pid)
    os.kill(worker.pid, signal.SIGKILL)
    worker.until(lambda: any("supervisor has died" in line for line in worker.output), "it has noticed")
    BULLMQ.enqueue(setting, [Job("b", 0.1)])
    worker.until(lambda: not main.is_running(), "the worker has ended")
    assert (worker.ended(), worker.started()) == (["a"], ["a"])
    assert BULLMQ.left(setting) == {"b": "queue"}


def test_a_broker_that_goes_and_comes_back(
    run_worker: Run, setting: Setting, own_redis_server: Broker
) -> None:
    """The hold of a job that runs meanwhile lasts until its result is in Redis, and later jobs run."""
    setting = replace(setting, broker=own_redis_server.url)
    worker = start(run_worker, setting)
    BULLMQ.enqueue(setting, [Job("a", 1.5)])
    worker.until_busy()
    own_redis_server.kill()
    worker.until_ended("a")
    own_redis_server.restart()
    worker.until_idle()
    BULLMQ.enqueue(setting, [Job("b", 0.1)])
    worker.until_ended("b")
    worker.until_idle()


def test_a_job_can_ask_how_long_it_has_without_letting_go_of_the_event_loop(
    run_worker: Run, setting: Setting
) -> None:
    """`stopping` and `secondsLeft` answer inside a calculation."""
    worker = start(run_worker, setting, replace(BULLMQ, slots=1))
    BULLMQ.enqueue(setting, [Job("a", 30)], "asksHowLong")
    worker.until_started("a")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    (told,) = [line.what for line in worker.lines() if line.what.startswith("told")]
    assert told.startswith("told true ")
    assert 0 < float(told.split()[2]) <= 15


def test_a_calculating_job_is_seen_and_nothing_begins_after_it(run_worker: Run, setting: Setting) -> None:
    """Its hold was said before the event loop was blocked, and what came meanwhile is read before the next job."""
    worker = start(run_worker, setting)
    BULLMQ.enqueue(setting, [Job("a", 3), Job("b", 3), Job("c", 0.1), Job("d", 0.1)], "calculates")
    worker.until_started("a")
    worker.until_busy()
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.started() == worker.ended() == ["a"]
    assert BULLMQ.left(setting) == {"b": "queue", "c": "queue", "d": "queue"}


def test_what_a_job_starts_is_not_attached(setting: Setting, fake: FakeSupervisor) -> None:
    """A command of a job knows nothing of us, and keeps the options that were there before."""
    BULLMQ.enqueue(setting, [Job("a", 0)], "commands")
    environ = {"NODE_OPTIONS": "--max-old-space-size=500"}
    with beside_fake(BULLMQ, setting, "bullmq", fake, environ) as worker:
        worker.until_ended("a")
        worker.until_said("release")
    (said,) = [line for line in setting.records.read_text().splitlines() if "command says" in line]
    assert "command says --max-old-space-size=500,false" in said
    assert fake.accepted == 1


@pytest.mark.parametrize(
    ("file", "was", "becomes", "warned"),
    [
        ("dist/cjs/classes/worker.js", "async processJob(", "async processed(", "no Worker.processJob"),
        ("package.json", '"version": "6.7.0"', '"version": "9.0.0"', "9.0.0 was not tested"),
    ],
)
def test_another_bullmq_costs_one_warning(
    setting: Setting, fake: FakeSupervisor, file: str, was: str, becomes: str, warned: str
) -> None:
    """Without a method that is needed nothing is attached; an unknown version is attached; the worker works."""
    command = BULLMQ.command(setting)
    modules = setting.folder / "node_modules"
    original = modules.resolve()
    modules.unlink()
    modules.mkdir()
    for each in original.iterdir():
        (modules / each.name).symlink_to(each)
    (modules / "bullmq").unlink()
    _copy(original / "bullmq", modules / "bullmq")
    text = (modules / "bullmq" / file).read_text()
    assert was in text
    (modules / "bullmq" / file).write_text(
        text.replace(was, becomes).replace("this.processJob(", f"this.{becomes[6:]}")
    )
    BULLMQ.enqueue(setting, [Job("a", 0.1)])
    with beside_fake(replace(BULLMQ, script=Path(command[1]).name), setting, "bullmq", fake) as worker:
        worker.until_ended("a")
        told = [line for line in worker.output if line.startswith("ecs-supervisor:")]
        assert len(told) == 1
        assert warned in told[0]
        assert bool(fake.messages("hello")) is ("version" in was)


def _copy(source: Path, target: Path) -> None:
    """Copy a package without its source maps and types, which are most of it."""
    for file in source.rglob("*"):
        if file.is_file() and file.suffix in (".js", ".json", ".lua") and "esm" not in file.parts:
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())


def test_a_refused_job_goes_back_to_its_queue(setting: Setting, fake: FakeSupervisor) -> None:
    """Under before-start it is never run and is no failed attempt; a granted one runs."""
    fake.answer = refuse
    BULLMQ.enqueue(setting, [Job("a", 0.1)])
    with beside_fake(BULLMQ, setting, "bullmq", fake, {"ECS_SUPERVISOR_HOLD_WAIT": "5"}) as worker:
        worker.until_said("hold")
        worker.until(lambda: BULLMQ.waiting(setting) == 1, "it is back")
        assert worker.started() == []
        fake.answer = grant
        worker.until_ended("a")
        assert worker.started() == ["a"]


def test_a_supervisor_that_hangs_delays_no_job(setting: Setting, fake: FakeSupervisor) -> None:
    """More jobs than its socket takes lines run to their end, and when it reads again it knows what is true."""
    with beside_fake(BULLMQ, setting, "bullmq", fake) as worker:
        worker.until_said("hello")
        fake.hang()
        jobs = [Job(f"{number}", 0) for number in range(3000)]
        BULLMQ.enqueue(setting, [*jobs, Job("long", 3)])
        worker.until_started("long")
        assert len(worker.ended()) >= 2998
        fake.wake_up()
        worker.until(lambda: fake.open_holds() == ["sample 3001"], "one job is held")
        worker.until_ended("long")
        worker.until(lambda: fake.open_holds() == [], "nothing is held")


def test_after_a_lost_connection_open_holds_are_said_anew(setting: Setting, fake: FakeSupervisor) -> None:
    """The supervisor that comes back hears of the job that runs."""
    BULLMQ.enqueue(setting, [Job("a", 4)])
    with beside_fake(BULLMQ, setting, "bullmq", fake) as worker:
        worker.until_said("hold")
        fake.drop_connections()
        worker.until_said("hold", 2)
        assert fake.open_holds() == ["sample 1"]
        worker.until_ended("a")
        worker.until(lambda: fake.open_holds() == [], "nothing is held")


def test_a_job_can_save_how_far_it_has_come_and_go_back(run_worker: Run, setting: Setting) -> None:
    """The documented example: it ends at once when a stop begins, and stands in the queue for another worker."""
    BULLMQ.enqueue(setting, [Job("a", 60)], "pages")
    worker = start(run_worker, setting)
    worker.until_started("a")
    worker.send(signal.SIGTERM)
    assert worker.status() == 0
    assert worker.ended() == []
    assert BULLMQ.left(setting) == {"a": "queue"}


def test_nonsense_from_the_supervisor_is_ignored(setting: Setting, fake: FakeSupervisor) -> None:
    """Jobs run on, and what is understood afterwards counts."""
    with beside_fake(BULLMQ, setting, "bullmq", fake) as worker:
        worker.until_said("hello")
        fake.send(
            b'null\n[]\n1\nxyz\n\xff\xfe\n{"op":[]}\n{"op":"state","seconds_left":"soon"}\n{"op":"granted"}\n\n'
        )
        BULLMQ.enqueue(setting, [Job("a", 0.01)])
        worker.until_ended("a")
        fake.say(QUIET)
        worker.until_said("shut")
        assert fake.accepted == 1
