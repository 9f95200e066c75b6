"""How messages are taken and what becomes of them: the settings, and what is refused because it could not work."""

from __future__ import annotations

from dataclasses import dataclass

from .names import QueueName

# SQS hands out ten messages a poll, keeps one waiting for 20 s, and takes ten entries a batch (SQS API Reference).
MOST_AT_ONCE = 10
LONGEST_WAIT_SECONDS = 20

# No message stays invisible longer, counted from when it was received, however often that is extended.
LONGEST_VISIBILITY_SECONDS = 43_200

# From the end of the last poll: for its answer to come, and for what it brought to be given back.
POLL_MARGIN_SECONDS = 3.0

_RETENTION_SECONDS = (60, 1_209_600)


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """weight: its share where there is more to do than room. batch: messages a poll, at most.

    For FIFO a batch of 1 is best: what waits behind the first of its group takes room, and goes back when that one fails.
    """

    name: QueueName
    weight: int = 1
    is_fifo: bool = False
    batch: int = MOST_AT_ONCE

    def __post_init__(self) -> None:
        if self.weight < 1 or not 1 <= self.batch <= MOST_AT_ONCE:
            raise ValueError(f"a weight is 1 or more, and a poll brings 1 to {MOST_AT_ONCE} messages")


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """connections: requests to the app at once. prefetch: messages held beside them, not begun. All times in seconds.

    is_strict: a queue gets nothing while one before it has messages. wait: of a long poll. visibility_timeout: asked for
    at each receive, and the length of the lease. keeps_leases: extend it while the message is with us.
    error_visibility: until a failed message comes back; None leaves it to its lease. inactive_visibility: the same where
    the app has not answered within the inactivity timeout and so may still be at work. retention: delete unprocessed what
    was received first longer ago; None never does. success: statuses that mean success. stop_budget: from the stop
    request until we have to be done. app_outlives: how long the app may live on after us; None where nobody knows.
    check_every: between two looks at the app's health while it is well; None looks only when it is not.
    identity: tells this task from its siblings, so that they do not march in step.
    """

    queues: tuple[QueuePolicy, ...]
    connections: int = 10
    prefetch: int = 0
    is_strict: bool = False
    wait: int = LONGEST_WAIT_SECONDS
    visibility_timeout: int = 300
    keeps_leases: bool = True
    inactivity_timeout: float = 299.0
    error_visibility: int | None = 2
    inactive_visibility: int | None = None
    longest_retry_after: int = 900
    retention: float | None = None
    success: frozenset[int] = frozenset({200})
    stop_budget: float = float("inf")
    app_outlives: float | None = None
    check_every: float | None = None
    identity: str = ""

    def __post_init__(self) -> None:
        if wrong := [*self._wrong_numbers(), *self._wrong_together()]:
            raise ValueError("; ".join(wrong))

    @property
    def slots(self) -> int:
        """How many messages may be with us, begun or not."""
        return self.connections + self.prefetch

    def _wrong_numbers(self) -> list[str]:
        visibilities = (self.error_visibility, self.inactive_visibility, self.longest_retry_after)
        shortest, longest = _RETENTION_SECONDS
        checks = {
            "there is at least one queue, and each has a name of its own": (
                0 < len(self.queues) == len({queue.name for queue in self.queues})
            ),
            "there is at least one connection, and no less than nothing is prefetched": (
                self.connections >= 1 and self.prefetch >= 0
            ),
            # A poll that does not wait would be asked again at once, day and night.
            f"a long poll waits 1 to {LONGEST_WAIT_SECONDS} s": 1 <= self.wait <= LONGEST_WAIT_SECONDS,
            f"a visibility timeout is 1 to {LONGEST_VISIBILITY_SECONDS} s": (
                1 <= self.visibility_timeout <= LONGEST_VISIBILITY_SECONDS
            ),
            f"a message comes back after 0 to {LONGEST_VISIBILITY_SECONDS} s": all(
                seconds is None or 0 <= seconds <= LONGEST_VISIBILITY_SECONDS for seconds in visibilities
            ),
            f"a retention period is {shortest} to {longest} s": (
                self.retention is None or shortest <= self.retention <= longest
            ),
            "success is one or more statuses from 200 to 299": (
                bool(self.success) and all(200 <= status <= 299 for status in self.success)
            ),
            "a health check comes after more than no time": self.check_every is None or self.check_every > 0,
        }
        return [rule for rule, holds in checks.items() if not holds]

    def _wrong_together(self) -> list[str]:
        wrong = []
        if not self.keeps_leases and self.inactivity_timeout >= self.visibility_timeout:
            wrong.append(
                f"a message is visible again after {self.visibility_timeout} s while the app may take"
                f" {self.inactivity_timeout:g} s to answer: keep the leases, or wait for the app less long"
            )
        if self.wait + POLL_MARGIN_SECONDS > self.stop_budget:
            wrong.append(
                f"a long poll of {self.wait} s cannot be waited for within the {self.stop_budget:g} s of a stop,"
                " and what an abandoned poll takes is invisible until its lease ends: shorten the wait"
            )
        return wrong
