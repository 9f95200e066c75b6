"""What the core decides by, made of the settings of `run` or of those like them."""

from __future__ import annotations

from supervisor.config.policies import hold_policy, protection_policy
from supervisor.config.settings import RunSettings
from supervisor.core.attachments import AttachmentPolicy
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import SignalName, WorkerName
from supervisor.core.plan import StopPlan
from supervisor.core.policy import Policy
from supervisor.core.worker import Restart, RestartPolicy


def make_policy(
    settings: RunSettings, worker: WorkerName, expected_hook: str | None, turns_back: bool = False
) -> Policy:
    """Return what the core decides by.

    expected_hook: the framework whose hook should speak up, None where none should. turns_back: work can be given back unstarted.
    """
    profile = settings.profile
    if settings.agent_uri is None:
        protection, because = None, "not on ECS"
    elif settings.protect == "never":
        protection, because = None, "switched off"
    else:
        protection, because = protection_policy(settings, turns_back=turns_back), ""
    return Policy(
        workers=(worker,),
        lifecycle=LifecyclePolicy(
            plan=StopPlan(settings.stages, settings.stop_timeout, settings.exit_margin, profile.stop_drains),
            quiet_signal=_signal(profile.quiet_signal),
            resume_signal=_signal(profile.resume_signal),
            resumable=profile.resumable,
            remap=settings.remap_exit,
        ),
        holds=hold_policy(settings),
        restart=RestartPolicy(Restart(settings.restart)),
        protection=protection,
        unprotected_because=because,
        attachments=AttachmentPolicy(expected_hook),
    )


def _signal(name: str | None) -> SignalName | None:
    return None if name is None else SignalName(name)
