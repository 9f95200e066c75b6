"""What the settings allow but the user may not have meant; told once the worker runs, and never a reason not to start it."""

from __future__ import annotations

from supervisor.core.sequence import offsets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .settings import RunSettings

# Fargate accepts no longer stop timeout; EC2 does (Amazon ECS Developer Guide, container definition parameters).
_FARGATE_STOP_TIMEOUT_SECONDS = 120


def doubts(settings: RunSettings) -> tuple[str, ...]:
    """Return them as sentences."""
    found: list[str] = []
    if settings.stop_timeout > _FARGATE_STOP_TIMEOUT_SECONDS:
        found.append(
            f"The stop timeout is {settings.stop_timeout:g} s, but Fargate allows {_FARGATE_STOP_TIMEOUT_SECONDS} s."
        )
    if "TERM" not in settings.stop_signals:
        found.append(
            "TERM is not among the stop signals, but ECS sends it unless the image has another STOPSIGNAL."
        )
    # The last stage is SIGKILL.
    working = offsets(settings.stages)[-2] if len(settings.stages) > 1 else 0.0
    if settings.protect == "after" and settings.protect_after > working:
        found.append(
            f"Jobs are protected after {settings.protect_after:g} s, but a stop leaves them only {working:g} s:"
            " a scale-in before that can cut one short."
        )
    found += _of_probes(settings)
    if settings.protect == "never" and settings.agent_uri:
        found.append("Protection is off: a scale-in may stop this task while it works.")
    return tuple(found)


def _of_probes(settings: RunSettings) -> list[str]:
    found = []
    if settings.probes and not any(probe.sees.proves_idle for probe in settings.probes):
        found.append(
            "Processor time is the only probe, and it proves nothing about a job that waits:"
            " such a job is neither protected nor waited for."
        )
    settle = max((probe.settle for probe in settings.probes if probe.sees.proves_idle), default=0.0)
    first = settings.stages[0]
    if settle and first.kind == "quiet" and first.seconds <= settle:
        found.append(
            f"A probe believes in idle after {settle:g} s, but `{first.signal or 'QUIET'}` lasts {first.seconds:g} s:"
            " the worker gets its stop signal before anybody knows whether it is idle."
        )
    return found
