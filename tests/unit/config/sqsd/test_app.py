"""How the application is talked to."""

from __future__ import annotations

import pytest

from tests.unit.config.sqsd.given import settings, what_is_wrong


def test_by_default_it_is_what_elastic_beanstalk_does() -> None:
    """The root path of port 80 on this machine."""
    app = settings().app
    assert (app.address, app.port, app.path, app.host) == ("127.0.0.1", 80, "/", "localhost")
    assert (app.forwarded_proto, app.health_path, app.health_every) == (None, None, None)
    assert (app.takes_periodic, app.success) == (True, frozenset({200}))


def test_everything_can_be_said_otherwise() -> None:
    """Each by its own option."""
    app = settings(
        *(
            "--http-address",
            "127.0.0.2",
            "--http-port",
            "3000",
            "--http-path",
            "work",
            "--mime-type",
            "text/plain",
        ),
        *(
            "--user-agent",
            "aws-sqsd/2.4",
            "--http-host",
            "app",
            "--forwarded-proto",
            "https",
            "--periodic",
            "no",
        ),
        *("--health-path", "/up", "--health-every", "10", "--success-status", "200,204"),
    ).app
    assert (app.address, app.port, app.path, app.mime_type) == ("127.0.0.2", 3000, "/work", "text/plain")
    assert (app.user_agent, app.host, app.forwarded_proto) == ("aws-sqsd/2.4", "app", "https")
    assert (app.takes_periodic, app.health_path, app.health_every) == (False, "/up", 10)
    assert app.success == {200, 204}


@pytest.mark.parametrize(
    ("written", "address"),
    [("localhost", "127.0.0.1"), ("::1", "::1"), ("[::1]", "::1"), ("127.8.8.8", "127.8.8.8")],
)
def test_this_machine_has_several_names(written: str, address: str) -> None:
    """The name is taken for the address where applications listen."""
    assert settings("--http-address", written).app.address == address


def test_another_machine_has_to_be_meant() -> None:
    """Frameworks take jobs from their own only."""
    assert what_is_wrong("--http-address", "10.0.0.5") == [
        "--http-address is `10.0.0.5`, from where frameworks take no jobs"
    ]
    assert settings("--http-address", "app.internal", "--http-remote").app.address == "app.internal"


@pytest.mark.parametrize("path", ["//host/x", "http://host/x", "/a b", "/a\r\nX: y", "/é"])
@pytest.mark.parametrize("flag", ["--http-path", "--health-path"])
def test_a_path_is_a_path(flag: str, path: str) -> None:
    """It must not become a host or a header."""
    assert what_is_wrong(flag, path) == [f"{flag} is `{path}`"]


@pytest.mark.parametrize("flag", ["--mime-type", "--user-agent", "--http-host"])
@pytest.mark.parametrize("text", ["", "a\nb", "é", "a\x7f"])
def test_a_header_is_printable_ascii(flag: str, text: str) -> None:
    """Anything else would be another header, or none."""
    assert what_is_wrong(f"{flag}={text}") == [f"{flag} is {text!r}"]


def test_a_port_is_whole() -> None:
    """There are no others."""
    assert what_is_wrong("--http-port", "80.5") == ["--http-port is 80.5"]


def test_any_success_can_be_one_word() -> None:
    """As the other re-implementations of the daemon do."""
    assert settings("--success-status", "2xx").app.success == frozenset(range(200, 300))


@pytest.mark.parametrize("text", ["", ",", "199", "300", "x", "200,x", "2xx,200", "²00"])
def test_only_successes_can_be_success(text: str) -> None:
    """A message must not be deleted for an error."""
    assert what_is_wrong(f"--success-status={text}") == [f"--success-status is `{text}`"]
