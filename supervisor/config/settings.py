"""What the supervisor was told, as a value: whoever holds a RunSettings need not ask whether it makes sense."""

from __future__ import annotations

from supervisor.core.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from supervisor.core.sequence import Stage

    from .probes import ProbeSpec
    from .profiles import Profile, SignalTarget
    from .recognise import Recognised

    Protect = Literal["at-start", "before-start", "after", "never"]
    ProtectFailure = Literal["open", "closed"]
    WhenBlocked = Literal["quiet", "keep-trying"]
    Restart = Literal["never", "on-failure", "always"]
    LogFormat = Literal["auto", "json", "human"]
    LogLevel = Literal["info", "warning", "error"]


class ApiSettings(Frozen):
    """The local API, and the unix sockets of it and of the hooks.

    addresses: `auto`, `unix:PATH` or `HOST:PORT` each. token_file: an absolute path, None where nobody needs a token.
    remote: others than this task may reach it. mode, group: of socket files; group by name or number, None for our own.
    arbitrates: the worker's ECS_AGENT_URI leads here.
    """

    addresses: tuple[str, ...]
    token_file: str | None
    remote: bool
    mode: int
    group: str | None
    arbitrates: bool


# What most have, who say nothing about it.
PLAIN_API = ApiSettings(("auto",), None, False, 0o600, None, False)


class RunSettings(Frozen):
    """Times are seconds, except where the name says minutes. Everything has been checked, also against the rest.

    command: as it came from the kernel, for os.fsencode. recognised: what it starts, None where that is not known.
    attaches: whether a hook is wanted in it. stop_signals, dump_signal: names without SIG.
    probes: ways to see work without a hook. ready_file: an absolute path, None where none is wanted.
    protect_after: seconds, with protect `after` only. protected_budget_minutes: 0 is no limit.
    socket: `auto`, `none` or an absolute path. agent_uri, metadata_uri: as ECS sets them, None outside ECS.
    """

    command: tuple[str, ...]
    stop_timeout: float
    exit_margin: float
    stages: tuple[Stage, ...]
    stop_signals: tuple[str, ...]
    dump_signal: str | None
    signal_target: SignalTarget
    profile: Profile
    recognised: Recognised | None
    attaches: bool
    protect: Protect
    protect_after: float
    protect_wait: float
    protect_failure: ProtectFailure
    when_blocked: WhenBlocked
    lease_minutes: int
    renew_before_minutes: float
    release_delay: float
    protected_budget_minutes: float
    release_window: float
    restart: Restart
    remap_exit: Mapping[int, int]
    socket: str
    api: ApiSettings
    probes: tuple[ProbeSpec, ...]
    ready_file: str | None
    log_format: LogFormat
    log_level: LogLevel
    agent_uri: str | None
    metadata_uri: str | None
