"""The sample app for arq: what a user's module of functions looks like, with records of what became of each."""

# ruff: noqa: ARG001 - arq gives every function its context
import asyncio
import os

from arq import Retry, func
from arq.connections import RedisSettings
from recorder import record, record_command, recorded


async def work(ctx, name: str, seconds: float) -> None:
    """Take so long."""
    with recorded(name, ctx["job_try"]):
        await asyncio.sleep(seconds)


async def fail(ctx, name: str, seconds: float) -> None:
    """Take so long, and fail."""
    record("start", name)
    await asyncio.sleep(seconds)
    record("failed", name)
    raise ValueError(name)


async def again(ctx, name: str, seconds: float) -> None:
    """Ask for another try, a little later."""
    with recorded(name, ctx["job_try"]):
        if ctx["job_try"] == 1:
            raise Retry(defer=seconds)


async def notice(ctx, name: str, limit: float = 60.0) -> None:
    """Go on until the task is on its way out, and write down what was heard of that."""
    from supervisor.hooks.job import seconds_left, wait_stopping_async

    with recorded(name):
        record("noticed", name, stopping=await wait_stopping_async(limit), seconds_left=seconds_left())


async def command(ctx, name: str) -> None:
    """Run a command as jobs do, one that itself imports arq's worker."""
    record_command(name, "import arq.worker as w; print(hasattr(w.Worker.run_job, '__wrapped__'))")


class WorkerSettings:
    functions = (work, fail, again, notice, command, func(work, name="limited", timeout=0.5))
    redis_settings = RedisSettings.from_dsn(os.environ.get("BROKER", "redis://127.0.0.1"))
    allow_abort_jobs = True
    keep_result = 0
    max_jobs = 2
    poll_delay = 0.1


class PatientSettings(WorkerSettings):
    """arq reads what stands in the class itself, so all of it again."""

    functions = WorkerSettings.functions
    redis_settings = WorkerSettings.redis_settings
    max_jobs = 2
    poll_delay = 0.1
    job_completion_wait = 3
