"""Findings on a screen, for programs, and as an exit status."""

from __future__ import annotations

import pytest

from supervisor.core.problem import Problem
from supervisor.render.findings import Finding, document, doubtful, screen, status_of, well, wrong

PROBLEM = Problem("a thing is odd", "it matters", "mend it")

WELL, DOUBTFUL, WRONG = well("place", "all there"), doubtful("queue", PROBLEM), wrong("queue", PROBLEM)


def test_each_problem_has_its_reason_and_what_to_do() -> None:
    """One line for what is well, three for what is not, and a count in the end."""
    assert screen([WELL, WRONG, DOUBTFUL]) == [
        ("well      place       all there", "good"),
        ("wrong     queue       a thing is odd", "bad"),
        ("                      why: it matters", ""),
        ("                      fix: mend it", ""),
        ("doubtful  queue       a thing is odd", "warning"),
        ("                      why: it matters", ""),
        ("                      fix: mend it", ""),
        ("1 wrong, 1 doubtful", "title"),
    ]


def test_what_others_say_cannot_spoil_the_screen() -> None:
    """Names of queues and answers of services may have anything in them."""
    assert screen([well("queue", "a\x1b[2J\nb")])[0][0] == "well      queue       a?[2J?b"


@pytest.mark.parametrize(
    ("findings", "verdict", "counted", "status"),
    [
        ([], "well", "all is well", 0),
        ([WELL, WELL], "well", "all is well", 0),
        ([DOUBTFUL, WELL], "doubtful", "1 doubtful", 0),
        ([WRONG, DOUBTFUL, WRONG], "wrong", "2 wrong, 1 doubtful", 1),
    ],
)
def test_the_worst_decides(findings: list[Finding], verdict: str, counted: str, status: int) -> None:
    """Only what is wrong is a failure."""
    assert document(findings)["verdict"] == verdict
    assert screen(findings)[-1][0] == counted
    assert status_of(findings) == status


def test_programs_get_the_same_words() -> None:
    """Every finding with all its fields, in the same order."""
    assert document([WELL, DOUBTFUL])["findings"] == [
        {"verdict": "well", "about": "place", "what": "all there", "why": "", "fix": ""},
        {
            "verdict": "doubtful",
            "about": "queue",
            "what": "a thing is odd",
            "why": "it matters",
            "fix": "mend it",
        },
    ]
