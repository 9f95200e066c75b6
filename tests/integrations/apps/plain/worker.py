"""A program of one's own: threads that pop jobs from a Redis list, with the two lines that the supervisor's hooks need.

Nothing here looks at signals: without a supervisor a SIGTERM simply ends it, jobs and all.
"""

import os
import sys
import threading
import time

import redis
from recorder import recorded

from supervisor.hooks.job import gate, job

queue = redis.Redis.from_url(os.environ["BROKER"])


def work() -> None:
    while True:
        if not gate.wait_open(0.2):
            # Once a stop has begun that answers at once.
            time.sleep(0.05)
            continue
        popped = queue.blpop(["jobs"], timeout=1)
        if popped is None:
            continue
        name, seconds = popped[1].decode().split()
        with job(name), recorded(name):
            time.sleep(float(seconds))


for _ in range(int(sys.argv[1])):
    threading.Thread(target=work).start()
