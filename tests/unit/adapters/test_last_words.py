"""What is said where there is no log to say it."""

from __future__ import annotations

import os
import threading

import pytest

from supervisor.adapters import last_words

TEXT = "a line of the journal\n" * 20_000


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> int:
    """Put a pipe in the place of stderr; return the end to read from."""
    reader, writer = os.pipe()
    monkeypatch.setattr(last_words, "_STANDARD_ERROR", writer)
    return reader


def read(reader: int, pause: float, said: threading.Event) -> int:
    """Read a page at a time, with so many seconds in between, until all was said; return how much it was."""
    read = 0
    os.set_blocking(reader, False)
    while True:
        was_said = said.wait(pause)
        try:
            read += len(os.read(reader, 4096))
        except BlockingIOError:
            if was_said:
                return read


@pytest.mark.parametrize(("pause", "is_heard_out"), [(0.0, True), (0.1, False)])
def test_a_slow_reader_does_not_keep_us(reader: int, pause: float, is_heard_out: bool) -> None:
    """Who reads at once hears all of it; who takes a page now and then is waited for so long in all, not for each page."""
    said = threading.Event()
    heard: list[int] = []
    thread = threading.Thread(target=lambda: heard.append(read(reader, pause, said)))
    thread.start()
    last_words.say(TEXT, limit=0.5 if pause else 30.0)
    said.set()
    thread.join()
    assert (heard == [len(TEXT)]) is is_heard_out


def test_no_character_keeps_the_rest_from_being_said(reader: int) -> None:
    """Names come from others: half of a surrogate pair in one of them is no reason to be silent."""
    last_words.say("the hold \ud800 is in flight\n")
    assert os.read(reader, 4096) == b"the hold \\ud800 is in flight\n"
