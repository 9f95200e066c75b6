"""Which releases of each framework are supported, what a test of one needs, and what old ones do not have: the one table.

The ranges stand in the hooks themselves, which warn outside of them: SUPPORTED = (oldest tested, first not tested). They are
read without an import. What has no hook in Python has its range here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.process.harness import ROOT

_HOOKS = ROOT / "supervisor" / "hooks"
_TESTS = ROOT / "tests" / "integrations"

# In these a test's parameter names the framework; none is imported before it runs.
_SHARED = tuple(
    _TESTS / f"test_{name}.py" for name in ("blocking_pops", "gates", "other_languages", "under_run")
)
_WEB = _TESTS / "test_web.py"

PYPI, NPM = "pypi", "npm"

# What every release has to pass: a test with one of these in its name or its file's. The others are about kills.
FOCUS = ("attach", "busy", "gate", "hooked", "left_alone", "pops", "quiet", "refused", "request", "stop")


@dataclass(frozen=True, slots=True)
class Absent:
    """Something that releases before `since` do not have, and the tests of it with them.

    test: the name of a test or of a configuration. proof: Python that fails where it is not there.
    """

    test: str
    since: str
    why: str
    proof: str


@dataclass(frozen=True, slots=True)
class Range:
    """oldest: the first release tested. untested: the first that is not. beside: what else is installed, both times.

    beside_oldest: what an old release needs in place of today's, because it did not know what was to come.
    """

    name: str
    oldest: str
    untested: str
    registry: str = PYPI
    distribution: str = ""
    beside: tuple[str, ...] = ("redis",)
    beside_oldest: tuple[str, ...] = ()
    absent: tuple[Absent, ...] = ()

    def requirements(self, *, newest: bool) -> tuple[str, ...]:
        """Return what is to be installed, as its package manager wants it written."""
        what = self.distribution or self.name
        if self.registry == NPM:
            release = f">={self.oldest} <{self.untested}" if newest else self.oldest
            return (f"{what}@{release}", *self.beside)
        release = f">={self.oldest},<{self.untested}" if newest else f"=={self.oldest}"
        return (f"{what}{release}", *self.beside, *(() if newest else self.beside_oldest))

    def tests(self) -> list[Path]:
        """Return the framework's test files, and those it shares with others."""
        own = self._own()
        return own if own == [_WEB] else [*own, *_SHARED]

    def chosen(self, absent: tuple[Absent, ...], *, everything: bool) -> str:
        """Return pytest's -k for this framework's tests in those files: those of the focus, or all."""
        own = (file.stem for file in self._own() if file != _WEB)
        mine = " or ".join((*own, f"[{self.name}"))
        parts = [f"({mine})", *(f"not {each.test}" for each in absent)]
        if not everything:
            parts.append(f"({' or '.join(FOCUS)})")
        return " and ".join(parts)

    def lacks(self, version: str) -> tuple[Absent, ...]:
        """Return what this release does not have."""
        return tuple(each for each in self.absent if numbers(version) < numbers(each.since))

    def _own(self) -> list[Path]:
        if self.name in ("gunicorn", "uvicorn"):
            return [_WEB]
        return sorted({*_TESTS.glob(f"test_{self.name}.py"), *_TESTS.glob(f"test_{self.name}_*.py")})


def numbers(version: str) -> tuple[int, ...]:
    """Return a version for comparisons."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


# Beside the framework itself. Old releases of it do not say what they cannot be used with.
_BESIDE = {
    "celery": ("redis", "setproctitle"),
    "dramatiq": ("redis", "pika"),
    "rq": ("redis", "setproctitle"),
    "taskiq": ("redis", "taskiq-redis"),
}
_BESIDE_OLDEST = {
    "arq": ("redis<5",),
    "rq": ("redis<6",),
}

_OF_HUEY_3_4 = "from huey.consumer_options import config_defaults as d; dict(d)['graceful_signal']"
_ABSENT = {
    "huey": (
        Absent("asked_for_term", "3.4", "the consumer's -g", _OF_HUEY_3_4),
        Absent("interrupted_before_the_kill", "3.4", "the consumer's -t", _OF_HUEY_3_4),
    ),
    "rq": (Absent("rq-spawn", "2.2", "SpawnWorker", "from rq.worker import SpawnWorker"),),
}

_WITHOUT_HOOK = (
    Range("gunicorn", "20.1", "28", beside=("uvicorn", "redis")),
    # Older ones have no limit for a graceful stop that could be set (0.22), and end with a status of their own (0.29).
    Range("uvicorn", "0.29", "0.55", beside=("gunicorn", "redis")),
    Range("bullmq", "6.0.0", "7.0.0", NPM, beside=("ioredis",)),
)


def ranges() -> list[Range]:
    """Return all of them, the hooks' first."""
    hooks = [
        Range(
            name,
            *supported,
            beside=_BESIDE.get(name, ("redis",)),
            beside_oldest=_BESIDE_OLDEST.get(name, ()),
            absent=_ABSENT.get(name, ()),
        )
        for name, supported in _read()
    ]
    return [*hooks, *_WITHOUT_HOOK]


def _read() -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the hooks that name a range, and it."""
    for file in sorted(_HOOKS.glob("[a-z]*.py")):
        for statement in ast.parse(file.read_text()).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id="SUPPORTED")], value=value):
                    oldest, untested = ast.literal_eval(value)
                    yield file.stem, (oldest, untested)
                case _:
                    pass
