"""Command line, environment and file of `sqsd` together."""

from __future__ import annotations

import pytest

from supervisor.config.load import Answer
from supervisor.config.sqsd.load import load
from supervisor.config.sqsd.settings import SqsdSettings
from supervisor.core.status import CONFIG, USAGE
from tests.unit.config.sqsd.given import URL, refused, settings, what_is_wrong


def test_it_runs_alone_or_around_a_web_command() -> None:
    """The command follows `--`."""
    alone = settings()
    assert not alone.wraps
    around = settings("--", "puma", "--HttpPath", "x")
    assert around.wraps
    assert around.run.command == ("puma", "--HttpPath", "x")
    assert around.app.path == "/"


@pytest.mark.parametrize("argv", [["puma"], ["--"]])
def test_a_command_needs_the_dashes_and_the_dashes_a_command(argv: list[str]) -> None:
    """Wrong usage is status 64."""
    assert refused(*argv).status == USAGE


@pytest.mark.parametrize("argv", [["--HttpPath", "/work"], ["--HttpPath=/work"], ["--http-path", "/work"]])
def test_elastic_beanstalk_s_spelling_is_understood(argv: list[str]) -> None:
    """For its own options."""
    assert settings(*argv).app.path == "/work"


def test_variables_have_the_same_names() -> None:
    """Flags win over them."""
    environ = {"ECS_SUPERVISOR_HTTP_PATH": "/env", "ECS_SUPERVISOR_VISIBILITY_TIMEOUT": "60"}
    chosen = settings("--http-path", "/flag", **environ)
    assert (chosen.app.path, chosen.visibility_timeout) == ("/flag", 60)
    outcome = load([], {"ECS_SUPERVISOR_QUEUE_URL": f"{URL} {URL}2,7"}, str)
    assert isinstance(outcome, SqsdSettings)
    assert [queue.weight for queue in outcome.queues] == [1, 7]


def test_a_file_has_a_table_of_its_own() -> None:
    """With the same names."""
    text = f'[sqsd]\nqueue-url = ["{URL}", "{URL}2"]\nhttp-connections = 7\n'
    outcome = load(["--config", "x.toml"], {}, lambda _: text)
    assert isinstance(outcome, SqsdSettings)
    assert (len(outcome.queues), outcome.connections) == (2, 7)


def test_options_of_hooks_and_probes_are_none_here() -> None:
    """The messages tell whether there is work."""
    assert what_is_wrong("--probe", "children") == ["--probe is no option"]
    assert what_is_wrong(ECS_SUPERVISOR_PROBE="children") == [
        "the environment variable ECS_SUPERVISOR_PROBE is no option"
    ]


def test_all_problems_are_told_at_once() -> None:
    """Those of the options shared with `run` as well; bad values are status 78."""
    answer = refused("--http-port", "x", "--lease", "x", "--protect-wait", "x")
    assert [problem.what for problem in answer.problems] == [
        "--http-port is `x`",
        "--lease is `x`",
        "--protect-wait is `x`",
    ]
    assert answer.status == CONFIG


def test_help_names_every_option() -> None:
    """And says what the command does."""
    outcome = load(["--help"], {}, str)
    assert isinstance(outcome, Answer)
    assert outcome.status == 0
    assert "  --http-path PATH\n" in outcome.text
    assert "  --http-remote\n" in outcome.text
