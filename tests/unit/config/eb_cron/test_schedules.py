"""Schedules of EventBridge Scheduler."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.eb_cron.fields import parse_schedule
from supervisor.config.eb_cron.schedules import cloudformation, command_line_input, expressions
from supervisor.config.eb_cron.tasks import Task

URL = "https://sqs.eu-west-1.amazonaws.com/1/jobs"


def task(name: str = "nightly", schedule: str = "0 1 * * *") -> Task:
    parsed, _ = parse_schedule(schedule)
    assert parsed is not None
    return Task(name, "/nightly", schedule, parsed, 3)


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", ["* * * * ? *"]),
        ("0 */12 * * *", ["0 0,12 * * ? *"]),
        ("*/10 * * * *", ["0/10 * * * ? *"]),
        ("5/10 * * * *", ["5/10 * * * ? *"]),
        ("10-30/10 8-17 * * *", ["10,20,30 8-17 * * ? *"]),
        ("0 0 1,2,10-12 * *", ["0 0 1,2,10-12 * ? *"]),
        ("0 0 * JAN-MAR MON-FRI", ["0 0 ? 1-3 MON-FRI *"]),
        ("0 0 * * 0,6", ["0 0 ? * SUN,SAT *"]),
        ("0 0 * * 7", ["0 0 ? * SUN *"]),
        ("0 0 * * 0-7", ["0 0 ? * * *"]),
        ("0 0 */1 * *", ["0 0 * * ? *"]),
        ("0 0 1 * MON", ["0 0 1 * ? *", "0 0 ? * MON *"]),
    ],
)
def test_a_schedule_in_eventbridge_s_words(cron: str, expected: list[str]) -> None:
    """There are years, one kind of day is `?`, and weekdays have names, because Sunday is 1 there."""
    assert expressions(task(schedule=cron).schedule) == tuple(f"cron({each})" for each in expected)


@given(st.sets(st.integers(0, 59), min_size=1))
def test_no_minute_is_lost_or_won(minutes: set[int]) -> None:
    """However they are written."""
    written = expressions(task(schedule=f"{','.join(map(str, minutes))} * * * *").schedule)[0].split()[0][5:]
    found: set[int] = set()
    for part in written.split(","):
        first, _, step = part.partition("/")
        begin, dash, end = first.partition("-")
        if part == "*" or step:
            found |= set(range(0 if part == "*" else int(first), 60, int(step or 1)))
        else:
            found |= set(range(int(begin), int(end if dash else begin) + 1))
    assert found == minutes


def test_the_command_line_gets_one_schedule_for_each() -> None:
    """The universal target, in UTC, exactly at its time; the input is a SendMessage request."""
    (made,) = command_line_input((task(),), "app-", URL, "arn:role", is_fifo=False)
    assert made["Name"] == "app-nightly"
    assert (made["ScheduleExpression"], made["ScheduleExpressionTimezone"]) == ("cron(0 1 * * ? *)", "UTC")
    assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert made["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    assert made["Target"]["RoleArn"] == "arn:role"
    sent = json.loads(made["Target"]["Input"])
    assert (sent["QueueUrl"], sent["MessageBody"]) == (URL, "elasticbeanstalk scheduled job")
    assert {name: value["StringValue"] for name, value in sent["MessageAttributes"].items()} == {
        "beanstalk.sqsd.path": "/nightly",
        "beanstalk.sqsd.task_name": "nightly",
        "beanstalk.sqsd.scheduled_time": "<aws.scheduler.scheduled-time>",
    }
    assert {value["DataType"] for value in sent["MessageAttributes"].values()} == {"String"}
    assert "MessageGroupId" not in sent


def test_a_fifo_queue_gets_each_run_once() -> None:
    """Also where the scheduler tries twice."""
    (made,) = command_line_input((task("a b"),), "", f"{URL}.fifo", "arn:role", is_fifo=True)
    sent = json.loads(made["Target"]["Input"])
    assert sent["MessageDeduplicationId"] == f"{sent['MessageGroupId']}-<aws.scheduler.scheduled-time>"


@pytest.mark.parametrize(
    ("name", "schedule"),
    [("a b", "0 1 * * *"), ("x" * 80, "0 1 * * *"), ("app:report", "0 1 * * *"), ("x" * 80, "0 1 1 * 1")],
)
def test_names_fit_and_stay_different(name: str, schedule: str) -> None:
    """EventBridge takes 64 letters, digits, dots, dashes and underscores."""
    tasks = (task(name, schedule), task(f"{name}!", schedule))
    names = [each["Name"] for each in command_line_input(tasks, "p-", URL, "arn", is_fifo=False)]
    assert len(set(names)) == len(names) == 2 * len(expressions(tasks[0].schedule))
    for each in names:
        assert each.startswith("p-")
        assert len(each) <= 64
        assert each.replace("-", "").replace(".", "").replace("_", "").isalnum()


def test_two_kinds_of_days_are_two_schedules() -> None:
    """With a name each."""
    names = [
        each["Name"]
        for each in command_line_input((task(schedule="0 1 1 * 1"),), "", URL, "arn", is_fifo=False)
    ]
    assert names[0] == "nightly"
    assert names[1].startswith("nightly-")


@pytest.mark.parametrize(("schedule", "is_double"), [("0 1 * * *", False), ("0 1 1 * 1", True)])
def test_a_schedule_says_what_it_was(schedule: str, is_double: bool) -> None:
    """Its name may be another, and its expression is; two for one task say that both may run."""
    for made in command_line_input((task(schedule=schedule),), "", URL, "arn", is_fifo=False):
        assert made["Description"].startswith(f"nightly: {schedule}")
        assert ("on a day that fits both" in made["Description"]) is is_double
    (long,) = command_line_input((task("x" * 600),), "", URL, "arn", is_fifo=False)
    assert len(long["Description"]) == 512


@pytest.mark.parametrize(
    ("url", "defaults"),
    [
        (None, [None, None]),
        (URL, [URL, "arn:aws:sqs:eu-west-1:1:jobs"]),
        ("http://localhost:4566/1/jobs", ["http://localhost:4566/1/jobs", None]),
    ],
)
def test_the_queue_that_is_named_is_the_template_s_default(
    url: str | None, defaults: list[str | None]
) -> None:
    """So that who has named it is not asked for it again."""
    parameters = cloudformation((task(),), "", is_fifo=False, queue_url=url)["Parameters"]
    assert [parameters[name].get("Default") for name in ("QueueUrl", "QueueArn")] == defaults


def test_a_template_has_its_own_role() -> None:
    """The queue is a parameter; nothing else of a text is taken for one."""
    template = cloudformation((task("${x}"), task()), "app-", is_fifo=False)
    assert set(template["Parameters"]) == {"QueueUrl", "QueueArn"}
    resources = template["Resources"]
    role = resources.pop("SchedulerRole")
    assert role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] == "sqs:SendMessage"
    assert len(resources) == 2
    assert all(name.isalnum() for name in resources)
    first = next(iter(resources.values()))
    assert first["Type"] == "AWS::Scheduler::Schedule"
    text = first["Properties"]["Target"]["Input"]["Fn::Sub"]
    assert '"QueueUrl": "${QueueUrl}"' in text
    assert '"${!x}"' in text
