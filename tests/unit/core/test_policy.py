"""Everything the core is configured with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from supervisor.core.engine import Engine
from supervisor.core.instants import Instant
from supervisor.core.names import WorkerName
from supervisor.core.protection import ProtectionPolicy

from .playbook import WEB, policy

T0 = Instant(0.0)


@pytest.mark.parametrize("workers", [(), (WEB, WEB), (WEB, WorkerName("db"), WEB)])
def test_workers_must_exist_and_have_names_of_their_own(workers: tuple[WorkerName, ...]) -> None:
    """A task without a worker would wait for ever; two of one name could not be told apart."""
    with pytest.raises(ValueError, match="at least one worker"):
        policy(workers=workers)


def test_several_workers_are_allowed() -> None:
    """Names that differ are all that is asked for."""
    assert policy(workers=(WEB, WorkerName("db"))).workers == ("web", "db")


def test_people_are_told_why_there_is_no_protection() -> None:
    """The reason shows where there is none, and only there."""
    off = replace(policy(), unprotected_because="switched off by --protect never")
    assert Engine(off, T0).snapshot(T0).protection.because == "switched off by --protect never"
    assert Engine(replace(off, protection=ProtectionPolicy()), T0).snapshot(T0).protection.because is None
