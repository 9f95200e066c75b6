"""The names by which the core knows things."""

from __future__ import annotations

import json

from supervisor.core import names

TEXTS = (names.WorkerName, names.HolderId, names.HoldId, names.SignalName)


def test_a_name_is_plain_text_at_run_time() -> None:
    """The types are for the checker alone: a name costs nothing, and goes into a log line as it is."""
    for name in TEXTS:
        assert name("x") == "x"
        assert json.dumps({name("x"): name("y")}) == '{"x": "y"}'


def test_attempts_are_counted() -> None:
    """An attempt is a number, so that a stale answer can be told from a fresh one."""
    assert names.Attempt(1) < names.Attempt(2)


def test_no_two_names_share_a_type() -> None:
    """Each name has a type of its own, called as it is imported, so a checker refuses one for another."""
    every = (*TEXTS, names.Attempt)
    assert len(set(every)) == len(every)
    assert all(getattr(names, each.__name__) is each for each in every)
