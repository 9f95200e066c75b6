"""What `sqsd` was told, as a value: whoever holds a SqsdSettings need not ask whether it makes sense."""

from __future__ import annotations

from supervisor.config.eb_cron.tasks import Task
from supervisor.config.settings import RunSettings
from supervisor.core.frozen import Frozen

from .queues import QueueSpec


class AppSettings(Frozen):
    """How the application is talked to. All times in seconds.

    address: a number or a name. host, user_agent, mime_type, forwarded_proto: texts of headers; the last may be None.
    health_path: None looks at the port alone. health_every: None looks only while it is not ready.
    takes_periodic: messages may choose their path. success: statuses.
    """

    address: str
    port: int
    path: str
    mime_type: str
    user_agent: str
    host: str
    forwarded_proto: str | None
    takes_periodic: bool
    connect_timeout: float
    inactivity_timeout: float
    health_path: str | None
    health_every: float | None
    success: frozenset[int]


class SqsdSettings(Frozen):
    """All times in seconds. Everything has been checked, also against the rest.

    run: what it has in common with `run`; its stages begin with the time for deliveries. wraps: there is a web command.
    region, endpoint_url: None leaves it to botocore. stop_budget: from the stop request until all deliveries have to be over.
    inactive_visibility, retention, max_retries, cron_table: None where not given. cron: periodic tasks to send to the first queue.
    """

    run: RunSettings
    wraps: bool
    queues: tuple[QueueSpec, ...]
    is_strict: bool
    region: str | None
    endpoint_url: str | None
    app: AppSettings
    connections: int
    visibility_timeout: int
    keeps_leases: bool
    error_visibility: int
    inactive_visibility: int | None
    retention: int | None
    max_retries: int | None
    wait: int
    stop_budget: float
    cron: tuple[Task, ...]
    cron_table: str | None
