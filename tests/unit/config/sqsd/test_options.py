"""The table of `sqsd`'s options."""

from __future__ import annotations

import re

import pytest

from supervisor.config.option import Option
from supervisor.config.options import OPTIONS
from supervisor.config.sqsd.options import ALONE, SPELLINGS, WITH_COMMAND
from tests.unit.config.sqsd.given import settings

every_option = pytest.mark.parametrize("option", ALONE.options.values(), ids=lambda option: option.key)


def test_elastic_beanstalk_names_are_ours() -> None:
    """Whoever knows its option settings knows the flags, and may write them in either way."""
    assert SPELLINGS == {
        "--WorkerQueueURL": "--queue-url",
        "--QueueUrl": "--queue-url",
        "--HttpPath": "--http-path",
        "--MimeType": "--mime-type",
        "--HttpConnections": "--http-connections",
        "--ConnectTimeout": "--connect-timeout",
        "--InactivityTimeout": "--inactivity-timeout",
        "--VisibilityTimeout": "--visibility-timeout",
        "--ErrorVisibilityTimeout": "--error-visibility-timeout",
        "--RetentionPeriod": "--retention-period",
        "--MaxRetries": "--max-retries",
    }


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("http_path", "/"),
        ("mime_type", "application/json"),
        ("connect_timeout", "5"),
        ("inactivity_timeout", "299"),
        ("visibility_timeout", "300"),
        ("error_visibility_timeout", "2"),
        ("http_port", "80"),
        ("http_host", "localhost"),
        ("success_status", "200"),
    ],
)
def test_defaults_are_elastic_beanstalk_s(key: str, default: str) -> None:
    """A worker that comes from there needs none of them."""
    assert ALONE.options[key].default == default


def test_the_agent_begins_as_frameworks_want_it() -> None:
    """They compare the beginning, in lower case; some applications look for the number."""
    assert ALONE.options["user_agent"].default.startswith("aws-sqsd/3.0.4 (ecs-supervisor/")


@every_option
def test_a_default_can_be_written_out(option: Option) -> None:
    """Giving an option its default changes nothing."""
    if option.has_default:
        assert settings(f"{option.flag}={option.default}") == settings()
    else:
        assert option.default not in option.choices


@every_option
def test_a_quantity_names_its_unit(option: Option) -> None:
    """The placeholder is the unit, a list of choices, or what the text is."""
    pattern = "[A-Z]+(=[A-Z]+,\\.\\.\\.)?"
    assert re.fullmatch(pattern, option.value) or option.value == "|".join(option.choices)


def test_what_is_shared_with_run_is_the_same_but_for_protection() -> None:
    """A message may wait for it; a job of a worker that fetches by itself often cannot."""
    changed = [key for key, option in ALONE.options.items() if key in OPTIONS and option != OPTIONS[key]]
    assert set(changed) == {"protect", "config"}
    assert ALONE.options["protect"].default == "before-start"


def test_both_tables_have_the_same_options() -> None:
    """They differ in whether words may follow."""
    assert ALONE.options == WITH_COMMAND.options
    assert (ALONE.takes_command, WITH_COMMAND.takes_command) == (False, True)
