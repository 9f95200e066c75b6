"""Tells stories and looks whether they notice: all promises kept, or each planted bug found with each fixed seed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from .bugs import Bug

# Long enough for a task to begin, work, and come to its end.
_STEPS = 40

_MOST_STORIES = 1000

Stories = dict[str, type[RuleBasedStateMachine]]


def tell(story: type[RuleBasedStateMachine]) -> None:
    """Tell as many stories as the profile wants; fail where one breaks a promise."""
    run_state_machine_as_test(story, settings=settings(stateful_step_count=_STEPS, deadline=None))


def must_notice(stories: Stories, bug: Bug, number: int) -> None:
    """Fail where the bug's story, told from this seed, breaks no promise with the bug planted."""
    search = settings(
        max_examples=_MOST_STORIES,
        stateful_step_count=_STEPS,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    name = "wild" if bug.story == "any" else bug.story
    story = seed(number)(type(f"Seeded{stories[name].__name__}", (stories[name],), {}))
    with bug.planted(), pytest.raises(Exception):  # noqa: B017, PT011 - whichever promise notices first
        run_state_machine_as_test(story, settings=search)
