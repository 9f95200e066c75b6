"""`ecs-supervisor run`: starts the worker, and only then loads what supervises it.

Light until the worker runs: everything imported at the head of this file is on the path of every task start. A stop
signal that comes during the start is not lost: until the handlers are in place all signals are blocked (the entry script's
first statement), and a blocked signal stays pending even for PID 1, for which the kernel discards unhandled ones (signal(7)).
One that has come before the worker was started means that it never is; a later one is the first thing that the loop sees.
"""

from __future__ import annotations

import os

from supervisor.adapters.last_words import say
from supervisor.adapters.launch import Launcher, become_subreaper
from supervisor.adapters.openings import API_VARIABLE, SOCKET_VARIABLE, Openings
from supervisor.adapters.terminal import terminal_to_share
from supervisor.config.attach import Attached, attach
from supervisor.config.doors import Door
from supervisor.config.load import Answer, load
from supervisor.config.options import HOLD_WAIT_VARIABLE, WORKER_VARIABLES
from supervisor.config.signals import NUMBERS
from supervisor.core.status import SOFTWARE
from supervisor.runtime.signals import Signals

from .later import postpone
from .preparation import answer_instead, keep_standard_descriptors, leave, open_sockets, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from supervisor.adapters.terminal import Terminal
    from supervisor.config.settings import RunSettings

# A shell reports a death by a signal as 128 and the signal's number.
_BY_SIGNAL = 128

# Beyond what it waits for protection itself, a job allows for the way of the answer.
_HOLD_WAIT_ALLOWANCE_SECONDS = 1.0

# Where the hooks lie that are loaded into other interpreters.
_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "attach")


def main(argv: list[str]) -> NoReturn:
    """Run the command. argv: what follows `run`."""
    settings = load(argv, os.environ, read_file)
    if isinstance(settings, Answer):
        answer_instead(settings)
    keep_standard_descriptors()
    signals = Signals()
    signals.install()
    is_subreaper = os.getpid() == 1 or become_subreaper()
    openings = open_sockets(settings)
    attached = _attach(settings, openings)
    launcher, pid, terminal = start_worker(settings, signals, openings, attached)
    leave(_supervise(settings, signals, launcher, pid, terminal, openings, attached, is_subreaper))


def start_worker(
    settings: RunSettings, signals: Signals, openings: Openings, attached: Attached
) -> tuple[Launcher, int, Terminal | None]:
    """Start it, or say why not and leave. Return its launcher, its pid, and the terminal that we share with it."""
    launcher = Launcher(
        [os.fsencode(word) for word in attached.command], _environment(settings, openings, attached)
    )
    terminal = terminal_to_share()
    if (early := signals.first_of({NUMBERS[name] for name in settings.stop_signals})) is not None:
        openings.withdraw()
        say("ecs-supervisor: asked to stop before the worker was started, so it was not started\n")
        leave(settings.remap_exit.get(_BY_SIGNAL + early, _BY_SIGNAL + early))
    try:
        pid = launcher.start()
    except OSError as error:
        openings.withdraw()
        status, why = launcher.explain(error)
        say(
            f"ecs-supervisor: {why}; so there is nothing to supervise; check the command in the task definition\n"
        )
        leave(status)
    if terminal is not None:
        terminal.give(pid)
    return launcher, pid, terminal


def _supervise(
    settings: RunSettings,
    signals: Signals,
    launcher: Launcher,
    pid: int,
    terminal: Terminal | None,
    openings: Openings,
    attached: Attached,
    is_subreaper: bool,
) -> int:
    postpone("inspect")
    try:
        from supervisor.boot.run import supervise
    except BaseException as error:  # noqa: BLE001 - the installation is broken, and there is nothing to fall back on
        launcher.kill(pid)
        openings.withdraw()
        say(f"ecs-supervisor: it cannot be loaded ({error!r}), so the worker was killed; install it anew\n")
        return SOFTWARE
    return supervise(settings, signals, launcher, pid, terminal, openings, attached, is_subreaper)


def _attach(settings: RunSettings, openings: Openings) -> Attached:
    """Work out how the worker's hook gets into it."""
    recognised = settings.recognised
    if recognised is None or recognised.name != settings.profile.name:
        # Only the profile was named: the words of the command mean nothing to us.
        command, at, arguments = settings.command, -1, len(settings.command)
    else:
        command, at, arguments = recognised.command, recognised.at, recognised.arguments
    if settings.profile.name == "plain" or not settings.attaches:
        return Attached(settings.command, {}, "", None, "it is switched off" if not settings.attaches else "")
    if not openings.hooks.path:
        return Attached(settings.command, {}, "", None, "there is no socket for it")
    at_stop = sum(stage.seconds for stage in settings.stages if stage.kind == "stop")
    return attach(settings.profile.name, Door(command, at, arguments, os.environ, _FOLDER, at_stop))


def _environment(settings: RunSettings, openings: Openings, attached: Attached) -> dict[bytes, bytes]:
    """Return the worker's environment: ours, and where its hooks find us."""
    worker = dict(os.environb)
    own = {**openings.variables(), **attached.environ}
    if settings.protect == "before-start" and openings.hooks.path:
        own[HOLD_WAIT_VARIABLE] = f"{settings.protect_wait + _HOLD_WAIT_ALLOWANCE_SECONDS:g}"
    for name in (SOCKET_VARIABLE, API_VARIABLE, *WORKER_VARIABLES):
        # Ours may hold an option's value (`none`), or what a supervisor around us means for us.
        worker.pop(os.fsencode(name), None)
    worker.update((os.fsencode(name), os.fsencode(value)) for name, value in own.items() if value)
    return worker
