"""README's jobs that save where they are and put themselves back: each with its framework, stopped in the middle."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from tests.integrations.brokers import Broker
from tests.integrations.configuration import APPS, Setting
from tests.integrations.conftest import Run
from tests.integrations.frameworks.bullmq import MODULES
from tests.integrations.records import read_lines
from tests.process.harness import ROOT

PAGES = 40

# An example names its framework in a comment far to the right.
_SECTION = re.compile(r"^## Inside a framework\n(.*?)^## ", re.S | re.M)
_NAME = re.compile(r" {4,}(?:#|//) (\w+)")
_BLOCK = re.compile(r"^```(?:python|ruby|js)\n(.*?)^```", re.S | re.M)

_PYTHON = """\
import asyncio, os, time
from recorder import record
from supervisor.hooks.job import stopping

BROKER = os.environ["BROKER"]

def work(page):
    record("page", str(page))
    time.sleep(0.1)

"""
_RUBY = """\
require "sidekiq"

class Render
  include Sidekiq::Worker

  def work(page)
    line = {t: Process.clock_gettime(Process::CLOCK_MONOTONIC), job: page.to_s, what: "page", task: "1", pid: Process.pid}
    File.open(ENV.fetch("RECORDS"), "a") { |file| file.syswrite("#{JSON.generate(line)}\\n") }
    sleep(0.1)
  end

"""
_NODE = """\
const { Queue, Worker } = require('bullmq');
const { connection, record, sleep } = require('./record.js');

const queue = new Queue('mail', { connection });

async function work(page) {
  record('page', String(page));
  await sleep(0.1);
}

"""
_ASYNC_WORK = """\
async def work(page):
    record("page", str(page))
    await asyncio.sleep(0.1)

"""
_TASKIQ_BROKER = "from taskiq_redis import ListQueueBroker\n\nbroker = ListQueueBroker(BROKER)\n\n"
_ARQ_SETTINGS = """

from arq.connections import RedisSettings, create_pool

class WorkerSettings:
    functions = [render]
    redis_settings = RedisSettings.from_dsn(BROKER)
"""
_ADD_TO_ARQ = """
import asyncio, warnings
warnings.simplefilter("ignore")
async def add():
    pool = await tasks.create_pool(tasks.WorkerSettings.redis_settings)
    await pool.enqueue_job("render", {pages})
asyncio.run(add())
"""
_ADD_TO_TASKIQ = """
import asyncio
async def add():
    await tasks.broker.startup()
    await tasks.render.kiq({pages})
    await tasks.broker.shutdown()
asyncio.run(add())
"""


@dataclass(frozen=True, slots=True)
class Example:
    """name: in README's comment. changed: what README says to write for another framework. before, after: the rest of the app.

    command: of the worker. add: code that puts the job into the queue, in the example's language.
    """

    name: str
    command: tuple[str, ...]
    before: str
    add: str
    after: str = ""
    changed: Callable[[str], str] = str
    file: str = "tasks.py"


EXAMPLES = {
    "celery": Example(
        "Celery",
        ("celery", "-A", "tasks", "worker", "-c", "1"),
        _PYTHON + 'from celery import Celery\n\napp = Celery("tasks", broker=BROKER)\n\n',
        "tasks.render.delay({pages})",
    ),
    "rq": Example(
        "RQ",
        ("rq", "worker", "--url", "{broker}"),
        _PYTHON + "import redis, rq\n\n",
        "tasks.rq.Queue(connection=tasks.redis.Redis.from_url(tasks.BROKER)).enqueue(tasks.render, {pages})",
    ),
    "dramatiq": Example(
        "Dramatiq",
        ("dramatiq", "tasks", "-p", "1", "-t", "1"),
        _PYTHON
        + "import dramatiq\nfrom dramatiq.brokers.redis import RedisBroker\n\n"
        + "dramatiq.set_broker(RedisBroker(url=BROKER))\n\n",
        "tasks.render.send({pages})",
    ),
    "huey": Example(
        "Dramatiq",
        ("huey_consumer", "tasks.huey"),
        _PYTHON + 'from huey import RedisHuey\n\nhuey = RedisHuey("app", url=BROKER)\n\n',
        "tasks.render({pages})",
        changed=lambda text: text.replace("@dramatiq.actor", "@huey.task()").replace(
            "render.send(", "render("
        ),
    ),
    "arq": Example("arq", ("arq", "tasks.WorkerSettings"), _PYTHON + _ASYNC_WORK, _ADD_TO_ARQ, _ARQ_SETTINGS),
    "taskiq": Example(
        "arq",
        ("taskiq", "worker", "tasks:broker", "-w", "1"),
        _PYTHON + _ASYNC_WORK + _TASKIQ_BROKER,
        _ADD_TO_TASKIQ,
        changed=lambda text: (
            "@broker.task\n"
            + text.replace("(ctx, ", "(").replace('ctx["redis"].enqueue_job("render", ', "render.kiq(")
        ),
    ),
    "sidekiq": Example(
        "Sidekiq",
        ("sidekiq", "-r", "./app.rb", "-c", "1"),
        _RUBY,
        "Render.perform_async({pages})",
        "end\n",
        file="app.rb",
    ),
    "bullmq": Example(
        "BullMQ",
        ("node", "app.js"),
        _NODE,
        "queue.add('render', {{ pages: {pages} }}).then(() => process.exit())",
        file="app.js",
    ),
}


@pytest.mark.parametrize("framework", EXAMPLES)
def test_a_job_that_is_stopped_goes_on_in_the_next_worker(
    framework: str, run_worker: Run, setting: Setting, redis_server: Broker
) -> None:
    """Each page is done once, in its order: what the first worker has not done by its end, with 0, the second one does."""
    example, setting = EXAMPLES[framework], replace(setting, broker=redis_server.url)
    environ = write_app(example, setting)
    program, *words = (word.format(broker=setting.broker) for word in example.command)
    command = (setting.program(program), *words)
    enqueue(example, setting, environ)
    first = run_worker(command, environ=environ, cwd=setting.folder)
    first.until(lambda: len(pages(setting)) >= 3, "it is in the middle")
    first.send(signal.SIGTERM)
    assert first.status() == 0
    assert 3 <= len(pages(setting)) < PAGES
    second = run_worker(command, environ=environ, cwd=setting.folder)
    second.until(lambda: len(pages(setting)) == PAGES, "all pages are done")
    assert pages(setting) == [str(page) for page in range(PAGES)]
    second.until_idle()


def test_every_example_of_readme_is_run() -> None:
    """None is left out."""
    assert readme_examples().keys() == {each.name for each in EXAMPLES.values()}


def readme_examples() -> dict[str, str]:
    """Return the examples by the name that stands in their comment."""
    section = _SECTION.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert section, "README.md has no section `Inside a framework`"
    examples = "\n\n".join(_BLOCK.findall(section[1])).split("\n\n")
    return {name[1]: each + "\n" for each in examples if (name := _NAME.search(each))}


def write_app(example: Example, setting: Setting) -> dict[str, str]:
    """Write the app around the example; return its environment."""
    text = example.changed(readme_examples()[example.name])
    (setting.folder / example.file).write_text(example.before + text + example.after)
    if example.file.endswith(".js"):
        (setting.folder / "record.js").write_bytes((APPS / "bullmq" / "record.js").read_bytes())
        (setting.folder / "node_modules").symlink_to(MODULES)
    return {
        "BROKER": setting.broker,
        "REDIS_URL": setting.broker,
        "PYTHONPATH": setting.python_path(setting.folder),
    }


def enqueue(example: Example, setting: Setting, environ: dict[str, str]) -> None:
    """Put the job into the queue as the app itself would."""
    code = example.add.format(pages=PAGES)
    match example.file:
        case "app.js":
            # Loading the app would start a worker.
            command = [setting.program("node"), "-e", f"{_NODE}\n{code}"]
        case "app.rb":
            command = [setting.program("ruby"), "-r", "./app.rb", "-e", code]
        case _:
            command = [sys.executable, "-c", f"import tasks\n{code}"]
    known = {
        **os.environ,
        **environ,
        "RECORDS": str(setting.records),
        "PYTHONPATH": f"{environ['PYTHONPATH']}:{ROOT}",
    }
    subprocess.run(command, cwd=setting.folder, env=known, check=True, timeout=60)


def pages(setting: Setting) -> list[str]:
    """Return the pages that were begun, in that order."""
    return [line.job for line in read_lines(setting.records) if line.what == "page"]
