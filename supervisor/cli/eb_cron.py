"""`ecs-supervisor eb-cron`: prints Elastic Beanstalk's periodic tasks as schedules of EventBridge Scheduler."""

from __future__ import annotations

import sys

from supervisor.config.eb_cron.command import convert


def main(argv: list[str]) -> int:
    """Run the command and return the exit status. argv: what follows `eb-cron`."""
    answer = convert(argv, _read_file)
    (sys.stderr if answer.problems else sys.stdout).write(answer.text)
    return answer.status


def _read_file(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
