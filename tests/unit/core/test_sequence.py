"""The stop sequence: written, read, checked, cut to size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.core.sequence import (
    KILL_SECONDS,
    QUIET_SIGNALS,
    SIGNAL_NAMES,
    Stage,
    bare_name,
    default_exit_margin,
    default_stages,
    format_stages,
    offsets,
    parse,
    problems,
)

KILL = Stage("kill", None, 1.0)

seconds = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False)
any_stage = st.one_of(
    st.builds(Stage, st.just("quiet"), st.none() | st.sampled_from(sorted(SIGNAL_NAMES)), seconds),
    st.builds(Stage, st.just("wait"), st.none(), seconds),
    st.builds(Stage, st.just("stop"), st.sampled_from(sorted(SIGNAL_NAMES - QUIET_SIGNALS)), seconds),
    st.builds(Stage, st.just("kill"), st.none(), seconds),
)


def stages(text: str) -> tuple[Stage, ...]:
    read, wrong = parse(text)
    assert wrong == ()
    return read


def what_is_wrong(text: str, stop_timeout: float = 30, exit_margin: float = 2) -> list[str]:
    return [problem.what for problem in problems(stages(text), stop_timeout, exit_margin)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("QUIET 20 TERM 7 KILL 1", (Stage("quiet", None, 20), Stage("stop", "TERM", 7), KILL)),
        ("TSTP 20 TERM 5 KILL", (Stage("quiet", "TSTP", 20), Stage("stop", "TERM", 5), KILL)),
        ("WINCH 1.5 KILL", (Stage("quiet", "WINCH", 1.5), KILL)),
        ("quiet:USR1 3 KILL", (Stage("quiet", "USR1", 3), KILL)),
        ("QUIET:SIGRTMIN+2 3 KILL", (Stage("quiet", "RTMIN+2", 3), KILL)),
        (
            "WAIT 5 sigterm 20 SIGKILL .5",
            (Stage("wait", None, 5), Stage("stop", "TERM", 20), Stage("kill", None, 0.5)),
        ),
        ("  RTMIN+3 1e1\n\tkill", (Stage("stop", "RTMIN+3", 10), KILL)),
    ],
)
def test_a_sequence_is_read_from_words(text: str, expected: tuple[Stage, ...]) -> None:
    """Names may have SIG and any case, keywords any case, and KILL may go without seconds."""
    assert stages(text) == expected


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("FOO 3", ["FOO is no stage"]),
        ("SIGWAIT 3", ["SIGWAIT is no stage"]),
        ("SIGQUIET 3", ["SIGQUIET is no stage"]),
        ("STOP 3", ["STOP is no stage"]),
        ("quiet:KILL 3", ["quiet:KILL is no stage"]),
        ("stop:TERM 3", ["stop:TERM is no stage"]),
        (":TERM 3", [":TERM is no stage"]),
        ("15 3", ["15 stands where a stage should begin", "3 stands where a stage should begin"]),
        ("TERM 3 4 KILL", ["4 stands where a stage should begin"]),
        ("nan KILL", ["nan stands where a stage should begin"]),
        ("TERM KILL", ["TERM has no seconds"]),
        ("TERM", ["TERM has no seconds"]),
        ("TERM soon KILL", ["TERM soon is no length of time"]),
        ("TERM 20s KILL", ["TERM 20s is no length of time"]),
        ("TERM -1 KILL", ["TERM -1 is no length of time"]),
        ("TERM 0 KILL", ["TERM 0 is no length of time"]),
        ("TERM nan KILL", ["TERM nan is no length of time"]),
        ("TERM inf KILL", ["TERM inf is no length of time"]),
        ("TERM 5 KILL never", ["KILL never is no length of time"]),
        ("FOO 1 QUIET x WAIT", ["FOO is no stage", "QUIET x is no length of time", "WAIT has no seconds"]),
    ],
)
def test_all_words_that_make_no_sense_are_named(text: str, wrong: list[str]) -> None:
    """Reading goes on after a mistake, so that all of them are reported at once."""
    assert [problem.what for problem in parse(text)[1]] == wrong


def test_what_could_be_read_is_returned_beside_the_problems() -> None:
    """A stage that makes no sense does not hide the others."""
    assert parse("QUIET 5 FOO 3 KILL")[0] == (Stage("quiet", None, 5), KILL)


@given(st.lists(any_stage).map(tuple))
def test_what_is_printed_is_read_back(sequence: tuple[Stage, ...]) -> None:
    """Printing and reading a sequence gives the same stages, to the last bit of their seconds."""
    assert parse(format_stages(sequence)) == (sequence, ())


@given(st.text(alphabet="TERMQUIKLW 0123456789.+-:ein"))
def test_reading_never_fails(text: str) -> None:
    """Whatever the text is, the answer is stages and problems, and no word passes unnoticed."""
    read, wrong = parse(text)
    assert bool(text.split()) == bool(read or wrong)


@pytest.mark.parametrize(
    ("kind", "signal"),
    [
        ("wait", "TERM"),
        ("kill", "KILL"),
        ("stop", None),
        ("stop", "TSTP"),
        ("stop", "FOO"),
        ("quiet", "15"),
        ("go", None),
    ],
)
def test_there_is_no_stage_that_cannot_be_written(kind: str, signal: str | None) -> None:
    """A kind and a signal that do not go together are refused at once."""
    with pytest.raises(ValueError, match=f"there is no {kind} stage with the signal {signal}"):
        Stage(kind, signal, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, -1, float("inf"), float("nan")])
def test_there_is_no_stage_without_a_definite_end(length: float) -> None:
    """A stage that ends at once or never is refused at once."""
    with pytest.raises(ValueError, match="a stage cannot last"):
        Stage("wait", None, length)


def test_a_sequence_that_fits_has_no_problems() -> None:
    """The sum may be just what the stop timeout leaves."""
    assert what_is_wrong("QUIET 20 TERM 7 KILL 1") == []
    assert what_is_wrong("QUIET 0.1 TERM 0.2 KILL 0.3", stop_timeout=0.6, exit_margin=0) == []


def test_a_sequence_that_does_not_fit_shows_the_sum() -> None:
    """People see which numbers were added and what there is."""
    assert what_is_wrong("QUIET 20 TERM 7.5 KILL") == [
        "the stop sequence takes 20 + 7.5 + 1 = 28.5 s, but there are 30 s stop timeout - 2 s exit margin = 28 s"
    ]


def test_a_sequence_ends_with_kill() -> None:
    """Without it a worker that ignores signals would outlive us; the fix is shown."""
    (problem,) = problems(stages("TERM 7"), 30, 2)
    assert problem.what == "the stop sequence does not end with KILL"
    assert problem.fix == "append KILL: `TERM 7 KILL`"


def test_nothing_comes_after_kill() -> None:
    """KILL is the last stage or it is wrong, and there is only one."""
    assert what_is_wrong("KILL TERM 7") == ["KILL comes before `TERM 7`"]
    assert what_is_wrong("KILL TERM 7 KILL") == ["the stop sequence has 2 KILL stages"]


def test_an_empty_sequence_is_refused() -> None:
    """There is no worker that nothing stops."""
    assert what_is_wrong(" ") == ["the stop sequence is empty"]


def test_all_that_is_wrong_with_a_sequence_is_told_at_once() -> None:
    """Order, number and sum are reported together."""
    assert what_is_wrong("KILL 40 KILL 1 WAIT 9") == [
        "the stop sequence has 2 KILL stages",
        "KILL comes before `WAIT 9`",
        "the stop sequence takes 40 + 1 + 9 = 50 s, but there are 30 s stop timeout - 2 s exit margin = 28 s",
    ]


def test_every_stage_ends_at_a_fixed_time_after_the_request() -> None:
    """Ends are cumulative, so a stage that is over early leaves its rest to the later ones."""
    assert offsets(stages("QUIET 20 TERM 7 KILL 1")) == (20, 27, 28)
    assert offsets(()) == ()


def test_the_exit_margin_is_two_seconds_or_a_tenth() -> None:
    """A short stop timeout is not eaten up by the margin."""
    assert [default_exit_margin(timeout) for timeout in (120, 30, 20, 10, 1)] == [2, 2, 2, 1, 0.1]


def test_a_shape_is_cut_to_the_time_there_is() -> None:
    """What is left after the margin and the kill stage is shared out by weight."""
    shape = stages("QUIET 70 TERM 30 KILL")
    assert default_stages(shape, 30, 2) == stages("QUIET 18.9 TERM 8.1 KILL 1")
    assert default_stages(shape, 120, 2) == stages("QUIET 81.9 TERM 35.1 KILL 1")
    assert default_stages(shape, 1, 0.1) == stages("QUIET 0.567 TERM 0.243 KILL 0.09")


@given(
    st.floats(min_value=1, max_value=86_400),
    st.floats(min_value=0, max_value=0.9),
    st.sampled_from(["QUIET 70 TERM 30 KILL", "TERM 100 KILL", "WAIT 1 TSTP 3 TERM 3 KILL"]),
)
def test_a_shape_always_fits(stop_timeout: float, share: float, shape: str) -> None:
    """Whatever stop timeout and margin are, the result has nothing wrong with it, and a kill stage of at most a second."""
    cut = default_stages(stages(shape), stop_timeout, stop_timeout * share)
    assert problems(cut, stop_timeout, stop_timeout * share) == ()
    assert 0 < cut[-1].seconds <= KILL_SECONDS


def test_the_rounding_of_many_stages_does_not_add_up() -> None:
    """Found once in a hundred runs: four stages, each rounded up by less than a millionth of a second."""
    stop_timeout, exit_margin = 1.5, 1.5 * 0.7673348563787887
    cut = default_stages(stages("WAIT 1 TSTP 3 TERM 3 KILL"), stop_timeout, exit_margin)
    assert problems(cut, stop_timeout, exit_margin) == ()


def test_a_bare_name_is_upper_case_without_sig() -> None:
    """People write signals in several ways."""
    assert [bare_name(word) for word in ("TERM", "sigterm", "SIGRTMIN+3")] == ["TERM", "TERM", "RTMIN+3"]
