"""A worker process whose jobs begin and end all the time: so many a second, or as many as it can (0).

Without a supervisor's socket in its environment it does the same, and its hooks find nobody to tell.
"""

import os
import select
import sys
import time

from supervisor.hooks._client import client
from supervisor.hooks._whereabouts import SOCKET_VARIABLE
from supervisor.hooks.job import job

# Jobs come in small groups: the shortest sleep is about as long as the pause between two.
GROUP = 10

rate = int(sys.argv[1])
here = client()
if SOCKET_VARIABLE in os.environ:
    assert here.waiting.wait(here.spoken, 30.0), "no supervisor has answered"
sys.stdout.write("ready\n")
sys.stdout.flush()
due = time.monotonic()
while True:
    for _ in range(GROUP):
        with job("load"):
            pass
    if rate:
        due += GROUP / rate
        select.select((), (), (), max(0.0, due - time.monotonic()))
