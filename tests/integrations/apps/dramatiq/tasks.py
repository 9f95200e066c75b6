"""The sample app for Dramatiq: what a user's module of actors looks like, with records of what became of each."""

import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from recorder import record, record_command, recorded

if os.environ["BROKER"].startswith("amqp"):
    from dramatiq.brokers.rabbitmq import RabbitmqBroker

    broker: dramatiq.Broker = RabbitmqBroker(url=os.environ["BROKER"])
else:
    broker = RedisBroker(url=os.environ["BROKER"])
dramatiq.set_broker(broker)

QUEUE = os.environ["QUEUE"]


@dramatiq.actor(queue_name=QUEUE)
def work(name: str, seconds: float) -> None:
    """Take so long."""
    with recorded(name):
        time.sleep(seconds)


@dramatiq.actor(queue_name=QUEUE, max_retries=1, min_backoff=1500, max_backoff=1500)
def fail(name: str, seconds: float) -> None:
    """Take so long, and fail; it is tried once again, a little later."""
    record("start", name)
    time.sleep(seconds)
    record("failed", name)
    raise ValueError(name)


@dramatiq.actor(queue_name=QUEUE, time_limit=500, max_retries=0)
def limited(name: str, seconds: float) -> None:
    """Take longer than it may."""
    with recorded(name):
        end = time.monotonic() + seconds
        # The limit is thrown between two instructions, so not into one long sleep.
        while time.monotonic() < end:
            time.sleep(0.02)


@dramatiq.actor(queue_name=QUEUE)
def notice(name: str, limit: float = 60.0) -> None:
    """Go on until the task is on its way out, and write down what was heard of that."""
    from supervisor.hooks.job import seconds_left, wait_stopping

    with recorded(name):
        record("noticed", name, stopping=wait_stopping(limit), seconds_left=seconds_left())


@dramatiq.actor(queue_name=QUEUE)
def command(name: str) -> None:
    """Run a command as jobs do, one that itself imports Dramatiq's worker."""
    record_command(name, "import dramatiq.worker as w; print(hasattr(w.Worker.start, '__wrapped__'))")
