"""Which of a Celery app's settings make a drain late or lose jobs, and what to set instead. Pure.

Only what the worker's own settings do wrong is said, one line for each setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# How long kombu's Redis transport keeps a fetched message from others, where nothing else is set.
DEFAULT_VISIBILITY_SECONDS = 3600
# The longest stop timeout on Fargate: so long a job may run on after the stop has begun.
LONGEST_STOP_SECONDS = 120


def advice(conf: Any, worker: Any) -> Iterator[tuple[str, str, str]]:
    """Yield setting, why and what to set. worker: for what its command line has changed."""
    tasks = [task for name, task in worker.app.tasks.items() if not name.startswith("celery.")]
    early = sum(not task.acks_late for task in tasks)
    if early:
        yield (
            "task_acks_late",
            f"{early} of {len(tasks)} tasks are acknowledged before they run: a job that is cut off is lost",
            "task_acks_late = True, for tasks that may run twice",
        )
    if any(task.acks_late and not task.reject_on_worker_lost for task in tasks):
        yield (
            "task_reject_on_worker_lost",
            "a job whose pool child is killed (out of memory) is acknowledged, and so lost",
            "task_reject_on_worker_lost = True",
        )
    is_redis = str(worker._conninfo.transport_cls).rpartition(".")[2].startswith(("redis", "sentinel"))
    timeout = (conf.broker_transport_options or {}).get("visibility_timeout", DEFAULT_VISIBILITY_SECONDS)
    if is_redis and timeout < LONGEST_STOP_SECONDS:
        yield (
            "broker_transport_options",
            f"after its visibility_timeout of {timeout:g} s a job that still runs, or waits, is given to another worker as well",
            "a visibility_timeout longer than the longest job, its countdown and the stop timeout",
        )
    can_disable = is_redis and "worker_disable_prefetch" in conf
    if worker.prefetch_multiplier != 1 and not (can_disable and conf.worker_disable_prefetch):
        killed = f"; if it is killed, for its visibility_timeout of {timeout:g} s" if is_redis else ""
        yield (
            "worker_prefetch_multiplier",
            f"fetched jobs wait in this worker behind long ones while others are idle{killed}",
            "worker_disable_prefetch = True" if can_disable else "worker_prefetch_multiplier = 1",
        )
