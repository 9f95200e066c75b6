"""The journal of a real run, fed to a fresh engine, leads to the same orders: what is printed is all that was decided on."""

from __future__ import annotations

import json
import signal

from supervisor.core.engine import Engine
from supervisor.core.holds import HoldPolicy
from supervisor.core.instants import Instant
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import WorkerName
from supervisor.core.plan import StopPlan
from supervisor.core.policy import Policy
from supervisor.core.protection import ProtectionPolicy, WhenBlocked
from supervisor.core.sequence import parse
from supervisor.core.worker import RestartPolicy
from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World
from supervisor.runtime.journal import replay
from tests.process.harness import actor, supervised

STAGES = "QUIET 20 TERM 5 KILL 1"
OPTIONS = ("--stop-timeout", "30", "--exit-margin", "2", "--stop-sequence", STAGES, "--release-delay", "0")

# What the options above mean, and the defaults of the others.
POLICY = Policy(
    workers=(WorkerName("worker"),),
    lifecycle=LifecyclePolicy(
        plan=StopPlan(parse(STAGES)[0], stop_timeout=30, exit_margin=2),
        quiet_signal=None,
        resume_signal=None,
        resumable=True,
        remap={},
    ),
    holds=HoldPolicy(after=0, before_start=False, wait=10, fail_open=True),
    restart=RestartPolicy(),
    protection=ProtectionPolicy(
        lease_minutes=60,
        renew_before=1800,
        release_delay=0,
        when_blocked=WhenBlocked.QUIET,
        budget=float("inf"),
        window=120,
    ),
)

JOBS = tuple(f'{{"op":"hold","id":"{number}","about":"send_mail"}}' for number in (1, 2))


def test_a_real_run_can_be_replayed() -> None:
    """Start, jobs, protection, signals, an orphan and a stop: entry by entry the fresh engine gives the same orders."""
    with Agent(World()) as agent:
        task = agent.world.add_task(agent.now())
        environment = {"ECS_AGENT_URI": agent.uri(task)}
        worker = ("sh", "-c", '(: &); exec "$@"', "sh", *actor("holds", *JOBS))
        with supervised(*worker, options=OPTIONS, env=environment) as run:
            run.until(lambda: agent.is_protected(task), "the task is protected")
            run.until_noted("protection.acquired")
            run.send(signal.SIGUSR1)
            run.until(lambda: any('"HoldReleased"' in line for line in run.journal()), "a job has ended")
            run.send(signal.SIGTERM)
            run.until_noted("task.draining")
            head, *lines = run.journal()
            replayed = list(replay(lines, Engine(POLICY, Instant(json.loads(head)["started"]), strict=True)))
            run.process.kill()
    seen = {type(entry.event).__name__ for entry, _ in replayed}
    assert seen >= {
        *("WorkerSpawned", "OrphanReaped", "HoldTaken", "ProtectionGranted"),
        *("SignalReceived", "HoldReleased", "StopRequested"),
    }
    assert json.loads(head)["forgotten"] == 0
    for entry, effects in replayed:
        assert effects == entry.effects, entry.event
