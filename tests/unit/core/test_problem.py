"""A problem as people read it."""

from __future__ import annotations

from supervisor.core.problem import Problem


def test_a_problem_reads_as_one_sentence() -> None:
    """What is wrong comes first, then why it matters, then what to do."""
    problem = Problem("the door is open", "the cat may leave", "close it")
    assert str(problem) == "the door is open; the cat may leave; close it"
