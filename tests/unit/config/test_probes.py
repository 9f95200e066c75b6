"""Probes as users write them."""

from __future__ import annotations

import pytest

from supervisor.config.load import Answer, load
from supervisor.config.probes import KINDS, ProbeSpec, probes_help, probes_table, split
from supervisor.config.settings import RunSettings


def probes(*texts: str, settle: str | None = None, **environ: str) -> tuple[ProbeSpec, ...]:
    flags = [word for text in texts for word in ("--probe", text)]
    flags += [] if settle is None else ["--probe-settle", settle]
    settings = load([*flags, "--", "worker"], environ, str)
    assert isinstance(settings, RunSettings), settings
    return settings.probes


def problems(*texts: str) -> list[str]:
    answer = load([*(word for text in texts for word in ("--probe", text)), "--", "worker"], {}, str)
    assert isinstance(answer, Answer)
    assert answer.status == 78
    return [problem.what for problem in answer.problems]


def test_without_the_option_there_is_no_probe() -> None:
    """Nothing is looked at unless somebody asks for it."""
    assert probes() == ()


@pytest.mark.parametrize(
    "text",
    [
        r"title=\[(\d+) of \d+ busy\]",
        "children",
        "children=Processing",
        "command=redis-cli get busy | grep -q 1; echo; true",
        "http=http://127.0.0.1:8080/busy?all=1#jobs.running",
        "file=/run/busy",
        "lock=/run/lock",
        "cpu=12.5",
        "sockets=8000",
    ],
)
def test_every_kind_can_be_asked_for(text: str) -> None:
    """Each with its own settle time and a name that says what it is."""
    (probe,) = probes(text)
    kind, _, argument = text.partition("=")
    assert probe == ProbeSpec(kind, argument, f"probe:{kind}", KINDS[kind].settle)
    assert probe.sees is KINDS[kind]


def test_the_option_may_be_repeated() -> None:
    """Probes add up, and two of a kind have two names."""
    found = probes("children", "title=a", "title=b")
    assert [probe.name for probe in found] == ["probe:children", "probe:title", "probe:title-2"]


def test_a_variable_and_a_file_may_name_several() -> None:
    """Semicolons or lines in a variable, a list in the file."""
    assert len(probes(ECS_SUPERVISOR_PROBE="children; title=a|b")) == 2
    file = '[run]\nprobe = ["children", "command=true; false", "title=a,b"]\n'
    settings = load(["--config", "file", "--", "worker"], {}, lambda _: file)
    assert isinstance(settings, RunSettings)
    assert [probe.argument for probe in settings.probes] == ["", "true; false", "a,b"]


def test_two_semicolons_are_one_that_means_itself() -> None:
    """A command may need one."""
    assert split("command=a;; b ; children\n\ntitle=x;") == ("command=a; b", "children", "title=x")
    assert split("") == ()


def test_the_settle_time_can_be_chosen_for_all() -> None:
    """It replaces what each kind would wait."""
    assert [probe.settle for probe in probes("children", "title=a", settle="0.5")] == [0.5, 0.5]


def test_a_settle_time_needs_a_probe() -> None:
    """It would do nothing."""
    answer = load(["--probe-settle", "3", "--", "worker"], {}, str)
    assert isinstance(answer, Answer)
    assert "without a probe" in answer.text


def test_all_that_is_wrong_is_said_at_once() -> None:
    """One line a problem, each with the text it is about."""
    assert problems("childen", "title", "title=(", "title=(a)(b)", "children=", "children=[", "cpu=x") == [
        "--probe: `childen` is no probe",
        "--probe: `title` says not what to look at",
        "--probe: `title=(` is no regular expression (missing ), unterminated subpattern at position 0)",
        "--probe: `title=(a)(b)` has 2 groups",
        "--probe: `children=` says not what to look at",
        "--probe: `children=[` is no regular expression (unterminated character set at position 0)",
        "--probe: `cpu=x` is no percentage",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "http=https://example.com/",
        "http=http:///busy",
        "http=http://:80/",
        "http=http://a b/",
        "file=busy",
        "lock=./lock",
        "cpu=0",
        "cpu=-1",
        "cpu=nan",
        "cpu=20000",
        "sockets=0",
        "sockets=65536",
        "sockets=http",
        "command=",
    ],
)
def test_what_cannot_be_looked_at_is_refused(text: str) -> None:
    """At the start, not at the first look."""
    assert len(problems(text)) == 1


def test_the_same_probe_twice_is_a_slip() -> None:
    """It would count everything twice."""
    assert problems("children", "children") == ["--probe has `children` twice"]


def test_a_near_word_is_named() -> None:
    """Most mistakes are slips."""
    answer = load(["--probe", "childen", "--", "worker"], {}, str)
    assert "did you mean children?" in answer.text  # type: ignore[union-attr]


def test_every_kind_says_what_it_cannot_see() -> None:
    """Help and README name them all."""
    help_text, rows = probes_help(), probes_table().splitlines()[2:]
    assert len(rows) == len(KINDS)
    for kind, row in zip(KINDS.values(), rows, strict=True):
        assert kind.written in help_text
        assert kind.unseen
        assert kind.unseen in row


def test_help_of_run_lists_the_probes() -> None:
    """Who reads `--help` need not look further."""
    answer = load(["--help"], {}, str)
    assert isinstance(answer, Answer)
    assert all(kind.written in answer.text for kind in KINDS.values())


def test_a_ready_file_needs_an_absolute_path() -> None:
    """The health check may look from another directory."""
    settings = load(["--ready-file", "/run/ready", "--", "worker"], {}, str)
    assert isinstance(settings, RunSettings)
    assert settings.ready_file == "/run/ready"
    refused = load(["--ready-file", "ready", "--", "worker"], {}, str)
    assert isinstance(refused, Answer)
    assert "absolute" in refused.text
