"""Sidekiq's door: RUBYOPT, which every Ruby reads, so that the hook is there whatever starts it (`bundle exec`, a binstub).

Sidekiq's time limit (`-t`) is not put on its command line, where it would overrule the one in the app's sidekiq.yml: the
hook sets it where neither has one, and says so where theirs is too long. Sidekiq counts it from the stop signal, and
pushes back what has not ended by then.
"""

from __future__ import annotations

from . import Door, Opened

# Read by the Ruby hook. No option of ours, hence the underscore.
LIMIT_VARIABLE = "_ECS_SUPERVISOR_STOP_SECONDS"

# To push jobs back and exit, before SIGKILL.
_PUSH_BACK_SECONDS = 1.0


def open_door(door: Door) -> Opened | str:
    """Load our file into every Ruby of the worker; it attaches where Sidekiq's command line is loaded."""
    file = f"{door.folder}/ruby/ecs_supervisor_sidekiq.rb"
    if len(file.split()) != 1:
        return f"RUBYOPT cannot name a file with a space in its path ({file})"
    environ = {"RUBYOPT": f"{door.environ.get('RUBYOPT', '')} -r{file}".strip()}
    if not _has_limit(door):
        environ[LIMIT_VARIABLE] = str(max(1, int(door.stop_seconds - _PUSH_BACK_SECONDS)))
    return Opened(door.command, environ, f"RUBYOPT=-r{file}")


def _has_limit(door: Door) -> bool:
    # Ruby's option parser takes `-t5` and every beginning of a long name that is no other's.
    return door.at >= 0 and any(word.startswith(("-t", "--ti")) for word in door.command[door.arguments :])
