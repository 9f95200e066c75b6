"""Periodic tasks as messages, written and read."""

from __future__ import annotations

from supervisor.adapters.beanstalk.periodic import Periodic, control_attributes, read_periodic

AT = 1573692420.0


def test_what_the_scheduler_writes_is_read_again() -> None:
    """In the form of Elastic Beanstalk's own scheduler, so that its daemon could read it as well."""
    written = control_attributes("nightly", "/nightly", AT)
    assert written["beanstalk.sqsd.scheduled_time"] == "2019-11-14 00:47:00 UTC"
    assert read_periodic(written) == Periodic("/nightly", "nightly", "2019-11-14T00:47:00Z")


def test_without_a_scheduled_time_a_message_is_plain() -> None:
    """Path and name alone do not make it periodic."""
    written = control_attributes("nightly", "/nightly", AT)
    del written["beanstalk.sqsd.scheduled_time"]
    assert read_periodic(written) is None
