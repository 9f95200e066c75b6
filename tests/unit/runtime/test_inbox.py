"""The inbox wakes its reader and loses nothing."""

from __future__ import annotations

import select
import threading

from supervisor.core.events import Event, SignalReceived
from supervisor.core.names import SignalName
from supervisor.runtime.inbox import Inbox, Question


def is_readable(inbox: Inbox) -> bool:
    return bool(select.select((inbox.fileno(),), (), (), 0)[0])


def test_an_empty_inbox_is_quiet() -> None:
    """Nothing posted, nothing to read."""
    inbox = Inbox()
    assert not is_readable(inbox)
    assert not inbox.has_some
    assert inbox.take() == []


def test_a_posted_fact_wakes_the_reader_once() -> None:
    """What was posted makes the descriptor readable until it is taken."""
    inbox, fact = Inbox(), SignalReceived(SignalName("USR1"))
    inbox.post(fact, fact)
    assert is_readable(inbox)
    assert inbox.has_some
    assert inbox.take() == [fact, fact]
    assert not is_readable(inbox)
    assert not inbox.has_some


def test_many_threads_lose_nothing_and_keep_their_order() -> None:
    """Whatever is posted from many threads arrives, each thread's facts in its order, in bounded portions."""
    inbox, taken = Inbox(), list[Event | Question]()

    def post(name: str) -> None:
        for number in range(500):
            inbox.post(SignalReceived(SignalName(f"{name}{number}")))

    threads = [threading.Thread(target=post, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    while len(taken) < 2000:
        assert select.select((inbox.fileno(),), (), (), 10)[0], "the reader is woken while anything is left"
        portion = inbox.take()
        assert len(portion) <= 16
        taken += portion
    for name in "abcd":
        mine = [fact.signal for fact in taken if isinstance(fact, SignalReceived) and fact.signal[0] == name]
        assert mine == [f"{name}{number}" for number in range(500)]
    assert inbox.take() == []
