"""What `run` changes so that the hook gets into a worker."""

from __future__ import annotations

import pytest

from supervisor.config.attach import ATTACH_VARIABLE, PYTHON_FRAMEWORKS, WITHOUT_HOOK, attach
from supervisor.config.doors import Door
from supervisor.config.profiles import PROFILES
from supervisor.config.recognise import recognise

COMMANDS = {
    "celery": "celery -A app worker",
    "rq": "rq worker high",
    "dramatiq": "dramatiq app",
    "huey": "huey_consumer app.huey",
    "arq": "arq app.Settings",
    "taskiq": "taskiq worker app:broker",
    "sidekiq": "bundle exec sidekiq",
    "bullmq": "node worker.js",
    "gunicorn": "gunicorn app:app",
    "uvicorn": "uvicorn app:app",
    "puma": "puma",
}


def door(command: str, **environ: str) -> Door:
    words = tuple(command.split())
    found = recognise(words, {"worker.js": "bullmq new Worker("}.__getitem__)
    if found is None:
        return Door(words, -1, len(words), environ, "/hooks", 8.0)
    return Door(found.command, found.at, found.arguments, environ, "/hooks", 8.0)


def test_every_profile_but_plain_has_a_door() -> None:
    """A kind of worker that is recognised is attached to, or gets its time limits."""
    assert set(COMMANDS) == set(PROFILES) - {"plain"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_recognised_worker_is_attached_to(name: str) -> None:
    """The command still starts the same worker, and one line says what was done."""
    attached = attach(name, door(COMMANDS[name], PATH="/bin"))
    if name == "puma":
        # Its limits are in its config file and nowhere else: what to write there is said instead.
        assert "force_shutdown_after" in attached.why_not
        return
    assert not attached.why_not
    assert attached.how
    assert set(COMMANDS[name].split()) <= set(attached.command)
    if name in WITHOUT_HOOK:
        assert attached.expected is None
        assert ATTACH_VARIABLE not in attached.environ
    else:
        assert attached.expected == name
        assert attached.environ[ATTACH_VARIABLE] == name
    assert ("PYTHONPATH" in attached.environ) == (name in PYTHON_FRAMEWORKS)


def test_the_path_that_was_there_is_kept() -> None:
    """Ours goes first, because Python runs only the first sitecustomize; it runs the next one itself."""
    assert attach("rq", door("rq worker", PYTHONPATH="/app")).environ["PYTHONPATH"] == "/hooks/python:/app"
    assert attach("rq", door("rq worker")).environ["PYTHONPATH"] == "/hooks/python"


def test_a_worker_without_a_door_is_left_alone() -> None:
    """There is nothing to open, and that is said."""
    attached = attach("plain", door("sleep 9"))
    assert (attached.command, attached.environ, attached.how) == (("sleep", "9"), {}, "")
    assert attached.why_not
