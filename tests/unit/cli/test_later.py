"""Modules that are not loaded before they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from supervisor.cli.later import postpone

CODE = """
import sys
from supervisor.cli.later import postpone
postpone("inspect")
import inspect as early
import dataclasses
assert "ast" not in sys.modules
{use}
assert "ast" in sys.modules
import inspect as late
assert early.signature is late.signature
assert sys.modules["inspect"] is late is not early
"""


@pytest.mark.parametrize(
    "use",
    [
        "assert str(early.signature(lambda a, b: None)) == '(a, b)'",
        "dataclasses.make_dataclass('NoDoc', ['a'])",
        "from inspect import Parameter",
    ],
)
def test_it_is_the_real_one_when_it_is_used(use: str) -> None:
    """Nothing of it is loaded before; afterwards everybody has the same, those included who imported it early."""
    subprocess.run([sys.executable, "-c", CODE.format(use=use)], check=True, timeout=20)


def test_one_that_is_loaded_stays() -> None:
    """Who comes too late changes nothing."""
    import inspect

    postpone("inspect")
    assert sys.modules["inspect"] is inspect


def test_what_it_does_not_have_it_does_not_have() -> None:
    """A name that the real one lacks is an AttributeError, as always."""
    code = 'import sys; from supervisor.cli.later import postpone; postpone("inspect"); import inspect; inspect.nonsense'
    ran = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=20
    )
    assert "AttributeError: module 'inspect' has no attribute 'nonsense'" in ran.stderr
