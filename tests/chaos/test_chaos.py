"""Messages survive what goes wrong, a few hundred of them in the default suite; `python -m tests.chaos` is the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conductor import Conductor
from .evidence import What
from .judge import judge
from .plan import Plan
from .report import report

SMALL = Plan(200, seed=20, groups=10, backlog=30, blow_every=8, longest_seconds=3.0)


@pytest.mark.timeout(180)
def test_nothing_is_lost_and_nothing_runs_twice_unsaid(tmp_path: Path) -> None:
    """Daemons are stopped, killed and frozen, apps crash, SQS and the agent fail: all is processed, in order, and explained."""
    conductor = Conductor(SMALL, tmp_path)
    evidence = conductor.run()
    verdict = judge(evidence)
    told = report(SMALL, conductor, evidence, verdict)
    assert not verdict.violations, told
    assert len(evidence.sent) == SMALL.messages == len({job.message for job in evidence.jobs})
    assert {What.STOPPED, What.KILLED} <= {blow.what for blow in evidence.blows}, told
