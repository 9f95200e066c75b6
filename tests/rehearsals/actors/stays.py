"""A worker in a job that never ends, and which does not hear its stop signal."""

import signal

from supervisor.hooks.job import job

signal.signal(signal.SIGTERM, signal.SIG_IGN)
with job("endless"):
    while True:
        signal.pause()
