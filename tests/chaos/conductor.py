"""Runs daemons over two queues, sends messages, lets everything go wrong that can, and hands over what is known at the end."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World
from tests.rehearsals.deliveries import AWS
from tests.sqs.server import SqsServer

from .evidence import Blow, Evidence, Sent, read_jobs
from .plan import FREEZE_SECONDS, OPTIONS, STOP_TIMEOUT_SECONDS, Plan, body
from .tasks import Task
from .weather import Spell, agent_spell, sqs_spell

STANDARD, FIFO = "jobs", "orders.fifo"

_TURN_SECONDS = 0.02

# How long one spell of bad weather lasts, and an app stays away.
_SPELL_SECONDS = (0.5, 3.0)
_APP_AWAY_SECONDS = (0.1, 1.0)

_BLOWS = {"stop": 30, "kill": 15, "kill app": 15, "freeze": 8, "sqs": 16, "agent": 16}


class Conductor:
    """spells: how often what was wrong around the tasks. seconds: how long it took."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        # Apart, so that the jobs and the order of the blows are the same for a seed, whatever the machine's speed.
        self._jobs, self._fate, self._luck = (random.Random(f"{plan.seed} {what}") for what in "jfl")
        self._server = SqsServer(seed=plan.seed)
        self._agent = Agent(World())
        self._urls: list[str] = []
        self._sent: list[Sent] = []
        self._blows: list[Blow] = []
        self._ended: list[Task] = []
        self._tasks: list[Task] = []
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._weather: set[str] = set()
        self._turn = threading.Event()
        self.spells: Counter[str] = Counter()
        self.seconds = 0.0

    def run(self) -> Evidence:
        """Return the evidence; the daemons and apps have ended then."""
        with self._server, self._agent:
            self._urls = [
                self._server.create_queue(STANDARD),
                self._server.create_queue(FIFO, FifoQueue="true"),
            ]
            began = time.monotonic()
            try:
                self._tasks = [self._task(number) for number in range(self._plan.daemons)]
                self._storm()
                self._calm()
                self.seconds = time.monotonic() - began
                left = frozenset(sent.message for sent in self._sent) - frozenset(
                    self._server.history.counts("deleted")
                )
                self._stop_all()
            finally:
                for task in self._tasks:
                    task.clear_away()
            return self._evidence(left)

    def _storm(self) -> None:
        """Send everything, and let things go wrong until all is sent.

        They do so by the number of messages: a slow machine would have more of it for fewer messages, and never come to an end.
        """
        blow_at = self._plan.backlog
        while len(self._sent) < self._plan.messages:
            self._send()
            if len(self._sent) >= blow_at and self._targets():
                self._blow()
                blow_at += self._fate.randrange(1, 2 * self._plan.blow_every)
            self._pass_time()

    def _calm(self) -> None:
        """Wait until all is done, or cannot be."""
        deadline = time.monotonic() + self._plan.limit_seconds
        while self._backlog() and time.monotonic() < deadline:
            self._pass_time()

    def _stop_all(self) -> None:
        while self._later:
            self._pass_time()
        for task in self._tasks:
            if task.daemon.poll() is None:
                task.stop()
        deadline = time.monotonic() + 2 * STOP_TIMEOUT_SECONDS
        while not all(task.is_over() for task in self._tasks) and time.monotonic() < deadline:
            self._turn.wait(_TURN_SECONDS)

    def _pass_time(self) -> None:
        self._turn.wait(_TURN_SECONDS)
        now = time.monotonic()
        for at, act in [each for each in self._later if each[0] <= now]:
            self._later.remove((at, act))
            act()
        for index, task in enumerate(self._tasks):
            if task.is_over():
                task.clear_away()
                self._ended.append(task)
                self._tasks[index] = self._task(index)

    def _task(self, number: int) -> Task:
        """Start a task in this place; every other one is a single container, and of those one starts its app again."""
        with self._agent.world_lock:
            task_id = self._agent.world.add_task(self._agent.now())
        queues = [word for url in self._urls for word in ("--queue-url", url)]
        restart = ("--restart", "on-failure") if number % 4 == 1 else ()
        name = f"task-{len(self._ended) + number + 1}-{number}"
        environ = AWS | {"ECS_AGENT_URI": self._agent.uri(task_id)}
        return Task(
            name, self._folder, number % 2 == 1, (*queues, *OPTIONS, *restart), environ, self._blows.append
        )

    def _send(self) -> None:
        """Keep so many messages in the queues that there is always something to do, by turns to each."""
        for number in range(len(self._sent), self._plan.messages):
            is_fifo = number % 2 == 1
            if self._backlog() >= self._plan.backlog:
                return
            name = FIFO if is_fifo else STANDARD
            group = f"group-{self._jobs.randrange(self._plan.groups)}" if is_fifo else None
            text = body(self._jobs, self._plan.longest_seconds)
            once = f"{number}" if is_fifo else None
            stored = self._server.queue(name).send(text, {}, {}, 0.0, group, once)
            self._sent.append(Sent(stored.id, name, group))

    def _backlog(self) -> int:
        return sum(sum(self._server.queue(name).counts()) for name in (STANDARD, FIFO))

    def _blow(self) -> None:
        what = self._fate.choices(list(_BLOWS), list(_BLOWS.values()))[0]
        if what in ("sqs", "agent"):
            self._spell(what)
            return
        task = self._luck.choice(self._targets())
        match what:
            case "stop":
                task.stop()
            case "kill":
                task.kill()
            case "kill app":
                task.kill_app()
                if not task.wraps:
                    self._after(_APP_AWAY_SECONDS, lambda: None if task.has_ended else task.start_app())
            case _:
                task.freeze(time.monotonic() + FREEZE_SECONDS)
                self._after((FREEZE_SECONDS, FREEZE_SECONDS), task.thaw)

    def _targets(self) -> list[Task]:
        return [task for task in self._tasks if task.thaws_at is None and task.is_up()]

    def _spell(self, whose: str) -> None:
        if whose in self._weather:
            return
        self._weather.add(whose)
        spell = (
            sqs_spell(self._server, self._luck) if whose == "sqs" else agent_spell(self._agent, self._luck)
        )
        self.spells[spell.name] += 1
        self._after(_SPELL_SECONDS, lambda: self._clear_up(whose, spell))

    def _clear_up(self, whose: str, spell: Spell) -> None:
        spell.end()
        self._weather.discard(whose)

    def _after(self, seconds: tuple[float, float], act: Callable[[], None]) -> None:
        self._later.append((time.monotonic() + self._luck.uniform(*seconds), act))

    def _evidence(self, left: frozenset[str]) -> Evidence:
        tasks = [*self._ended, *self._tasks]
        records = [record for task in tasks for record in task.records()]
        gone = {pid: at for task in tasks for pid, at in task.gone().items()}
        return Evidence(
            sent=tuple(self._sent),
            jobs=read_jobs(records, gone),
            moments=tuple(self._server.history.all()),
            blows=tuple(self._blows),
            lines=tuple(line for task in tasks for line in task.lines()),
            left=left,
            strange=tuple(text for task in tasks for text in task.strange()),
        )
