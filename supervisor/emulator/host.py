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
from supervisor.emulator.container import Command, ContainerProcess
from supervisor.emulator.control_groups import ControlGroups
from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.metadata import docker_id_of
from supervisor.emulator.namespaces import HERE, OWN_NAMESPACE, Pause, Place, namespaces_are_possible
from supervisor.emulator.orders import KillTask, RestartContainer, StartTask, StopContainer
from supervisor.emulator.service import Service
from supervisor.emulator.tasks import Container, ContainerPlan, Task, TaskPhase

# Often enough for a stop timeout of one second, seldom enough for a busy machine.
TICK_SECONDS = 0.02

# The exit status shells use for a program that was not found or could not be run.
_NOT_STARTED = 127


@dataclass(slots=True)
class _Running:
    process: ContainerProcess
    plan: ContainerPlan
    record: int
    must_be_signalled: bool = False
    must_crash: bool = False


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
        self._records: list[ContainerRecord] = []
        self._pauses: dict[str, Pause] = {}
        self._groups: ControlGroups | None = None
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
        """One for every start of a container, in that order."""
        with self._changed:
            return tuple(self._records)

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
        for pause in self._pauses.values():
            pause.close()
        self._pauses.clear()
        if self._groups is not None:
            self._groups.close()

    def crash(self, task_id: str, container: str) -> None:
        """SIGKILL all of a container, as the kernel does for want of memory; with the next tick."""
        self._running[task_id, container].must_crash = True

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
                case RestartContainer(task_id, name):
                    task = self.agent.world.task(task_id)
                    self._start_container(task, task.container(name), now)
                case StopContainer(task_id, name):
                    self._order_stop(task_id, name, now)
                case KillTask(task_id):
                    self._kill_task(task_id)
        self._send_signals()
        self._kill_late(now)
        with self._changed:
            self._changed.notify_all()

    def _tick_until_closed(self) -> None:
        while not self._closing.wait(TICK_SECONDS):
            self.tick()

    def _start_task(self, task_id: str, now: float) -> None:
        task = self.agent.world.task(task_id)
        if task.pid_mode == "task" and self._in_namespaces:
            self._pauses[task_id] = Pause()
            self._groups = self._groups or ControlGroups()
        for container in task.containers:
            self._start_container(task, container, now)

    def _start_container(self, task: Task, container: Container, now: float) -> None:
        plan = container.plan
        command = self.commands[plan.name]
        environ = {
            **command.environ,
            "ECS_CONTAINER_METADATA_URI_V4": self.agent.metadata_uri(task.task_id, plan.name),
            "EMULATOR_TASK": str(task.number),
            "EMULATOR_DIRECTORY": str(self.directory),
        }
        mark = ("ECS_AGENT_URI", self.agent.uri(task.task_id, plan.name))
        record = ContainerRecord(task.task_id, task.number, plan.name, 0, now, plan.stop_timeout)
        with self.output_path(task.task_id, plan.name).open("ab") as output:
            try:
                process = ContainerProcess(
                    replace(command, environ=environ), mark, output, self._place(task.task_id, container)
                )
            except OSError as error:
                output.write(f"cannot start {command.argv[0]}: {error}\n".encode())
                self._note_exit(self._add_record(record), _NOT_STARTED, now)
                return
        number = self._add_record(replace(record, pid=process.pid))
        self._running[task.task_id, plan.name] = _Running(process, plan, number)

    def _place(self, task_id: str, container: Container) -> Place:
        """Where a container's processes run; a group is needed only where another container can see them."""
        if not self._in_namespaces:
            return HERE
        if (pause := self._pauses.get(task_id)) is None:
            return OWN_NAMESPACE
        joining = () if self._groups is None else self._groups.launcher(docker_id_of(container))
        return replace(pause.place, launcher=(*joining, *pause.place.launcher))

    def _order_stop(self, task_id: str, name: str, now: float) -> None:
        running = self._running.get((task_id, name))
        if running is not None:
            running.must_be_signalled = True
            reason = self.agent.world.task(task_id).stop_reason
            self._record(running.record, signalled_at=now, stop_reason=reason)

    def _kill_task(self, task_id: str) -> None:
        for key, running in self._running.items():
            if key[0] == task_id:
                self._kill(running)

    def _kill(self, running: _Running) -> None:
        running.process.kill()
        self._record(running.record, killed=True)

    def _send_signals(self) -> None:
        """Signal a container once its program runs: before that nobody is there to hear it."""
        for running in self._running.values():
            if running.must_crash:
                running.process.kill()
            if running.must_be_signalled and running.process.send(running.plan.stop_signal):
                running.must_be_signalled = False

    def _kill_late(self, now: float) -> None:
        for running in self._running.values():
            signalled_at = self._records[running.record].signalled_at
            late = signalled_at is not None and now >= signalled_at + running.plan.stop_timeout
            if late and running.process.exit_code() is None:
                self._kill(running)
        self._note_exits(now)

    def _note_exits(self, now: float) -> None:
        for key, running in tuple(self._running.items()):
            exit_code = running.process.exit_code()
            if exit_code is not None:
                running.process.kill_remaining()
                del self._running[key]
                self._note_exit(running.record, exit_code, now)

    def _note_exit(self, number: int, exit_code: int, now: float) -> None:
        record = self._records[number]
        with self.agent.world_lock:
            self.agent.world.container_exited(record.task_id, record.container, exit_code, now)
            task = self.agent.world.task(record.task_id)
        self._record(number, exited_at=now, exit_code=exit_code, stop_reason=task.stop_reason)
        if task.phase is TaskPhase.STOPPED and (pause := self._pauses.pop(record.task_id, None)) is not None:
            pause.close()

    def _add_record(self, record: ContainerRecord) -> int:
        with self._changed:
            self._records.append(record)
        self._tell(record)
        return len(self._records) - 1

    def _record(self, number: int, **news: object) -> None:
        with self._changed:
            record = self._records[number] = replace(self._records[number], **news)  # type: ignore[arg-type]
        self._tell(record)

    def _tell(self, record: ContainerRecord) -> None:
        with self._changed:
            self._changed.notify_all()
        if self._watch is not None:
            self._watch(record)
