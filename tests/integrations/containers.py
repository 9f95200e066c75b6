"""The containers of one emulated task: the worker bare, the worker below `run`, or the worker and its sidecar.

The two of a task with a sidecar are ordered as the configuration's task definition says, and the sidecar's words are those that
stand there; only the times are ours. All tasks share the loopback of this machine, so each has an address of its own in 127/8.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from supervisor.emulator.container import Command
from supervisor.emulator.evidence import ContainerRecord
from supervisor.emulator.namespaces import namespaces_are_possible
from supervisor.emulator.tasks import ContainerPlan
from tests.integrations.brokers import free_port
from tests.integrations.configuration import Configuration, Setting
from tests.integrations.worker import ENTRY

STOP_TIMEOUT_SECONDS = 10.0

# Beside a sidecar the worker's own is shorter than its jobs, which only the two together are longer than.
WORKER_SECONDS = 5.0
SIDECAR_SECONDS = 12.0

# Protection is left soon after the last job, and given up now and then, so that the scheduler can act within the minute
# that a run lasts; all else is the default.
OPTIONS = {
    "ECS_SUPERVISOR_RELEASE_DELAY": "0.5",
    "ECS_SUPERVISOR_PROTECTED_BUDGET": "0.1",
    "ECS_SUPERVISOR_RELEASE_WINDOW": "2",
    "ECS_SUPERVISOR_LOG_FORMAT": "json",
}

WORKER, SIDECAR = "worker", "sidecar"

_ENTRY = (sys.executable, "-I", "-c", ENTRY)

# Tasks of ECS have host names of their own, which frameworks put into the names of their workers.
_OWN_NAME = 'hostname "task-$EMULATOR_TASK"; '
# What `initProcessEnabled` puts before a program: it passes the stop signal on, also to one that has not yet asked for it.
_INIT = """
trap 'kill -TERM "$child" || exit 143' TERM
"$@" & child=$!
while kill -0 "$child"; do wait "$child"; status=$?; done 2> /dev/null
exit "$status"
"""
_OWN_ADDRESS = "127.77.$((EMULATOR_TASK / 250)).$((EMULATOR_TASK % 250 + 1))"


@dataclass(frozen=True, slots=True)
class Containers:
    """plans: what the emulated ECS has to know of them."""

    plans: tuple[ContainerPlan, ...]
    definition: Mapping[str, Mapping[str, Any]]
    supervised: bool

    def commands(self, configuration: Configuration, setting: Setting) -> dict[str, Command]:
        """Return what each container runs."""
        environ = {"RECORDS": str(setting.records), "PYTHONUNBUFFERED": "1", **configuration.environ(setting)}
        words = self._with_init(WORKER, configuration.command(setting))
        if not self.supervised:
            return {WORKER: Command(_named(setting, words), environ, configuration.app)}
        if not self.definition:
            timeout = {"ECS_SUPERVISOR_STOP_TIMEOUT": f"{STOP_TIMEOUT_SECONDS:g}"}
            named = _named(setting, (*_ENTRY, "run", "--", *words))
            return {WORKER: Command(named, environ | OPTIONS | timeout, configuration.app)}
        port = free_port()
        worker = _named(setting, words, f'export ECS_SUPERVISOR_API="http://{_OWN_ADDRESS}:{port}"; ')
        told = self._with_init(SIDECAR, (*_ENTRY, *_with_timeout(self.definition[SIDECAR]["command"])))
        address = f'set -- "$@" --api "{_OWN_ADDRESS}:{port}"; '
        return {
            WORKER: Command(worker, environ, configuration.app),
            SIDECAR: Command(_named(setting, told, address), OPTIONS, setting.folder),
        }

    def _with_init(self, name: str, words: Sequence[str]) -> Sequence[str]:
        has_init = self.definition.get(name, {}).get("linuxParameters", {}).get("initProcessEnabled")
        return ("/bin/sh", "-c", _INIT, "sh", *words) if has_init else words


def containers(configuration: Configuration, *, supervised: bool) -> Containers:
    """Return those of a task of this configuration."""
    folder: Path | None = getattr(configuration, "definition", None)
    if folder is None:
        return Containers((ContainerPlan(WORKER, stop_timeout=STOP_TIMEOUT_SECONDS),), {}, supervised)
    read = json.loads((folder / "task-definition.json").read_text())
    definition = {each["name"]: each for each in read["containerDefinitions"]}
    worker = ContainerPlan(WORKER, _on(definition[WORKER]), stop_timeout=WORKER_SECONDS)
    if not supervised:
        return Containers((replace(worker, depends_on=()),), definition, supervised)
    sidecar = ContainerPlan(SIDECAR, _on(definition[SIDECAR]), stop_timeout=SIDECAR_SECONDS)
    return Containers((worker, sidecar), definition, supervised)


def lives(records: Sequence[ContainerRecord]) -> tuple[ContainerRecord, ...]:
    """Return one record a task: the worker's, from the first signal that any of its containers got to the last exit."""
    found = []
    for worker in [each for each in records if each.container == WORKER]:
        all_ = [each for each in records if each.task_id == worker.task_id]
        signals = [each.signalled_at for each in all_ if each.signalled_at is not None]
        exits = [each.exited_at for each in all_ if each.exited_at is not None]
        found.append(
            replace(
                worker,
                signalled_at=min(signals, default=None),
                exited_at=max(exits) if len(exits) == len(all_) else None,
                killed=any(each.killed for each in all_),
            )
        )
    return tuple(found)


def _on(container: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(each["containerName"] for each in container.get("dependsOn", ()))


def _with_timeout(words: Sequence[str]) -> tuple[str, ...]:
    at = words.index("--stop-timeout") + 1
    return (*words[:at], f"{SIDECAR_SECONDS:g}", *words[at + 1 :])


def _named(setting: Setting, words: Sequence[str], before: str = "") -> tuple[str, ...]:
    """Return a command that runs these words under the task's own host name. before: what a shell does first."""
    own_name = namespaces_are_possible() and shutil.which("hostname") is not None
    if not own_name and not before:
        return tuple(words)
    # Under this name the emulated host knows that the program itself does not run yet, and keeps its signals.
    shell = setting.folder / "setsid"
    if not shell.exists():
        shell.symlink_to("/bin/sh")
    launcher = ("unshare", "--uts", "--") if own_name else ()
    script = f'{_OWN_NAME if own_name else ""}{before}exec "$@"'
    return (*launcher, str(shell), "-c", script, "sh", *words)
