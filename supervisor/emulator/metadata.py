"""The task metadata endpoint, version 4: what a container can learn about itself and its neighbours.

What is absent matters as much: no stop timeout, no dependencies, no protection, no reason for a stop.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

from supervisor.emulator.tasks import Container, Task, TaskPhase
from supervisor.emulator.world import World

Document = dict[str, object]

# Turns an instant of the world into the date a client reads.
Dated = Callable[[float], str]


def task_document(world: World, task: Task, dated: Dated) -> Document:
    """What `/task` answers. The containers come in another order each time: the agent walks a Go map."""
    containers = [container_document(world, task, container, dated) for container in task.containers]
    random.shuffle(containers)
    document: Document = {
        "Cluster": world.cluster,
        "TaskARN": world.arn(task.task_id),
        "Family": world.service,
        "Revision": str(task.deployment),
    }
    if not task.standalone:
        document["ServiceName"] = world.service
    document |= {
        "DesiredStatus": _desired(task),
        "KnownStatus": "STOPPED" if task.phase is TaskPhase.STOPPED else "RUNNING",
        "Limits": {"CPU": 0.25, "Memory": 512},
        "PullStartedAt": dated(task.started_at),
        "PullStoppedAt": dated(task.started_at),
        "AvailabilityZone": "eu-west-1a",
        "LaunchType": "EC2",
        "Containers": containers,
        "FaultInjectionEnabled": False,
    }
    if task.stopped_at is not None:
        document["ExecutionStoppedAt"] = dated(task.stopped_at)
    return document


def container_document(world: World, task: Task, container: Container, dated: Dated) -> Document:
    name = container.plan.name
    docker_id = docker_id_of(container)
    arn = world.arn(task.task_id)
    document: Document = {
        "DockerId": docker_id,
        "Name": name,
        "DockerName": f"ecs-{world.service}-{task.deployment}-{name}-{docker_id[:20]}",
        "Image": f"{name}:latest",
        "ImageID": f"sha256:{hashlib.sha256(name.encode()).hexdigest()}",
        "Labels": {
            "com.amazonaws.ecs.cluster": world.cluster,
            "com.amazonaws.ecs.container-name": name,
            "com.amazonaws.ecs.task-arn": arn,
            "com.amazonaws.ecs.task-definition-family": world.service,
            "com.amazonaws.ecs.task-definition-version": str(task.deployment),
        },
        "DesiredStatus": _desired(task),
        "KnownStatus": "STOPPED" if container.exited else "RUNNING",
        "Limits": {"CPU": 2},
        "CreatedAt": dated(task.started_at),
        "StartedAt": dated(container.started_at),
        "Type": "NORMAL",
        "ContainerARN": f"{arn.replace(':task/', ':container/')}/{container.endpoint_id}",
        "Networks": [{"NetworkMode": "host", "IPv4Addresses": ["127.0.0.1"]}],
    }
    if container.plan.restart is not None:
        document["RestartCount"] = container.restarts
    if container.exited:
        document["ExitCode"] = container.exit_code
    return document


def docker_id_of(container: Container) -> str:
    """The container runtime's name for it: 64 hexadecimal digits, the same when it is started again in place."""
    return hashlib.sha256(container.endpoint_id.encode()).hexdigest()


def _desired(task: Task) -> str:
    """STOPPED for the task and all its containers from the moment the stop was ordered."""
    return "RUNNING" if task.phase is TaskPhase.RUNNING else "STOPPED"
