"""A stream of short and long jobs, drawn from a seed, that never runs far ahead of the workers."""

from __future__ import annotations

import random
import threading

from tests.integrations.configuration import Configuration, Job, Setting

SHORT_SECONDS = (0.0, 0.05)
LONG_SECONDS = (1.0, 3.0)

# Between two helpings of jobs; the last of these lets the tasks run dry.
_PAUSES = (*[0.1] * 7, *[0.3] * 4, 2.0)

# For one helping to get into the queue.
_END_SECONDS = 60.0


class Stream:
    """Puts jobs into the queue for as long as it is wanted, and never many more than can be run soon."""

    def __init__(
        self, configuration: Configuration, setting: Setting, tasks: int, chance: random.Random
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self._configuration = configuration
        self._setting = setting
        self._most = 3 * tasks * configuration.slots
        self._long = getattr(configuration, "long_seconds", LONG_SECONDS)
        self._chance = chance
        self._count = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.error: BaseException | None = None

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self._stopped.set()
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._chance.choice(_PAUSES)):
                room = self._most - self._configuration.waiting(self._setting)
                jobs = [self._drawn() for _ in range(min(room, self._chance.randint(1, self._most)))]
                if jobs:
                    # Before they are enqueued: one that starts at once is known already.
                    self.jobs |= {job.name: job for job in jobs}
                    self._configuration.enqueue(self._setting, jobs)
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits for us
            self.error = error

    def _drawn(self) -> Job:
        seconds = self._chance.uniform(*(self._long if self._chance.random() < 0.2 else SHORT_SECONDS))
        self._count += 1
        return Job(f"job-{self._count:05}", round(seconds, 3))
