"""What a caller wants is read as the agent reads it."""

from __future__ import annotations

import pytest

from supervisor.adapters.arbitration.request import MalformedError, Wish, read_wish


@pytest.mark.parametrize(
    ("body", "wish"),
    [
        (b'{"ProtectionEnabled":true}', Wish(True, None)),
        (b'{"ProtectionEnabled":false,"ExpiresInMinutes":5}', Wish(False, 5)),
        (b'\n{"protectionenabled":true,"EXPIRESINMINUTES":-0} x', Wish(True, 0)),
        ('{"ProtectionEnabled":true,"Expire\u017fInMinutes":7}'.encode(), Wish(True, 7)),
        (b'{"ProtectionEnabled":false,"protectionEnabled":true}', Wish(True, None)),
        (b'{"ProtectionEnabled":true,"ExpiresInMinutes":4294967297}', Wish(True, 1)),
        (b'{"ProtectionEnabled":true,"ExpiresInMinutes":-1}', Wish(True, -1)),
        (b'{"ExpiresInMinutes":null}', Wish(None, None)),
        (b"null", Wish(None, None)),
    ],
)
def test_what_the_agent_understands_is_understood(body: bytes, wish: Wish) -> None:
    """Keys match in any case, the last of several counts, null is nothing, and what follows is not looked at."""
    assert read_wish(body) == wish


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"[" * 100_000,
        b'{"ProtectionEnabled":NaN}',
        b'{"ProtectionEnabled":1}',
        b'{"ProtectionEnabled":"true"}',
        b'{"ProtectionEnabled":1,"ProtectionEnabled":true}',
        b'{"ProtectionEnabled":true,"Other":null}',
        b'{"ExpiresInMinutes":true}',
        b'{"ExpiresInMinutes":60.0}',
        b'{"ExpiresInMinutes":"60"}',
        b'{"ExpiresInMinutes":9223372036854775808}',
    ],
)
def test_what_the_agent_cannot_decode_is_malformed(body: bytes) -> None:
    """A key too many, a fraction, a text for a number: each refuses the whole request."""
    with pytest.raises(MalformedError):
        read_wish(body)


@pytest.mark.parametrize(
    ("minutes", "fits"), [(None, True), (0, False), (1, True), (2880, True), (2881, False)]
)
def test_ecs_takes_a_minute_to_two_days(minutes: int | None, fits: bool) -> None:
    """The range of the API is checked after decoding, as ECS does it after the agent."""
    assert Wish(True, minutes).is_in_range is fits


def test_without_minutes_ecs_takes_two_hours() -> None:
    """The default is the API's."""
    assert (Wish(True, None).seconds, Wish(True, 3).seconds) == (7200.0, 180.0)
