"""The clients for SQS: one that polls, one for what messages need, and one for the rest, all safe for any number of threads.

They differ in their time limits and in how often they try. A poll that is repeated by the client could take messages
twice and deliver one batch to nobody, so it is tried once; whoever polls decides what follows. botocore is used without
boto3, which adds nothing here but 45 ms of processor time and 2.5 MiB; and what is done for every message does without
the most of botocore (direct.py), unless its configuration asks for more than that, such as a proxy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from supervisor import __version__

from .direct import Direct
from .form import find_form
from .trouble import Kind, Trouble, from_error

# Takes the name of an action and what is asked of it; raises nothing.
Asks = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | Trouble]

_CONNECT_SECONDS = 5.0

# A long poll is answered at its end at the latest; this much later the answer is lost. A limit within the wait would
# give up polls that go on taking messages (Amazon SQS Developer Guide, long polling).
_POLL_MARGIN_SECONDS = 10.0

# Deleting and the like take milliseconds. What takes longer than this is better asked for again.
_ACT_SECONDS = 10.0

# The second try is for a kept connection that the other side has just closed; more is decided where the lease is known.
_ACT_ATTEMPTS = 2

_SQS = "sqs"


@dataclass(frozen=True, slots=True)
class Clients:
    """polls: for ReceiveMessage. acts: for what is done with a message. rest: botocore's client."""

    polls: Asks
    acts: Asks
    rest: Any


def make_clients(
    region: str | None, endpoint_url: str | None, wait_seconds: float, connections: int
) -> Clients | Trouble:
    """Return the clients, or why there can be none. Sends nothing.

    region, endpoint_url: None leaves it to AWS_REGION and its like. wait_seconds: the longest poll. connections: how many
    calls are under way at once; so many are kept open.
    """
    poll_seconds = wait_seconds + _POLL_MARGIN_SECONDS
    made = _make(_SQS, region, endpoint_url, _ACT_SECONDS, _ACT_ATTEMPTS, connections)
    if isinstance(made, Trouble):
        return made
    session, rest = made
    if (form := find_form(session, rest)) is not None:
        try:
            direct = partial(
                Direct,
                form,
                session.get_credentials(),
                connect_seconds=_CONNECT_SECONDS,
                connections=max(1, connections),
            )
            polls = direct(answer_seconds=poll_seconds, again=False)
            return Clients(polls, direct(answer_seconds=_ACT_SECONDS, again=True), rest)
        except OSError as error:
            detail = f"the certificates to trust cannot be read: {error} ({form.bundle})"
            return Trouble(Kind.OTHER, type(error).__name__, detail, False)
        except Exception as error:  # noqa: BLE001 - credentials come from files, programs and servers
            return from_error(error)
    slow = make_client(_SQS, region, endpoint_url, poll_seconds, 1, connections)
    return slow if isinstance(slow, Trouble) else Clients(_through(slow), _through(rest), rest)


def _through(client: Any) -> Asks:
    """Ask by botocore's own way."""

    def asks(action: str, asked: Mapping[str, Any]) -> Mapping[str, Any] | Trouble:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
        try:
            answer: Mapping[str, Any] = getattr(client, name)(**asked)
        except Exception as error:  # noqa: BLE001 - an answer can be wrong in any way
            return from_error(error)
        return answer

    return asks


def make_client(
    service: str,
    region: str | None,
    endpoint_url: str | None,
    read_seconds: float = _ACT_SECONDS,
    attempts: int = _ACT_ATTEMPTS,
    connections: int = 1,
) -> Any:
    """Return botocore's client for a service, or the Trouble in its place. Sends nothing."""
    made = _make(service, region, endpoint_url, read_seconds, attempts, connections)
    return made if isinstance(made, Trouble) else made[1]


def _make(
    service: str,
    region: str | None,
    endpoint_url: str | None,
    read_seconds: float,
    attempts: int,
    connections: int,
) -> tuple[Any, Any] | Trouble:
    try:
        from botocore.config import Config
        from botocore.session import get_session
    except ImportError as error:
        fix = "install the extra `sqs`, as in `pip install 'ecs-supervisor[sqs]'`"
        return Trouble(Kind.OTHER, "NotInstalled", f"botocore cannot be loaded ({error}); {fix}", False)
    try:
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=read_seconds,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=max(1, connections),
            user_agent_extra=f"ecs-supervisor/{__version__}",
            tcp_keepalive=True,
            # What is passed is written in few places, where the tests see it.
            parameter_validation=False,
        )
        session = get_session()
        # Of itself botocore knows AWS_DEFAULT_REGION, and ECS sets AWS_REGION.
        known = region or os.environ.get("AWS_REGION") or session.get_config_variable("region")
        if known is None:
            return Trouble(
                Kind.OTHER, "NoRegion", "no region is known: set AWS_REGION, or give --region", False
            )
        return session, session.create_client(
            service, region_name=known, endpoint_url=endpoint_url, config=config
        )
    except Exception as error:  # noqa: BLE001 - configuration files and variables of AWS can be wrong in many ways
        return from_error(error)
