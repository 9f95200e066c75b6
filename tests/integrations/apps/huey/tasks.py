"""The sample app for Huey: what a user's module of tasks looks like, with records of what became of each."""

import os
import time

from huey import RedisHuey, SqliteHuey
from huey.signals import SIGNAL_INTERRUPTED
from recorder import record, record_command, recorded

BROKER = os.environ["BROKER"]

huey = RedisHuey("app", url=BROKER) if BROKER.startswith("redis") else SqliteHuey("app", filename=BROKER)


@huey.task()
def work(name, seconds):
    """Take so long."""
    with recorded(name):
        time.sleep(seconds)


@huey.task()
def fail(name, seconds):
    """Take so long, and fail."""
    record("start", name)
    time.sleep(seconds)
    record("failed", name)
    raise ValueError(name)


@huey.task(retries=1)
def again(name, seconds):
    """Fail the first time."""
    record("start", name)
    time.sleep(seconds)
    if not os.path.exists(f"{os.environ['RECORDS']}.{name}"):
        open(f"{os.environ['RECORDS']}.{name}", "w").close()
        raise ValueError(name)
    record("end", name)


@huey.task()
def notice(name, limit=60.0):
    """Go on until ECS stops the task, and write down what was heard of that."""
    from supervisor.hooks.job import seconds_left, wait_stopping

    with recorded(name):
        record("noticed", name, stopping=wait_stopping(limit), seconds_left=seconds_left())


@huey.task()
def command(name):
    """Run a command as tasks do, one that itself imports Huey's consumer."""
    record_command(name, "import huey.consumer as c; print(hasattr(c.Consumer.start, '__wrapped__'))")


@huey.signal(SIGNAL_INTERRUPTED)
def interrupted(_, task):
    """Write down that Huey gave a task up."""
    record("interrupted", task.args[0])
