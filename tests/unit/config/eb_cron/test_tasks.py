"""What a periodic task may not be."""

from __future__ import annotations

import pytest

from supervisor.config.eb_cron.tasks import name_problem, url_problem


@pytest.mark.parametrize("name", ["nightly job", "app:report --all", "x"])
def test_a_name_is_printable(name: str) -> None:
    """It may be a command line, as in Laravel."""
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["", "a\nb", "é", "a\x7f"])
def test_a_name_that_is_no_header_is_refused(name: str) -> None:
    """It reaches the app as one."""
    assert name_problem(name) is not None


def test_a_url_is_a_path_of_the_app() -> None:
    """Not one of another server."""
    assert url_problem("/nightly?x=1") is None
    assert url_problem("http://app/nightly") is not None
