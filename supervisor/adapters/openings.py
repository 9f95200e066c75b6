"""Opens the sockets at which workers and operators find us; before the worker starts, so that what it is told is true."""

from __future__ import annotations

import os

from supervisor.config.options import OPTIONS
from supervisor.core.problem import Problem

from .hook_listener import Listener, listen, listen_somewhere, remove, withdraw
from .http_api.listen import Entrance, open_entrance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from supervisor.config.settings import RunSettings

SOCKET_VARIABLE = OPTIONS["socket"].variable
API_VARIABLE = OPTIONS["api"].variable
AGENT_VARIABLE = "ECS_AGENT_URI"

# For who asks for arbitration and names no address: any free port.
_ANY_PORT = "127.0.0.1:0"

# Under which the agent's own paths are found; the rest of it is not to be guessed, because no token is asked for there.
_AGENT_PREFIX = "/agent/"


class CannotOpenError(Exception):
    """A socket that was asked for cannot be had."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))


class Openings:
    """hooks: their socket. entrances: of the API. why_no_api: what went wrong with the one that was not asked for.

    agent_prefix: the path under which the API takes the agent's place; empty where it does not.
    """

    __slots__ = ("agent_prefix", "entrances", "hooks", "why_no_api")

    def __init__(
        self, hooks: Listener, entrances: list[Entrance], agent_prefix: str = "", why_no_api: str = ""
    ) -> None:
        self.hooks = hooks
        self.entrances = entrances
        self.agent_prefix = agent_prefix
        self.why_no_api = why_no_api

    def variables(self) -> dict[str, str]:
        """Return what tells a worker where to find us."""
        # A worker without a socket must not take itself for one without a supervisor.
        told = {SOCKET_VARIABLE: self.hooks.path or "none"}
        if self.entrances:
            # Who speaks HTTP over TCP only is served as well, wherever there is an address for it.
            told[API_VARIABLE] = (_first_tcp(self.entrances) or self.entrances[0]).address
        if self.agent_prefix and (tcp := _first_tcp(self.entrances)) is not None:
            told[AGENT_VARIABLE] = f"{tcp.address}{self.agent_prefix}"
        return told

    def withdraw(self) -> None:
        """Remove sockets that will not be served."""
        withdraw(self.hooks)
        for entrance in self.entrances:
            if entrance.path:
                remove(entrance.path)


def open_all(settings: RunSettings, agent_path: str | None = None) -> Openings:
    """Open all sockets that are wanted. Raise CannotOpenError where one cannot be had that was asked for.

    agent_path: under which the agent's own paths are found, for a worker that must know it beforehand; else nobody can guess it.
    """
    api = settings.api
    group = None if api.group is None else _group(api.group)
    hooks = _open_hooks(settings.socket, api.mode, group)
    arbitrates = api.arbitrates and settings.agent_uri is not None and settings.protect != "never"
    addresses = list(api.addresses)
    if arbitrates and all(address == "auto" or address.startswith("unix:") for address in addresses):
        addresses.append(_ANY_PORT)
    entrances: list[Entrance] = []
    why = ""
    for address in addresses:
        try:
            entrances.append(open_entrance(address, api.mode, group, api.remote))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            if address != "auto":
                Openings(hooks, entrances).withdraw()
                raise CannotOpenError(
                    Problem(
                        f"the API cannot listen at {address} ({why})",
                        "workers and operators could not reach it",
                        "free the address, or name another with --api",
                    )
                ) from None
    prefix = agent_path or f"{_AGENT_PREFIX}{os.urandom(8).hex()}"
    return Openings(hooks, entrances, prefix if arbitrates else "", why_no_api=why)


def _open_hooks(wanted: str, mode: int, group: int | None) -> Listener:
    if wanted == "none":
        return Listener(-1, "")
    if wanted == "auto":
        return listen_somewhere(mode=mode, group=group)
    try:
        return listen(wanted, mode, group)
    except OSError as error:
        raise CannotOpenError(
            Problem(
                f"the socket {wanted} cannot be opened ({error.strerror or error})",
                "jobs could not say that they run",
                "name a path in a writable directory where no other supervisor listens, or `none`",
            )
        ) from None


def _group(named: str) -> int:
    if named.isascii() and named.isdecimal():
        return int(named)
    import grp

    try:
        return grp.getgrnam(named).gr_gid
    except KeyError:
        raise CannotOpenError(
            Problem(
                f"there is no group `{named}`",
                "its members could not reach the sockets",
                "give a group of this container, or its number, with --socket-group",
            )
        ) from None


def _first_tcp(entrances: list[Entrance]) -> Entrance | None:
    return next((entrance for entrance in entrances if not entrance.path), None)
