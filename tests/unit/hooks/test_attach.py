"""How a hook gets into a worker that nobody has edited, and stays out of everything else."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from supervisor.hooks import _attach
from tests.unit.hooks.conftest import REPOSITORY

FOLDER = REPOSITORY / "supervisor" / "attach" / "python"


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with a framework named rq, which is none."""
    (tmp_path / "rq").mkdir()
    (tmp_path / "rq" / "__init__.py").write_text("")
    (tmp_path / "rq" / "worker.py").write_text("def dequeue(): return 'a job'\n")
    return tmp_path


def python(
    workplace: Path, program: str, attach: str | None = "rq", *path: Path, flags: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program as `run` would start it, with the folder of the hooks first on its path."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ECS_SUPERVISOR")}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, (FOLDER, workplace, *path)))
    if attach is not None:
        environment[_attach.ATTACH_VARIABLE] = attach
    command = [sys.executable, *flags, "-c", program]
    return subprocess.run(
        command, env=environment, cwd=workplace, capture_output=True, text=True, timeout=15, check=False
    )


def test_the_hooks_are_found_without_being_installed(workplace: Path) -> None:
    """An application may say `from supervisor.hooks.job import job` where only the supervisor's own image has it."""
    done = python(workplace, "from supervisor.hooks.job import job\nwith job('x'): print('ran')", attach=None)
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_nothing_is_looked_for_in_our_folder(workplace: Path) -> None:
    """A worker may import a lot, each of its forks anew, and none of it is there."""
    program = "import os, sys\nprint(sys.path[1], os.environ['PYTHONPATH'])"
    done = python(workplace, program)
    assert done.stdout.split() == [str(workplace), f"{FOLDER}:{workplace}"]


def test_a_package_of_the_same_name_keeps_it(workplace: Path) -> None:
    """supervisord installs `supervisor` too: it stays what it is, and gains the hooks."""
    (workplace / "supervisor").mkdir()
    (workplace / "supervisor" / "__init__.py").write_text("name = 'supervisord'\n")
    done = python(workplace, "import supervisor, supervisor.hooks.job\nprint(supervisor.name)", attach=None)
    assert (done.stdout, done.stderr) == ("supervisord\n", "")


def test_the_sitecustomize_that_was_there_still_runs(workplace: Path, tmp_path: Path) -> None:
    """Tracing agents come in by one; it finds itself under its own name."""
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "sitecustomize.py").write_text("import sys\ntraced = __file__\n")
    program = "import sys\nprint(sys.modules['sitecustomize'].traced)"
    done = python(workplace, program, "rq", tmp_path / "agent")
    assert done.stdout.strip().endswith("agent/sitecustomize.py"), done.stderr


def test_a_program_that_is_no_worker_loads_nothing(workplace: Path) -> None:
    """A script that runs before the worker, with the same environment, does not pay for the hook."""
    program = "import sys\nprint([name for name in sys.modules if 'hooks.rq' in name or name == 'socket'])"
    done = python(workplace, program)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_hook_that_fails_leaves_the_worker_as_it_was(workplace: Path) -> None:
    """This rq lacks everything that the hook needs: one warning, and it works."""
    done = python(workplace, "import rq.worker\nprint(rq.worker.dequeue())")
    assert done.stdout == "a job\n"
    assert done.stderr.count("ecs-supervisor:") == 1, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("lent", ["99", "-1", "9" * 30, "none", ""])
def test_a_connection_that_is_not_there_hinders_nothing(
    workplace: Path, lent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A horse's number of a connection may have come to a program that it started, or be anybody's."""
    monkeypatch.setenv("_ECS_SUPERVISOR_LENT", lent)
    program = "import os, sys, rq.worker\nprint('supervisor.hooks.rq' in sys.modules, '_ECS_SUPERVISOR_LENT' in os.environ)"
    done = python(workplace, program)
    assert done.stdout == "True False\n"
    assert "no hook was attached" not in done.stderr


def test_only_the_first_process_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker starts inherits its claim, and so has none; the worker itself keeps it when it executes itself anew."""
    monkeypatch.setenv(_attach.ATTACH_VARIABLE, "rq")
    assert not _attach.claim("celery")
    assert _attach.claim("rq")
    assert _attach.claim("rq")
    assert _attach.is_main("rq")
    assert os.environ[_attach.ATTACH_VARIABLE] == f"rq:{os.getpid()}"
    monkeypatch.setenv(_attach.ATTACH_VARIABLE, f"rq:{os.getppid()}")
    assert not _attach.claim("rq")
    assert not _attach.is_main("rq")
    monkeypatch.delenv(_attach.ATTACH_VARIABLE)
    assert not _attach.claim("rq")


def test_a_jobs_own_command_does_not_attach(workplace: Path) -> None:
    """The variable of another process's claim starts nothing."""
    done = python(workplace, "import rq.worker, sys\nprint('supervisor.hooks.rq' in sys.modules)", "rq:1")
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_module_is_seen_when_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The callback comes after the module's own code, once, and at once for a module that is there."""
    (tmp_path / "some_framework.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    seen: list[object] = []

    def then(module: types.ModuleType) -> None:
        seen.append((module.__name__, module.value))

    _attach.when_imported("some_framework", then)
    _attach.when_imported("never_imported", then)
    assert not seen
    import some_framework  # type: ignore[import-not-found]

    assert seen == [("some_framework", 1)]
    assert type(some_framework.__loader__).__name__ == "SourceFileLoader"
    _attach.when_imported("some_framework", then)
    assert len(seen) == 2


def test_once_all_is_there_no_import_passes_by_us(workplace: Path) -> None:
    """A fork per job imports the job's modules each time."""
    program = (
        "import sys, rq.worker\n"
        "from supervisor.hooks import _attach\n"
        "_attach._finder.wanted.clear()\n"
        "_attach.when_imported('wsgiref', lambda module: None)\n"
        "print(_attach._finder in sys.meta_path)\n"
        "import wsgiref\n"
        "print(_attach._finder in sys.meta_path)"
    )
    assert python(workplace, program).stdout.split() == ["True", "False"]


def test_a_callback_that_fails_does_not_fail_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong with us, the worker's own import works."""
    (tmp_path / "other_framework.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def broken(_: types.ModuleType) -> None:
        raise KeyError("defect")

    _attach.when_imported("other_framework", broken)
    import other_framework  # type: ignore[import-not-found]

    assert other_framework.value == 1
    assert "failed (KeyError: 'defect')" in capfd.readouterr().err


def test_a_defect_of_ours_is_swallowed_and_told_once(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guarded callback never raises into the framework."""
    monkeypatch.setattr(_attach, "_warned", set())

    @_attach.guard
    def ours(value: int) -> int:
        return 1 // value

    assert ours(1) == 1
    assert ours(0) is None
    assert ours(0) is None
    assert capfd.readouterr().err.count("ZeroDivisionError") == 1
