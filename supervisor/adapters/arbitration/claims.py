"""Who claims protection: one hold for each calling process, ended by its own `false`, its death, or its expiry.

Rules
  1. A process claims once, however often it asks; asking again sets the expiry anew, as the agent does.
  2. Who is refused holds nothing, unless it had been told yes before: then it works, and its claim stays.
  3. Who got no answer keeps its claim: with the agent too such a request may be carried out.
  4. A process that has ended claims nothing, also where another one has its number by now.

Mind: facts are posted under one lock, together with a look at who is known. So a death is never told before what the
process had claimed, nor after the claim of the next one of its number.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from supervisor.adapters.proctree import see
from supervisor.core.events import Event, HolderDied, HoldReleased, HoldTaken
from supervisor.core.instants import Instant, after
from supervisor.core.names import HolderId, HoldId

from .callers import Caller
from .strangers import Shares
from .watch import Watch

# What the holders' names begin with.
HOLDERS = "agent#"

_STRANGERS = HolderId(f"{HOLDERS}unknown")


@dataclass(slots=True)
class _Known:
    """A process that claims. process: its pidfd, None where it cannot be watched. asking: how many of its threads wait for an answer."""

    started: int
    process: int | None
    ends_at: Instant
    is_told_yes: bool = False
    asking: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """One request for protection. is_new: nobody had told this caller yes before."""

    caller: Caller | None
    ends_at: Instant
    is_new: bool


class EndedError(Exception):
    """The caller has ended."""


class Claims:
    """post: hands a fact to the deciding thread. open_process: gives a caller's pidfd."""

    def __init__(
        self,
        post: Callable[[Event], None],
        now: Callable[[], Instant],
        watch: Watch,
        open_process: Callable[[Caller], int | None] | None = None,
    ) -> None:
        self._post = post
        self._open = open_process or _open
        self._now = now
        self._watch = watch
        self._lock = threading.Lock()
        self._known: dict[int, _Known] = {}
        self._shares = Shares(now)

    def take(self, caller: Caller | None, seconds: float) -> Claim:
        """Claim for so long; `settle` follows. Raise EndedError."""
        with self._lock:
            ends_at = after(self._now(), seconds)
            if caller is None:
                self._shares.add(ends_at)
                self._hold_for_strangers()
                return Claim(caller, ends_at, is_new=True)
            known = self._meet(caller)
            claim = Claim(caller, ends_at, is_new=not known.is_told_yes or known.ends_at <= self._now())
            known.ends_at = ends_at
            known.asking += 1
            self._post(_taken(_holder(caller), caller.about, seconds))
            return claim

    def settle(self, claim: Claim, is_protected: bool | None) -> None:
        """Say what the caller is told; None: that there is no answer."""
        with self._lock:
            if claim.caller is None:
                if is_protected is False:
                    self._shares.withdraw(claim.ends_at)
                    self._hold_for_strangers()
                return
            known = self._known.get(claim.caller.pid)
            if known is None or known.started != claim.caller.started:
                return
            known.asking -= 1
            if is_protected:
                known.is_told_yes = True
            elif is_protected is False and claim.is_new and not known.is_told_yes and not known.asking:
                self._release(claim.caller)

    def end(self, caller: Caller | None) -> None:
        """End a caller's claim, if it has one."""
        with self._lock:
            if caller is None:
                if self._shares.seconds_left is not None:
                    self._shares.take()
                    self._hold_for_strangers()
            elif (known := self._known.get(caller.pid)) is not None and known.started == caller.started:
                self._release(caller)

    def _hold_for_strangers(self) -> None:
        left = self._shares.seconds_left
        if left is None:
            self._post(HoldReleased(_hold(_STRANGERS)))
        else:
            self._post(_taken(_STRANGERS, "callers that cannot be seen", left))

    def _meet(self, caller: Caller) -> _Known:
        known = self._known.get(caller.pid)
        if known is not None and known.started == caller.started:
            return known
        if known is not None:
            self._bury(caller.pid, known)
        known = _Known(caller.started, self._open(caller), self._now())
        if known.process is not None:
            try:
                self._watch.add(known.process, lambda: self._died(caller.pid, known))
            except OSError:
                os.close(known.process)
                known.process = None
        self._known[caller.pid] = known
        return known

    def _died(self, pid: int, known: _Known) -> None:
        with self._lock:
            # Unless it is known already, and perhaps another one by now.
            if self._known.get(pid) is known:
                self._bury(pid, known)

    def _bury(self, pid: int, known: _Known) -> None:
        self._forget(pid, known)
        self._post(HolderDied(HolderId(f"{HOLDERS}{pid}"), f"process {pid} has ended"))

    def _release(self, caller: Caller) -> None:
        self._forget(caller.pid, self._known[caller.pid])
        self._post(HoldReleased(_hold(_holder(caller))))

    def _forget(self, pid: int, known: _Known) -> None:
        del self._known[pid]
        if known.process is not None:
            self._watch.remove(known.process)
            os.close(known.process)


def _open(caller: Caller) -> int | None:
    """Return a pidfd of the caller; None where there is none to be had: then only the expiry ends its claim."""
    try:
        process = os.pidfd_open(caller.pid)
    except ProcessLookupError:
        raise EndedError from None
    except OSError:
        # An old kernel, or no descriptor left.
        return None
    seen = see(caller.pid)
    if seen is None or seen.started != caller.started:
        os.close(process)
        raise EndedError
    return process


def _holder(caller: Caller) -> HolderId:
    return HolderId(f"{HOLDERS}{caller.pid}")


def _taken(holder: HolderId, about: str, seconds: float) -> HoldTaken:
    return HoldTaken(_hold(holder), holder, about, seconds, at_once=True)


def _hold(holder: HolderId) -> HoldId:
    return HoldId(f"{holder}/claim")
