"""The ECS agent as a container meets it: the task protection endpoint and task metadata, on loopback.

Shapes, strictness, limits and refusals are those observed with amazon-ecs-agent 1.105.1. The agent of
Fargate is not public; it shares these shapes, but its limits may differ.
"""

from __future__ import annotations

import posixpath
import re
import threading
import time
from collections.abc import Callable
from types import TracebackType

from supervisor.emulator import answers
from supervisor.emulator.answers import Answer
from supervisor.emulator.calls import Call, CallLog
from supervisor.emulator.faults import Fault, Faults
from supervisor.emulator.limiter import Limiter
from supervisor.emulator.listener import Listener, Request
from supervisor.emulator.metadata import container_document, task_document
from supervisor.emulator.protection_endpoint import ProtectionEndpoint, rfc3339
from supervisor.emulator.world import World

# For the whole request, and so also for the silence on a kept connection.
READ_LIMIT_SECONDS = 5.0

# However fast the world runs, a client on a busy machine needs this long to send its request.
LEAST_READ_LIMIT_SECONDS = 0.25

_PROTECTION = re.compile(r"/api/([^/]+)/task-protection/v1/state")
_METADATA = re.compile(r"/v4/([^/]+)(/task)?")


class Agent:
    """Serves every task of one world.

    `time_scale` makes the world run faster: with 100 a lease of one minute lasts 0.6 seconds, and the four
    and five second limits shrink likewise. The rate limit does not: it counts the calls of real programs.
    Hold `world_lock` to touch the world while the agent is running.
    """

    def __init__(
        self,
        world: World,
        time_scale: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        if time_scale <= 0:
            raise ValueError(f"time_scale must be above zero, got {time_scale}")
        self.world = world
        self.world_lock = threading.RLock()
        self.time_scale = time_scale
        self.faults = Faults()
        self._clock = clock
        self._wall_clock = wall_clock
        self._log = CallLog()
        self._limiter = Limiter()
        self._protection = ProtectionEndpoint(world, self.world_lock, self.now, wall_clock)
        read_limit_seconds = max(LEAST_READ_LIMIT_SECONDS, READ_LIMIT_SECONDS / time_scale)
        self._listener = Listener(self._respond, read_limit_seconds)

    def __enter__(self) -> Agent:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; after a stop, on the same port again. Protection survives: it lives in ECS."""
        self._listener.start()

    def stop(self) -> None:
        """Cut open connections and refuse new ones, as during an upgrade of the agent."""
        self._listener.stop()

    def now(self) -> float:
        """The time of the world, in its own seconds."""
        return self._clock() * self.time_scale

    def uri(self, task_id: str, container: str | None = None) -> str:
        """The value of ECS_AGENT_URI in a container of this task; in the first one if none is named."""
        return f"{self._origin()}/api/{self._endpoint_id(task_id, container)}"

    def metadata_uri(self, task_id: str, container: str | None = None) -> str:
        """The value of ECS_CONTAINER_METADATA_URI_V4."""
        return f"{self._origin()}/v4/{self._endpoint_id(task_id, container)}"

    def is_protected(self, task_id: str) -> bool:
        """Whether the scheduler would spare this task now; no call is made or recorded."""
        with self.world_lock:
            return self.world.is_protected(task_id, self.now())

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call that has ended, in the order they ended."""
        return self._log.calls

    def protection_calls(self, task_id: str | None = None) -> tuple[Call, ...]:
        """Those that read or set protection, of one task or of all."""
        return tuple(call for call in self.calls if call.is_protection and task_id in (None, call.task_id))

    def in_flight(self, task_id: str) -> int:
        """How many protection calls of this task are waiting for their answer now."""
        return self._log.in_flight(task_id)

    def max_in_flight(self, task_id: str) -> int:
        """How many protection calls of this task were ever under way together."""
        return self._log.most_in_flight(task_id)

    def _origin(self) -> str:
        if not self._listener.port:
            raise RuntimeError("the agent has no address before its first start")
        return f"http://127.0.0.1:{self._listener.port}"

    def _endpoint_id(self, task_id: str, container: str | None) -> str:
        with self.world_lock:
            task = self.world.task(task_id)
        return (task.containers[0] if container is None else task.container(container)).endpoint_id

    def _respond(self, request: Request) -> Answer | None:
        arrived_at = self._clock()
        protection = _PROTECTION.fullmatch(request.path)
        metadata = _METADATA.fullmatch(request.path)
        endpoint_id = match[1] if (match := protection or metadata) else None
        task_id = self._task_id(endpoint_id)
        # Only protection calls compete with each other; a read of metadata counts for nobody.
        whose = (task_id or endpoint_id or "") if protection else ""
        in_flight = self._log.arrived(whose)
        fault = Fault.NONE
        answer: Answer | None = None
        try:
            if not self._limiter.allows(request.client, request.path, arrived_at):
                answer = answers.too_many_requests()
            elif request.path != (cleaned := _cleaned(request.path)):
                answer = answers.moved(f"{cleaned}?{request.query}" if request.query else cleaned)
            elif protection and request.method in ("GET", "PUT"):
                fault = self.faults.take(request.method)
                answer = self._protection.answer(
                    request.method, protection[1], request.body, fault, self._wait(request)
                )
            elif protection:
                answer = answers.method_not_allowed()
            elif metadata:
                answer = self._metadata(metadata[1], whole_task=metadata[2] is not None)
            else:
                answer = answers.page_not_found()
        finally:
            self._log.ended(
                whose,
                Call(
                    at=arrived_at,
                    method=request.method,
                    path=request.path,
                    endpoint_id=endpoint_id,
                    task_id=task_id,
                    body=request.body,
                    status=answer.status if answer else None,
                    answer=answer.body if answer else b"",
                    seconds=self._clock() - arrived_at,
                    in_flight=in_flight,
                    fault=fault,
                ),
            )
        return answer

    def _task_id(self, endpoint_id: str | None) -> str | None:
        with self.world_lock:
            found = self.world.at_endpoint(endpoint_id) if endpoint_id else None
        return found[0].task_id if found else None

    def _wait(self, request: Request) -> Callable[[float], bool]:
        def wait(seconds: float) -> bool:
            return seconds <= 0 or request.connected_after(seconds / self.time_scale)

        return wait

    def _metadata(self, endpoint_id: str, *, whole_task: bool) -> Answer:
        with self.world_lock:
            found = self.world.at_endpoint(endpoint_id)
            if found is None:
                return answers.unknown_metadata("task" if whole_task else "container", endpoint_id)
            task, container = found
            if whole_task:
                return answers.metadata(task_document(self.world, task, self._dated))
            return answers.metadata(container_document(self.world, task, container, self._dated))

    def _dated(self, at: float) -> str:
        return rfc3339(self._wall_clock() - (self.now() - at) / self.time_scale)


def _cleaned(path: str) -> str:
    """The path without empty and dot segments, which the agent's router redirects to."""
    cleaned = posixpath.normpath(f"/{path.lstrip('/')}")
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned
