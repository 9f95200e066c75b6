"""Turns periodic tasks into schedules of EventBridge Scheduler, which needs no leader: it sends each run once by itself.

The target is the universal one, `aws-sdk:sqs:sendMessage`. The one that is made for SQS cannot set message attributes, and
they are what tells a periodic task from a job.
"""

from __future__ import annotations

import json
from typing import Any

from supervisor.config.periodic_message import (
    BODY,
    PATH,
    SCHEDULED_TIME,
    TASK_NAME,
    identity,
    mark,
    plain_name,
)
from supervisor.config.sqsd.queues import arn_of

from .fields import WEEKDAYS
from .tasks import Schedule, Task

_TARGET = "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"

# EventBridge Scheduler puts the time of the run in its place, in ISO 8601.
_RUN_TIME = "<aws.scheduler.scheduled-time>"

_LONGEST_NAME = 64
_LONGEST_DESCRIPTION = 512

_ANY = "*"
_NONE = "?"


def expressions(schedule: Schedule) -> tuple[str, ...]:
    """Return cron expressions of EventBridge that together mean this schedule; a second one where days of both kinds count.

    There a day and a weekday cannot be given together. On a day that fits both, both run; a FIFO queue drops the second.
    """
    days, weekdays = _days(schedule), _weekdays(schedule)
    if schedule.any_weekday:
        pairs: tuple[tuple[str, str], ...] = ((days, _NONE),)
    elif schedule.any_day:
        pairs = ((_NONE, weekdays),)
    else:
        pairs = ((days, _NONE), (_NONE, weekdays))
    minutes, hours = _values(schedule.minutes, 0, 59), _values(schedule.hours, 0, 23)
    months = _values(schedule.months, 1, 12)
    return tuple(f"cron({minutes} {hours} {day} {months} {weekday} *)" for day, weekday in pairs)


def command_line_input(
    tasks: tuple[Task, ...], prefix: str, queue_url: str, role_arn: str, is_fifo: bool
) -> list[dict[str, Any]]:
    """Return what `aws scheduler create-schedule --cli-input-json` takes, for each schedule."""
    return [
        _schedule(
            f"{prefix}{name}",
            task,
            expression,
            {"RoleArn": role_arn, "Input": _input(task, queue_url, is_fifo)},
        )
        for task in tasks
        for name, expression in _named(task, _LONGEST_NAME - len(prefix))
    ]


def cloudformation(
    tasks: tuple[Task, ...], prefix: str, is_fifo: bool, queue_url: str | None = None
) -> dict[str, Any]:
    """Return a template with the schedules and the role that they need; the queue is a parameter, queue_url its default."""
    target = {"RoleArn": {"Fn::GetAtt": ["SchedulerRole", "Arn"]}}
    resources: dict[str, Any] = {"SchedulerRole": _role()}
    for task in tasks:
        told = (
            _input(task, "${QueueUrl}", is_fifo).replace("${", "${!").replace("${!QueueUrl}", "${QueueUrl}")
        )
        for name, expression in _named(task, _LONGEST_NAME - len(prefix)):
            properties = _schedule(
                f"{prefix}{name}", task, expression, {**target, "Input": {"Fn::Sub": told}}
            )
            logical = "Schedule" + "".join(c for c in name.title() if c.isalnum()) + mark(name)
            resources[logical] = {"Type": "AWS::Scheduler::Schedule", "Properties": properties}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Periodic tasks that were in a cron.yaml of Elastic Beanstalk",
        "Parameters": {
            "QueueUrl": _parameter(queue_url),
            "QueueArn": _parameter(None if queue_url is None else arn_of(queue_url)),
        },
        "Resources": resources,
    }


def _parameter(default: str | None) -> dict[str, str]:
    return {"Type": "String"} if default is None else {"Type": "String", "Default": default}


def _schedule(name: str, task: Task, expression: str, target: dict[str, Any]) -> dict[str, Any]:
    # Names are changed where AWS does not take them, so whoever looks for a task finds it here.
    about = f"{task.name}: {task.written}"
    if len(expressions(task.schedule)) > 1:
        about += " (two schedules; a standard queue gets two messages on a day that fits both)"
    return {
        "Name": name,
        "Description": about[:_LONGEST_DESCRIPTION],
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": _TARGET, **target},
    }


def _input(task: Task, queue_url: str, is_fifo: bool) -> str:
    """Return the SendMessage request, as text."""
    told = {PATH: task.url, TASK_NAME: task.name, SCHEDULED_TIME: _RUN_TIME}
    request: dict[str, Any] = {
        "QueueUrl": queue_url,
        "MessageBody": BODY,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": text} for name, text in told.items()
        },
    }
    if is_fifo:
        once = identity(task.name)
        request |= {"MessageGroupId": once, "MessageDeduplicationId": f"{once}-{_RUN_TIME}"}
    return json.dumps(request)


def _role() -> dict[str, Any]:
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Ref": "QueueArn"}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trusted]},
            "Policies": [
                {
                    "PolicyName": "send",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]},
                }
            ],
        },
    }


def _named(task: Task, room: int) -> list[tuple[str, str]]:
    """Return a name for each of a task's expressions; one that is not the task's own has a mark, so that it stays unique."""
    named = []
    for index, expression in enumerate(expressions(task.schedule)):
        name, suffix = plain_name(task.name), "" if index == 0 else "-weekdays"
        if suffix or name != task.name or len(name) > room:
            end = f"-{mark(task.name)}{suffix}"
            name = name[: room - len(end)] + end
        named.append((name, expression))
    return named


def _days(schedule: Schedule) -> str:
    return _ANY if schedule.any_day else _values(schedule.days, 1, 31)


def _weekdays(schedule: Schedule) -> str:
    if len(schedule.weekdays) == len(WEEKDAYS):
        return _ANY
    runs = _runs(sorted(schedule.weekdays))
    return ",".join(_span(WEEKDAYS[first], WEEKDAYS[last]) for first, last in runs)


def _values(values: frozenset[int], least: int, most: int) -> str:
    """Return values as EventBridge reads them: all, steps up to the end, or a list of numbers and spans."""
    numbers = sorted(values)
    if numbers == list(range(least, most + 1)):
        return _ANY
    step = numbers[1] - numbers[0] if len(numbers) > 2 else 1
    if step > 1 and numbers == list(range(numbers[0], most + 1, step)):
        return f"{numbers[0]}/{step}"
    return ",".join(_span(str(first), str(last)) for first, last in _runs(numbers))


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of three or more neighbours; others stand alone."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return [
        span
        for first, last in runs
        for span in (
            [(first, last)] if last - first > 1 else [(each, each) for each in range(first, last + 1)]
        )
    ]


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"
