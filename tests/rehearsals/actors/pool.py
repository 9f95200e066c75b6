"""A pool of processes with threads that take and release holds at random, and write down when they did.

Times of work and of rest come by chance, but the same for all, and in each a few processes only take part: so the last
hold of the task is released again and again, by one process while others know nothing of it, and the next one comes at
any moment of what that sets off.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from supervisor.hooks.job import Job

directory, processes, threads, seconds, seed = Path(sys.argv[1]), *map(int, sys.argv[2:6])

# The longest job is longer than a wrong answer may last; the shortest is over before the supervisor has read of it.
SHORTEST_SECONDS, LONGEST_SECONDS = 0.002, 3.0


def windows() -> list[tuple[float, float, frozenset[int]]]:
    """When there is work from the start on, until when, and for which processes."""
    chance, found, at = random.Random(seed), [], 0.0
    while at < seconds:
        until = at + chance.uniform(0.2, 3.0)
        taking_part = chance.sample(range(processes), chance.choice((1, 1, 2, 5, processes)))
        found.append((at, min(until, seconds), frozenset(taking_part)))
        at = until + chance.uniform(0.2, 2.8)
    return found


def take_jobs(
    number: int, name: str, began_at: float, records: list[tuple[float, float, float, float]]
) -> None:
    chance = random.Random(f"{seed}/{number}/{name}")
    never = threading.Event()
    for at, until, taking_part in windows():
        never.wait(max(0.0, began_at + at + chance.uniform(0.0, 0.05) - time.monotonic()))
        while number in taking_part and (left := began_at + until - time.monotonic()) > 0:
            length = min(left, SHORTEST_SECONDS * (LONGEST_SECONDS / SHORTEST_SECONDS) ** chance.random())
            asked = time.monotonic()
            job = Job(f"{number}/{name}").begin()
            begun = time.monotonic()
            never.wait(length)
            ended = time.monotonic()
            job.end()
            records.append((asked, begun, ended, time.monotonic()))
            never.wait(chance.uniform(0.0, 0.1))


def work(number: int, began_at: float) -> None:
    records: list[tuple[float, float, float, float]] = []
    working = [
        threading.Thread(target=take_jobs, args=(number, f"{thread}", began_at, records))
        for thread in range(threads)
    ]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    (directory / f"{number}.json").write_text(json.dumps(records))


def main() -> None:
    began_at = time.monotonic() + 1.0
    for number in range(processes):
        if os.fork() == 0:
            work(number, began_at)
            os._exit(0)
    for _ in range(processes):
        os.wait()
    os.write(1, b"done\n")
    signal.pause()


main()
