"""The sample app for Celery: what a user's module of tasks looks like, with records of what became of each."""

import os
import subprocess
import sys
import time

from celery import Celery
from recorder import record, recorded, said_by_python

app = Celery("tasks", broker=os.environ["BROKER"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_default_queue=os.environ["QUEUE"],
    task_ignore_result=True,
    # What a test sets: {"task_acks_late": True}
    **eval(os.environ.get("SETTINGS", "{}")),
)


@app.task
def work(name, seconds):
    """Take so long."""
    with recorded(name):
        time.sleep(seconds)


@app.task
def fail(name, seconds):
    """Take so long, and fail."""
    record("start", name)
    time.sleep(seconds)
    record("failed", name)
    raise ValueError(name)


@app.task(bind=True, max_retries=1)
def again(self, name, seconds):
    """Fail the first time, and be tried again a while later."""
    record("start", name, self.request.retries + 1)
    if self.request.retries == 0:
        raise self.retry(countdown=seconds)
    record("end", name, self.request.retries + 1)


@app.task
def notice(name, limit=60.0):
    """Go on until the task is on its way out, and write down what was heard of that."""
    from supervisor.hooks.job import seconds_left, wait_stopping

    with recorded(name):
        record("noticed", name, stopping=wait_stopping(limit), seconds_left=seconds_left())


@app.task
def command(name):
    """Run commands as tasks do: one that imports Celery's worker, and Celery's own."""
    inner = "import sys, celery.worker.worker; print('supervisor.hooks.celery' in sys.modules)"
    with recorded(name):
        said = said_by_python(inner)
        own = [sys.executable, "-m", "celery", "-A", "tasks", "report"]
        report = subprocess.run(own, capture_output=True, text=True, check=False)
        record("command", name, said=said, status=report.returncode, errors=report.stderr)
