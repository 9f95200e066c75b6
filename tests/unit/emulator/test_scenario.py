"""A rehearsal script is read, and all its problems are told."""

from __future__ import annotations

import pytest

from supervisor.emulator.faults import Fault
from supervisor.emulator.scenario import (
    AgentDown,
    AgentFault,
    AgentUp,
    AgentWell,
    Deploy,
    End,
    ScaleBy,
    ScaleTo,
    Scenario,
    ScenarioError,
    Spot,
    Step,
    StopTask,
    parse,
)

SCRIPT = """\
# A busy afternoon.
at 0 scale 3
at 3 scale-in 1     # the queue looks empty
at 3.5 scale-out 2
at 4 deploy

at 5 agent down
at 6 agent up
at 7 agent fault throttled
at 7 agent fault timeout-applied x3
at 7 agent fault hang always
at 8 agent well
at 9 stop-task 1
at 10 spot 2
at 20 end
"""

STEPS = (
    Step(0, ScaleTo(3)),
    Step(3, ScaleBy(-1)),
    Step(3.5, ScaleBy(2)),
    Step(4, Deploy()),
    Step(5, AgentDown()),
    Step(6, AgentUp()),
    Step(7, AgentFault(Fault.THROTTLED)),
    Step(7, AgentFault(Fault.TIMEOUT_APPLIED, 3)),
    Step(7, AgentFault(Fault.HANG, None)),
    Step(8, AgentWell()),
    Step(9, StopTask(1)),
    Step(10, Spot(2)),
    Step(20, End()),
)


def test_every_action_can_be_written() -> None:
    """The script is the same as the steps written in Python; comments and empty lines do not count."""
    assert parse(SCRIPT) == Scenario(STEPS)


def test_a_scenario_can_be_written_back() -> None:
    """The text of a scenario reads as that scenario."""
    assert parse(str(Scenario(STEPS))) == Scenario(STEPS)


def test_steps_are_sorted_by_time_only() -> None:
    """Later lines may name earlier instants; steps of one instant keep their order."""
    scenario = parse("at 2 deploy\nat 1 agent down\nat 1 agent up")
    assert [str(step) for step in scenario.steps] == ["at 1 agent down", "at 1 agent up", "at 2 deploy"]


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_can_be_named(fault: Fault) -> None:
    """The script knows each fault of the agent by its value."""
    assert parse(f"at 1 agent fault {fault.value}").steps == (Step(1, AgentFault(fault)),)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("in 3 deploy", "a step reads"),
        ("at 3", "a step reads"),
        ("at soon deploy", "not a number of seconds"),
        ("at -1 deploy", "not a time in a rehearsal"),
        ("at nan deploy", "not a time in a rehearsal"),
        ("at 1 dance", "unknown action, known are scale, scale-in"),
        ("at 1 scale-in", "needs one number"),
        ("at 1 scale-in 0", "not a whole number of 1 or more"),
        ("at 1 scale 1.5", "not a whole number of 0 or more"),
        ("at 1 spot 1 2", "needs one number"),
        ("at 1 deploy twice", "stands alone"),
        ("at 1 agent asleep", "the agent can be"),
        ("at 1 agent fault bad-hair", "unknown fault 'bad-hair', known are none, deployment-blocked"),
        ("at 1 agent fault hang x0", "not a whole number of 1 or more"),
        ("at 1 agent fault hang often", "after a fault comes"),
    ],
)
def test_a_bad_line_is_explained(line: str, why: str) -> None:
    """Each kind of mistake is told with what would be right."""
    with pytest.raises(ScenarioError) as caught:
        parse(line)
    (problem,) = caught.value.problems
    assert problem.why.startswith(why) or why in problem.why
    assert problem.text == line


def test_all_problems_are_told_at_once() -> None:
    """A script with several mistakes names each of them by its line."""
    with pytest.raises(ScenarioError) as caught:
        parse("at 1 deploy\nat x deploy\n\nat 2 dance # no\n")
    assert [problem.line for problem in caught.value.problems] == [2, 4]
    assert str(caught.value).splitlines()[1].startswith("line 4: unknown action")
