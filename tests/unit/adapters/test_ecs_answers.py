"""What an answer of the agent means, beyond the recorded shapes: dates, contradictions, nonsense."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.adapters.ecs_answers import CLOCK_SLACK_SECONDS, Order, read_answer
from supervisor.core.effects import LookAtProtection, Protect, Unprotect
from supervisor.core.events import (
    ProtectionAnswer,
    ProtectionCleared,
    ProtectionGranted,
    ProtectionRefused,
    ProtectionSeen,
    ProtectionUnknown,
    Refusal,
)
from supervisor.core.names import Attempt

ASKED_WALL = datetime(2026, 11, 22, 17, 0, 0, tzinfo=UTC).timestamp()
NOW_WALL = ASKED_WALL + 1.0

N = Attempt(7)
PROTECT = Protect(N, minutes=60)
UNPROTECT = Unprotect(N)
LOOK = LookAtProtection(N)


def read(order: Order, envelope: object, status: int = 200) -> ProtectionAnswer:
    body = json.dumps(envelope).encode()
    return read_answer(status, "application/json", body, order, ASKED_WALL, NOW_WALL)


def protection(enabled: object, date: object) -> dict[str, object]:
    return {"protection": {"ExpirationDate": date, "ProtectionEnabled": enabled, "TaskArn": "T"}}


@pytest.mark.parametrize(
    ("date", "lease"),
    [
        ("2026-11-22T18:00:00Z", 3600.0),
        ("2026-11-22T18:00:00.947Z", 3600.0),
        ("2026-11-22T18:00:00.13Z", 3600.0),
        ("2026-11-22T18:00:00.123456789Z", 3600.0),
        ("2026-11-22T19:00:00+01:00", 3600.0),
        ("2026-11-22T17:59:59Z", 3600.0),
        ("2026-11-22T17:59:58Z", 3600.0),
        ("2026-11-22T17:59:57Z", 3597.0),
        ("2026-11-22T17:15:00.5Z", 900.5),
        ("2026-11-22T19:00:00Z", 3600.0),
        ("2026-11-22T17:00:00Z", 3600.0),
        ("2025-01-01T00:00:00Z", 3600.0),
        ("2026-11-22T17:15:00", 3600.0),
        ("2026-11-22", 3600.0),
        ("soon", 3600.0),
        ("", 3600.0),
        (None, 3600.0),
        (1795370400, 3600.0),
        ("9999-12-31T23:59:59-23:59", 3600.0),
        ("0001-01-01T00:00:00+23:59", 3600.0),
    ],
)
def test_a_lease_is_what_was_asked_unless_the_date_is_clearly_sooner(date: object, lease: float) -> None:
    """The lease is the shorter of asked and reported; a date that cannot be right does not count."""
    assert read(PROTECT, protection(True, date)) == ProtectionGranted(N, lease)


def test_the_lease_counts_from_the_asking() -> None:
    """A slow answer does not lengthen the lease: the reported end is measured from when we asked."""
    body = json.dumps(protection(True, "2026-11-22T17:30:00Z")).encode()
    answer = read_answer(200, "application/json", body, PROTECT, ASKED_WALL, ASKED_WALL + 600)
    assert answer == ProtectionGranted(N, 1800.0)


@pytest.mark.parametrize(
    ("enabled", "date", "left"),
    [
        (False, None, None),
        (False, "2026-11-22T18:00:01Z", None),
        (True, "2026-11-22T18:00:01Z", 3600.0),
        (True, "2026-11-22T17:00:00Z", 0.0),
        (True, None, 0.0),
        (True, "soon", 0.0),
    ],
)
def test_a_look_tells_what_is_left(enabled: bool, date: str | None, left: float | None) -> None:
    """Off is None; on is the time until the date, and nothing to rely on where there is no usable date."""
    assert read(LOOK, protection(enabled, date)) == ProtectionSeen(N, left)


@pytest.mark.parametrize(
    ("order", "enabled"),
    [
        (PROTECT, False),
        (UNPROTECT, True),
        (PROTECT, "true"),
        (PROTECT, 1),
        (UNPROTECT, 0),
        (UNPROTECT, None),
        (LOOK, "true"),
        (LOOK, None),
    ],
)
def test_a_state_other_than_the_one_asked_for_is_unknown(order: Order, enabled: object) -> None:
    """Only the very boolean that was asked for confirms an order."""
    answer = read(order, protection(enabled, "2026-11-22T18:00:00Z"))
    assert isinstance(answer, ProtectionUnknown)
    assert answer.attempt == N


def test_clearing_needs_no_date() -> None:
    """Protection that is off is confirmed whatever the date says."""
    assert read(UNPROTECT, protection(False, None)) == ProtectionCleared(N)


@pytest.mark.parametrize("order", [PROTECT, UNPROTECT, LOOK])
@pytest.mark.parametrize(
    "envelope",
    [
        {},
        [],
        None,
        "protection",
        {"Protection": {"ProtectionEnabled": True}},
        {"protection": None},
        {"protection": True},
        {"protection": []},
        {"failure": None},
        {"failure": "DEPLOYMENT_BLOCKED"},
        {"error": {"Code": "AccessDeniedException", "Message": "no"}, "requestID": "r"},
        {**protection(True, None), "failure": {"Reason": "DEPLOYMENT_BLOCKED"}},
        {**protection(True, None), "error": {"Code": "ServerException"}},
    ],
)
def test_a_success_that_is_none_is_unknown(order: Order, envelope: object) -> None:
    """With status 200, anything but one protection or one failure leaves the outcome open."""
    assert isinstance(read(order, envelope), ProtectionUnknown)


def test_a_failure_without_a_reason_is_still_a_refusal() -> None:
    """The presence of a failure refuses; without a word why, another try may go better."""
    answer = read(PROTECT, {"failure": {"Arn": "T"}})
    assert isinstance(answer, ProtectionRefused)
    assert (answer.kind, answer.code) == (Refusal.TRY_AGAIN, "NoReason")


@pytest.mark.parametrize("status", [400, 403])
def test_denied_means_iam_only_where_ecs_said_it(status: int) -> None:
    """The same code with a requestID is a missing permission, without one it is the agent's memory."""
    error = {"Code": "AccessDeniedException", "Message": "no"}
    by_ecs = read(PROTECT, {"requestID": "r", "error": error}, status)
    by_agent = read(PROTECT, {"error": error}, status)
    assert isinstance(by_ecs, ProtectionRefused)
    assert isinstance(by_agent, ProtectionRefused)
    assert (by_ecs.kind, by_agent.kind) == (Refusal.NOT_ALLOWED, Refusal.TRY_AGAIN)
    assert "executionRoleArn" in by_ecs.detail
    assert "restarted" in by_agent.detail


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_server_error_leaves_the_outcome_open(status: int) -> None:
    """The change may have been made before whatever broke did, whichever code and body come with it."""
    for envelope in (
        {},
        {"error": {"Code": "AccessDeniedException"}, "requestID": "r"},
        protection(True, None),
    ):
        assert isinstance(read(PROTECT, envelope, status), ProtectionUnknown)


def test_a_call_that_the_agent_gave_up_is_open_whatever_the_status() -> None:
    """RequestCanceled is about the agent's patience: ECS may still carry the call out."""
    answer = read(PROTECT, {"error": {"Code": "RequestCanceled", "Message": "Timed out"}}, 400)
    assert isinstance(answer, ProtectionUnknown)


@pytest.mark.parametrize("status", [101, 201, 202, 204, 299])
def test_another_kind_of_success_is_unknown(status: int) -> None:
    """The agent answers 200 or an error; whatever speaks here is not understood."""
    assert isinstance(read(PROTECT, protection(True, None), status), ProtectionUnknown)


@pytest.mark.parametrize("status", [300, 301, 308, 400, 401, 404, 405, 418, 429, 499])
def test_a_status_without_the_agents_body_is_refused_by_number(status: int) -> None:
    """Where nobody gives a code, the status is the code, and there is a sentence for people."""
    answer = read_answer(status, "text/plain", b"no", PROTECT, ASKED_WALL, NOW_WALL)
    assert isinstance(answer, ProtectionRefused)
    assert (answer.kind, answer.code) == (Refusal.TRY_AGAIN, f"Http{status}")
    assert len(answer.detail) > 20


def test_the_agents_404_and_that_of_ecs_are_explained_differently() -> None:
    """Not found by the agent is about ECS_AGENT_URI; not found by ECS is not."""
    error = {"Code": "ResourceNotFoundException", "Message": "not found"}
    by_agent = read(PROTECT, {"error": error}, 404)
    by_ecs = read(PROTECT, {"error": error, "requestID": "r"}, 404)
    assert isinstance(by_agent, ProtectionRefused)
    assert isinstance(by_ecs, ProtectionRefused)
    assert "ECS_AGENT_URI" in by_agent.detail
    assert "ECS_AGENT_URI" not in by_ecs.detail


def test_a_long_message_is_cut() -> None:
    """A raw text of the AWS SDK does not fill the log."""
    answer = read(PROTECT, {"requestID": "r", "error": {"Code": "X" * 5000, "Message": "y" * 5000}}, 400)
    assert isinstance(answer, ProtectionRefused)
    assert len(answer.code) <= 300
    assert len(answer.detail) < 600


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 60_000, b"9" * 60_000, b"NaN"])
@pytest.mark.parametrize("status", [200, 400, 504])
def test_nonsense_is_never_a_grant(body: bytes, status: int) -> None:
    """Bytes that cannot be read are an answer like any other, and never a good one."""
    answer = read_answer(status, "application/json", body, PROTECT, ASKED_WALL, NOW_WALL)
    assert isinstance(answer, (ProtectionUnknown, ProtectionRefused))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "protection": st.fixed_dictionaries(
            {},
            optional={
                "ProtectionEnabled": st.booleans() | JSON,
                "ExpirationDate": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | JSON,
            },
        )
        | JSON,
        "failure": st.fixed_dictionaries({}, optional={"Reason": JSON, "Detail": JSON}) | JSON,
        "error": st.fixed_dictionaries({}, optional={"Code": JSON, "Message": JSON}) | JSON,
        "requestID": JSON,
    },
)


@given(
    status=st.integers(100, 999),
    envelope=PARTS | JSON,
    order=st.sampled_from([PROTECT, UNPROTECT, LOOK]),
)
def test_whatever_the_answer_it_fits_the_order(status: int, envelope: object, order: Order) -> None:
    """No answer raises, carries another number, or confirms an order that was not the one sent."""
    answer = read(order, envelope, status)
    assert answer.attempt == order.attempt
    confirmations = {
        Protect: ProtectionGranted,
        Unprotect: ProtectionCleared,
        LookAtProtection: ProtectionSeen,
    }
    assert isinstance(answer, (confirmations[type(order)], ProtectionRefused, ProtectionUnknown))
    if isinstance(answer, ProtectionGranted):
        assert status == 200
        assert 0 < answer.lease <= 3600.0


@given(st.floats(min_value=-1e6, max_value=1e6))
def test_a_lease_is_never_longer_than_asked_nor_than_reported(shift: float) -> None:
    """Whatever the date, nothing is believed that was not asked; a later own end is not invented."""
    date = datetime.fromtimestamp(ASKED_WALL + shift, UTC).isoformat()
    answer = read(PROTECT, protection(True, date))
    assert isinstance(answer, ProtectionGranted)
    assert answer.lease <= 3600.0
    if shift > 0.001:
        assert answer.lease <= shift + CLOCK_SLACK_SECONDS + 0.001
