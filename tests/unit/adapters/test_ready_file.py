"""The file that says ready, and who else hears how things stand."""

from __future__ import annotations

from pathlib import Path

from supervisor.adapters.followers import Followers
from supervisor.adapters.ready_file import ReadyFile
from supervisor.core.effects import Announce, Grant, Note, Refuse
from supervisor.core.names import HoldId

STARTING = Announce("starting", True, False, None, False)
RUNNING = Announce("running", True, False, None, False)
QUIET = Announce("quiet", False, False, None, False)
DRAINING = Announce("draining", False, True, 20.0, False)


def test_the_file_is_there_while_new_work_is_welcome(tmp_path: Path) -> None:
    """Not before the worker runs, not while the task is quiet, not on the way out."""
    path = tmp_path / "ready"
    path.touch()
    ready = ReadyFile(str(path), lambda _: None)
    assert not path.exists()
    for news, is_there in (
        (STARTING, False),
        (RUNNING, True),
        (RUNNING, True),
        (QUIET, False),
        (RUNNING, True),
    ):
        ready.announce(news)
        assert path.exists() is is_there
    ready.announce(DRAINING)
    assert not path.exists()


def test_it_goes_when_it_is_closed(tmp_path: Path) -> None:
    """A supervisor that ends for whatever reason is not ready."""
    path = tmp_path / "ready"
    ready = ReadyFile(str(path), lambda _: None)
    ready.announce(RUNNING)
    ready.close()
    ready.close()
    assert not path.exists()


def test_what_cannot_be_done_is_told_once(tmp_path: Path) -> None:
    """And raises nothing on the way from a stop request to the worker."""
    told = list[Note]()
    ready = ReadyFile(str(tmp_path / "nowhere" / "ready"), told.append)
    ready.announce(RUNNING)
    ready.announce(QUIET)
    ready.announce(RUNNING)
    (note,) = told
    assert note.name == "ready_file.failed"
    assert dict(note.fields)["so"] == "the health check sees a worker that is not ready"


def test_a_file_that_stays_is_told(tmp_path: Path) -> None:
    """The health check would go on believing in it."""
    told = list[Note]()
    (tmp_path / "ready").mkdir()
    ReadyFile(str(tmp_path / "ready"), told.append)
    assert dict(told[0].fields)["so"] == "the health check sees a ready worker"


class Told:
    def __init__(self, heard: list[str], name: str) -> None:
        self._heard = heard
        self._name = name

    def announce(self, news: Announce) -> None:
        self._heard.append(f"{self._name} {news.phase}")

    def answer(self, order: Grant | Refuse) -> None:
        self._heard.append(f"{self._name} {order.hold}")

    def close(self) -> None:
        self._heard.append(f"{self._name} closed")


def test_followers_hear_it_before_the_hooks() -> None:
    """Readiness goes first; answers are for hooks alone."""
    heard = list[str]()
    everyone = Followers([Told(heard, "hooks")], [Told(heard, "file"), Told(heard, "probes")])
    everyone.announce(QUIET)
    everyone.answer(Grant(HoldId("1"), protected=True))
    everyone.close()
    closed = ["file closed", "probes closed"]
    assert heard == ["file quiet", "probes quiet", "hooks quiet", "hooks 1", "hooks closed", *closed]


def test_there_may_be_no_hooks() -> None:
    """Without a socket the others follow all the same."""
    heard = list[str]()
    alone = Followers([], [Told(heard, "file")])
    alone.announce(RUNNING)
    alone.answer(Refuse(HoldId("1"), "no"))
    alone.close()
    assert heard == ["file running", "file closed"]
