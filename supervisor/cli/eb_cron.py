"""`ecs-supervisor eb-cron`: prints Elastic Beanstalk's periodic tasks as schedules of EventBridge Scheduler."""

from __future__ import annotations

from supervisor.config.eb_cron.command import convert

from .output import write

_STDOUT, _STDERR = 1, 2


def main(argv: list[str]) -> int:
    """Run the command and return the exit status. argv: what follows `eb-cron`."""
    answer = convert(argv, _read_file)
    unread = write(answer.text, _STDERR if answer.problems else _STDOUT)
    return answer.status or unread


def _read_file(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
