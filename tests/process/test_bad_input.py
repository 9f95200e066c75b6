"""Whatever is impossible is refused before anything is started, with every problem named, and never with a traceback."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.process.batch import results

USAGE = 64
CONFIG = 78

# Each alone is a reason to refuse, and the text that names it.
IMPOSSIBLE = {
    ("--stop-timeout", "0"): "--stop-timeout is `0`",
    ("--stop-timeout", "-5"): "--stop-timeout is `-5`",
    ("--stop-timeout", "nan"): "--stop-timeout is `nan`",
    ("--stop-timeout", "1e999"): "--stop-timeout is `1e999`",
    ("--stop-timeout", "30s"): "--stop-timeout is `30s`",
    ("--stop-timeout", "\udcff"): "--stop-timeout is `",
    ("--exit-margin", "20"): "--exit-margin is 20 s, and the stop timeout is 30 s",
    ("--exit-margin", "inf"): "--exit-margin is `inf`",
    ("--stop-sequence", "TERM 20"): "does not end with KILL",
    ("--stop-sequence", "KILL TERM 20"): "KILL comes before `TERM 20`",
    ("--stop-sequence", "TERM 5 KILL KILL"): "has 2 KILL stages",
    ("--stop-sequence", "TERM 100 KILL"): "takes 100 + 1 = 101 s",
    ("--stop-sequence", "TERM KILL"): "TERM has no seconds",
    ("--stop-sequence", "TERM 0 KILL"): "TERM 0 is no length of time",
    ("--stop-sequence", "TERM -1 KILL"): "TERM -1 is no length of time",
    ("--stop-sequence", "BREAK 5 KILL"): "BREAK is no stage",
    ("--stop-sequence", "STOP 5 KILL"): "STOP is no stage",
    ("--stop-sequence", "5 TERM KILL"): "5 stands where a stage should begin",
    ("--stop-sequence", "quiet:NONE 5 KILL"): "quiet:NONE is no stage",
    ("--stop-signals", "KILL"): "--stop-signals names KILL",
    ("--stop-signals", "TERM,NONSENSE"): "--stop-signals names NONSENSE",
    ("--stop-signals", ","): "--stop-signals names no signal",
    ("--dump-signal", "TERM"): "--dump-signal is `TERM`",
    ("--dump-signal", "QUIT"): "which is a stop signal too",
    ("--signal-target", "all"): "--signal-target is `all`",
    ("--profile", "selery"): "did you mean celery?",
    ("--protect", "sometimes"): "--protect is `sometimes`",
    ("--protect", "after"): "--protect is `after`",
    ("--protect", "after=soon"): "--protect is `after=soon`",
    ("--protect-wait", "0"): "--protect-wait is `0`",
    ("--protect-failure", "ajar"): "--protect-failure is `ajar`",
    ("--when-blocked", "panic"): "--when-blocked is `panic`",
    ("--lease", "0"): "--lease is `0`",
    ("--lease", "2881"): "--lease is `2881`",
    ("--lease", "1.5"): "--lease is 1.5",
    ("--renew-before", "60"): "--renew-before is 60 min, and the lease is 60 min",
    ("--renew-before", "0"): "--renew-before is 0 min",
    ("--release-delay", "-1"): "--release-delay is `-1`",
    ("--protected-budget", "x"): "--protected-budget is `x`",
    ("--release-window", "0"): "--release-window is `0`",
    ("--restart", "maybe"): "--restart is `maybe`",
    ("--remap-exit", "143"): "--remap-exit has `143`",
    ("--remap-exit", "300=0"): "--remap-exit has `300=0`",
    ("--remap-exit", "1=2,1=3"): "--remap-exit maps 1 twice",
    ("--socket", "relative.sock"): "--socket is `relative.sock`",
    ("--socket", "/" + "x" * 200): "--socket is longer than 107 bytes",
    (
        "--socket",
        "/no/such/directory/hooks.sock",
    ): "the socket /no/such/directory/hooks.sock cannot be opened",
    ("--socket", "none", "--protect", "before-start"): "--socket is `none` with before-start",
    ("--log-format", "xml"): "--log-format is `xml`",
    ("--log-level", "debug"): "--log-level is `debug`",
    ("--config", "/no/such/file"): "--config names /no/such/file, which cannot be used",
    ("--config", "/"): "--config names /, which cannot be used",
    ("--config", "/dev/null/file"): "--config names /dev/null/file",
    ("--config", "/proc/self/exe"): "--config names /proc/self/exe, which cannot be used",
}

WRONG_USAGE = {
    (): "no COMMAND is given",
    ("--",): "no COMMAND is given",
    ("--lease", "5"): "no COMMAND is given",
    ("--leese", "5", "--", "true"): "did you mean --lease?",
    ("-x", "true"): "-x is no option",
    ("--lease",): "--lease has no value",
}

# In the environment and in a file; what they mean is refused as it is on the command line.
ENVIRONMENT = {
    "ECS_SUPERVISOR_LEASE": "0",
    "ECS_SUPERVISOR_LEESE": "5",
    "ECS_SUPERVISOR_STOP_SIGNALS": "KILL",
    "ECS_SUPERVISOR_RESTART": "\udcff",
}
FILE = """
[run]
profile = "selery"
renew-before = true
nonsense = 1
[other]
"""


@pytest.mark.timeout(60)
def test_what_is_impossible_is_refused(command: str) -> None:
    """Each impossible value or relation is named, with the status of a bad configuration."""
    runs = [[command, "run", *options, "--", "echo", "started"] for options in IMPOSSIBLE]
    for options, result in zip(IMPOSSIBLE, results(runs), strict=True):
        assert_refused(result, CONFIG)
        assert IMPOSSIBLE[options] in result.stderr


@pytest.mark.timeout(60)
def test_wrong_usage_is_refused(command: str) -> None:
    """What is no command line of ours is named, with the status of wrong usage."""
    for words, result in zip(
        WRONG_USAGE, results([command, "run", *words] for words in WRONG_USAGE), strict=True
    ):
        assert_refused(result, USAGE)
        assert WRONG_USAGE[words] in result.stderr


def test_all_problems_are_told_at_once(command: str, tmp_path: Path) -> None:
    """Flags, environment and file are read to their ends, so that one deployment is enough to see every mistake."""
    file = tmp_path / "supervisor.toml"
    file.write_text(FILE)
    together = {"--stop-timeout": "0", "--protect": "sometimes", "--remap-exit": "x", "--config": str(file)}
    words = [word for pair in together.items() for word in pair]
    environment = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    (result,) = results([["env", *environment, command, "run", *words, "echo", "started"]])
    assert_refused(result, CONFIG)
    told = problems(result)
    for name in (
        *("--stop-timeout", "--protect", "--remap-exit"),
        *ENVIRONMENT,
        *("`profile`", "`renew-before`", "`nonsense`", "`other`"),
    ):
        assert (
            len([line for line in told if line.startswith(f"  - {name}") or f"variable {name}" in line]) == 1
        )
    assert len(told) == 11


def test_wrong_usage_outweighs_bad_values(command: str) -> None:
    """With both, both are told, and the status is that of wrong usage."""
    (result,) = results([[command, "run", "--leese=5", "--lease", "x", "--socket=relative"]])
    assert_refused(result, USAGE)
    assert len(problems(result)) == 4


@pytest.mark.parametrize("words", [["runn"], ["--leese"], ["\udcff"], [""]], ids=ascii)
def test_an_unknown_command_is_refused(command: str, words: list[str]) -> None:
    """What is no command is told in one line."""
    (result,) = results([[command, *words]])
    assert_refused(result, USAGE)
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "uri",
    ["nonsense", "http://", "http://[::1", "http://host:port/", "\udcff", "file:///etc/passwd"],
    ids=ascii,
)
def test_an_agent_that_cannot_be_one_does_not_keep_the_worker_from_working(command: str, uri: str) -> None:
    """The worker's end is our end, whatever the variable of the ECS agent says; and there is no traceback."""
    (result,) = results(
        [["env", f"ECS_AGENT_URI={uri}", command, "run", "--", "sh", "-c", "sleep 0.3; exit 3"]]
    )
    assert "Traceback" not in result.stderr
    assert result.returncode == 3


def test_refusing_needs_nobody_to_listen(command: str) -> None:
    """Without standard output and error the status says it all."""
    script = 'exec "$@" >&- 2>&-'
    (result,) = results([["sh", "-c", script, "sh", command, "run", "--lease", "0", "echo", "started"]])
    assert (result.returncode, result.stdout, result.stderr) == (CONFIG, "", "")


def assert_refused(result: subprocess.CompletedProcess[str], status: int) -> None:
    """See that nothing was started, and that it was told as it is told to people."""
    assert result.returncode == status, result
    assert result.stdout == ""
    assert result.stderr.startswith("ecs-supervisor: ")
    assert "Traceback" not in result.stderr


def problems(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("  - ")]
