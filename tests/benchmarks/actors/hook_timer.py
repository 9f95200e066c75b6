"""A worker that measures what one job costs it: microseconds for its begin and end together, as JSON."""

import json
import os
import statistics
import sys
import time

from supervisor.hooks._client import client
from supervisor.hooks._whereabouts import SOCKET_VARIABLE
from supervisor.hooks.job import job

# A job of so many microseconds lies between two measurements, so that neither process is only waiting for the other.
JOB_MICROSECONDS = 50

here = client()
if SOCKET_VARIABLE in os.environ:
    assert here.waiting.wait(here.spoken, 30.0), "no supervisor has answered"
clock = time.perf_counter_ns
taken = []
for _ in range(int(sys.argv[1])):
    began = clock()
    with job("benchmark"):
        entered = clock()
        while clock() - entered < JOB_MICROSECONDS * 1000:
            pass
        left = clock()
    taken.append((entered - began + clock() - left) / 1000)
p99 = statistics.quantiles(taken, n=100)[-1]
json.dump({"median": statistics.median(taken), "p99": p99, "n": len(taken)}, sys.stdout)
