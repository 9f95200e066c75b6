"""The world decides as ECS does."""

from __future__ import annotations

import pytest

from supervisor.emulator.orders import KillTask, RestartContainer, StartTask, StopContainer
from supervisor.emulator.tasks import (
    NOT_PROTECTED,
    ContainerPlan,
    Protection,
    RestartPolicy,
    StopReason,
    Task,
    TaskPhase,
)
from supervisor.emulator.world import Invalid, Refused, World


def running(world: World) -> list[int]:
    """The numbers of the running tasks."""
    return [task.number for task in world.tasks if task.phase is TaskPhase.RUNNING]


def numbered(world: World, number: int) -> Task:
    return world.tasks[number - 1]


def exit_all(world: World, now: float, exit_code: int = 0) -> None:
    """Let every container that was signalled exit."""
    for task in world.tasks:
        for container in task.containers:
            if container.signalled and not container.exited:
                world.container_exited(task.task_id, container.plan.name, exit_code, now)


def test_the_service_is_filled_up_to_its_desired_count() -> None:
    """The world orders as many starts as are missing, once."""
    world = World(desired_count=2)
    orders = world.decide(0)
    assert [type(order) for order in orders] == [StartTask, StartTask]
    assert world.decide(1) == ()
    assert running(world) == [1, 2]


def test_scale_in_stops_the_surplus_and_says_why() -> None:
    """With the desired count lowered, one task is told to stop; it has stopped when its container exits."""
    world = World(desired_count=2)
    world.decide(0)
    world.scale(1)
    stopped = numbered(world, 1).task_id
    assert world.decide(5) == (StopContainer(stopped, "worker"),)
    assert world.task(stopped).phase is TaskPhase.STOPPING
    assert world.task(stopped).stop_reason is StopReason.SCALE_IN
    world.container_exited(stopped, "worker", 143, 8)
    assert world.task(stopped).phase is TaskPhase.STOPPED
    assert (world.task(stopped).stop_ordered_at, world.task(stopped).stopped_at) == (5, 8)
    assert world.decide(9) == ()


def test_scale_in_spares_protected_tasks() -> None:
    """A protected task is passed over, and waited for when no other is left."""
    world = World(desired_count=3)
    world.decide(0)
    for number in (1, 2):
        assert world.set_protection(numbered(world, number).task_id, True, 60, 0) == Protection(True, 3600)
    world.scale(1)
    assert world.decide(1) == (StopContainer(numbered(world, 3).task_id, "worker"),)
    assert world.decide(2) == ()
    world.set_protection(numbered(world, 2).task_id, False, None, 3)
    assert world.decide(3) == (StopContainer(numbered(world, 2).task_id, "worker"),)


def test_a_lease_lapses_without_a_word() -> None:
    """At its expiry protection is off, and a task that scale-in waited for is stopped."""
    world = World(desired_count=1)
    world.decide(0)
    task_id = numbered(world, 1).task_id
    world.set_protection(task_id, True, 1, 0)
    world.scale(0)
    assert world.decide(59.9) == ()
    assert world.protection(task_id, 59.9) == Protection(True, 60)
    assert world.protection(task_id, 60) == NOT_PROTECTED
    assert world.decide(60) == (StopContainer(task_id, "worker"),)


def test_protection_lasts_two_hours_unless_asked() -> None:
    """Without minutes a lease is 120 of them, and each enabling starts it anew, longer or shorter."""
    world = World()
    task_id = world.add_task(0)
    assert world.set_protection(task_id, True, None, 0) == Protection(True, 7200)
    assert world.set_protection(task_id, True, 1, 100) == Protection(True, 160)


@pytest.mark.parametrize(
    ("minutes", "valid"), [(0, False), (1, True), (2880, True), (2881, False), (-1, False)]
)
def test_minutes_have_a_range(minutes: int, valid: bool) -> None:
    """ECS takes from one minute to two days and rejects the rest as a whole."""
    world = World()
    outcome = world.set_protection(world.add_task(0), True, minutes, 0)
    assert isinstance(outcome, Protection if valid else Invalid)


def test_more_protected_tasks_than_desired_are_refused() -> None:
    """DEPLOYMENT_BLOCKED: a further task, and also a renewal, which leaves the old expiry as it was."""
    world = World(desired_count=2)
    world.decide(0)
    first, second = (task.task_id for task in world.tasks)
    world.set_protection(first, True, 10, 0)
    world.set_protection(second, True, 10, 0)
    world.scale(1)
    assert world.set_protection(first, True, 10, 60) == Refused("DEPLOYMENT_BLOCKED")
    assert world.protection(first, 60) == Protection(True, 600)
    assert world.set_protection(second, False, None, 61) == NOT_PROTECTED
    assert world.set_protection(first, True, 10, 62) == Protection(True, 662)


def test_a_new_deployment_cannot_protect_while_the_old_one_holds_all() -> None:
    """Old protected tasks count too, so the first claims of a new deployment are refused."""
    world = World(desired_count=1)
    world.decide(0)
    world.set_protection(numbered(world, 1).task_id, True, 10, 0)
    world.deploy()
    world.decide(1)
    assert running(world) == [1, 2]
    assert world.set_protection(numbered(world, 2).task_id, True, 10, 2) == Refused("DEPLOYMENT_BLOCKED")


def test_standalone_and_unknown_tasks_cannot_be_protected() -> None:
    """TASK_NOT_VALID for a task of no service, MISSING for one that never was."""
    world = World()
    standalone = world.add_task(0, standalone=True)
    assert world.set_protection(standalone, True, 10, 0) == Refused("TASK_NOT_VALID")
    assert world.protection(standalone, 0) == Refused("TASK_NOT_VALID")
    assert world.set_protection("nobody", True, 10, 0) == Refused("MISSING")


def test_a_standalone_task_is_no_business_of_the_service() -> None:
    """The scheduler neither counts nor stops it."""
    world = World()
    world.add_task(0, standalone=True)
    assert [type(order) for order in world.decide(0)] == [StartTask]
    assert world.decide(1) == ()


@pytest.mark.parametrize("reason", [StopReason.USER, StopReason.SPOT])
def test_a_forced_stop_ignores_protection_and_is_replaced(reason: StopReason) -> None:
    """StopTask and Spot take a protected task, and the service starts another."""
    world = World(desired_count=1)
    world.decide(0)
    task_id = numbered(world, 1).task_id
    world.set_protection(task_id, True, 60, 0)
    world.stop(task_id, reason, 5)
    orders = world.decide(5)
    assert orders == (StartTask(numbered(world, 2).task_id), StopContainer(task_id, "worker"))
    assert world.task(task_id).stop_reason is reason


def test_a_stop_is_ordered_once() -> None:
    """A second reason changes nothing for a task that is stopping."""
    world = World(desired_count=1)
    world.decide(0)
    task_id = numbered(world, 1).task_id
    world.stop(task_id, StopReason.SPOT, 1)
    world.stop(task_id, StopReason.USER, 2)
    assert (world.task(task_id).stop_reason, world.task(task_id).stop_ordered_at) == (StopReason.SPOT, 1)


def test_a_deployment_replaces_all_and_waits_for_the_protected() -> None:
    """New tasks come first, unprotected old ones go at once, and the last one when it is free."""
    world = World(desired_count=2)
    world.decide(0)
    busy = numbered(world, 1).task_id
    world.set_protection(busy, True, 60, 0)
    assert world.deploy()
    world.decide(1)
    assert running(world) == [1, 3, 4]
    assert numbered(world, 2).stop_reason is StopReason.DEPLOYMENT
    exit_all(world, 2)
    assert world.decide(3) == ()
    world.set_protection(busy, False, None, 4)
    assert world.decide(4) == (StopContainer(busy, "worker"),)
    assert running(world) == [3, 4]


def test_a_deployment_needs_room_above_the_desired_count() -> None:
    """What the maximum percent leaves beside the protected tasks is all that a deployment can start."""
    world = World(desired_count=2, maximum_percent=150)
    world.decide(0)
    for task in world.tasks:
        world.set_protection(task.task_id, True, 60, 0)
    world.deploy()
    world.decide(1)
    assert running(world) == [1, 2, 3]
    world.set_protection(world.tasks[0].task_id, False, None, 2)
    world.decide(2)
    world.decide(2)
    assert running(world) == [2, 3, 4]


def test_a_sixth_unfinished_deployment_is_refused() -> None:
    """Protected tasks of old deployments keep them unfinished; five at a time are the limit."""
    world = World(desired_count=6, maximum_percent=1000)
    world.decide(0)
    for number in range(1, 5):
        task = next(task for task in world.tasks if task.deployment == number)
        assert isinstance(world.set_protection(task.task_id, True, 60, 0), Protection)
        assert world.deploy()
        world.decide(number)
    assert not world.deploy()
    world.set_protection(world.tasks[0].task_id, False, None, 10)
    world.decide(10)
    assert world.deploy()


def test_an_essential_exit_stops_the_task_whatever_its_code() -> None:
    """Exit 0 of an essential container ends its task too; a replacement follows after a pause."""
    world = World(desired_count=1)
    world.decide(0)
    task_id = numbered(world, 1).task_id
    world.container_exited(task_id, "worker", 0, 10)
    assert world.task(task_id).phase is TaskPhase.STOPPED
    assert world.task(task_id).stop_reason is StopReason.ESSENTIAL_CONTAINER_EXITED
    assert world.decide(10.5) == ()
    assert world.decide(11) == (StartTask(numbered(world, 2).task_id),)


def test_the_exit_of_a_container_that_is_not_essential_changes_nothing() -> None:
    """The task runs on without it, and is not stopped twice later."""
    world = World(containers=[ContainerPlan("worker"), ContainerPlan("setup", essential=False)])
    task_id = world.add_task(0)
    world.decide(0)
    world.container_exited(task_id, "setup", 0, 1)
    assert world.task(task_id).phase is TaskPhase.RUNNING
    world.scale(0)
    assert world.decide(2) == (StopContainer(task_id, "worker"),)


def test_a_container_is_stopped_after_those_that_depend_on_it() -> None:
    """dependsOn is reversed for stopping: the supervisor is signalled when the app has stopped."""
    world = World(containers=[ContainerPlan("app", depends_on=("supervisor",)), ContainerPlan("supervisor")])
    task_id = world.add_task(0)
    assert [plan.name for plan in world.containers] == ["supervisor", "app"]
    world.decide(0)
    world.scale(0)
    assert world.decide(1) == (StopContainer(task_id, "app"),)
    assert world.decide(2) == ()
    world.container_exited(task_id, "app", 0, 3)
    assert world.decide(3) == (StopContainer(task_id, "supervisor"),)
    world.container_exited(task_id, "supervisor", 143, 4)
    assert world.task(task_id).phase is TaskPhase.STOPPED


def test_a_container_that_others_depend_on_takes_them_along_when_it_crashes() -> None:
    """The order of stopping is kept only for containers that live: dependents are signalled at once."""
    world = World(containers=[ContainerPlan("app", depends_on=("supervisor",)), ContainerPlan("supervisor")])
    task_id = world.add_task(0)
    world.decide(0)
    world.container_exited(task_id, "supervisor", 137, 1)
    assert world.decide(1) == (StopContainer(task_id, "app"),)


RESTARTED = ContainerPlan(
    "sidecar", restart=RestartPolicy(ignored_exit_codes=frozenset((7,)), attempt_period=60)
)


@pytest.mark.parametrize(
    ("exit_code", "at", "again"), [(137, 60, True), (0, 60, True), (137, 59, False), (7, 60, False)]
)
def test_a_container_is_restarted_in_place_by_its_policy(exit_code: int, at: float, again: bool) -> None:
    """Whatever its exit code but those it ignores, and only after the attempt period; else it counts as exited."""
    world = World(containers=[ContainerPlan("worker"), RESTARTED])
    task_id = world.add_task(0)
    world.decide(0)
    endpoint = world.task(task_id).container("sidecar").endpoint_id
    world.container_exited(task_id, "sidecar", exit_code, at)
    orders = world.decide(at)
    if again:
        sidecar = world.task(task_id).container("sidecar")
        assert orders == (RestartContainer(task_id, "sidecar"),)
        assert (sidecar.exited, sidecar.restarts, sidecar.endpoint_id) == (False, 1, endpoint)
    else:
        assert orders == (StopContainer(task_id, "worker"),)


def test_nothing_is_restarted_after_a_stop_order() -> None:
    """The restart policy ends with the order to stop the task."""
    world = World(containers=[ContainerPlan("worker"), RESTARTED])
    task_id = world.add_task(0)
    world.decide(0)
    world.stop(task_id, StopReason.USER, 100)
    world.decide(100)
    world.container_exited(task_id, "sidecar", 0, 101)
    assert world.task(task_id).container("sidecar").exited
    assert world.decide(102) == ()


def test_spot_capacity_is_gone_two_minutes_after_the_notice() -> None:
    """However the stop timeouts add up along a chain, everything is killed then; a task that stopped in time is not."""
    chain = [
        ContainerPlan("worker", stop_timeout=120),
        ContainerPlan("sidecar", ("worker",), stop_timeout=120),
    ]
    world = World(containers=chain)
    late, in_time = world.add_task(0), world.add_task(0)
    world.decide(0)
    for task_id in (late, in_time):
        world.stop(task_id, StopReason.SPOT, 10)
    world.decide(10)
    for name in ("worker", "sidecar"):
        world.container_exited(in_time, name, 0, 11)
    assert KillTask(late) not in world.decide(129)
    assert KillTask(late) in world.decide(130)
    assert world.decide(131) == ()


def test_a_new_task_definition_counts_for_new_tasks_only() -> None:
    """Tasks that run keep the containers they were started with."""
    world = World()
    old = world.add_task(0)
    world.register([ContainerPlan("other")])
    new = world.add_task(0)
    assert [container.plan.name for container in world.task(old).containers] == ["worker"]
    assert [container.plan.name for container in world.task(new).containers] == ["other"]


def test_every_container_has_an_endpoint_of_its_own() -> None:
    """Endpoint ids lead to their task and container; an unknown one leads nowhere."""
    world = World(containers=[ContainerPlan("app"), ContainerPlan("sidecar")])
    task = world.task(world.add_task(0))
    names = []
    for container in task.containers:
        found = world.at_endpoint(container.endpoint_id)
        assert found is not None
        names.append((found[0].task_id, found[1].plan.name))
    assert names == [(task.task_id, "app"), (task.task_id, "sidecar")]
    assert world.at_endpoint("nobody") is None


@pytest.mark.parametrize(
    "containers",
    [
        [],
        [ContainerPlan("a"), ContainerPlan("a")],
        [ContainerPlan("a", depends_on=("b",))],
        [ContainerPlan("a", depends_on=("b",)), ContainerPlan("b", depends_on=("a",))],
    ],
)
def test_impossible_task_definitions_are_refused(containers: list[ContainerPlan]) -> None:
    """No container, two of one name, an unknown dependency and a circle are errors at once."""
    with pytest.raises(ValueError, match=r"container|depends_on"):
        World(containers=containers)


def test_impossible_counts_are_refused() -> None:
    """A negative count and a service without room to deploy are errors at once."""
    with pytest.raises(ValueError, match="desired_count"):
        World(desired_count=-1)
    with pytest.raises(ValueError, match="desired_count"):
        World().scale(-1)
    with pytest.raises(ValueError, match="maximum_percent"):
        World(maximum_percent=100)
    with pytest.raises(ValueError, match="pid_mode"):
        World(pid_mode="host")


@pytest.mark.parametrize("reason", list(StopReason))
def test_every_reason_has_the_code_of_the_api(reason: StopReason) -> None:
    """Each reason maps to a stopCode of DescribeTasks."""
    codes = {"ServiceSchedulerInitiated", "UserInitiated", "SpotInterruption", "EssentialContainerExited"}
    assert reason.stop_code in codes
