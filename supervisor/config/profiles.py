"""What quiet and stop mean to the kinds of worker we know.

Measured on the versions that the table names. Two things hold for all of them: the main process alone is signalled,
because a signal to the group also ends the pool processes that do the jobs (Celery, Dramatiq, Huey), and each signal is
sent once, because a second one means "drop everything" (Dramatiq, RQ, Huey).

With a hook the order is always the same: quiet through the hook, its word that nothing new will begin, nothing in
flight any more, then one stop signal. Without one nothing is known to be in flight, so the stop signal comes at once, and
the framework's own shutdown has all the time there is.
"""

from __future__ import annotations

from supervisor.core.frozen import Frozen
from supervisor.core.sequence import Stage, default_stages, format_stages, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    SignalTarget = Literal["main", "group"]


class Profile(Frozen):
    """`shape` is the default stop sequence, with shares of the time there is in place of seconds.

    quiet_signal, resume_signal: None where only the hooks can be told. resumable: quiet can be taken back.
    stop_drains: at its stop signal the worker takes no new work and finishes what it has.
    The rest is for people: how the hook keeps the gate, what it counts as busy, what becomes of jobs that were fetched and
    not begun, which settings to change, and what it was tested with.
    """

    name: str
    what: str
    shape: str
    quiet_signal: str | None
    resume_signal: str | None
    resumable: bool
    stop_drains: bool
    stop_signal: str
    signal_target: SignalTarget
    gate: str
    busy: str
    hand_back: str
    settings: str
    tested: str

    def stages(self, stop_timeout: float, exit_margin: float) -> tuple[Stage, ...]:
        """Return the default stop sequence, cut to a stop timeout and an exit margin in seconds."""
        shape, _ = parse(self.shape)
        return default_stages(shape, stop_timeout, exit_margin)


def _profile(
    name: str,
    what: str,
    *,
    shape: str = "QUIET 70 TERM 30 KILL",
    quiet_signal: str | None = None,
    resumable: bool = True,
    stop_drains: bool = True,
    stop_signal: str = "TERM",
    gate: str = "none",
    busy: str = "",
    hand_back: str = "",
    settings: str = "",
    tested: str = "",
) -> Profile:
    return Profile(
        name=name,
        what=what,
        shape=shape,
        quiet_signal=quiet_signal,
        resume_signal=None,
        resumable=resumable,
        stop_drains=stop_drains,
        stop_signal=stop_signal,
        signal_target="main",
        gate=gate,
        busy=busy,
        hand_back=hand_back,
        settings=settings,
        tested=tested,
    )


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        _profile(
            "plain",
            "any program: quiet by hooks, then TERM, which may end it at once",
            stop_drains=False,
            gate="`gate` in the program's loop",
            busy="`job` in the program",
            hand_back="the program's own",
        ),
        _profile(
            "celery",
            "TERM is Celery's warm shutdown: it finishes its jobs and gives the rest back",
            gate="consumers cancelled, and what was fetched given back; two-way",
            busy="the main process's active requests",
            hand_back="prefetched and ETA messages when the gate shuts",
            settings="`task_acks_late` with `task_reject_on_worker_lost` (a killed job comes back), `worker_disable_prefetch`",
            tested="5.3, 5.7",
        ),
        _profile(
            "rq",
            "TERM lets RQ finish the job it is doing; a second one would kill that job",
            gate="before the pop; two-way",
            busy="`execute_job` in the worker, and its work-horse",
            hand_back="a job popped too late, to the front of its queue",
            settings="`Retry` for jobs: RQ fails a killed one and does not run it again",
            tested="1.16, 2.0, 3.0",
        ),
        _profile(
            "dramatiq",
            "TERM lets Dramatiq finish its jobs; a second one would kill them",
            gate="before the fetch (RabbitMQ: at the start only) and before each worker thread; two-way",
            busy="`process_message` in the worker threads",
            hand_back="prefetched messages: Redis when the gate shuts, RabbitMQ at the exit",
            settings="`dramatiq_queue_prefetch` small, `maintenance_chance` higher: a killed message comes back late",
            tested="1.17, 2.2",
        ),
        _profile(
            "huey",
            "INT lets Huey finish its jobs; TERM would interrupt and lose them",
            shape="QUIET 70 INT 30 KILL",
            stop_signal="INT",
            gate="before the dequeue; two-way",
            busy="`execute`, in the thread or process that does it",
            hand_back="a task dequeued too late, to the front (Redis)",
            settings="none helps: Huey forgets a task when it gives it out",
            tested="2.5, 3.0, 3.5",
        ),
        _profile(
            "arq",
            "TERM makes arq wait for its jobs, for `job_completion_wait`, which is set where you have not",
            gate="`allow_pick_jobs`; two-way",
            busy="`run_job`",
            hand_back="a picked job's mark is taken away, and it loses no try",
            settings="none; a killed job comes back after its `job_timeout`",
            tested="0.25, 0.28",
        ),
        _profile(
            "taskiq",
            "TERM lets taskiq finish its jobs, but by itself it goes on fetching for up to a second",
            gate="ours, before the broker's `listen` and before each task; two-way",
            busy="`run_task` to the saved result",
            hand_back="sent again and acknowledged: end of the queue, front of a Redis list",
            settings="a stream in place of a list, which loses a killed job; `idle_timeout`; no `consumer_name` of your own",
            tested="0.12, 0.13",
        ),
        _profile(
            "sidekiq",
            "the hook keeps Sidekiq from fetching; TERM then ends it and pushes back what is left",
            gate="before the fetch; two-way",
            busy="the processor, from the pop to its end",
            hand_back="a job popped too late, to the front of its queue",
            settings="`:timeout:` below the stop timeout (set where you have none); plain fetch loses a killed job",
            tested="6.4",
        ),
        _profile(
            "bullmq",
            "TERM closes BullMQ's workers by our hook; without it Node dies at once",
            gate="workers paused, and a look before each job; two-way",
            busy="`processJob`, until the result is in Redis",
            hand_back="a job fetched too late, and what outlives the stop, to the front of its queue",
            settings="`lockDuration` and `stalledInterval`: after them a killed job comes back",
            tested="6.0, 6.7",
        ),
        _profile(
            "gunicorn",
            "serves on while the load balancer lets go of it; TERM then lets it finish its requests in its graceful timeout",
            shape="WAIT 20 TERM 80 KILL",
            gate="`--ready-file`, which goes first",
            busy="`--probe sockets=PORT`",
            hand_back="nothing is fetched",
            settings="`graceful_timeout` in a config file: below the time from TERM to KILL",
            tested="20.1, 27.0",
        ),
        _profile(
            "uvicorn",
            "serves on while the load balancer lets go of it; TERM then lets it finish its requests in its graceful timeout",
            shape="WAIT 20 TERM 80 KILL",
            gate="`--ready-file`, which goes first",
            busy="`--probe sockets=PORT`",
            hand_back="nothing is fetched",
            settings="alone it ends in order with 143, its own word for TERM; `--remap-exit 143=0` if that alarms somebody",
            tested="0.29, 0.54",
        ),
        _profile(
            "puma",
            "serves on while the load balancer lets go of it; TERM then lets it finish its requests",
            shape="WAIT 20 TERM 80 KILL",
            gate="`--ready-file`, which goes first",
            busy="`--probe sockets=PORT`",
            hand_back="nothing is fetched",
            settings="`force_shutdown_after`, and with workers `worker_shutdown_timeout`, below the time from TERM to KILL; it ends"
            " in order with 143: `raise_exception_on_sigterm false` makes that 0",
            tested="5.6",
        ),
    )
}


# What takes the place of a profile whose worker is not attached to.
WITHOUT_HOOK: dict[str, Profile] = {
    "sidekiq": _profile(
        "sidekiq",
        "TSTP makes Sidekiq quiet, for good; TERM then ends it and pushes back what is left",
        shape="TSTP 70 TERM 30 KILL",
        quiet_signal="TSTP",
        # Sidekiq has no signal that takes TSTP back.
        resumable=False,
    ),
}


def profiles_table() -> str:
    """Return the profiles as a Markdown table, with their sequences for a stop timeout of 30 s."""
    head = "| Profile | Sequence for 30 s | Why | Gate | Busy is | Hand-back | Settings to look at | Tested with |"
    rows = [
        f"| `{each.name}` | `{format_stages(each.stages(30, 2))}` | "
        f"{' | '.join((each.what, each.gate, each.busy, each.hand_back, each.settings, each.tested))} |"
        for each in PROFILES.values()
    ]
    return "\n".join((head, "|---|---|---|---|---|---|---|---|", *rows))
