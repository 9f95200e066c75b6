"""Runs the tasks of a world as real processes: starts them, signals them, kills them in the end.

The world decides and the host obeys. It looks at its processes in `tick`; call that yourself, or let `start`
do it in a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from supervisor.emulator.agent import Agent
from supervisor.emulator.container import Command, ContainerProcess, namespaces_are_possible
from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.service import Service
from supervisor.emulator.tasks import ContainerPlan
from supervisor.emulator.world import StartTask, StopContainer

# Often enough for a stop timeout of one second, seldom enough for a busy machine.
TICK_SECONDS = 0.02

# The exit status shells use for a program that was not found or could not be run.
_NOT_STARTED = 127


@dataclass(slots=True)
class _Running:
    process: ContainerProcess
    plan: ContainerPlan
    must_be_signalled: bool = False


class Host:
    """One machine with all the tasks of the agent's world.

    `commands` says what each container runs, by its name. Each container finds the agent in its environment,
    and in EMULATOR_TASK and EMULATOR_DIRECTORY the number of its task and a directory to leave records in;
    what it prints goes to a file there. `watch` is told every change of a record, from the thread that
    ticks.
    """

    def __init__(
        self,
        agent: Agent,
        commands: Mapping[str, Command],
        directory: Path,
        *,
        in_namespaces: bool | None = None,
        watch: Callable[[ContainerRecord], None] | None = None,
    ) -> None:
        self.agent = agent
        self.service = Service(agent)
        self.directory = directory
        self.commands = dict(commands)
        self._in_namespaces = namespaces_are_possible() if in_namespaces is None else in_namespaces
        self._watch = watch
        self._running: dict[tuple[str, str], _Running] = {}
        self._records: dict[tuple[str, str], ContainerRecord] = {}
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Host:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def records(self) -> tuple[ContainerRecord, ...]:
        """One for every container that was ever started, in the order they were."""
        with self._changed:
            return tuple(self._records.values())

    def output_path(self, task_id: str, container: str) -> Path:
        number = self.agent.world.task(task_id).number
        return self.directory / f"task-{number}-{container}.log"

    def start(self) -> None:
        """Tick in a thread of the host's own until `close`."""
        self._thread = threading.Thread(target=self._tick_until_closed, name="emulated-host", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Kill what still runs. The records keep saying that it ran until then."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
        for running in self._running.values():
            running.process.kill()
        self._running.clear()

    def wait_until(self, predicate: Callable[[], bool], limit_seconds: float) -> bool:
        """Wait for something a tick may change; False when the limit passed."""
        with self._changed:
            return self._changed.wait_for(predicate, timeout=limit_seconds)

    def tick(self, now: float | None = None) -> None:
        """Note exits, obey the world, kill who is late. Never call it from two threads."""
        now = self.agent.now() if now is None else now
        self._note_exits(now)
        with self.agent.world_lock:
            orders = self.agent.world.decide(now)
        for order in orders:
            match order:
                case StartTask(task_id):
                    self._start_task(task_id, now)
                case StopContainer(task_id, name):
                    self._order_stop(task_id, name, now)
        self._send_signals()
        self._kill_late(now)
        with self._changed:
            self._changed.notify_all()

    def _tick_until_closed(self) -> None:
        while not self._closing.wait(TICK_SECONDS):
            self.tick()

    def _start_task(self, task_id: str, now: float) -> None:
        for container in self.agent.world.task(task_id).containers:
            self._start_container(task_id, container.plan, now)

    def _start_container(self, task_id: str, plan: ContainerPlan, now: float) -> None:
        number = self.agent.world.task(task_id).number
        command = self.commands[plan.name]
        environ = {
            **command.environ,
            "ECS_CONTAINER_METADATA_URI_V4": self.agent.metadata_uri(task_id, plan.name),
            "EMULATOR_TASK": str(number),
            "EMULATOR_DIRECTORY": str(self.directory),
        }
        mark = ("ECS_AGENT_URI", self.agent.uri(task_id, plan.name))
        key = (task_id, plan.name)
        with self.output_path(task_id, plan.name).open("ab") as output:
            try:
                process = ContainerProcess(
                    replace(command, environ=environ), mark, output, self._in_namespaces
                )
            except OSError as error:
                output.write(f"cannot start {command.argv[0]}: {error}\n".encode())
                self._record(key, ContainerRecord(task_id, number, plan.name, 0, now, plan.stop_timeout))
                self._note_exit(key, _NOT_STARTED, now)
                return
        self._running[key] = _Running(process, plan)
        self._record(key, ContainerRecord(task_id, number, plan.name, process.pid, now, plan.stop_timeout))

    def _order_stop(self, task_id: str, name: str, now: float) -> None:
        key = (task_id, name)
        if key in self._running:
            self._running[key].must_be_signalled = True
            reason = self.agent.world.task(task_id).stop_reason
            self._record(key, replace(self._records[key], signalled_at=now, stop_reason=reason))

    def _send_signals(self) -> None:
        """Signal a container once its program runs: before that nobody is there to hear it."""
        for running in self._running.values():
            if running.must_be_signalled and running.process.send(running.plan.stop_signal):
                running.must_be_signalled = False

    def _kill_late(self, now: float) -> None:
        for key, running in self._running.items():
            signalled_at = self._records[key].signalled_at
            late = signalled_at is not None and now >= signalled_at + running.plan.stop_timeout
            if late and running.process.exit_code() is None:
                running.process.kill()
                self._record(key, replace(self._records[key], killed=True))
        self._note_exits(now)

    def _note_exits(self, now: float) -> None:
        for key, running in tuple(self._running.items()):
            exit_code = running.process.exit_code()
            if exit_code is not None:
                running.process.kill_remaining()
                del self._running[key]
                self._note_exit(key, exit_code, now)

    def _note_exit(self, key: tuple[str, str], exit_code: int, now: float) -> None:
        with self.agent.world_lock:
            self.agent.world.container_exited(*key, exit_code, now)
            reason = self.agent.world.task(key[0]).stop_reason
        self._record(key, replace(self._records[key], exited_at=now, exit_code=exit_code, stop_reason=reason))

    def _record(self, key: tuple[str, str], record: ContainerRecord) -> None:
        with self._changed:
            self._records[key] = record
            self._changed.notify_all()
        if self._watch is not None:
            self._watch(record)
