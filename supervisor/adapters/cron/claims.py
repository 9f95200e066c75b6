"""Finds out which of many tasks sends a run: by a conditional write to a DynamoDB table, as Elastic Beanstalk does it.

A standard queue takes whatever is sent, so somebody else has to decide, and a conditional write decides without an election:
whoever writes first sends. It is claimed before and marked after the sending, and a claim runs out; a sender that dies in
between costs a repeat at worst and never the run. A FIFO queue needs none of this: it drops the second message with the
same deduplication id, so there every task sends.

The table: a partition key `task` of type text, and nothing else. Each periodic task has one item in it, its last run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from supervisor.adapters.sqs.client import make_client
from supervisor.adapters.sqs.trouble import Trouble, from_error
from supervisor.core.ticks import Run, Sending

# A claim outlasts the sending: one call to SQS, with its second try.
_CLAIM_SECONDS = 30.0

_LOST = "ConditionalCheckFailedException"

# Our own claim is one whose sending has failed.
_UNCLAIMED = "attribute_not_exists(task) OR #at < :at OR (#at = :at AND #sent = :no AND (#until < :now OR #owner = :owner))"
_CLAIMED_BY_US = "#at = :at AND #owner = :owner"

_NAMES = {"#at": "at", "#sent": "sent", "#until": "until", "#owner": "owner"}


class Claims(Protocol):
    """Whoever decides about runs."""

    def claim(self, run: Run, now: float) -> Sending | Trouble | None:
        """Return None where we are to send the run, else what is known of it."""

    def mark(self, run: Run) -> Trouble | None:
        """Say that the run was sent."""


class FreeClaims:
    """For a FIFO queue: every task sends, and the queue drops what was sent."""

    def claim(self, run: Run, now: float) -> None:  # noqa: ARG002 - the port's arguments
        return None

    def mark(self, run: Run) -> None:  # noqa: ARG002 - the port's arguments
        return None


def table_claims(table: str, region: str | None, scope: str, owner: str) -> TableClaims | Trouble:
    """Return claims in that table, or why there can be none. An emulator is named by AWS_ENDPOINT_URL_DYNAMODB."""
    client = make_client("dynamodb", region, None)
    return client if isinstance(client, Trouble) else TableClaims(client, table, scope, owner)


class TableClaims:
    """client: botocore's for DynamoDB. scope: the queue's name, so that several can share a table. owner: this task's name."""

    def __init__(self, client: Any, table: str, scope: str, owner: str) -> None:
        self._client = client
        self._table = table
        self._scope = scope
        self._owner = owner

    def claim(self, run: Run, now: float) -> Sending | Trouble | None:
        values = {
            ":at": _number(run.at),
            ":now": _number(now),
            ":until": _number(now + _CLAIM_SECONDS),
            ":owner": {"S": self._owner},
            ":no": {"BOOL": False},
        }
        change = "SET #at = :at, #sent = :no, #until = :until, #owner = :owner"
        return self._write(run, change, _UNCLAIMED, values, lambda found: _known(found, run))

    def mark(self, run: Run) -> Trouble | None:
        values = {":at": _number(run.at), ":yes": {"BOOL": True}, ":owner": {"S": self._owner}}
        # Where the claim was lost, somebody else has sent the run as well, and has marked it.
        outcome = self._write(run, "SET #sent = :yes", _CLAIMED_BY_US, values, lambda _: None)
        return outcome if isinstance(outcome, Trouble) else None

    def _write(
        self,
        run: Run,
        change: str,
        condition: str,
        values: dict[str, Any],
        lost: Callable[[dict[str, Any]], Sending | None],
    ) -> Sending | Trouble | None:
        used = change + condition
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"task": {"S": f"{self._scope}/{run.task}"}},
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeNames={key: name for key, name in _NAMES.items() if key in used},
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the run is tried again
            response = getattr(error, "response", {})
            if response.get("Error", {}).get("Code") == _LOST:
                return lost(response.get("Item", {}))
            return from_error(error)
        return None


def _known(found: dict[str, Any], run: Run) -> Sending:
    """Say what the item that is there means for a run; of one that was overtaken by the next nothing is known any more."""
    at = float(found.get("at", {}).get("N", "0"))
    is_sent = bool(found.get("sent", {}).get("BOOL", False))
    return Sending.HELD if at == run.at and not is_sent else Sending.ELSEWHERE


def _number(seconds: float) -> dict[str, str]:
    return {"N": f"{seconds:.3f}"}
