"""Settings out of options, checked against each other."""

from __future__ import annotations

import pytest

from supervisor.config.probes import ProbeSpec
from supervisor.config.profiles import PROFILES
from supervisor.config.reading import Given
from supervisor.config.resolve import resolve
from supervisor.config.settings import PLAIN_API, ApiSettings, RunSettings
from supervisor.core.problem import Problem
from supervisor.core.sequence import parse


def resolved(environ: dict[str, str] | None = None, **texts: str) -> RunSettings | tuple[Problem, ...]:
    given = {key: Given(text, key) for key, text in texts.items()}
    return resolve(given, ("worker", "--flag"), environ or {}, lambda _: "")


def settings(environ: dict[str, str] | None = None, **texts: str) -> RunSettings:
    outcome = resolved(environ, **texts)
    assert isinstance(outcome, RunSettings), outcome
    return outcome


def what_is_wrong(**texts: str) -> list[str]:
    outcome = resolved(None, **texts)
    assert not isinstance(outcome, RunSettings)
    return [problem.what for problem in outcome]


def test_without_options_everything_has_its_default() -> None:
    """A bare `run -- COMMAND` is a full configuration."""
    assert settings() == RunSettings(
        command=("worker", "--flag"),
        stop_timeout=30,
        exit_margin=2,
        stages=parse("QUIET 18.9 TERM 8.1 KILL 1")[0],
        stop_signals=("TERM", "INT", "QUIT"),
        dump_signal="RTMIN+4",
        signal_target="main",
        profile=PROFILES["plain"],
        recognised=None,
        attaches=True,
        protect="at-start",
        protect_after=0,
        protect_wait=10,
        protect_failure="open",
        when_blocked="quiet",
        lease_minutes=60,
        renew_before_minutes=30,
        release_delay=30,
        protected_budget_minutes=0,
        release_window=120,
        restart="never",
        remap_exit={},
        socket="auto",
        api=PLAIN_API,
        probes=(),
        ready_file=None,
        log_format="auto",
        log_level="info",
        agent_uri=None,
        metadata_uri=None,
    )


def test_every_option_reaches_its_setting() -> None:
    """What the user gave replaces the default, and only that."""
    chosen = settings(
        stop_timeout="120",
        exit_margin="5",
        stop_sequence="INT 100 KILL 2",
        stop_signals="TERM, SIGRTMIN+3,term",
        dump_signal="sigusr2",
        signal_target="group",
        profile="celery",
        attach="none",
        protect="after=2.5",
        protect_wait="3",
        protect_failure="closed",
        when_blocked="keep-trying",
        lease="10",
        renew_before="2.5",
        release_delay="0",
        protected_budget="90",
        release_window="60",
        restart="on-failure",
        remap_exit="143=0, 1=2",
        socket="/run/hooks.sock",
        api="none",
        probe="children",
        probe_settle="3",
        ready_file="/run/ready",
        log_format="json",
        log_level="error",
    )
    assert chosen == RunSettings(
        command=("worker", "--flag"),
        stop_timeout=120,
        exit_margin=5,
        stages=parse("INT 100 KILL 2")[0],
        stop_signals=("TERM", "RTMIN+3"),
        dump_signal="USR2",
        signal_target="group",
        profile=PROFILES["celery"],
        recognised=None,
        attaches=False,
        protect="after",
        protect_after=2.5,
        protect_wait=3,
        protect_failure="closed",
        when_blocked="keep-trying",
        lease_minutes=10,
        renew_before_minutes=2.5,
        release_delay=0,
        protected_budget_minutes=90,
        release_window=60,
        restart="on-failure",
        remap_exit={143: 0, 1: 2},
        socket="/run/hooks.sock",
        api=ApiSettings((), None, False, 0o600, None, False),
        probes=(ProbeSpec("children", "", "probe:children", 3.0),),
        ready_file="/run/ready",
        log_format="json",
        log_level="error",
        agent_uri=None,
        metadata_uri=None,
    )


def test_the_endpoints_of_ecs_are_taken_as_they_are() -> None:
    """They are no options; an empty one is none."""
    agent, metadata = "http://169.254.170.2/api/1", "http://169.254.170.2/v4/1"
    inside = settings({"ECS_AGENT_URI": agent, "ECS_CONTAINER_METADATA_URI_V4": metadata})
    assert (inside.agent_uri, inside.metadata_uri) == (agent, metadata)
    assert settings({"ECS_AGENT_URI": ""}).agent_uri is None


def test_the_default_sequence_follows_profile_and_stop_timeout() -> None:
    """A longer stop timeout is given to the worker."""
    assert settings(profile="celery", stop_timeout="120").stages == parse("QUIET 81.9 TERM 35.1 KILL 1")[0]


def test_a_recognised_worker_brings_its_profile() -> None:
    """Nobody has to name what the command says; what is named wins."""
    for given, name in (({}, "rq"), ({"profile": Given("plain", "--profile")}, "plain")):
        outcome = resolve(given, ("rq", "worker"), {}, lambda _: "")
        assert isinstance(outcome, RunSettings)
        assert outcome.recognised is not None
        assert (outcome.profile.name, outcome.recognised.name) == (name, "rq")


def test_sidekiqs_own_quiet_is_used_only_without_the_hook() -> None:
    """TSTP cannot be taken back; the hook can."""
    attached = settings(profile="sidekiq")
    assert (attached.stages[0].signal, attached.profile.resumable) == (None, True)
    for alone in (settings(profile="sidekiq", attach="none"), settings(profile="sidekiq", socket="none")):
        assert (alone.stages[0].signal, alone.profile.resumable) == ("TSTP", False)
    assert settings(profile="rq", attach="none").profile is PROFILES["rq"]


def test_a_worker_that_only_probes_can_see_gets_its_stop_signal_at_once() -> None:
    """Its own shutdown is all that makes it quiet, so it has all the time; a quiet signal or a hook goes first."""
    assert settings(profile="rq", attach="none", probe="children").stages == parse("TERM 27 KILL 1")[0]
    assert settings(profile="rq", probe="children").stages[0].kind == "quiet"
    assert settings(profile="plain", attach="none", probe="children").stages[0].kind == "quiet"
    assert settings(profile="sidekiq", attach="none", probe="title=busy").stages[0].signal == "TSTP"


def test_a_sequence_must_fit_into_the_stop_timeout() -> None:
    """The sum is shown, after the place where the sequence was written."""
    assert what_is_wrong(stop_sequence="TERM 20 KILL", stop_timeout="10") == [
        "stop_sequence: the stop sequence takes 20 + 1 = 21 s,"
        " but there are 10 s stop timeout - 1 s exit margin = 9 s"
    ]


def test_a_sequence_is_not_blamed_for_what_could_not_be_read() -> None:
    """While a stage makes no sense, or the times do not, the whole is not judged."""
    assert what_is_wrong(stop_sequence="TRM 20") == ["stop_sequence: TRM is no stage"]
    assert what_is_wrong(stop_sequence="TERM 20 KILL", stop_timeout="x") == ["stop_timeout is `x`"]
    assert what_is_wrong(stop_sequence="TERM 200 KILL", exit_margin="x") == ["exit_margin is `x`"]
    assert what_is_wrong(stop_sequence="") == ["stop_sequence: the stop sequence is empty"]


def test_the_exit_margin_leaves_room_for_the_worker() -> None:
    """At most half of the stop timeout may be kept back."""
    assert settings(exit_margin="15").exit_margin == 15
    assert what_is_wrong(exit_margin="15.5") == ["exit_margin is 15.5 s, and the stop timeout is 30 s"]
    assert what_is_wrong(stop_timeout="0") == ["stop_timeout is `0`"]


def test_renewal_comes_before_the_end_of_the_lease() -> None:
    """It is asked for while some of the lease is left, and not at once."""
    assert settings(lease="1").renew_before_minutes == 0.5
    assert what_is_wrong(lease="10", renew_before="10") == ["renew_before is 10 min, and the lease is 10 min"]
    assert what_is_wrong(renew_before="0") == ["renew_before is 0 min, and the lease is 60 min"]
    assert what_is_wrong(renew_before="5", lease="0") == ["lease is `0`"]


@pytest.mark.parametrize("lease", ["0", "2881", "1.5", "-1", "1h"])
def test_a_lease_is_what_ecs_takes(lease: str) -> None:
    """Whole minutes from 1 to 2880 (UpdateTaskProtection, API reference)."""
    (wrong,) = what_is_wrong(lease=lease)
    assert wrong.startswith("lease is ")
    assert settings(lease="2880").lease_minutes == 2880


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        ("KILL", "names KILL"),
        ("TERM,STOP,FOO", "names STOP, FOO"),
        ("15", "names 15"),
        (",", "names no signal"),
    ],
)
def test_stop_signals_are_some_of_the_possible_ones(names: str, wrong: str) -> None:
    """A signal that cannot be caught, or that means something else, is not among them."""
    assert what_is_wrong(stop_signals=names) == [f"stop_signals {wrong}"]


def test_one_signal_has_one_meaning() -> None:
    """The dump signal is not a stop signal too; without a dump signal there is nothing to confuse."""
    assert what_is_wrong(dump_signal="USR1", stop_signals="USR1") == [
        "dump_signal is USR1, which is a stop signal too"
    ]
    assert settings(dump_signal="None", stop_signals="USR1").dump_signal is None


@pytest.mark.parametrize("name", ["KILL", "TERM", "CHLD", "SEGV", "TSTP", "foo", "12", ""])
def test_a_dump_signal_is_free_for_it(name: str) -> None:
    """Neither signals of the kernel nor those that end, stop or wake a process."""
    assert what_is_wrong(dump_signal=name) == [f"dump_signal is `{name}`"]


@pytest.mark.parametrize("text", ["at-start", "before-start", "never"])
def test_protection_begins_when_the_user_says(text: str) -> None:
    """The words are taken as they are."""
    assert (settings(protect=text).protect, settings(protect=text).protect_after) == (text, 0)


@pytest.mark.parametrize(
    "text", ["after", "after=", "after=x", "after=-1", "after=inf", "soon", "", "at-start=3"]
)
def test_another_begin_of_protection_is_refused(text: str) -> None:
    """`after` needs its seconds, the other words have none."""
    assert what_is_wrong(protect=text) == [f"protect is `{text}`"]


def test_statuses_are_remapped_in_pairs() -> None:
    """Each from 0 to 255, and each status to one other; all that is wrong is named."""
    assert settings(remap_exit="").remap_exit == {}
    assert settings(remap_exit="1=2,1=2").remap_exit == {1: 2}
    assert what_is_wrong(remap_exit="256=0,1=-1,1,=,1=2=3,a=b,1=2,1=3") == [
        "remap_exit has `256=0`",
        "remap_exit has `1=-1`",
        "remap_exit has `1`",
        "remap_exit has `=`",
        "remap_exit has `1=2=3`",
        "remap_exit has `a=b`",
        "remap_exit maps 1 twice",
    ]


def test_a_socket_has_an_absolute_path_that_the_kernel_takes() -> None:
    """108 bytes with the NUL is all there is room for (unix(7)), and bytes count, not characters."""
    assert settings(socket="none").socket == "none"
    assert settings(socket="/" + "x" * 106).socket.endswith("x")
    assert what_is_wrong(socket="run/hooks.sock") == ["socket is `run/hooks.sock`"]
    assert what_is_wrong(socket="/" + "x" * 107) == ["socket is longer than 107 bytes"]
    assert what_is_wrong(socket="/" + "é" * 54) == ["socket is longer than 107 bytes"]
    assert settings(socket="/\udcff").socket == "/\udcff"


def test_jobs_that_wait_for_protection_need_the_socket() -> None:
    """They ask over it; without it before-start could not be kept."""
    assert what_is_wrong(socket="none", protect="before-start") == ["socket is `none` with before-start"]


def test_an_unknown_profile_is_refused_and_the_rest_still_checked() -> None:
    """One mistake does not hide another."""
    assert what_is_wrong(profile="celry", signal_target="", log_level="debug") == [
        "profile is `celry`",
        "signal_target is ``",
        "log_level is `debug`",
    ]
