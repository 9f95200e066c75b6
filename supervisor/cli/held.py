"""A hold that a command takes for another one: over the hook socket where there is one, else over the API.

Over the socket our connection is the holder, so the kernel ends the hold with us, whatever ends us; after a loss the hook's
client connects again and says it anew. Over the API nobody sees our end, so there the hold has a time to live, and a
thread refreshes it.
"""

from __future__ import annotations

import os
import select
from time import monotonic

from supervisor.adapters.command import signals_let_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from supervisor.adapters.control_client import ControlClient
    from supervisor.hooks._client import Client

    class Held(Protocol):
        """A hold that was asked for. refused: why it was not taken, empty where it was. protected: whether the task is."""

        refused: str
        protected: bool

        def pulse(self) -> float:
            """Refresh it where that is due; return the seconds until it may be again."""

        def end(self) -> None:
            """End it. Never raises."""


# For the supervisor's word: it comes at once, unless the supervisor lets jobs wait for protection, and then says how long.
_ANSWER_SECONDS = 5.0

# A hold over the API outlives us by so much at most, where we are killed.
API_TTL_SECONDS = 60.0

# So often within its time to live a hold is refreshed: one that was lost does no harm.
_REFRESHES = 3

# The longest the API lets a request wait for protection.
_LONGEST_WAIT_SECONDS = 60.0

# Between two looks at whether ECS has confirmed, which takes it about a tenth of a second.
_LOOK_SECONDS = 0.2

# At the end nobody waits long for somebody else's sake; the time to live does it then.
_END_SECONDS = 3.0

_IDLE_SECONDS = 3600.0


class BySocket:
    """path: the hook socket. wait: how long to wait for protection."""

    def __init__(self, path: str, about: str, ttl: float | None, wait: float) -> None:
        # Named for the hook's client: found by itself, it could be an arbiter's place, and ours to take.
        self._here = _client(path)
        self._ttl = ttl
        self._number = self._here.begin(self, about, ttl)
        asks = self._here.asked(self._number)
        with signals_let_in():
            answered = asks and self._here.waiting.wait(self._is_answered, self._here.hold_wait)
        why = self._here.take_answer(self._number, about, ttl)
        self.refused = "" if answered else "the supervisor has not answered"
        if why is not None:
            self.refused = f"the supervisor refused the hold ({why})"
        self.protected = False
        if why is not None:
            self.end()
        elif answered:
            with signals_let_in():
                self._here.waiting.wait(self._is_settled, wait)
            self.protected = self._here.look().protected

    def pulse(self) -> float:
        """Refresh it."""
        if self._ttl is None:
            return _IDLE_SECONDS
        self._here.refresh(self._number, self._ttl)
        return self._ttl / _REFRESHES

    def end(self) -> None:
        """End it; once more does nothing."""
        self._here.release(self._number)

    def _is_answered(self) -> bool:
        return self._here.answered(self._number)

    def _is_settled(self) -> bool:
        state = self._here.look()
        return state.protected or state.stopping


class ByApi:
    """wait: how long to wait for protection."""

    def __init__(self, client: ControlClient, about: str, ttl: float | None, wait: float) -> None:
        from supervisor.adapters.control_client import RefusedError

        self._client = client
        self._ttl = ttl or API_TTL_SECONDS
        self._path = f"/v1/holds/hold-{os.urandom(8).hex()}"
        self._about = about
        self.refused = ""
        self.protected = False
        try:
            with signals_let_in():
                self._take(wait)
        except RefusedError as error:
            self.refused = str(error)
        else:
            self._keep()

    def pulse(self) -> float:
        """A thread does it: a supervisor that hangs must not hold up a signal."""
        return _IDLE_SECONDS

    def end(self) -> None:
        """End it."""
        from supervisor.adapters.control_client import ControlError

        if self.refused:
            return
        self._is_over.set()
        # A refresh that is on its way would take the hold anew.
        self._refreshing.acquire(timeout=2 * _END_SECONDS)
        try:
            self._client.ask("DELETE", self._path, answer_seconds=_END_SECONDS)
        except ControlError:
            return

    def _take(self, wait: float) -> None:
        said = self._put(0.0)
        # The supervisor lets jobs wait, and it is its policy for how long.
        while said.get("granted") is False:
            said = self._put(_LONGEST_WAIT_SECONDS)
        deadline = monotonic() + wait
        while not (said.get("protected") or said.get("stopping")) and (left := deadline - monotonic()) > 0:
            select.select((), (), (), min(left, _LOOK_SECONDS))
            # Put again and not looked at, or it would end while we wait.
            said = self._put(None)
        self.protected = said.get("protected") is True

    def _put(self, wait: float | None) -> dict[str, object]:
        """Take or refresh it. wait: who gives one asks whether to begin."""
        asked: dict[str, object] = {"about": self._about, "ttl": self._ttl}
        if wait is None:
            return self._client.ask("PUT", self._path, asked, _END_SECONDS)
        return self._client.ask("PUT", self._path, {**asked, "wait": wait}, wait + _ANSWER_SECONDS)

    def _keep(self) -> None:
        import threading

        from supervisor.runtime.background import Background

        self._is_over = threading.Event()
        self._refreshing = threading.Lock()
        Background(lambda _name, _error: None).start("refresh", self._refresh)

    def _refresh(self) -> None:
        from supervisor.adapters.control_client import ControlError

        while not self._is_over.wait(self._ttl / _REFRESHES):
            with self._refreshing:
                if self._is_over.is_set():
                    return
                try:
                    self._put(None)
                except ControlError:
                    # It may be back for the next one.
                    continue


def _client(path: str) -> Client:
    """Return the hook's client, made to speak there, which it learns from the environment."""
    from supervisor.hooks._client import client
    from supervisor.hooks._whereabouts import HOLD_WAIT_VARIABLE, SOCKET_VARIABLE

    ours = {
        SOCKET_VARIABLE: path,
        HOLD_WAIT_VARIABLE: os.environ.get(HOLD_WAIT_VARIABLE) or f"{_ANSWER_SECONDS:g}",
    }
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        here = client()
        here.introduce("ecs-supervisor hold")
        return here
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
