"""The ECS scale-in lease: acquire it while anybody works, renew it in time, let it go.

Rules
  1. This module decides; it never talks to AWS. It asks with Protect, Unprotect and LookAtProtection.
  2. At most one request is in flight. Answers carry its attempt number; stale ones are ignored; a request that gets no
     answer in time counts as one whose outcome is unknown.
  3. A lease is counted from the moment we asked, so we never believe in protection we have lost; and it is lost when
     that time has passed, not when one call failed.
  4. An unknown outcome is looked up before anything is concluded from it.
  5. What is wanted and what is confirmed are compared after every answer; nothing is remembered as "to be done".
  6. Blocked by a deployment, or protected for longer than the budget: ask for quiet, keep what is in flight protected as
     long as ECS lets us, release as soon as it is done, then leave ECS a window in which to act.
  7. Once ECS itself ends the task a lease cannot help any more: nothing is asked then.

How it moves: EDGES below; the picture in README is drawn from it.

Mind: refusing is not failing. The agent answers HTTP 200 with a `failure` inside; the adapter turns that into
ProtectionRefused, and only its kind decides what happens next. Sources: Amazon ECS Developer Guide, "Protect your
Amazon ECS tasks from being terminated by scale-in events"; the agent's answers as observed.
"""

from .machine import ANSWER_TIMEOUT_SECONDS, step, tells_holds, tells_lifecycle, wake_at
from .values import (
    EDGES,
    LONGEST_LEASE_MINUTES,
    Phase,
    Protection,
    ProtectionPolicy,
    WhenBlocked,
    is_confirmed,
)

__all__ = [
    "ANSWER_TIMEOUT_SECONDS",
    "EDGES",
    "LONGEST_LEASE_MINUTES",
    "Phase",
    "Protection",
    "ProtectionPolicy",
    "WhenBlocked",
    "is_confirmed",
    "step",
    "tells_holds",
    "tells_lifecycle",
    "wake_at",
]
