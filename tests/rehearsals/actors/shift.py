"""A prefork server whose processes take jobs at random in threads; whoever is killed is replaced, as gunicorn would.

The master uses no hook, so that one of the children is the arbiter. Every begin and end of a job is written down at once, because a
process that is killed cannot do it later. Clients come back sooner here than in earnest, and an arbiter waits for them
accordingly.
"""

import json
import os
import random
import signal
import sys
import threading
import time

# Before any process is forked, as a master would that loads the app: what is imported is not used in it.
import supervisor.arbiter
from supervisor.hooks import _connection
from supervisor.hooks.job import Job

file, processes, threads, seconds, seed = sys.argv[1], *map(int, sys.argv[2:6])

_connection.LAST_RETRY_SECONDS = 0.4
supervisor.arbiter.RECONNECT_SECONDS = 1.2

SHORTEST_SECONDS, LONGEST_SECONDS = 0.002, 7.0
CYCLE_SECONDS, REST_SECONDS = 10.0, 3.0

records = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def note(name: str, what: str) -> None:
    os.write(records, json.dumps([time.monotonic(), os.getpid(), name, what]).encode() + b"\n")


def take_jobs(name: str, ends_at: float, chance: random.Random) -> None:
    never = threading.Event()
    number = 0
    while (now := time.monotonic()) < ends_at:
        # The same for all, so that there are times in which nobody works.
        into = now % CYCLE_SECONDS
        if into < REST_SECONDS:
            never.wait(0.05)
            continue
        number += 1
        wanted = SHORTEST_SECONDS * (LONGEST_SECONDS / SHORTEST_SECONDS) ** chance.random()
        job = Job(f"{name}/{number}").begin()
        note(f"{name}/{number}", "start")
        never.wait(min(wanted, ends_at - now, CYCLE_SECONDS - into))
        note(f"{name}/{number}", "end")
        job.end()
        never.wait(chance.uniform(0.0, 0.3))


def work(number: int, ends_at: float) -> None:
    working = [
        threading.Thread(
            target=take_jobs, args=(f"{thread}", ends_at, random.Random(f"{seed}/{number}/{thread}"))
        )
        for thread in range(threads)
    ]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    signal.pause()


def main() -> None:
    ends_at = time.monotonic() + seconds
    alive: set[int] = set()
    number = 0
    while time.monotonic() < ends_at:
        while len(alive) < processes:
            number += 1
            pid = os.fork()
            if pid == 0:
                work(number, ends_at)
            alive.add(pid)
        pid, _ = os.waitpid(-1, os.WNOHANG)
        alive.discard(pid)
        threading.Event().wait(0.05)
    os.write(1, b"done\n")
    signal.pause()


main()
