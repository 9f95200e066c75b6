"""Which worker a command line starts, past everything that people put in front of it."""

from __future__ import annotations

import pytest

from supervisor.config.recognise import recognise


def no_file(path: str) -> str:
    raise FileNotFoundError(path)


@pytest.mark.parametrize(
    ("command", "name", "program", "first"),
    [
        ("celery -A app worker -l info", "celery", "celery", "-A"),
        ("/venv/bin/celery --app=app worker", "celery", "/venv/bin/celery", "--app=app"),
        ("python -m celery -A app worker", "celery", "celery", "-A"),
        ("python3.11 -u -W ignore -m celery -A app worker", "celery", "celery", "-A"),
        ("python -X dev /venv/bin/celery -A app worker", "celery", "/venv/bin/celery", "-A"),
        ("env -u HOME A=1 celery -A app worker", "celery", "celery", "-A"),
        ("poetry run celery -A app worker", "celery", "celery", "-A"),
        ("poetry -C /srv run celery -A app worker", "celery", "celery", "-A"),
        ("uv run --with x -- celery -A app worker", "celery", "celery", "-A"),
        ("nice -n 5 ddtrace-run celery -A app worker", "celery", "celery", "-A"),
        ("newrelic-admin run-program celery -A app worker", "celery", "celery", "-A"),
        ("gosu app:app rq worker high", "rq", "rq", "worker"),
        ("rq worker-pool -n 2", "rq", "rq", "worker-pool"),
        ("python -m rq.cli worker", "rq", "rq.cli", "worker"),
        ("python manage.py rqworker high", "rq", "manage.py", "rqworker"),
        ("rqworker high", "rq", "rqworker", "high"),
        ("dramatiq app", "dramatiq", "dramatiq", "app"),
        ("python -m dramatiq app -p 2", "dramatiq", "dramatiq", "app"),
        ("python manage.py rundramatiq -p 2", "dramatiq", "manage.py", "-p"),
        ("huey_consumer.py app.huey -w 2", "huey", "huey_consumer.py", "app.huey"),
        ("python -m huey.bin.huey_consumer app.huey", "huey", "huey.bin.huey_consumer", "app.huey"),
        ("python manage.py run_huey -w 2", "huey", "manage.py", "-w"),
        ("arq app.WorkerSettings", "arq", "arq", "app.WorkerSettings"),
        ("taskiq worker app:broker", "taskiq", "taskiq", "worker"),
        ("bundle exec sidekiq -c 5", "sidekiq", "sidekiq", "-c"),
        ("bundle exec puma -p 80", "puma", "puma", "-p"),
        ("gunicorn app:app", "gunicorn", "gunicorn", "app:app"),
        ("python -m gunicorn.__main__ app:app", "gunicorn", "gunicorn.__main__", "app:app"),
        ("uvicorn app:app", "uvicorn", "uvicorn", "app:app"),
    ],
)
def test_a_worker_is_recognised(command: str, name: str, program: str, first: str) -> None:
    """Launchers and interpreters in front of it do not hide it."""
    words = tuple(command.split())
    found = recognise(words, no_file)
    assert found is not None
    assert (found.name, found.command) == (name, words)
    assert (words[found.at], words[found.arguments]) == (program, first)


@pytest.mark.parametrize("shell", ["sh", "/bin/bash"])
@pytest.mark.parametrize("how", ["-c", "-ec"])
@pytest.mark.parametrize("text", ["celery -A app worker", "exec celery  -A app worker"])
def test_a_shell_that_only_executes_is_left_out(shell: str, how: str, text: str) -> None:
    """The words are the same without the shell, which would die of the stop signal and tell nobody."""
    found = recognise(("env", "A=1", shell, how, text), no_file)
    assert found is not None
    assert found.command == ("env", "A=1", "celery", "-A", "app", "worker")
    assert (found.at, found.arguments) == (2, 3)


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("sleep", "9"),
        ("celery", "-A", "app", "beat"),
        ("celery", "-A", "app", "inspect", "ping"),
        ("celery",),
        ("celery", "--app"),
        ("rq", "info"),
        ("rq",),
        ("taskiq", "scheduler", "app"),
        ("gunicorn", "--version"),
        ("dramatiq", "--help"),
        ("python", "-c", "import celery"),
        ("python", "-"),
        ("python", "-m"),
        ("python",),
        ("python", "app.py"),
        ("python", "manage.py", "migrate"),
        ("sh", "-c", "migrate && celery -A app worker"),
        ("sh", "-c", "A=1 celery -A app worker"),
        ("sh", "-c", "celery -A $APP worker"),
        ("sh", "-c", ""),
        ("sh", "-c", "exec"),
        ("sh", "-lc", "celery -A app worker"),
        ("sh", "start.sh"),
        ("sh", "-c", "celery -A app worker", "extra"),
        ("bundle", "install"),
        ("bundle",),
        ("poetry", "shell"),
        ("env", "A=1"),
        ("gosu",),
    ],
)
def test_what_is_not_certain_is_not_recognised(command: tuple[str, ...]) -> None:
    """A guess could send a worker the signal that kills its jobs."""
    assert recognise(command, no_file) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("const { Worker } = require('bullmq')\nnew Worker('mail', send)", "bullmq"),
        ("const { Queue } = require('bullmq')\nnew Queue('mail')", None),
        ("new Worker('./thread.js')", None),
    ],
)
def test_a_node_script_is_looked_into(text: str, name: str | None) -> None:
    """BullMQ's worker is a script of the user's own; one that only enqueues is none."""
    found = recognise(
        ("node", "--require", "x.js", "--trace-warnings", "worker.js", "mail"),
        {"worker.js": text}.__getitem__,
    )
    assert (None if found is None else found.name) == name


@pytest.mark.parametrize("command", [("node", "gone.js"), ("node",), ("nodejs", "-i")])
def test_a_node_script_that_cannot_be_read_is_nothing_we_know(command: tuple[str, ...]) -> None:
    """Node itself will say what is wrong."""
    assert recognise(command, no_file) is None
