"""The sample app for taskiq: what a user's module of tasks looks like, with records of what became of each."""

import asyncio
import os
import time

from recorder import record, record_command, recorded
from taskiq import SimpleRetryMiddleware
from taskiq_redis import ListQueueBroker, RedisStreamBroker

if os.environ.get("KIND") == "stream":
    broker = RedisStreamBroker(os.environ["BROKER"], queue_name="jobs", consumer_id="0")
else:
    broker = ListQueueBroker(os.environ["BROKER"], queue_name="jobs")
broker = broker.with_middlewares(SimpleRetryMiddleware(default_retry_count=2))


@broker.task
async def work(name: str, seconds: float) -> None:
    """Take so long."""
    with recorded(name):
        await asyncio.sleep(seconds)


@broker.task
def work_in_thread(name: str, seconds: float) -> None:
    """Take so long, in the thread pool."""
    with recorded(name):
        time.sleep(seconds)


@broker.task(retry_on_error=True)
async def fail(name: str, seconds: float) -> None:
    """Take so long, and fail; it is tried once again."""
    record("start", name)
    await asyncio.sleep(seconds)
    record("failed", name)
    raise ValueError(name)


@broker.task(timeout=0.5)
async def limited(name: str, seconds: float) -> None:
    """Take longer than it may."""
    with recorded(name):
        await asyncio.sleep(seconds)


@broker.task
async def notice(name: str, limit: float = 60.0) -> None:
    """Go on until the task is on its way out, and write down what was heard of that."""
    from supervisor.hooks.job import seconds_left, wait_stopping_async

    with recorded(name):
        record("noticed", name, stopping=await wait_stopping_async(limit), seconds_left=seconds_left())


@broker.task
def command(name: str) -> None:
    """Run a command as jobs do, one that itself imports taskiq's receiver."""
    record_command(name, "import taskiq.receiver as r; print(hasattr(r.Receiver.listen, '__wrapped__'))")
