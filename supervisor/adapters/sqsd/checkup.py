"""Looks at queues as `sqsd` does at its start, for somebody who asks: takes no message, and leaves every one as it is."""

from __future__ import annotations

from collections.abc import Iterator

from supervisor.adapters.sqs.trouble import Kind, Trouble
from supervisor.config.sqsd.settings import SqsdSettings
from supervisor.config.sqsd.start_checks import start_checks
from supervisor.core.problem import Problem
from supervisor.render.findings import Finding, doubtful, well, wrong

from .look import UNSEEN, missing_rights, right_missing
from .service import Service

_ABOUT = "queue"

_TRIED = (
    "sqs:DeleteMessage and sqs:ChangeMessageVisibility are not refused;"
    " sqs:ReceiveMessage was not tried, as it would take a message"
)

_FIXES = {
    Kind.NO_SUCH_QUEUE: "compare the URL, its account and its region with the queue's",
    Kind.CREDENTIALS: "give the task a task role (taskRoleArn), and look in the task itself",
    Kind.UNREACHABLE: "see to the way to SQS: route, security group, VPC endpoint",
    Kind.THROTTLED: "look again later",
}


def check_up(settings: SqsdSettings) -> Iterator[Finding]:
    """Look at each of the queues."""
    service = Service(settings.queues, settings.region, settings.endpoint_url, settings.wait, connections=1)
    for spec in settings.queues:
        yield from _of_queue(settings, spec.name, service)


def _of_queue(settings: SqsdSettings, name: str, service: Service) -> Iterator[Finding]:
    queue = service.queue(name)
    if isinstance(queue, Trouble):
        yield _unusable(name, queue)
        return
    told = queue.attributes()
    if isinstance(told, Trouble) and told.kind is not Kind.DENIED:
        yield _unusable(name, told)
        return
    missing = tuple(missing_rights(queue))
    yield from (wrong(_ABOUT, problem) for problem in missing)
    if isinstance(told, Trouble):
        yield doubtful(_ABOUT, right_missing("sqs:GetQueueAttributes", name, told, UNSEEN))
    else:
        doubts = start_checks(settings, name, told)
        yield from (doubtful(_ABOUT, problem) for problem in doubts)
        if not doubts:
            yield well(_ABOUT, f"{name} is there, with dead letters after enough receives")
    if not missing:
        yield well(_ABOUT, f"{name}: {_TRIED}")


def _unusable(name: str, trouble: Trouble) -> Finding:
    what = f"the queue {name} cannot be looked at ({trouble.detail})"
    problem = Problem(
        what, "no message could be taken from it", _FIXES.get(trouble.kind, "see the reason in brackets")
    )
    return doubtful(_ABOUT, problem) if trouble.kind is Kind.THROTTLED else wrong(_ABOUT, problem)
