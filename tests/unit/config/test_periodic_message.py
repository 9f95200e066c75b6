"""The form of a periodic task's message."""

from __future__ import annotations

import pytest

from supervisor.config.periodic_message import NAME_CHARACTERS, identity, plain_name, wrong_path


@pytest.mark.parametrize("path", ["/", "/nightly", "/a?b=%20&c"])
def test_a_path_of_the_app(path: str) -> None:
    """With a query, if that is wanted."""
    assert wrong_path(path) is None


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "begin"),
        ("a", "begin"),
        ("http://x/", "begin"),
        ("//x", "host"),
        ("/a b", "space"),
        ("/\n", "control"),
        ("/é", "ASCII"),
    ],
)
def test_what_is_no_path_is_explained(path: str, why: str) -> None:
    """It could be a host, or a header of its own."""
    assert why in (wrong_path(path) or "")


@pytest.mark.parametrize("name", ["nightly", "nightly job", "app:report --all", "x" * 300, "é"])
def test_an_identity_is_one_that_sqs_takes(name: str) -> None:
    """Short, in plain characters, and the same each time."""
    assert NAME_CHARACTERS.issuperset(identity(name))
    assert len(identity(name)) < 64
    assert identity(name) == identity(name)


def test_names_that_look_alike_stay_different() -> None:
    """A FIFO queue would take one for the other and drop it."""
    assert plain_name("a b") == plain_name("a-b") == "a-b"
    assert identity("a b") != identity("a-b")
