"""Which releases of each framework are supported, and what a test of one needs: the one table.

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

PYPI, NPM = "pypi", "npm"


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

    def requirements(self, *, newest: bool) -> tuple[str, ...]:
        """Return what is to be installed, as its package manager wants it written."""
        what = self.distribution or self.name
        if self.registry == NPM:
            release = f">={self.oldest} <{self.untested}" if newest else self.oldest
            return (f"{what}@{release}", *self.beside)
        release = f">={self.oldest},<{self.untested}" if newest else f"=={self.oldest}"
        return (f"{what}{release}", *self.beside, *(() if newest else self.beside_oldest))

    def tests(self) -> list[Path]:
        """Return the framework's test files."""
        named = {*_TESTS.glob(f"test_{self.name}.py"), *_TESTS.glob(f"test_{self.name}_*.py")}
        if self.name in ("gunicorn", "uvicorn"):
            named |= {*_TESTS.glob("test_web.py")}
        return sorted(named)


# Beside the framework itself. Old releases of it do not say what they cannot be used with.
_BESIDE = {
    "celery": ("redis", "setproctitle"),
    "rq": ("redis", "setproctitle"),
    "taskiq": ("redis", "taskiq-redis"),
}
_BESIDE_OLDEST = {
    "arq": ("redis<5",),
    "rq": ("redis<6",),
}

_WITHOUT_HOOK = (
    Range("gunicorn", "20.1", "28", beside=("uvicorn", "redis")),
    Range("uvicorn", "0.20", "0.55", beside=("gunicorn", "redis")),
    Range("bullmq", "5.0.0", "7.0.0", NPM, beside=("ioredis",)),
)


def ranges() -> list[Range]:
    """Return all of them, the hooks' first."""
    hooks = [
        Range(
            name,
            *supported,
            beside=_BESIDE.get(name, ("redis",)),
            beside_oldest=_BESIDE_OLDEST.get(name, ()),
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
