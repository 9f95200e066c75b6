"""Gets ready what is measured: the supervisor as pip installs it, its peers, and the worker they all start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ACTORS = Path(__file__).parent / "actors"

# What pip needs of a checkout. From a copy, because a build leaves its traces where it runs.
_PROJECT = ("pyproject.toml", "README.md", "LICENSE", "supervisor")

# Those of a small image; what else is set here (a test runner's variables) would be in the way of no two alike.
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/", "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Wrapper:
    """Something that starts a worker. words: what stands before the worker's own words."""

    name: str
    words: tuple[str, ...]
    is_ours: bool = False

    def around(self, *command: str, options: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the words that start a worker with it; options: of `run`, nothing to the others."""
        if not self.is_ours:
            return (*self.words, *command)
        return (*self.words, "run", *options, "--", *command)


BARE, TINI, DUMB_INIT, PY_MIN = "bare", "tini", "dumb-init", "py-min"
ENTRY, MODULE = "ecs-supervisor", "python -m"
NAMES = (BARE, TINI, DUMB_INIT, PY_MIN, ENTRY, MODULE)


@dataclass(frozen=True, slots=True)
class Bench:
    """What measurements need. worker: the words of child.c or child.sh. missing: wrappers that are not there."""

    folder: Path
    python: Path
    worker: tuple[str, ...]
    wrappers: dict[str, Wrapper]
    missing: tuple[str, ...]

    @property
    def log(self) -> Path:
        """Return the file in which all standard errors end."""
        return self.folder / "stderr"


def prepare(folder: Path, environment: Path | None, names: tuple[str, ...], compiler: str | None) -> Bench:
    """Return what has been made ready in a folder.

    environment: a virtual environment that has the supervisor; None makes one. compiler: for the worker; None takes
    the shell script.
    """
    if environment is None:
        environment = _install(folder / "environment")
    python = environment / "bin" / "python3"
    py_min = folder / PY_MIN
    # As pip writes the first line of a script.
    py_min.write_text(f"#!{python}\n{(ACTORS / 'py_min.py').read_text()}")
    py_min.chmod(0o755)
    known = (
        Wrapper(BARE, ()),
        *(
            Wrapper(name, (path, "--"))
            for name in (TINI, DUMB_INIT)
            if name in names and (path := _peer(name))
        ),
        Wrapper(PY_MIN, (str(py_min),)),
        Wrapper(ENTRY, (str(environment / "bin" / "ecs-supervisor"),), is_ours=True),
        Wrapper(MODULE, (str(python), "-I", "-m", "supervisor"), is_ours=True),
    )
    wrappers = {wrapper.name: wrapper for wrapper in known if wrapper.name in names}
    missing = tuple(name for name in names if name not in wrappers)
    return Bench(folder, python, _worker(folder, compiler), wrappers, missing)


def _install(environment: Path) -> Path:
    """Make an environment without pip, whose start-up hooks would slow down the yardstick, and install from outside."""
    venv.create(environment, symlinks=True)
    copy = environment / "project"
    copy.mkdir()
    for name in _PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    pip = (
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        str(environment / "bin" / "python3"),
    )
    subprocess.run((*pip, "install", "-q", str(copy)), check=True)
    return environment


def _peer(name: str) -> str | None:
    """Return the path of tini or dumb-init; install it where that is possible, as root with apt-get."""
    if shutil.which(name) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stderr.write(f"installing {name}\n")
        for words in (("update", "-q"), ("install", "-q", "-y", "--no-install-recommends", name)):
            subprocess.run(("apt-get", *words), stdout=sys.stderr, check=False)
    return shutil.which(name)


def _worker(folder: Path, compiler: str | None) -> tuple[str, ...]:
    if compiler is None:
        return ("/bin/sh", str(ACTORS / "child.sh"))
    program = folder / "child"
    subprocess.run((compiler, "-O2", "-o", str(program), str(ACTORS / "child.c")), check=True)
    return (str(program),)
