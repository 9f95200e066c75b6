"""One call of the task protection endpoint, from its body to its answer.

The agent decodes the body before it looks for the task, looks for the task before its credentials, and only
then calls ECS. ECS gets four seconds, and the call is cancelled when the client hangs up: a client less
patient than that undoes its own request.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from supervisor.emulator import answers
from supervisor.emulator.answers import Answer
from supervisor.emulator.decoder import ProtectionRequest, UndecodableRequestError, decode
from supervisor.emulator.faults import DELAYS, ERRORS, FAILURES, EcsDelay, Fault
from supervisor.emulator.tasks import Protection, Task, TaskPhase
from supervisor.emulator.world import Invalid, Refused, World

# What the agent allows for its call to ECS, the SDK's own retries included.
ECS_BUDGET_SECONDS = 4.0

# `SHORT_EXPIRY` grants this part of what was asked.
SHORT_EXPIRY_PART = 0.25

_READ = ProtectionRequest(None, None)

# Waits so many seconds of the world; False when the client has gone.
Wait = Callable[[float], bool]


class ProtectionEndpoint:
    """Answers for every task of the world. The lock guards the world; it is never held while waiting."""

    def __init__(
        self,
        world: World,
        world_lock: threading.RLock,
        now: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._world = world
        self._world_lock = world_lock
        self._now = now
        self._wall_clock = wall_clock
        self._dates: dict[tuple[str, float], str] = {}

    def answer(self, method: str, endpoint_id: str, body: bytes, fault: Fault, wait: Wait) -> Answer | None:
        """None: the connection is to be closed without an answer."""
        match fault:
            case Fault.TOO_MANY_REQUESTS:
                return answers.too_many_requests()
            case Fault.GARBAGE:
                return answers.garbage()
            case Fault.EMPTY_REPLY:
                return None
            case Fault.HANG:
                wait(float("inf"))
                return None
            case _:
                return self._from_agent(method, endpoint_id, body, fault, wait)

    def _from_agent(
        self, method: str, endpoint_id: str, body: bytes, fault: Fault, wait: Wait
    ) -> Answer | None:
        operation = "UpdateTaskProtection" if method == "PUT" else "GetTaskProtection"
        try:
            request = decode(body) if method == "PUT" else _READ
        except UndecodableRequestError:
            return answers.undecodable(operation)
        with self._world_lock:
            found = self._world.at_endpoint(endpoint_id)
        if found is None or fault is Fault.UNKNOWN_ENDPOINT:
            return answers.unknown_endpoint()
        if fault is Fault.NO_TASK_METADATA:
            return answers.no_task_metadata()
        task, _ = found
        arn = self._world.arn(task.task_id)
        if method == "PUT" and request.enabled is None:
            return answers.no_protection_enabled(arn)
        # The agent forgets a task's credentials once the whole task has stopped.
        if fault is Fault.NO_ROLE_CREDENTIALS or task.phase is TaskPhase.STOPPED:
            return answers.no_role_credentials(arn)
        return self._from_ecs(operation, task, request, fault, wait)

    def _from_ecs(
        self, operation: str, task: Task, request: ProtectionRequest, fault: Fault, wait: Wait
    ) -> Answer | None:
        arn = self._world.arn(task.task_id)
        if (failure := FAILURES.get(fault)) is not None:
            return answers.failure(arn, failure.reason, failure.detail) if wait(failure.seconds) else None
        if (error := ERRORS.get(fault)) is not None:
            if not wait(error.seconds):
                return None
            message = error.message.format(operation=operation, arn=arn)
            request_id = str(uuid.uuid4()) if error.has_request_id else None
            return answers.error(error.status, error.code, message, task_arn=arn, request_id=request_id)
        delay = DELAYS.get(fault, EcsDelay(0.0))
        if delay.applied_at_once:
            self._apply(task, request, fault)
        if not wait(min(delay.seconds, ECS_BUDGET_SECONDS)):
            return None
        if delay.seconds > ECS_BUDGET_SECONDS:
            return answers.timed_out(arn)
        return self._apply(task, request, fault)

    def _apply(self, task: Task, request: ProtectionRequest, fault: Fault) -> Answer:
        """Do what was asked, or what the fault makes of it."""
        arn = self._world.arn(task.task_id)
        with self._world_lock:
            now = self._now()
            outcome: Protection | Refused | Invalid
            if request.enabled is None or fault is Fault.WRONG_STATE:
                outcome = self._world.protection(task.task_id, now)
            else:
                outcome = self._world.set_protection(task.task_id, request.enabled, request.minutes, now)
            if fault is Fault.SHORT_EXPIRY and isinstance(outcome, Protection) and outcome.expires_at:
                sooner = now + (outcome.expires_at - now) * SHORT_EXPIRY_PART
                outcome = self._world.shorten_protection(task.task_id, sooner)
            if fault is Fault.WRONG_STATE and isinstance(outcome, Protection):
                outcome = _opposite(outcome if request.enabled is None else request.enabled, now)
            match outcome:
                case Refused(reason, detail):
                    return answers.failure(arn, reason, detail)
                case Invalid(message):
                    request_id = str(uuid.uuid4())
                    return answers.error(
                        400, "InvalidParameterException", message, task_arn=arn, request_id=request_id
                    )
                case Protection(enabled, expires_at):
                    return answers.protection(arn, enabled, self._date(task.task_id, expires_at, now))

    def _date(self, task_id: str, expires_at: float | None, now: float) -> str | None:
        """The expiry as the agent writes it, the same for the same lease each time it is read.

        It counts the lease in its own seconds, however fast the world runs, so that a client which compares
        it with what it asked for finds that.
        """
        if expires_at is None:
            return None
        known = self._dates.get((task_id, expires_at))
        if known is None:
            known = rfc3339(self._wall_clock() + expires_at - now)
            self._dates[task_id, expires_at] = known
        return known


def rfc3339(epoch_seconds: float) -> str:
    """UTC with as many fractional digits as needed: ECS counts milliseconds, Go drops trailing zeros."""
    whole, milliseconds = divmod(round(epoch_seconds * 1000), 1000)
    date = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{milliseconds:03}".rstrip("0").rstrip(".")
    return f"{date}{fraction}Z"


def _opposite(asked: Protection | bool, now: float) -> Protection:
    enabled = asked.enabled if isinstance(asked, Protection) else asked
    return Protection(False, None) if enabled else Protection(True, now + 3600.0)
