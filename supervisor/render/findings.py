"""What a look at the place where we run has found: for people, for programs, and as one exit status."""

from __future__ import annotations

from supervisor.core.frozen import Frozen

from .wording import clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from supervisor.core.problem import Problem

    Verdict = Literal["well", "doubtful", "wrong"]

# A plain failure, for a build or a script that asks.
_WRONG = 1

_VERDICT_WIDTH = 10
_ABOUT_WIDTH = 12

# From the mildest on.
_MOODS = {"well": "good", "doubtful": "warning", "wrong": "bad"}


class Finding(Frozen):
    """about: one word, the same for all findings of one look. why, fix: empty where all is well."""

    verdict: Verdict
    about: str
    what: str
    why: str
    fix: str


def well(about: str, what: str) -> Finding:
    return Finding("well", about, what, "", "")


def doubtful(about: str, problem: Problem) -> Finding:
    return Finding("doubtful", about, problem.what, problem.why, problem.fix)


def wrong(about: str, problem: Problem) -> Finding:
    return Finding("wrong", about, problem.what, problem.why, problem.fix)


def status_of(findings: Sequence[Finding]) -> int:
    """Return what to exit with; a doubt is no failure."""
    return _WRONG if _worst(findings) == "wrong" else 0


def screen(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Return the lines, each with its mood, and one that counts in the end."""
    shown = []
    for each in findings:
        mood = _MOODS[each.verdict]
        shown.append((clean(f"{each.verdict:{_VERDICT_WIDTH}}{each.about:{_ABOUT_WIDTH}}{each.what}"), mood))
        indent = " " * (_VERDICT_WIDTH + _ABOUT_WIDTH)
        shown += [
            (clean(f"{indent}{label}: {text}"), "")
            for label, text in (("why", each.why), ("fix", each.fix))
            if text
        ]
    return [*shown, (_counted(findings), "title")]


def document(findings: Sequence[Finding]) -> dict[str, object]:
    """Return the same as a structure that `json.dumps` takes. verdict: the worst of all."""
    return {
        "verdict": _worst(findings),
        "findings": [
            {
                "verdict": each.verdict,
                "about": each.about,
                "what": each.what,
                "why": each.why,
                "fix": each.fix,
            }
            for each in findings
        ],
    }


def _worst(findings: Sequence[Finding]) -> str:
    found = {each.verdict for each in findings}
    return next((verdict for verdict in reversed(_MOODS) if verdict in found), "well")


def _counted(findings: Sequence[Finding]) -> str:
    verdicts = [each.verdict for each in findings]
    counts = [
        f"{verdicts.count(verdict)} {verdict}" for verdict in ("wrong", "doubtful") if verdict in verdicts
    ]
    return ", ".join(counts) or "all is well"
