"""What an arbiter goes by: of the settings of `run` those that mean something without a supervisor, and the policy for its core."""

from __future__ import annotations

from collections.abc import Mapping

from supervisor.config.options import LOG, OPTIONS, PROTECTION
from supervisor.config.policies import hold_policy, protection_policy
from supervisor.config.reading import Given
from supervisor.config.resolve import resolve
from supervisor.config.settings import RunSettings
from supervisor.core.lifecycle import LifecyclePolicy
from supervisor.core.names import WorkerName
from supervisor.core.plan import StopPlan
from supervisor.core.policy import Policy
from supervisor.core.worker import Restart, RestartPolicy

# The options of `run` that mean something here; what is about a worker's process or its way out does not.
APPLICABLE = (*PROTECTION, *LOG)

# A worker's log is its own: what is well is not told there.
_LEVEL = Given("warning", "the default of hook-only mode")

# What settings are for: nothing is started here.
_COMMAND = ("arbiter",)


def read_settings(environ: Mapping[str, str]) -> tuple[RunSettings, list[str]]:
    """Return the settings, and one text for each variable that is not usable: it counts as not given."""
    given, doubts = {"log_level": _LEVEL}, []
    for key in APPLICABLE:
        variable = OPTIONS[key].variable
        if text := environ.get(variable, "").strip():
            tried = given | {key: Given(text, variable)}
            resolved = _resolved(tried, environ)
            if isinstance(resolved, RunSettings):
                given = tried
            else:
                doubts += [f"{problem}; the default is used" for problem in resolved]
    settings = _resolved(given, environ)
    if not isinstance(settings, RunSettings):
        raise RuntimeError(f"the defaults are not usable: {settings}")
    return settings, doubts


def _resolved(given: Mapping[str, Given], environ: Mapping[str, str]) -> RunSettings | tuple[object, ...]:
    return resolve(given, _COMMAND, environ, _read_nothing)


def _read_nothing(path: str) -> str:
    """Stand in for the file system, in which `run` looks for the kind of its worker."""
    raise FileNotFoundError(path)


def make_policy(settings: RunSettings, worker: WorkerName, least_release_delay: float) -> Policy:
    """Return the policy of a core whose one worker is never started, signalled or asked to stop."""
    # Never carried out, because nobody asks for a stop: the plan is there because a lifecycle has one.
    plan = StopPlan(settings.stages, settings.stop_timeout, settings.exit_margin)
    return Policy(
        workers=(worker,),
        lifecycle=LifecyclePolicy(plan),
        holds=hold_policy(settings),
        restart=RestartPolicy(Restart.NEVER),
        protection=protection_policy(settings, least_release_delay=least_release_delay),
    )
