"""One supervised worker in an emulated task, and the words in which the integration tests talk about it."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World
from tests.integrations.apps import recorder
from tests.integrations.records import Execution, Line, executions, read_lines
from tests.process.harness import ROOT, Run, supervised
from tests.waiting import until

# The supervisor comes from the checkout, without becoming importable for the worker as PYTHONPATH would make it.
ENTRY = (
    "import _signal; _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals());"
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from supervisor.cli.main import main; main()"
)

# Long enough for any of these frameworks to start on a busy machine with two processors.
LIMIT_SECONDS = 30.0

# Every look at the holds is a dump: no oftener than this, so that the journal stays one of the worker.
_LOOK_SECONDS = 0.05


class Worker:
    """log: the supervisor's, as dictionaries. output: what the worker printed, lines of both its streams."""

    def __init__(self, run: Run, agent: Agent, task_id: str, records: Path) -> None:
        self.run = run
        self.agent = agent
        self.task_id = task_id
        self.records = records
        self._facts: dict[tuple[float, str], dict[str, Any]] = {}
        self._looked_at = 0.0
        self._seen: set[psutil.Process] = set()

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self.run.pid

    @property
    def main_pid(self) -> int:
        """The worker's main process: the one that gets the stop signal."""
        return int(self.noted("worker.started")[-1]["pid"])

    @property
    def descendants(self) -> list[psutil.Process]:
        """Every living process that was seen below the supervisor, now or at an earlier look; and all that bear the mark.

        A process that sets its title (RQ, gunicorn) writes over its environment, and with it over the mark.
        """
        self.look_below()
        return [each for each in self._seen if each.pid != self.run.process.pid and _lives(each)]

    def look_below(self) -> None:
        """Note which processes there are, for when their parents will be gone."""
        with suppress(psutil.NoSuchProcess):
            self._seen.update(psutil.Process(self.run.process.pid).children(recursive=True))
        for process in [each for each in self._seen if each.is_running()]:
            with suppress(psutil.NoSuchProcess):
                self._seen.update(process.children(recursive=True))
        self._seen.update(self.run.marked())

    @property
    def log(self) -> list[dict[str, Any]]:
        # Behind a line of the worker's that has no end (Celery's "Warm shutdown") ours stands in the same one.
        found = (line[at:] for line in self.run.errors if (at := line.find('{"time": "')) >= 0)
        return [json.loads(each) for each in found]

    @property
    def output(self) -> list[str]:
        own = ('{"time"', '{"journal"', '{"at"')
        return self.run.output + [line for line in self.run.errors if not line.startswith(own)]

    def noted(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Return the log lines with this event, and these fields where they are given."""
        return [
            line
            for line in self.log
            if line["event"] == event and all(line.get(name) == value for name, value in fields.items())
        ]

    def until(self, predicate: Any, why: str, limit: float = LIMIT_SECONDS) -> None:
        """Wait for a fact; tell what was logged, printed and recorded when it does not come."""
        try:
            until(predicate, limit=limit, why=why)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}") from None

    def until_noted(self, event: str, limit: float = LIMIT_SECONDS, **fields: object) -> dict[str, Any]:
        """Wait for a log line; return the first such."""
        self.until(lambda: self.noted(event, **fields), f"the log has {event} {fields or ''}", limit)
        return self.noted(event, **fields)[0]

    def until_attached(self, limit: float = LIMIT_SECONDS, **fields: object) -> dict[str, Any]:
        """Wait until a hook has introduced itself (`hook.attached`)."""
        return self.until_noted("hook.attached", limit, **fields)

    def until_gates(self, count: int) -> None:
        """Wait until so many of the worker's processes have introduced a hook with a gate."""
        # Only a supervisor that has begun its work can be asked for its journal.
        self.until_attached()
        self.until(lambda: len(self.gates()) == count, f"{count} gates are known")

    # What the jobs did.

    def recorded(self, what: str) -> dict[str, Any]:
        """Return the one line of this kind, with all that the app has put into it."""
        lines = map(json.loads, self.records.read_text().splitlines())
        (found,) = (line for line in lines if line["what"] == what)
        return dict(found)

    def lines(self) -> list[Line]:
        return read_lines(self.records)

    def executions(self) -> list[Execution]:
        return executions(self.lines())

    def started(self) -> list[str]:
        """Return the jobs that were started, in that order; one twice that was started twice."""
        return [line.job for line in self.lines() if line.what == "start"]

    def ended(self) -> list[str]:
        return [line.job for line in self.lines() if line.what == "end"]

    def until_started(self, *jobs: str, limit: float = LIMIT_SECONDS) -> None:
        self.until(lambda: set(jobs) <= set(self.started()), f"{jobs} have started", limit)

    def until_ended(self, *jobs: str, limit: float = LIMIT_SECONDS) -> None:
        self.until(lambda: set(jobs) <= set(self.ended()), f"{jobs} have ended", limit)

    # What the supervisor knows.

    def facts(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the facts that the core was told so far, in order: each a dictionary with `at` (CLOCK_MONOTONIC), `fact`
        (HoldTaken, HoldReleased, HolderDied, HookAttached, GateShut, GateOpened, WorkReserved, ...) and its fields.
        """
        self._look()
        return [fact for fact in self._facts.values() if name in (None, fact["fact"])]

    def holds(self) -> list[str]:
        """Return what is in flight now: the abouts of the holds, in the order in which they were taken."""
        holds: dict[str, dict[str, Any]] = {}
        for fact in self.facts():
            match fact["fact"]:
                case "HoldTaken" if not fact.get("fetching"):
                    holds[fact["hold"]] = fact
                case "HoldReleased":
                    holds.pop(fact["hold"], None)
                case "HolderDied":
                    holds = {id_: each for id_, each in holds.items() if each["holder"] != fact["holder"]}
                case _:
                    pass
        return [hold["about"] for hold in holds.values()]

    def held(self) -> list[str]:
        """Return the abouts of all holds there ever were, in the order in which they were taken."""
        return [fact["about"] for fact in self.facts("HoldTaken") if not fact.get("fetching")]

    def gates(self) -> dict[str, str]:
        """Return how the gate of each hook stands that has one and is connected: holder -> `open` or `shut`."""
        gates = {}
        for fact in self.facts():
            match fact["fact"]:
                case "HookAttached" if fact["gated"]:
                    gates[fact["holder"]] = "open"
                case "GateShut":
                    gates[fact["holder"]] = "shut"
                case "GateOpened":
                    gates[fact["holder"]] = "open"
                case "HolderDied":
                    gates.pop(fact["holder"], None)
                case _:
                    pass
        return gates

    def until_busy(self, count: int = 1, limit: float = LIMIT_SECONDS) -> None:
        self.until(lambda: len(self.holds()) == count, f"{count} jobs are held", limit)

    def until_idle(self, limit: float = LIMIT_SECONDS) -> None:
        self.until(lambda: not self.holds(), "no job is held", limit)

    # What ECS does.

    @property
    def is_protected(self) -> bool:
        return self.agent.is_protected(self.task_id)

    def until_protected(self, wanted: bool = True, limit: float = LIMIT_SECONDS) -> None:
        self.until(lambda: self.is_protected is wanted, f"the task is protected: {wanted}", limit)

    def send(self, number: int) -> None:
        """Signal the supervisor, as ECS does."""
        # Afterwards it may be too late to see what runs.
        self.look_below()
        self.run.send(number)

    def kill(self) -> None:
        """End every process that this worker has ever had."""
        for process in self.descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def killed(self) -> bool:
        """Do so again, and return whether none is left."""
        self.kill()
        return not self.descendants

    def status(self, limit: float = LIMIT_SECONDS) -> int:
        """Wait for the supervisor's end and all it has printed; return its exit status."""
        self.until(lambda: self.run.process.poll() is not None, "the supervisor has exited", limit)
        return self.run.status(limit)

    def story(self) -> str:
        """Return all that was said, for a test that fails."""
        parts = {
            "supervisor": self.run.errors if not self.log else [str(line) for line in self.log],
            "worker": self.output[-200:],
            "records": map(str, self.lines()),
            "processes": [self.run.tree()],
        }
        return "\n".join(f"== {name}\n" + "\n".join(lines) for name, lines in parts.items())

    def _look(self) -> None:
        if time.monotonic() < self._looked_at + _LOOK_SECONDS or self.run.process.poll() is not None:
            return
        for number, entry in enumerate(self._journal()):
            [(name, fields)] = entry["event"].items()
            if name != "DumpRequested":
                # Two facts of one instant: their order in the journal is the same each time, and so are their fields.
                key = (entry["at"], f"{name} {sorted(fields.items(), key=str)}")
                self._facts.setdefault(key, {"number": number, "at": entry["at"], "fact": name, **fields})
        self._looked_at = time.monotonic()

    def _journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run.journal() if line.startswith('{"at"')]


@contextmanager
def supervised_worker(
    command: Sequence[str],
    *options: str,
    folder: Path,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    stop_timeout: float = 15.0,
    as_pid_1: bool = False,
    on_ecs: bool = True,
) -> Iterator[Worker]:
    """Run one worker as a task of an emulated service of one. options: further ones of `run`.

    It starts in `cwd`, else in `folder`. Records go to `folder`/records. When the test is over, every process of it is killed.
    """
    records = folder / "records"
    with Agent(World(desired_count=0)) as agent:
        with agent.world_lock:
            task_id = agent.world.add_task(agent.now())
        env = {"RECORDS": str(records), "EMULATOR_TASK": "1", "PYTHONUNBUFFERED": "1", **(environ or {})}
        if on_ecs:
            env["ECS_AGENT_URI"] = agent.uri(task_id)
        words = ("--stop-timeout", f"{stop_timeout:g}", "--log-format", "json", *options)
        entry = (sys.executable, "-I", "-c", ENTRY)
        with supervised(
            *command, options=words, env=env, entry=entry, as_pid_1=as_pid_1, cwd=cwd or folder
        ) as run:
            worker = Worker(run, agent, task_id, records)
            try:
                yield worker
            finally:
                worker.look_below()  # before their parent is gone
                run.process.kill()
                until(worker.killed, limit=10.0, why="all processes of the test are gone")


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def library_in(folder: Path) -> Path:
    """Make a folder with nothing but the recorder, for the path of Python apps."""
    library = folder / "library"
    library.mkdir(exist_ok=True)
    shutil.copy(recorder.__file__, library / "recorder.py")
    return library
