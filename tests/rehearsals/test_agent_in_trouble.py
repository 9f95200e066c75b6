"""The agent fails in every way it can, at the worst moments, and the jobs do not notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.rehearsals.stage import NO_WAIT_SECONDS
from tests.rehearsals.trouble import (
    REFUSED_FOR_GOOD,
    STOP_TIMEOUT_SECONDS,
    Outcome,
    Trouble,
    tell_story,
    troubles,
)

# Told side by side, because a story is mostly waiting for a call or a pause to end.
STORIES_AT_A_TIME = 10

TROUBLES = troubles()

# The first test waits for its story while others are told beside it.
pytestmark = pytest.mark.timeout(120)

each_trouble = pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)

Story = Callable[[Trouble], Outcome]


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """Return what came of a trouble; all stories begin with the first question."""
    pool = ThreadPoolExecutor(STORIES_AT_A_TIME)
    told = {trouble.name: pool.submit(tell_story, trouble) for trouble in TROUBLES}
    yield lambda trouble: told[trouble.name].result()
    pool.shutdown(cancel_futures=True)


@each_trouble
def test_no_job_waits_for_the_agent(story: Story, trouble: Trouble) -> None:
    """Whatever the agent does, a job begins and ends without waiting for it."""
    assert max(story(trouble).waits) < NO_WAIT_SECONDS


@each_trouble
def test_no_stop_is_late(story: Story, trouble: Trouble) -> None:
    """A stop that comes while the agent is in trouble ends with the last job, and before the stop timeout."""
    outcome = story(trouble)
    assert outcome.handed_back
    assert outcome.stop_seconds < STOP_TIMEOUT_SECONDS
    assert outcome.status == 143
    assert not {"task.killing", "holds.abandoned"} & set(outcome.names)


@each_trouble
def test_protection_is_let_go_when_the_agent_heals(story: Story, trouble: Trouble) -> None:
    """Protection that could not be released is released once the agent is well again."""
    assert story(trouble).released is not None


@each_trouble
def test_a_running_job_is_protected_when_the_agent_heals(story: Story, trouble: Trouble) -> None:
    """A job that could not be protected at its start is protected once the agent is well again.

    Where ECS has refused for good it is not asked again, not even by the next job.
    """
    outcome = story(trouble)
    if trouble.name in REFUSED_FOR_GOOD:
        assert outcome.protects == 1
    else:
        assert outcome.acquired is not None


@each_trouble
def test_trouble_is_not_a_bug(story: Story, trouble: Trouble) -> None:
    """Nothing the agent does breaks a part of the supervisor or leads it where its tables do not."""
    assert not {"thread.failed", "bug.illegal_move"} & set(story(trouble).names)
