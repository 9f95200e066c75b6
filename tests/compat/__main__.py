"""`python -m tests.compat`: the integration tests of each framework with its oldest and its newest supported release.

Each release gets an environment of its own, from the package registries. It takes a good while; --only and --releases make
it shorter. Exits with 1 when a test has failed, or a release could not be installed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.figures import table
from tests.compat.ranges import NPM, Range, ranges
from tests.process.harness import ROOT

# What the tests need beside the framework; the project itself is taken from the checkout.
_TOOLS = ("hypothesis", "psutil", "pytest", "pytest-timeout", "requests", "rich")

_LIMIT_SECONDS = 1800.0


@dataclass(frozen=True, slots=True)
class Result:
    """summary: pytest's last line, or why there is none."""

    name: str
    release: str
    version: str
    summary: str
    is_good: bool


def main(argv: list[str]) -> int:
    """Return the status to exit with."""
    wanted = _parser().parse_args(argv)
    chosen = [each for each in ranges() if not wanted.only or each.name in wanted.only]
    results = []
    for each in chosen:
        for release in wanted.releases:
            sys.stderr.write(f"{each.name}, {release}\n")
            with tempfile.TemporaryDirectory(prefix=f"compat-{each.name}-") as folder:
                results.append(_tried(each, release, Path(folder), wanted.words))
    rows = [(each.name, each.release, each.version, each.summary) for each in results]
    sys.stdout.write(f"{table(('', 'release', 'version', 'tests'), rows)}\n")
    return int(not results or not all(each.is_good for each in results))


def _tried(framework: Range, release: str, folder: Path, words: list[str]) -> Result:
    tests = framework.tests()
    if not tests:
        return Result(framework.name, release, "-", "there is no test file", False)
    try:
        python, environ, version = _environment(framework, release == "newest", folder)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or b"").decode(errors="replace").strip().splitlines()
        return Result(framework.name, release, "-", f"not installed: {said[-1] if said else error}", False)
    command: tuple[str, ...] = (
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *words,
        *map(str, tests),
    )
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | environ, capture_output=True, check=False, timeout=_LIMIT_SECONDS
    )
    said = run.stdout.decode(errors="replace").strip().splitlines()
    if run.returncode:
        sys.stderr.write("\n".join(said[-200:]) + "\n" + run.stderr.decode(errors="replace")[-2000:] + "\n")
    return Result(
        framework.name, release, version, said[-1] if said else "pytest said nothing", not run.returncode
    )


def _environment(framework: Range, newest: bool, folder: Path) -> tuple[str, dict[str, str], str]:
    """Make it; return its interpreter, what to add to the environment, and the framework's version in it."""
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    install = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check")
    requirements = framework.requirements(newest=newest)
    if framework.registry == NPM:
        _done(*install, *_TOOLS, "redis")
        npm = shutil.which("npm")
        if npm is None:
            raise subprocess.CalledProcessError(127, "npm", b"there is no npm on this machine")
        _done(npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), *requirements)
        manifest = (folder / "node_modules" / framework.name / "package.json").read_text()
        found = re.search(r'"version":\s*"([^"]+)"', manifest)
        return python, {"BULLMQ_MODULES": str(folder / "node_modules")}, found[1] if found else "?"
    _done(*install, *_TOOLS, *requirements)
    name = framework.distribution or framework.name
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    return python, {}, _done(python, "-c", code).decode().strip()


def _done(*words: str) -> bytes:
    return subprocess.run(words, capture_output=True, check=True, timeout=_LIMIT_SECONDS).stdout


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help=", ".join(each.name for each in ranges()))
    parser.add_argument("--releases", nargs="+", choices=("oldest", "newest"), default=("oldest", "newest"))
    parser.add_argument("words", nargs="*", metavar="WORD", help="for pytest, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
