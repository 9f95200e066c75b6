"""The environment as the kernel gave it."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator

import pytest

from supervisor.cli.environment import restore

COPY = "_ECS_SUPERVISOR_ENVIRON"


@pytest.fixture(autouse=True)
def _environment_of_the_tests() -> Iterator[None]:
    kept = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(kept)


def test_the_copy_of_the_shell_is_the_whole_environment() -> None:
    """Names of any kind come back, additions go, and so does the copy itself."""
    block = b"a.b=1\0EQUALS=x=y\0EMPTY=\0BYTES=\xff\n\0"
    os.environ["PWD"] = "/added/by/the/shell"
    os.environ[COPY] = base64.encodebytes(block).decode()
    restore()
    assert dict(os.environb) == {b"a.b": b"1", b"EQUALS": b"x=y", b"EMPTY": b"", b"BYTES": b"\xff\n"}


def test_of_two_equal_names_the_first_counts() -> None:
    """As for getenv(3); what is no variable is left out."""
    os.environ[COPY] = base64.encodebytes(b"A=1\0A=2\0no-variable\0=x\0").decode()
    restore()
    assert dict(os.environ) == {"A": "1"}


def test_without_a_copy_the_kernel_is_asked() -> None:
    """What was set since the start of the process goes again; LC_CTYPE in the C locale is set that way."""
    with open("/proc/self/environ", "rb") as file:
        started_with = {entry.partition(b"=")[0] for entry in file.read().split(b"\0") if entry}
    os.environ["SET_SINCE"] = "1"
    os.environ[COPY] = ""
    restore()
    assert set(os.environb) == started_with - {COPY.encode()}
