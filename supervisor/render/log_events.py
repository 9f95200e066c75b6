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
    "worker.recognised": "what kind of worker COMMAND starts: its `profile` and `stages`, and how its hook was `attached`, or why not",
    "hook.attached": "a hook in the worker has spoken: which `framework`, its `version`, and whether it has a `gate`",
    "hook.silent": "the hook that was attached has not been heard of; it came back broken, or the worker hangs",
    "quiet.confirmed": "every hook with a gate has confirmed that nothing new will begin",
    "quiet.unconfirmed": "the hooks named in `gates` have not confirmed it in time; the stop goes on without their word",
    "worker.advice": "a `setting` of the worker's makes a drain late or loses jobs: `why`, and the `fix`",
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
    "arbiter.elected": "hook-only mode: this process speaks to ECS for all of the container from now on",
    "arbiter.retired": "hook-only mode: the arbiter's process ends in order; who still works elects another",
    "probe.watching": "a probe looks at the worker; jobs that it cannot see (`unseen`) are neither protected nor waited for",
    "probe.blind": "a probe has not been able to tell for a while: `why`, and what that counts as (`so`)",
    "probe.sees_again": "a probe that was blind can tell again",
    "probe.slow": "a look of this probe `costs` so many seconds of a core that it looks only every `interval` seconds",
    "ready_file.failed": "the file of `--ready-file` could not be made or removed: `why`, and what the health check sees (`so`)",
    "settings.doubtful": "a setting is allowed but perhaps not meant",
    "thread.failed": "a helper thread has died of a defect of ours; it is reported, and the task goes on",
    "bug.illegal_move": "a machine refused a move that its table does not know: a defect of ours, the task goes on",
}


def log_events_table() -> str:
    """Return the events as a Markdown table."""
    rows = [f"| `{name}` | {meaning} |" for name, meaning in LOG_EVENTS.items()]
    return "\n".join(("| Event | Means |", "|---|---|", *rows))
