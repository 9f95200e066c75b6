"""The options of the local API and of the unix sockets."""

from __future__ import annotations

import pytest

from supervisor.config.api import read_api
from supervisor.config.reading import Given, Reader
from supervisor.config.settings import PLAIN_API, ApiSettings


def read(**texts: str) -> tuple[ApiSettings, list[str]]:
    reader = Reader({key: Given(text, f"--{key.replace('_', '-')}") for key, text in texts.items()})
    return read_api(reader), [str(problem) for problem in reader.problems]


def test_everything_given_is_read() -> None:
    """Addresses by flag, by line and by comma; rights in octal; a group by name."""
    assert read(
        api="unix:/run/a.api\n127.0.0.1:8126;[::1]:0,localhost:9,auto",
        api_token_file="/run/token",
        socket_mode="0660",
        socket_group="workers",
        arbitrate="yes",
    ) == (
        ApiSettings(
            ("unix:/run/a.api", "127.0.0.1:8126", "[::1]:0", "localhost:9", "auto"),
            "/run/token",
            False,
            0o660,
            "workers",
            True,
        ),
        [],
    )


def test_nothing_given_is_what_most_have() -> None:
    """The defaults of the table are the value that stands for them; `none` is no address at all."""
    assert read() == (PLAIN_API, [])
    assert read(api="none")[0].addresses == ()


@pytest.mark.parametrize("address", ["0.0.0.0:80", "10.0.0.7:80", "[::]:80", "worker.local:80"])
def test_what_others_can_reach_must_be_meant(address: str) -> None:
    """Whoever reaches the API can keep the task alive, or end it."""
    _, (problem,) = read(api=address)
    assert "others than this task can reach" in problem
    assert read(api=address, api_remote="yes")[1] == []


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        ({"api": "8126"}, "has `8126`, which is no address"),
        ({"api": ":80"}, "is no address"),
        ({"api": "127.0.0.1:99999"}, "is no address"),
        ({"api": "127.0.0.1:x"}, "is no address"),
        ({"api": "unix:run/a"}, "is `unix:run/a`"),
        ({"api": "unix:/" + "a" * 107}, "is longer than 107 bytes"),
        ({"api": "none,auto"}, "has `none` beside an address"),
        ({"api_token_file": "token"}, "is `token`"),
        ({"socket_mode": "rw"}, "is `rw`"),
        ({"socket_mode": ""}, "is ``"),
        ({"socket_mode": "0777"}, "is `0777`"),
        ({"socket_mode": "0400"}, "is `0400`"),
        ({"arbitrate": "perhaps"}, "is `perhaps`"),
    ],
)
def test_what_cannot_be_meant_is_refused(texts: dict[str, str], what: str) -> None:
    """Each with one problem that names the option and the value."""
    _, (problem,) = read(**texts)
    assert what in problem
