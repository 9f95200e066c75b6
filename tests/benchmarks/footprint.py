"""What a wrapper takes while nothing happens: memory, wake-ups, processor time; ours also on ECS, before and while it protects."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World
from tests.benchmarks.preparation import Bench, Wrapper
from tests.benchmarks.trial import LIMIT_SECONDS, Trial, cpu_ns, trial
from tests.waiting import until

OFF_ECS, ON_ECS, PROTECTING = "", "on_ecs_", "protecting_"

_HOLD = b'{"op":"hold","id":"1","about":"benchmark","ttl":null}\n'


@dataclass(frozen=True, slots=True)
class _Resident:
    """A wrapper at rest. prefix: of the names of what is measured."""

    name: str
    prefix: str
    running: Trial


def footprints(bench: Bench, idle_seconds: float) -> list[tuple[str, dict[str, float]]]:
    """Return, by wrapper, mebibytes of memory, and wake-ups a second and milliseconds of processor time while idle.

    All are idle at the same time: a process that does nothing disturbs none.
    """
    with ExitStack() as stack, ExitStack() as hooks:
        agent = stack.enter_context(Agent(World()))
        residents = list(_residents(bench, agent, stack, hooks))
        for resident in residents:
            resident.running.settle()
        memory = [_memory(resident) for resident in residents]
        before = [_used(resident.running.pid) for resident in residents]
        _wait_idly(residents, idle_seconds)
        after = [_used(resident.running.pid) for resident in residents]
        # Before the worker ends, or its supervisor would wait for the jobs that are said to run.
        hooks.close()
        for resident in residents:
            resident.running.end_worker()
    return [
        (
            resident.name,
            taken
            | {
                f"{resident.prefix}wakeups_per_s": (now[0] - then[0]) / idle_seconds,
                f"{resident.prefix}idle_cpu_ms_in_20_s": (now[1] - then[1]) / 1e6 * 20 / idle_seconds,
            },
        )
        for resident, taken, then, now in zip(residents, memory, before, after, strict=True)
    ]


def _residents(bench: Bench, agent: Agent, stack: ExitStack, hooks: ExitStack) -> Iterator[_Resident]:
    for wrapper in bench.wrappers.values():
        yield _Resident(wrapper.name, OFF_ECS, stack.enter_context(_serving(bench, wrapper)))
        for prefix in (ON_ECS, PROTECTING) if wrapper.is_ours else ():
            task = agent.world.add_task(agent.now())
            path = str(bench.folder / f"{task}.sock")
            running = stack.enter_context(
                _serving(bench, wrapper, ("--socket", path), {"ECS_AGENT_URI": agent.uri(task)})
            )
            if prefix == PROTECTING:
                hook = hooks.enter_context(closing(socket.socket(socket.AF_UNIX)))
                hook.connect(path)
                hook.sendall(_HOLD)
                until(partial(agent.is_protected, task), limit=LIMIT_SECONDS, why="the task is protected")
            yield _Resident(wrapper.name, prefix, running)


@contextmanager
def _serving(
    bench: Bench, wrapper: Wrapper, options: tuple[str, ...] = (), environment: dict[str, str] | None = None
) -> Iterator[Trial]:
    with trial(bench, wrapper, *bench.worker, "serves", options=options, environment=environment) as running:
        running.hear("start")
        yield running


def _memory(resident: _Resident) -> dict[str, float]:
    """Return what the kernel sums up (proc(5)): resident, shared by share, and not shared at all."""
    with open(f"/proc/{resident.running.pid}/smaps_rollup") as file:
        kib = {words[0]: int(words[1]) for line in file if len(words := line.split()) == 3}
    unique = kib["Private_Clean:"] + kib["Private_Dirty:"]
    return {
        f"{resident.prefix}{name}_mib": size / 1024
        for name, size in (("rss", kib["Rss:"]), ("pss", kib["Pss:"]), ("uss", unique))
    }


def _used(pid: int) -> tuple[int, int]:
    """Return how often its threads have slept so far, and the processor time in nanoseconds."""
    sleeps = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with suppress(FileNotFoundError), open(f"/proc/{pid}/task/{thread}/status") as file:
            sleeps += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    return sleeps, cpu_ns(pid)


def _wait_idly(residents: list[_Resident], seconds: float) -> None:
    """Let the time pass; an exit of a wrapper would end it early."""
    handles = [os.pidfd_open(resident.running.pid) for resident in residents]
    try:
        if select.select(handles, (), (), seconds)[0]:
            raise RuntimeError("a wrapper has exited while it was idle")
    finally:
        for handle in handles:
            os.close(handle)
