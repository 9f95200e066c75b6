"""Every event that a log line can carry: its name, which is part of the interface, and what it means to a reader."""

from __future__ import annotations

LOG_EVENTS: dict[str, str] = {
    "task.running": "all workers have started",
    "task.quiet": "no new work is taken any more; `reason` says why",
    "task.resumed": "new work is taken again",
    "task.draining": "the way out has begun: `reason`, `in_flight`, the `stages` and the `seconds` they have together",
    "task.deadline": "ECS has asked for a stop during an operator's drain, so a clock runs from here",
    "task.forced": "a person has skipped the drain",
    "task.stopping": "the worker is asked to exit; `because` says what ended the drain",
    "task.killing": "the worker did not exit in its time: everything below it gets SIGKILL",
    "task.left_behind": "processes have survived SIGKILL until the last moment",
    "task.exited": "the last line: exit `status`, `because`, and how long the way out `took`",
    "worker.started": "a worker's process runs",
    "worker.exited": "a worker's process has ended, with its `status` and `signal`",
    "worker.not_started": "a worker could not be started; `why` is the kernel's word",
    "holds.abandoned": "this `work` was still in flight when its time was over",
    "hold.expired": "a hold was not refreshed within its ttl; its worker hangs, or forgot to say that it has ended",
    "hold.unprotected": "a job that waited for protection starts without it (`--protect-failure open`)",
    "hold.refused": "a job that waited for protection does not start (`--protect-failure closed`)",
    "holder.died": "a process or a connection has ended with this `work` in flight",
    "hooks.unavailable": "there is no socket, so jobs cannot say that they run",
    "orphans.unseen": "we are neither PID 1 nor a subreaper: a process that detaches itself may outlive us",
    "protection.acquired": "the task is protected, for `lease` seconds counted from the asking",
    "protection.renewed": "the lease has been extended in time",
    "protection.adopted": "an earlier process had left the task protected; it is released if nobody works",
    "protection.released": "the task is not protected any more, because nobody works",
    "protection.lapsed": "the lease has ended while somebody works: a scale-in may now stop this task",
    "protection.refused": "ECS said no: `code` and `detail` say why and what to do; repeated only when the code changes",
    "protection.not_allowed": "the task role lacks ecs:UpdateTaskProtection; asked again every five minutes",
    "protection.not_applicable": "the task belongs to no service, so there is no scale-in to be protected from",
    "protection.unknown": "a request got no usable answer; what became of it is looked up",
    "protection.budget_spent": "the task was protected for the whole `--protected-budget`, so it goes quiet",
    "protection.window": "quiet and unprotected for `seconds`, so that ECS can act",
    "settings.doubtful": "a setting is allowed but perhaps not meant",
    "thread.failed": "a helper thread has died of a defect of ours; it is reported, and the task goes on",
    "bug.illegal_move": "a machine refused a move that its table does not know: a defect of ours, the task goes on",
}


def log_events_table() -> str:
    """Return the events as a Markdown table."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in LOG_EVENTS.items()]
    return "\n".join(("| Event | Means |", "|---|---|", *rows))
