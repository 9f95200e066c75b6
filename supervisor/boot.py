"""Builds the supervisor around a worker that already runs, and runs it to the end: wiring, and nothing decided here.

Everything is imported here that the way out may need, so that nothing is loaded for the first time after a stop request.
"""

from __future__ import annotations

import gc
import os
import select
import selectors
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from supervisor.adapters.clock import SystemClock
from supervisor.adapters.followers import Followers
from supervisor.adapters.hook_listener import Listener, withdraw
from supervisor.adapters.hook_socket import HookSocket
from supervisor.adapters.last_words import say
from supervisor.adapters.launch import Launcher
from supervisor.adapters.log_stream import Line, LogStream
from supervisor.adapters.process import Processes
from supervisor.adapters.terminal import Terminal, keyboard_is_ours
from supervisor.config.attach import Attached
from supervisor.config.doubts import doubts
from supervisor.config.policies import hold_policy, protection_policy
from supervisor.config.settings import RunSettings
from supervisor.core.attachments import AttachmentPolicy
from supervisor.core.effects import Level, Note, note
from supervisor.core.engine import Engine
from supervisor.core.events import Event, OrphanReaped, WorkerExited, WorkerSpawned
from supervisor.core.instants import after
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import SignalName, WorkerName
from supervisor.core.plan import StopPlan
from supervisor.core.policy import Policy
from supervisor.core.sequence import format_stages
from supervisor.core.status import SOFTWARE
from supervisor.core.worker import Restart, RestartPolicy
from supervisor.ports import Follows, Probes, Protector
from supervisor.render.logline import as_human, as_json
from supervisor.render.status import render
from supervisor.runtime.background import Background
from supervisor.runtime.crash import report, stop_without_engine, traced
from supervisor.runtime.inbox import Inbox
from supervisor.runtime.journal import Journal
from supervisor.runtime.loop import Loop
from supervisor.runtime.meaning import CONTINUED, PUT_ASIDE, Meanings
from supervisor.runtime.perform import Performer
from supervisor.runtime.reflex import Reflex
from supervisor.runtime.signals import Signals

WORKER = WorkerName("worker")

_STANDARD_ERROR = 2

# The interpreter lets a busy thread keep others waiting for 5 ms by default; the deciding one should not wait.
_SWITCH_SECONDS = 0.0005

# Shares of the exit margin: the last clean-up, then the last log lines; the rest is for a slow machine.
_SWEEP_SHARE = 0.5
_FLUSH_SHARE = 0.25

# Nobody wants to wait for a log that is stuck, however long the margin.
_LONGEST_FLUSH_SECONDS = 0.5


def supervise(
    settings: RunSettings,
    signals: Signals,
    launcher: Launcher,
    pid: int,
    terminal: Terminal | None,
    listener: Listener,
    attached: Attached,
    is_subreaper: bool,
) -> int:
    """Supervise the worker that was started with this pid, to the end; return the status to exit with."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    clock = SystemClock()
    workers = Processes(WORKER, launcher, pid, settings.signal_target == "group", terminal, signals.suspend)
    supervision = None
    try:
        supervision = _Supervision(settings, signals, workers, listener, attached, clock)
        supervision.mention(_beginning(settings, listener, attached, is_subreaper))
        # What has been loaded stays: looking through all of it for garbage would take longer than passing on a signal.
        gc.freeze()
        return supervision.run(WorkerSpawned(WORKER, pid))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the worker must be stopped in order
        if supervision is not None:
            supervision.flush()
        report(error, supervision.journal.lines() if supervision else (), say)
        asked_at = supervision.loop.stop_asked_at if supervision else None
        kill_seconds = settings.stages[-1].seconds
        promised = settings.stop_timeout - settings.exit_margin - kill_seconds
        for follower in supervision.followers if supervision else ():
            follower.close()
        stop_without_engine(
            workers,
            WORKER,
            None if supervision and supervision.performer.asked_to_stop else _stop_signal(settings),
            after(clock.now() if asked_at is None else asked_at, promised),
            kill_seconds,
            signals,
            clock,
        )
        withdraw(listener)
        return SOFTWARE


class _Supervision:
    """All parts of a running supervisor, tied together."""

    def __init__(
        self,
        settings: RunSettings,
        signals: Signals,
        workers: Processes,
        listener: Listener,
        attached: Attached,
        clock: SystemClock,
    ) -> None:
        self._clock = clock
        self._margin = settings.exit_margin
        background = Background(self._thread_died)
        self.log = LogStream(
            _STANDARD_ERROR, _line(settings), Level(settings.log_level), clock.wall, background.start
        )
        started = clock.now()
        self._engine = Engine(_policy(settings, attached), started)
        self.journal = Journal(started)
        inbox, facts, selector = Inbox(), deque[Event](), selectors.DefaultSelector()
        self._hooks = None
        if listener.path:
            self._hooks = HookSocket(listener.descriptor, listener.path, selector, clock, facts.append)
        self._protector = _protector(settings, background, clock)
        if self._protector is not None:
            self._protector.start(inbox.post)
        self._probes = _probes(settings, background, clock, self._tell)
        if self._probes is not None:
            self._probes.start(inbox.post)
        self.followers = _followers(settings, self._tell, self._probes)
        self.performer = Performer(
            workers,
            Followers(self._hooks, self.followers) if self.followers else self._hooks,
            self._protector,
            self.log,
            self._context,
            self._dump,
            settings.exit_margin * _SWEEP_SHARE,
        )
        meanings = Meanings(
            frozenset(map(SignalName, settings.stop_signals)),
            None if settings.dump_signal is None else SignalName(settings.dump_signal),
            keyboard_is_ours,
        )

        def meaning(number: int) -> Event | None:
            if number == CONTINUED:
                workers.hand_over()
            elif number == PUT_ASIDE:
                workers.follow_next_stop()
            return meanings.of(number)

        self.loop = Loop(
            self._engine,
            self.performer,
            clock,
            signals,
            Reflex(
                meanings.stops(),
                meanings.forwards(),
                self.performer,
                signals.fileno(),
                selector.fileno(),
            ),
            meaning,
            workers.reap if self._probes is None else _reaping(workers.reap, self._probes),
            inbox,
            selector,
            facts,
            self.journal.add,
            self.log.let_go,
            () if self._hooks is None else (self._hooks,),
            None if settings.protect == "before-start" else _breathing(signals, inbox),
        )

    def mention(self, notes: Sequence[Note]) -> None:
        """Write what is to be said before anything happens."""
        for each in notes:
            self.log.write(each, self._context())

    def run(self, first: Event) -> int:
        status = self.loop.run(first)
        if self._hooks is not None:
            self._hooks.close()
        if self._protector is not None:
            self._protector.close()
        for follower in self.followers:
            follower.close()
        self.flush()
        return status

    def flush(self) -> None:
        self.log.flush(min(_LONGEST_FLUSH_SECONDS, self._margin * _FLUSH_SHARE))

    def _tell(self, told: Note) -> None:
        """Write a note of somebody else than the engine, from any thread."""
        self.log.write(told, self._context())
        self.log.let_go()

    def _context(self) -> Sequence[tuple[str, object]]:
        return self._engine.context(self._clock.now())

    def _dump(self) -> None:
        snapshot, lines = self._engine.snapshot(self._clock.now()), self.journal.lines()
        dropped = self.log.dropped
        # Made into text by the log's thread: a thousand entries take longer than a stop request should wait.
        self.log.write_block(lambda: "\n".join((render(snapshot, log_lines_dropped=dropped), *lines)))

    def _thread_died(self, name: str, error: BaseException) -> None:
        told = note("thread.failed", Level.ERROR, thread=name, why=f"{type(error).__name__}: {error}")
        self.log.write(told, self._context())
        self.log.write_block(lambda: traced(error))
        self.log.let_go()


def _breathing(signals: Signals, inbox: Inbox) -> Callable[[float], object]:
    """Return a way to wait for what is urgent only."""
    urgent = select.epoll()
    for source in (signals, inbox):
        urgent.register(source.fileno(), select.EPOLLIN)
    return urgent.poll


def _policy(settings: RunSettings, attached: Attached) -> Policy:
    profile = settings.profile
    if settings.agent_uri is None:
        protection, because = None, "not on ECS"
    elif settings.protect == "never":
        protection, because = None, "switched off"
    else:
        protection, because = protection_policy(settings), ""
    return Policy(
        workers=(WORKER,),
        lifecycle=LifecyclePolicy(
            plan=StopPlan(settings.stages, settings.stop_timeout, settings.exit_margin, profile.stop_drains),
            quiet_signal=_signal(profile.quiet_signal),
            resume_signal=_signal(profile.resume_signal),
            resumable=profile.resumable,
            remap=settings.remap_exit,
        ),
        holds=hold_policy(settings),
        restart=RestartPolicy(Restart(settings.restart)),
        protection=protection,
        unprotected_because=because,
        attachments=AttachmentPolicy(attached.expected),
    )


def _protector(settings: RunSettings, background: Background, clock: SystemClock) -> Protector | None:
    if settings.agent_uri is None or settings.protect == "never":
        return None
    # Outside ECS it is never needed.
    from supervisor.adapters.ecs_agent import EcsAgent

    return EcsAgent(settings.agent_uri, background.start, clock.wall)


def _probes(
    settings: RunSettings, background: Background, clock: SystemClock, tell: Callable[[Note], None]
) -> Probes | None:
    if not settings.probes:
        return None
    from supervisor.adapters.probes.prober import Prober

    return Prober(settings.probes, clock, background.start, tell)


def _followers(
    settings: RunSettings, tell: Callable[[Note], None], probes: Probes | None
) -> tuple[Follows, ...]:
    """Return who follows what is announced, the one that turns new work away first."""
    found: list[Follows] = [] if probes is None else [probes]
    if settings.ready_file is not None:
        from supervisor.adapters.ready_file import ReadyFile

        found.insert(0, ReadyFile(settings.ready_file, tell))
    return tuple(found)


def _reaping(reap: Callable[[], Iterable[Event]], probes: Probes) -> Callable[[], Iterator[Event]]:
    """Let the probes hear of every process that has ended."""

    def collect() -> Iterator[Event]:
        for event in reap():
            if isinstance(event, OrphanReaped):
                probes.collected(event.pid, event.status)
            elif isinstance(event, WorkerExited):
                probes.worker_ended()
            yield event

    return collect


def _line(settings: RunSettings) -> Line:
    human = settings.log_format == "human" or (settings.log_format == "auto" and os.isatty(_STANDARD_ERROR))
    return as_human if human else as_json


def _beginning(
    settings: RunSettings, listener: Listener, attached: Attached, is_subreaper: bool
) -> Sequence[Note]:
    """Return what a person should know about how this run begins."""
    notes = [note("settings.doubtful", Level.WARNING, doubt=doubt) for doubt in doubts(settings)]
    if settings.profile.name != "plain":
        name, stages = settings.profile.name, format_stages(settings.stages)
        if attached.how:
            notes.append(note("worker.recognised", profile=name, attached=attached.how, stages=stages))
        else:
            notes.append(
                note("worker.recognised", profile=name, not_attached=attached.why_not, stages=stages)
            )
    if not listener.path and settings.socket != "none":
        notes.append(
            note(
                "hooks.unavailable",
                Level.WARNING,
                why=f"no socket could be made: {listener.why}",
                so="jobs cannot say that they run, so nothing is protected and a drain waits for nothing",
                fix="mount a writable directory, or name one with --socket",
            )
        )
    notes += (
        note("probe.watching", probe=probe.name, settle=probe.settle, unseen=probe.sees.unseen)
        for probe in settings.probes
    )
    if not is_subreaper:
        notes.append(
            note(
                "orphans.unseen",
                Level.WARNING,
                why="the kernel does not let this process adopt orphans, and it is not PID 1",
                so="a daemon that detaches itself from the worker may outlive it",
                fix="run as PID 1",
            )
        )
    return notes


def _stop_signal(settings: RunSettings) -> SignalName:
    named = (stage.signal for stage in settings.stages if stage.kind == "stop" and stage.signal is not None)
    return SignalName(next(named, settings.profile.stop_signal))


def _signal(name: str | None) -> SignalName | None:
    return None if name is None else SignalName(name)
