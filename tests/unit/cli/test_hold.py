"""What `hold` makes of an answer that it does not get."""

from __future__ import annotations

import pytest

from supervisor.adapters.find_supervisor import Found, MeaningError
from supervisor.cli import hold
from supervisor.core.status import USAGE


def _several(*_: object) -> Found:
    raise MeaningError("several supervisors are here: write --pid 8 or --pid 9")


def test_a_hold_that_is_required_of_one_among_several_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It would not be otherwise another time, so nobody is told to try again."""
    monkeypatch.setattr(hold, "take_signals", lambda: None)
    monkeypatch.setattr(hold, "find_socket", _several)
    for variable in ("ECS_SUPERVISOR_SOCKET", "ECS_SUPERVISOR_API", "ECS_AGENT_URI"):
        monkeypatch.delenv(variable, raising=False)
    assert hold.main(["--require", "--", "echo", "ran"]) == USAGE
    told = capfd.readouterr()
    assert (told.out, "--pid 9" in told.err, "try again" in told.err) == ("", True, False)
