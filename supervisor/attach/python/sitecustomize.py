"""Runs when a Python worker starts that was attached to: makes the hooks importable there, and attaches where there is no other way.

This folder is the first on the worker's PYTHONPATH, and holds nothing else, so that nothing of ours can be mistaken for
something of the worker's. The worker's interpreter may be another one than the supervisor's: what is found beside this
folder are the hooks alone, which need the standard library only. The sitecustomize that would have been found without us
(tracing agents come in by one) runs afterwards, as if it had been the first. Written for any Python 3, to be able to say
that one is too old.
"""

# mypy: allow-untyped-defs, allow-untyped-calls
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_PACKAGE = os.path.dirname(os.path.dirname(_HERE))

# Framework: the module whose import means that this process becomes a worker. Celery imports our hook itself, and so does
# Dramatiq's own command, but not Django's `rundramatiq`.
_TRIGGERS = {
    "dramatiq": "dramatiq.worker",
    "rq": "rq.worker",
    "huey": "huey.consumer",
    "arq": "arq.worker",
    "taskiq": "taskiq.receiver",
}


class _Hooks:
    """Finds `supervisor` and `supervisor.hooks` where nobody else does.

    Asked last, so an installed distribution goes first; where that is supervisord's package of the same name, it keeps
    its name and only gains our `hooks`.
    """

    @staticmethod
    def find_spec(name, path=None, target=None):  # noqa: ARG004 - what the import system calls it with
        if name not in ("supervisor", "supervisor.hooks"):
            return None
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name, [os.path.dirname(_PACKAGE) if name == "supervisor" else _PACKAGE])


def _attach():
    sys.meta_path.append(_Hooks)
    # The name of a framework, and after the claim the number of the process that has become its worker.
    framework, _, claimed_by = os.environ.get("ECS_SUPERVISOR_ATTACH", "").partition(":")
    trigger = _TRIGGERS.get(framework)
    if trigger is None or claimed_by not in ("", str(os.getpid())):
        return
    from supervisor.hooks._attach import when_imported

    def then(_):
        from importlib import import_module

        import_module("supervisor.hooks." + framework).attach()

    when_imported(trigger, then)


def _keep_what_is_lent():
    """Have the connection that is open here for as long as this process lives not be open in what it starts."""
    lent = os.environ.pop("_ECS_SUPERVISOR_LENT", "")
    try:
        os.set_inheritable(int(lent), False)
    except (ValueError, OverflowError, OSError):
        return  # nothing is lent, or it was to somebody else, who has handed his environment on


def _step_aside():
    """Take our folder off this process's path, where whatever it or a fork of it imports would be looked for first."""
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != _HERE]


def _go_on():
    """Run the sitecustomize that ours has hidden, under its own name; its errors are its own."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


def _start():
    if sys.version_info < (3, 10):
        if os.environ.get("ECS_SUPERVISOR_ATTACH"):
            sys.stderr.write(
                "ecs-supervisor: the hooks need Python 3.10 or later; the worker runs as without them\n"
            )
        return
    _keep_what_is_lent()
    try:
        _attach()
    except Exception as error:  # noqa: BLE001 - whatever it is, the worker runs as without us
        sys.stderr.write(
            "ecs-supervisor: no hook was attached (%r); the worker runs as without it\n" % (error,)
        )


_start()
_step_aside()
_go_on()
