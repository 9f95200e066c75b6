"""Reads the task metadata endpoint, version 4: who we are, and how ECS sees the containers of this task.

A container is known by its name or its DockerId, never by its place in the list, which is another one in every answer. What
cannot be read is a text for people; nothing that the supervisor promises depends on it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from supervisor.adapters.bounded_http import NoReply, Reply, exchange

# It is answered from the agent's memory, one hop away; 1 s survives a lost packet on the way there.
_CONNECT_SECONDS = 1.5
_ANSWER_SECONDS = 2.0

# What the agent itself adds to a task, such as the owner of a shared PID namespace, has another type.
_ORDINARY = "NORMAL"

_STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class Identity:
    """service: None for a task that belongs to none. task: its id."""

    cluster: str
    service: str | None
    task: str
    family: str
    revision: str
    container: str


@dataclass(frozen=True, slots=True)
class ContainerState:
    """is_to_stop: ECS wants it stopped. has_stopped: it knows that it has. docker_id: its name in /proc/<pid>/cgroup."""

    name: str
    docker_id: str
    is_to_stop: bool
    has_stopped: bool


@dataclass(frozen=True, slots=True)
class TaskState:
    """is_to_stop: ECS wants the task stopped. is_restarted: ours was started again in place.

    others: the task's containers by name, without ours and without those of the agent.
    """

    identity: Identity
    is_to_stop: bool
    is_restarted: bool
    others: Mapping[str, ContainerState]


class TaskMetadata:
    """uri: ECS_CONTAINER_METADATA_URI_V4. ask: carries out one HTTP exchange."""

    def __init__(self, uri: str, ask: Callable[..., Reply | NoReply] = exchange) -> None:
        self._uri = uri.rstrip("/")
        self._exchange = ask
        self._own_id: str | None = None

    def read(self) -> TaskState | str:
        """Return how things stand, or why that cannot be known; within twice 3.5 seconds."""
        try:
            if self._own_id is None:
                # It stays the same when the container is started again in place.
                self._own_id = _text(self._get(""), "DockerId")
            return _task_state(self._get("/task"), self._own_id)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return f"task metadata is not as expected: {error!r}" if str(error) else repr(error)
        except OSError as error:
            return str(error)

    def identity(self) -> Identity | None:
        """Return who we are; None where that cannot be read."""
        state = self.read()
        return None if isinstance(state, str) else state.identity

    def _get(self, path: str) -> Mapping[str, object]:
        """Return the document at this path. Raise OSError without an answer, ValueError for one that is none."""
        reply = self._exchange(
            "GET",
            self._uri + path,
            None,
            connect_seconds=_CONNECT_SECONDS,
            answer_seconds=_ANSWER_SECONDS,
        )
        if isinstance(reply, NoReply):
            raise OSError(f"no answer from the task metadata endpoint: {reply.why}")
        if reply.status != 200:
            # Errors are a bare string, in JSON.
            said = reply.body[:200].decode(errors="replace").strip()
            raise OSError(f"the task metadata endpoint answers {reply.status}: {said}")
        document = json.loads(reply.body)
        if not isinstance(document, dict):
            raise TypeError(f"{document!r:.80} is no object")
        return document


def _task_state(task: Mapping[str, object], own_id: str) -> TaskState:
    containers = task["Containers"]
    if not isinstance(containers, list):
        raise TypeError("Containers is no list")
    own = next((each for each in containers if each["DockerId"] == own_id), None)
    identity = Identity(
        # Some agents give a name, some an ARN.
        cluster=_last(_text(task, "Cluster")),
        service=None if not task.get("ServiceName") else _text(task, "ServiceName"),
        task=_last(_text(task, "TaskARN")),
        family=_text(task, "Family"),
        revision=_text(task, "Revision"),
        container="" if own is None else _text(own, "Name"),
    )
    others = (each for each in containers if each is not own and each.get("Type", _ORDINARY) == _ORDINARY)
    states = (_container_state(each) for each in others)
    return TaskState(
        identity,
        task.get("DesiredStatus") == _STOPPED,
        own is not None and bool(own.get("RestartCount")),
        {each.name: each for each in states},
    )


def _container_state(container: Mapping[str, object]) -> ContainerState:
    return ContainerState(
        _text(container, "Name"),
        _text(container, "DockerId"),
        container.get("DesiredStatus") == _STOPPED,
        container.get("KnownStatus") == _STOPPED,
    )


def _text(document: Mapping[str, object], key: str) -> str:
    value = document[key]
    if not isinstance(value, str) or not value:
        raise TypeError(f"{key} is {value!r}")
    return value


def _last(name: str) -> str:
    return name.rpartition("/")[2]
