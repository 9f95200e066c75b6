"""The command line of `eb-cron`."""

from __future__ import annotations

import json

import pytest

from supervisor.config.eb_cron.command import convert
from supervisor.config.load import Answer
from supervisor.core.status import CONFIG, USAGE

GOOD = "version: 1\ncron:\n - name: a\n   url: /a\n   schedule: 0 1 * * *\n"
CLI = ["--output", "cli", "--queue-url", "https://sqs.eu-west-1.amazonaws.com/1/jobs", "--role-arn", "arn:x"]


def run(*argv: str, text: str = GOOD) -> Answer:
    def read_file(path: str) -> str:
        if path == "missing.yaml":
            raise FileNotFoundError(2, "No such file or directory", path)
        return text

    return convert(list(argv), read_file)


def test_a_template_needs_nothing_but_the_file() -> None:
    """It is the default, as is the file's name."""
    answer = run()
    assert (answer.status, answer.problems) == (0, ())
    assert "AWS::Scheduler::Schedule" in answer.text
    assert json.loads(answer.text)["Parameters"].keys() == {"QueueUrl", "QueueArn"}


def test_the_command_line_s_output_is_one_line_each() -> None:
    """For a loop in a shell."""
    (line,) = run(*CLI).text.splitlines()
    assert json.loads(line)["Name"] == "a"


@pytest.mark.parametrize(
    ("argv", "is_fifo"),
    [
        ((), False),
        (("--fifo",), True),
        (("--fifo", "--queue-url", "https://x/jobs"), False),
        (("--queue-url", "https://x/jobs.fifo"), True),
    ],
)
def test_fifo_is_told_by_the_url(argv: tuple[str, ...], is_fifo: bool) -> None:
    """Or, without one, by a switch."""
    assert ("MessageGroupId" in run(*argv).text) is is_fifo


@pytest.mark.parametrize(
    ("argv", "wrong"),
    [
        (["--output", "cli"], ["--queue-url is missing", "--role-arn is missing"]),
        (["--output", "xml"], ["--output is `xml`"]),
        (["--prefix", "é"], ["--prefix is `é`"]),
        (["--prefix", "x" * 25], [f"--prefix is `{'x' * 25}`"]),
    ],
)
def test_options_that_do_not_fit_are_status_78(argv: list[str], wrong: list[str]) -> None:
    """All are told."""
    answer = run(*argv)
    assert [problem.what for problem in answer.problems] == wrong
    assert answer.status == CONFIG


def test_wrong_usage_is_status_64() -> None:
    """And the file's problems are told with it."""
    answer = run("--no-such", "x", "other.yaml", text="")
    assert answer.status == USAGE
    assert len(answer.problems) == 4
    assert answer.text.startswith("ecs-supervisor: 4 problems, nothing was written\n")
    assert "; write `ecs-supervisor eb-cron [--file FILE] [OPTIONS]`.\n" in answer.text


def test_a_file_that_cannot_be_read_is_told() -> None:
    """By name."""
    (problem,) = run("--file", "missing.yaml").problems
    assert problem.what == "missing.yaml cannot be read (No such file or directory)"


def test_help_names_the_options() -> None:
    """On stdout, with status 0."""
    answer = run("--help")
    assert (answer.status, answer.problems) == (0, ())
    assert "  --role-arn ARN\n" in answer.text
    assert "what the schedules' names begin with (no default)" in answer.text
