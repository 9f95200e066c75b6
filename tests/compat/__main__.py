"""`python -m tests.compat`: each framework's attachment with its oldest and with its newest supported release.

Each release gets an environment of its own, from the package registries, and there the tests of attaching, of what is busy,
of the gate and of the stop; with --everything also those of kills and of dying brokers. A line for each release, and a
verdict. Exits with 1 when a test has failed, a release could not be installed, or one has what it is declared not to have.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.figures import table
from tests.compat.ranges import NPM, Absent, Range, ranges
from tests.process.harness import ROOT

# What the tests need beside the framework; the project itself is taken from the checkout.
_TOOLS = ("hypothesis", "psutil", "pytest", "pytest-timeout", "requests", "rich")

_LIMIT_SECONDS = 1800.0


class Unusable(Exception):
    """A release that cannot be tested, and why."""


@dataclass(frozen=True, slots=True)
class Result:
    """summary: pytest's last line, or why there is none. without: what is declared not to be there."""

    name: str
    release: str
    version: str
    summary: str
    without: str
    is_good: bool


def main(argv: list[str]) -> int:
    """Return the status to exit with."""
    wanted = _parser().parse_args(argv)
    chosen = [each for each in ranges() if not wanted.only or each.name in wanted.only]
    began = time.monotonic()
    results = []
    for each in chosen:
        for release in wanted.releases:
            with tempfile.TemporaryDirectory(prefix=f"compat-{each.name}-") as folder:
                result = _tried(each, release, Path(folder), wanted.everything, wanted.words)
            sys.stderr.write(f"{result.name} {result.version} ({release}): {result.summary}\n")
            results.append(result)
    rows = [(each.name, each.release, each.version, each.summary, each.without) for each in results]
    sys.stdout.write(f"{table(('', 'release', 'version', 'tests', 'without'), rows)}\n\n")
    bad = [f"{each.name} {each.version}" for each in results if not each.is_good]
    minutes = (time.monotonic() - began) / 60
    verdict = f"not well: {', '.join(bad)}" if bad else "all is well"
    sys.stdout.write(f"{len(results)} releases in {minutes:.0f} min; {verdict}\n")
    return int(not results or bool(bad))


def _tried(framework: Range, release: str, folder: Path, everything: bool, words: list[str]) -> Result:
    version = "-"
    try:
        python, environ, version = _environment(framework, release == "newest", folder)
        absent = framework.lacks(version)
        for each in framework.absent:
            _prove(python, version, each, is_absent=each in absent)
        status, summary = _tested(framework, absent, everything, python, environ, words)
    except Unusable as error:
        return Result(framework.name, release, version, str(error), "", False)
    without = "; ".join(f"{each.why} (since {each.since})" for each in absent)
    return Result(framework.name, release, version, summary, without, status == 0)


def _prove(python: str, version: str, declared: Absent, *, is_absent: bool) -> None:
    """Raise Unusable where the declaration is not true of this release."""
    failed = subprocess.run((python, "-c", declared.proof), capture_output=True, check=False).returncode != 0
    if failed != is_absent:
        raise Unusable(
            f"{version} has{' no' if failed else ''} {declared.why}, unlike what ranges.py declares"
        )


def _tested(
    framework: Range,
    absent: tuple[Absent, ...],
    everything: bool,
    python: str,
    environ: dict[str, str],
    words: list[str],
) -> tuple[int, str]:
    """Return pytest's status and its last line."""
    chosen = framework.chosen(absent, everything=everything)
    command = (python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *words)
    try:
        run = subprocess.run(
            (*command, *map(str, framework.tests())),
            cwd=ROOT,
            env=os.environ | environ,
            capture_output=True,
            check=False,
            timeout=_LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Unusable(f"its tests have taken more than {_LIMIT_SECONDS:.0f} s") from None
    said = run.stdout.decode(errors="replace").strip().splitlines()
    if run.returncode:
        sys.stderr.write("\n".join(said[-200:]) + "\n" + run.stderr.decode(errors="replace")[-2000:] + "\n")
    return run.returncode, said[-1] if said else "pytest said nothing"


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
            raise Unusable("there is no npm on this machine")
        _done(npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), *requirements)
        manifest = (folder / "node_modules" / framework.name / "package.json").read_text()
        found = re.search(r'"version":\s*"([^"]+)"', manifest)
        return python, {"BULLMQ_MODULES": str(folder / "node_modules")}, found[1] if found else "?"
    _done(*install, *_TOOLS, *requirements)
    name = framework.distribution or framework.name
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    return python, {}, _done(python, "-c", code).decode().strip()


def _done(*words: str) -> bytes:
    try:
        return subprocess.run(words, capture_output=True, check=True, timeout=_LIMIT_SECONDS).stdout
    except subprocess.TimeoutExpired:
        raise Unusable(f"not installed within {_LIMIT_SECONDS:.0f} s") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or b"").decode(errors="replace").strip().splitlines()
        raise Unusable(f"not installed: {said[-1] if said else error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help=", ".join(each.name for each in ranges()))
    parser.add_argument("--releases", nargs="+", choices=("oldest", "newest"), default=("oldest", "newest"))
    parser.add_argument(
        "--everything", action="store_true", help="every test of the framework, which takes twice as long"
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="for pytest, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
