"""What a task of the random stops consists of, and how its containers are judged as one."""

from __future__ import annotations

from dataclasses import replace

from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.tasks import StopReason
from tests.integrations.configuration import Setting
from tests.integrations.containers import SIDECAR, WORKER, containers, lives
from tests.integrations.frameworks.beside import Shell
from tests.integrations.frameworks.plain import Plain

RECORD = ContainerRecord("id-1", 1, WORKER, 7, 0.0, 5.0, StopReason.SCALE_IN, 13.0, 14.0, 0)


def test_a_sidecar_stands_where_its_task_definition_puts_it() -> None:
    """It depends on the worker there, so it is here; bare, the worker is alone and knows of none."""
    both = containers(Shell(), supervised=True).plans
    assert [(each.name, each.depends_on) for each in both] == [(WORKER, ()), (SIDECAR, (WORKER,))]
    [alone] = containers(Shell(), supervised=False).plans
    assert alone == both[0]


def test_a_bare_worker_is_told_of_no_supervisor(setting: Setting) -> None:
    """Its command and its environment are the same but for the address."""
    bare = containers(Shell(), supervised=False).commands(Shell(), setting)[WORKER]
    beside = containers(Shell(), supervised=True).commands(Shell(), setting)[WORKER]
    assert bare.environ == beside.environ
    assert bare.argv[-3:] == beside.argv[-3:]
    assert "ECS_SUPERVISOR_API" not in "".join(bare.argv)
    assert "ECS_SUPERVISOR_API" in "".join(beside.argv)


def test_a_worker_below_run_is_one_container(setting: Setting) -> None:
    """The supervisor is in it."""
    task = containers(Plain(), supervised=True)
    assert [each.name for each in task.plans] == [WORKER]
    assert "run" in task.commands(Plain(), setting)[WORKER].argv


def test_a_task_lives_from_its_first_signal_to_its_last_exit() -> None:
    """Whichever of its containers that was, and as long as one of them runs it has not ended."""
    sidecar = replace(RECORD, container=SIDECAR, signalled_at=10.0, exited_at=13.0)
    [life] = lives([RECORD, sidecar])
    assert (life.container, life.signalled_at, life.exited_at, life.killed) == (WORKER, 10.0, 14.0, False)
    [life] = lives([RECORD, replace(sidecar, exited_at=None, killed=True)])
    assert (life.exited_at, life.killed) == (None, True)
