"""What is loaded when: nothing by the package itself, little before the worker is started, no third party by a hook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World

ROOT = Path(__file__).parents[2]

# Of the standard library, what is built into the interpreter or costs well under a millisecond. A new name in this list
# is time that every start of every task takes.
LIGHT = {
    "__future__",
    "_collections_abc",
    "_ctypes",
    "_socket",
    "_stat",
    "errno",
    "genericpath",
    "os",
    "os.path",
    "posixpath",
    "stat",
}

# Those that are missed most easily when one writes Python, named so that a failure says what it is about.
HEAVY = {
    "argparse",
    "asyncio",
    "boto3",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "http",
    "json",
    "logging",
    "psutil",
    "re",
    "requests",
    "rich",
    "select",
    "selectors",
    "signal",
    "subprocess",
    "threading",
    "tomllib",
    "typing",
}

# Prints the modules that are loaded at the moment when the worker would be started, and leaves.
AT_THE_SPAWN = """
import os
def tell(*_arguments, **_options):
    os.write(1, str(sorted(set(sys.modules) - before)).encode())
    os._exit(0)
os.posix_spawnp = tell
from supervisor.cli.main import main
main()
"""

# What a run on ECS does without, because it would load them in every task: 15 MiB and half a second at a quarter of a vCPU.
TOO_HEAVY_FOR_ECS = {"requests", "urllib3", "http", "email", "ssl", "socket", "datetime"}

# Prints the modules that a run has loaded when it is over.
AT_THE_EXIT = """
import os
leave = os._exit
def tell(status):
    os.write(1, str(sorted(set(sys.modules) - before)).encode())
    leave(status)
os._exit = tell
from supervisor.cli.main import main
main()
"""

# A worker with one job, which begins when the task is protected.
ONE_JOB = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from supervisor.hooks.job import job
with job("one"):
    pass
"""


def modules_added(code: str, *arguments: str, environment: dict[str, str] | None = None) -> set[str]:
    """Run code in an interpreter that has loaded next to nothing; return what it has loaded in the end."""
    begin = f"import sys\nbefore = set(sys.modules)\nsys.path.insert(0, {str(ROOT)!r})\n"
    end = "\nprint(sorted(set(sys.modules) - before))"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", begin + code + end, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **(environment or {})},
    )
    return set(json.loads(ran.stdout.replace("'", '"')))


def foreign(modules: set[str]) -> set[str]:
    """Return the modules that are not ours, without parts of packages that are named themselves."""
    return {name for name in modules if name.partition(".")[0] != "supervisor"}


def test_importing_the_package_imports_nothing() -> None:
    """A worker that has our hooks installed pays for no part of the supervisor."""
    assert modules_added("import supervisor") == {"supervisor"}


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--stop-sequence", "TERM 5 KILL", "--profile", "celery"),
        ("--socket", "none", "--protect", "never"),
        ("--probe", "children", "--probe", "file=/run/busy", "--ready-file", "/run/ready"),
    ],
)
def test_little_is_loaded_before_the_worker_is_started(options: tuple[str, ...]) -> None:
    """Third parties and the heavy parts of the standard library come after the spawn."""
    loaded = foreign(modules_added(AT_THE_SPAWN, "run", *options, "--", "true"))
    assert loaded & HEAVY == set()
    assert loaded - LIGHT == set()


def test_the_parser_of_files_is_loaded_only_for_a_file(tmp_path: Path) -> None:
    """Who names a TOML file pays for tomllib before the spawn; it brings re and typing with it, and nothing else is new."""
    path = tmp_path / "settings.toml"
    path.write_text("[run]\nlease = 5\n")
    loaded = foreign(modules_added(AT_THE_SPAWN, "run", "--config", str(path), "--", "true"))
    assert "tomllib" in loaded
    assert loaded.isdisjoint(
        {"dataclasses", "requests", "psutil", "rich", "subprocess", "threading", "logging"}
    )


def test_protection_on_ecs_loads_no_library_for_it() -> None:
    """Asking the agent, protecting the task and letting it go is done with what is loaded anyway."""
    with Agent(World()) as agent:
        task = agent.world.add_task(agent.now())
        loaded = modules_added(
            AT_THE_EXIT,
            "run",
            "--protect",
            "before-start",
            "--",
            sys.executable,
            "-I",
            "-c",
            ONE_JOB,
            environment={"ECS_AGENT_URI": agent.uri(task)},
        )
        assert [call.status for call in agent.protection_calls(task) if call.method == "PUT"][:1] == [200]
    assert {name.partition(".")[0] for name in loaded} & TOO_HEAVY_FOR_ECS == set()
    # What `inspect` would bring, for the sake of dataclasses without a docstring.
    assert "ast" not in loaded


def test_a_hook_brings_no_third_party_and_nothing_else_of_ours() -> None:
    """It runs inside a worker, which has its own ideas about both."""
    loaded = modules_added("import supervisor.hooks.job")
    ours = {name for name in loaded if name.startswith("supervisor.")}
    assert {name for name in ours if not name.startswith("supervisor.hooks")} == set()
    assert {name.partition(".")[0] for name in foreign(loaded)} <= sys.stdlib_module_names | {"os"}
