"""Command line, environment and file together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.load import Answer, load
from supervisor.config.options import OPTIONS
from supervisor.config.settings import RunSettings
from supervisor.core.status import CONFIG, USAGE

FILES = {
    "good.toml": "[run]\nlease = 7\nprotect-wait = 7\nlog-level = 'error'",
    "typo.toml": "[run]\nlese = 7",
    "bad.toml": "[run",
    "deep.toml": f"[run]\nprobe = {'[' * 5000}",
}


def read_file(path: str) -> str:
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", path)
    return FILES[path]


def settings(*argv: str, **environ: str) -> RunSettings:
    outcome = load(list(argv), environ, read_file)
    assert isinstance(outcome, RunSettings), outcome
    return outcome


def answer(*argv: str, **environ: str) -> Answer:
    outcome = load(list(argv), environ, read_file)
    assert isinstance(outcome, Answer)
    return outcome


def what_is_wrong(*argv: str, **environ: str) -> list[str]:
    return [problem.what for problem in answer(*argv, **environ).problems]


@pytest.mark.parametrize(
    "argv",
    [
        ["--lease", "5", "--", "worker", "--lease", "9"],
        ["--lease=5", "worker", "--lease", "9"],
        ["--lease=9", "--lease=5", "worker", "--lease", "9"],
    ],
)
def test_everything_after_the_options_is_the_command(argv: list[str]) -> None:
    """It begins after `--` or at the first other word, and its own flags are not ours; of two equal flags the last counts."""
    chosen = settings(*argv)
    assert chosen.lease_minutes == 5
    assert chosen.command == ("worker", "--lease", "9")


@pytest.mark.parametrize("command", [["--", "--version"], ["--", "--"], ["--", ""], ["a\udcff", "", "é"]])
def test_the_command_is_not_touched(command: list[str]) -> None:
    """Whatever bytes the kernel handed over go to the worker, also where they look like flags."""
    assert settings(*command).command == tuple(command[1:] if command[0] == "--" else command)


def test_flags_win_over_environment_and_environment_over_file() -> None:
    """Each place is asked only for what the one before it left open."""
    environ = {
        "ECS_SUPERVISOR_CONFIG": "good.toml",
        "ECS_SUPERVISOR_PROTECT_WAIT": "5",
        "ECS_SUPERVISOR_LEASE": "5",
    }
    chosen = settings("--lease", "3", "worker", **environ)
    assert (chosen.lease_minutes, chosen.protect_wait, chosen.log_level) == (3, 5, "error")
    assert chosen.release_delay == 30


def test_the_file_may_be_named_by_flag_or_variable() -> None:
    """The flag wins here as well."""
    assert settings("--config", "good.toml", "worker").lease_minutes == 7
    assert (
        settings("--config", "good.toml", "worker", ECS_SUPERVISOR_CONFIG="missing.toml").lease_minutes == 7
    )


def test_an_empty_variable_is_none() -> None:
    """A task definition leaves an option out that way."""
    assert settings("worker", ECS_SUPERVISOR_LEASE=" ").lease_minutes == 60


def test_an_unknown_variable_with_our_prefix_is_a_mistake() -> None:
    """It was meant to do something; what we set ourselves for a worker is known."""
    assert what_is_wrong("worker", ECS_SUPERVISOR_LEESE="5") == [
        "the environment variable ECS_SUPERVISOR_LEESE is no option"
    ]
    known = settings("worker", ECS_SUPERVISOR_HOLD_WAIT="11", ECS_SUPERVISOR_SOCKET="/run/x", OTHER="x")
    assert known.socket == "/run/x"


@pytest.mark.parametrize(
    ("argv", "wrong"),
    [
        ([], ["no COMMAND is given"]),
        (["--"], ["no COMMAND is given"]),
        (["--lease", "5"], ["no COMMAND is given"]),
        (["--lease"], ["--lease has no value", "no COMMAND is given"]),
        (["--lease", "--", "worker"], ["--lease has no value"]),
        (["--lease", "--socket", "none", "worker"], ["--lease has no value"]),
        (["--leese", "5", "worker"], ["--leese is no option"]),
        (["--leese=5", "worker"], ["--leese is no option"]),
        (["--leese", "worker"], ["--leese is no option"]),
        (["-x", "worker"], ["-x is no option"]),
        (["--version", "--", "worker"], ["--version is no option"]),
        (["--x", "1", "--y", "2", "--", "worker"], ["--x is no option", "--y is no option"]),
    ],
)
def test_wrong_usage_is_status_64(argv: list[str], wrong: list[str]) -> None:
    """A mistake does not hide the next one, and the value of an unknown flag is not taken for COMMAND."""
    assert what_is_wrong(*argv) == wrong
    assert answer(*argv).status == USAGE


def test_a_flag_that_was_nearly_right_is_named() -> None:
    """The message shows the flag that was probably meant."""
    assert "(did you mean --stop-timeout?)" in answer("--stop-timout", "5", "worker").text


def test_bad_values_are_status_78_wherever_they_stand() -> None:
    """The place is named as the user wrote it."""
    assert what_is_wrong("--lease=x", "worker") == ["--lease is `x`"]
    assert what_is_wrong("worker", ECS_SUPERVISOR_LEASE="x") == ["ECS_SUPERVISOR_LEASE is `x`"]
    assert what_is_wrong("--config=typo.toml", "worker") == ["`lese` in typo.toml is no option"]
    assert answer("--lease=x", "worker").status == CONFIG
    assert answer("--config=typo.toml", "worker").status == CONFIG


@pytest.mark.parametrize("path", ["missing.toml", "bad.toml", "deep.toml"])
def test_a_file_that_cannot_be_used_is_status_78(path: str) -> None:
    """Neither a missing file nor a broken one is passed over."""
    refused = answer("--config", path, "worker")
    (problem,) = refused.problems
    assert problem.what.startswith(f"--config names {path}, which cannot be used (")
    assert refused.status == CONFIG


def test_all_problems_are_told_at_once_and_wrong_usage_decides_the_status() -> None:
    """One deployment is enough to learn of all of them."""
    refused = answer("--leese", "5", "--lease=x", "--config=typo.toml", "worker", ECS_SUPERVISOR_X="1")
    assert len(refused.problems) == 4
    assert refused.status == USAGE
    assert refused.text.splitlines()[0] == "ecs-supervisor: 4 problems, nothing was started"
    assert refused.text.splitlines()[1:] == [f"  - {problem}." for problem in refused.problems]
    assert answer("--lease=x", "worker").text.startswith("ecs-supervisor: one problem, nothing was started\n")


@pytest.mark.parametrize(
    "argv", [["--help"], ["-h"], ["--lease", "x", "--help"], ["--foo", "--help", "--", "worker"]]
)
def test_help_is_an_answer_without_problems(argv: list[str]) -> None:
    """Who asks for help gets it, whatever else the line says; in the worker's own words it is the worker's."""
    helped = answer(*argv)
    assert (helped.status, helped.problems) == (0, ())
    assert helped.text.startswith("Usage: ecs-supervisor run ")
    assert all(option.flag in helped.text for option in OPTIONS.values())
    assert settings("worker", "--help").command == ("worker", "--help")


words = st.lists(
    st.sampled_from([*(o.flag for o in OPTIONS.values()), "--", "--x", "-h", "5", "none", "worker=1", ""])
)


@given(words)
def test_any_line_has_an_answer(argv: list[str]) -> None:
    """There are settings with a command, or an answer that says why not."""
    outcome = load(argv, {}, read_file)
    if isinstance(outcome, RunSettings):
        assert outcome.command
        assert list(outcome.command) == argv[len(argv) - len(outcome.command) :]
    else:
        assert (outcome.status == 0) == (outcome.problems == ())


@given(
    st.dictionaries(st.sampled_from([o.key for o in OPTIONS.values() if o.has_default]), st.text(max_size=8))
)
def test_a_flag_and_a_variable_are_read_alike(texts: dict[str, str]) -> None:
    """The same text gives the same settings, or the same problems, from both places."""
    texts = {key: text for key, text in texts.items() if text.strip()}
    flags = [f"{OPTIONS[key].flag}={text}" for key, text in texts.items()]
    by_flag = load([*flags, "worker"], {}, read_file)
    by_variable = load(["worker"], {OPTIONS[key].variable: text for key, text in texts.items()}, read_file)
    if isinstance(by_flag, RunSettings):
        assert by_flag == by_variable
    else:
        assert isinstance(by_variable, Answer)
        assert [p.fix for p in by_flag.problems] == [p.fix for p in by_variable.problems]


def test_no_attach_is_short_for_attach_none() -> None:
    """It needs no value, as nobody would expect one."""
    settings = load(["--no-attach", "--", "rq", "worker"], {}, lambda _: "")
    assert isinstance(settings, RunSettings)
    assert (settings.attaches, settings.profile.name) == (False, "rq")
