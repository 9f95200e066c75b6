"""What the web servers have in common: a job is a request, and the queue is a load balancer."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.integrations.balancer import Balancer
from tests.integrations.configuration import APPS, NONE, Job, Setting

# For so long the balancer goes on sending to a task that has been told to stop.
DEREGISTRATION_SECONDS = 1.0


class _Service:
    """The balancer of one run, and the requests that nobody could be sent to yet."""

    def __init__(self, setting: Setting, slots: int) -> None:
        base = base_port(setting)
        self.waiting: list[Job] = []
        self._lock = threading.RLock()
        self._balancer = Balancer(
            lambda: [base + task for task in setting.tasks()],
            DEREGISTRATION_SECONDS,
            slots,
            lambda: self.send(()),
        )
        threading.Thread(target=self._look_again, daemon=True).start()

    def _look_again(self) -> None:
        """Send what waits as soon as there is a task again, also when nothing else happens."""
        while not threading.Event().wait(0.1):
            self.send(())

    def send(self, jobs: Sequence[Job]) -> None:
        with self._lock:
            self.waiting += jobs
            while self.waiting and self._balancer.send(self.waiting[0].name, self.waiting[0].seconds):
                self.waiting.pop(0)


@dataclass(frozen=True, slots=True)
class Web:
    """words: of the command, after the program's name."""

    name: str
    program: str
    words: tuple[str, ...]
    slots: int
    broker: str = NONE

    @property
    def app(self) -> Path:
        return APPS / self.program

    def command(self, setting: Setting) -> Sequence[str]:
        return (setting.program(self.program), *self.words)

    def environ(self, setting: Setting) -> Mapping[str, str]:
        return {"BASE_PORT": str(base_port(setting)), "PYTHONPATH": setting.python_path()}

    def enqueue(self, setting: Setting, jobs: Sequence[Job]) -> None:
        self._service(setting).send(jobs)

    def waiting(self, setting: Setting) -> int:
        service = self._service(setting)
        service.send(())
        return len(service.waiting)

    def left(self, setting: Setting) -> Mapping[str, str]:
        return {job.name: "queue" for job in self._service(setting).waiting}

    def _service(self, setting: Setting) -> _Service:
        """Return the balancer of this run; a run has a folder of its own."""
        if setting.folder not in _services:
            _services[setting.folder] = _Service(setting, self.slots)
        return _services[setting.folder]


_services: dict[Path, _Service] = {}


def base_port(setting: Setting) -> int:
    """Return the port below those of this run's tasks, outside the range from which the kernel gives ports away."""
    digest = hashlib.sha256(str(setting.folder).encode()).digest()
    return 10_000 + 200 * (int.from_bytes(digest[:4], "big") % 100)
