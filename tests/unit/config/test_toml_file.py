"""Options out of a TOML file."""

from __future__ import annotations

import pytest

from supervisor.config.options import RUN
from supervisor.config.reading import Given
from supervisor.config.toml_file import read


def test_values_are_read_as_one_would_write_them_after_the_flag() -> None:
    """Numbers and lists become the text of the flag, with the place where they stand."""
    text = """
    [run]
    stop-timeout = 30
    renew-before = 2.5
    profile = "celery"
    stop-signals = ["TERM", "INT"]
    remap-exit = ["143=0"]
    arbitrate = true
    api-remote = "no"
    """
    assert read(text, "a.toml", RUN) == (
        {
            "stop_timeout": Given("30", "`stop-timeout` in a.toml"),
            "renew_before": Given("2.5", "`renew-before` in a.toml"),
            "profile": Given("celery", "`profile` in a.toml"),
            "stop_signals": Given("TERM,INT", "`stop-signals` in a.toml"),
            "remap_exit": Given("143=0", "`remap-exit` in a.toml"),
            "arbitrate": Given("yes", "`arbitrate` in a.toml"),
            "api_remote": Given("no", "`api-remote` in a.toml"),
        },
        (),
    )


@pytest.mark.parametrize("text", ["", "[run]"])
def test_a_file_may_have_nothing_in_it(text: str) -> None:
    """No options, no problems."""
    assert read(text, "a.toml", RUN) == ({}, ())


@pytest.mark.parametrize("value", ["true", "{ a = 1 }", "[true]", "[[1]]", "2026-01-01", r'"a\u0000b"'])
def test_a_value_of_another_type_is_refused(value: str) -> None:
    """Nobody would write it after a flag."""
    given, (problem,) = read(f"[run]\nlease = {value}", "a.toml", RUN)
    assert given == {}
    assert problem.what.startswith("`lease` in a.toml is ")
    assert problem.fix == "give a string, a number, or a list of them"


def test_unknown_names_are_refused_and_the_others_still_read() -> None:
    """Also options outside of [run], another table, and a file that names a file."""
    text = 'lease = 5\n[runs]\n[run]\nlese = 3\nconfig = "b.toml"\nlease = 9'
    given, problems = read(text, "a.toml", RUN)
    assert given == {"lease": Given("9", "`lease` in a.toml")}
    assert [problem.what for problem in problems] == [
        "`lease` in a.toml is no option",
        "`runs` in a.toml is no option",
        "`lese` in a.toml is no option",
        "`config` in a.toml is no option",
    ]
    assert problems[2].fix == "see `ecs-supervisor run --help` (did you mean lease?)"


def test_a_run_that_is_no_table_is_refused() -> None:
    """`run = 3` has no place for options."""
    (problem,) = read("run = 3", "a.toml", RUN)[1]
    assert problem.fix.startswith("options of `run` stand under [run]")


def test_what_is_not_toml_is_a_value_error() -> None:
    """The caller reports it together with the file's name."""
    with pytest.raises(ValueError, match="line 1"):
        read("stop timeout: 30", "a.toml", RUN)
