"""A process with hooks and no supervisor, which does what it is told on standard input and answers with lines of JSON.

    begin mail      begins a job                        end mail     ends it
    look            says what it knows of protection, of its gate, and whether it is the arbiter
    fork            forks a child that lives on and uses no hook
    forkjob mail    forks a child that begins a job and lives on
    child           becomes a child of itself, in a prefork way: the parent waits for it
    spawn           starts another program that lives on
    process mail    runs a job in a multiprocessing.Process, to its end
    reexec          becomes another program, with the same number
    threads         says which threads there are, and whether each blocks SIGTERM
    exit            ends in order                       gone         ends at once

Arguments: seconds instead of arbiter.RECONNECT_SECONDS, or `-` for what it is; code to execute first.
"""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

if len(sys.argv) > 2:
    exec(sys.argv[2])
if len(sys.argv) > 1 and sys.argv[1] != "-":
    import supervisor.arbiter

    supervisor.arbiter.RECONNECT_SECONDS = float(sys.argv[1])

from supervisor.hooks import _election
from supervisor.hooks._client import client
from supervisor.hooks.job import Job, gate, stopping

open_jobs: dict[str, Job] = {}


def say(**facts: object) -> None:
    os.write(1, json.dumps({"pid": os.getpid(), **facts}).encode() + b"\n")


def begin(about: str) -> None:
    open_jobs[about] = Job(about).begin()
    say(begun=about, why=open_jobs[about].why, protected=open_jobs[about].protected)


def look() -> None:
    state = client().look()
    is_arbiter = _election._candidate.is_arbiter
    say(
        protected=state.protected,
        phase=state.phase,
        open=gate.open(),
        arbiter=is_arbiter,
        stopping=stopping(),
    )


def fork(about: str = "") -> None:
    if os.fork() == 0:
        if about:
            begin(about)
        while True:
            signal.pause()


def child() -> None:
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        os._exit(0)
    say(child=True)


def run_job(about: str) -> None:
    with Job(about):
        while not client().look().protected:
            client().waiting.wait(lambda: client().look().protected, 1)


def process(about: str) -> None:
    running = multiprocessing.get_context("fork").Process(target=run_job, args=(about,))
    running.start()
    running.join()
    say(ended=about)


def threads() -> None:
    bit = 1 << signal.SIGTERM - 1
    texts = [file.read_text() for file in Path("/proc/self/task").glob("*/status")]
    masks = [int(text.partition("SigBlk:")[2].split()[0], 16) for text in texts]
    handled = {number: str(signal.getsignal(number)) for number in signal.valid_signals()}
    say(blocking=sum(bool(mask & bit) for mask in masks), threads=len(masks), handlers=handled)


def reexec() -> None:
    os.execv(sys.executable, [sys.executable, "-c", "import signal; print('{}', flush=True); signal.pause()"])


say(ready=True)
for line in sys.stdin:
    match line.split():
        case ["begin", about]:
            begin(about)
        case ["end", about]:
            open_jobs.pop(about).end()
            say(ended=about)
        case ["look"]:
            look()
        case ["fork"]:
            fork()
            say(forked=True)
        case ["forkjob", about]:
            fork(about)
        case ["child"]:
            child()
        case ["spawn"]:
            subprocess.Popen(["sleep", "1000"])
            say(spawned=True)
        case ["process", about]:
            process(about)
        case ["threads"]:
            threads()
        case ["reexec"]:
            reexec()
        case ["gone"]:
            os._exit(0)
        case ["exit"]:
            sys.exit(0)
