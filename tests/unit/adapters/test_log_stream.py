"""The log stream waits for its reader; nobody waits for the log stream."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from supervisor.adapters.log_stream import LogStream
from supervisor.core.effects import Level, Note, note
from tests.waiting import until


def start(name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


def as_text(note_: Note, context: object, wall: float) -> str:
    return f"{wall:g} {note_.name} {context}"


@contextmanager
def piped(capacity: int = 1000, least: Level = Level.INFO) -> Iterator[tuple[LogStream, int, int]]:
    reader, writer = os.pipe()
    try:
        yield LogStream(writer, as_text, least, lambda: 5.0, start, capacity), reader, writer
    finally:
        os.close(reader)


def test_lines_come_out_in_order() -> None:
    """What is written is written, after it was let go."""
    with piped() as (log, reader, _):
        log.write(note("a"), (("phase", "running"),))
        log.write_block(lambda: "two\nlines")
        log.write(note("b"), ())
        log.flush(10)
        assert os.read(reader, 1000) == b"5 a (('phase', 'running'),)\ntwo\nlines\n5 b ()\n"
        assert log.dropped == 0


def test_nothing_is_written_before_it_is_let_go() -> None:
    """The writing thread sleeps until all has been decided."""
    with piped() as (log, reader, _):
        os.set_blocking(reader, False)
        log.write(note("a"), ())
        assert not something_came(reader)
        log.let_go()
        until(lambda: something_came(reader), why="the line is written")


def test_less_important_lines_are_left_out() -> None:
    """Of lines below the level nothing is written, and they are not counted as lost."""
    with piped(least=Level.WARNING) as (log, reader, _):
        for level in Level:
            log.write(note(level.value, level), ())
        log.flush(10)
        assert os.read(reader, 1000) == b"5 warning ()\n5 error ()\n"
        assert log.dropped == 0


def test_a_reader_that_does_not_read_costs_lines_and_no_time() -> None:
    """When pipe and queue are full, lines are dropped and counted; the next that gets through says how many."""
    with piped(capacity=10) as (log, reader, _):
        # More than a pipe holds, so that the thread is stuck in it.
        log.write_block(lambda: "x" * 100_000)
        log.let_go()
        until(lambda: not log._waiting, why="the thread has taken it")
        for number in range(15):
            log.write(note(str(number)), ())
        assert log.dropped == 5
        log.flush(0.01)
        seen = b""
        while b" 9 " not in seen:
            seen += os.read(reader, 65_536)
        lines = seen.splitlines()[1:]
        assert lines[0] == b"5 0 (('dropped_lines', 5),)"
        assert lines[1] == b"5 1 ()"


def test_a_reader_that_has_gone_costs_lines_only() -> None:
    """Whatever cannot be written is counted, and the thread lives on."""
    reader, writer = os.pipe()
    os.close(reader)
    log = LogStream(writer, as_text, Level.INFO, lambda: 5.0, start)
    log.write(note("a"), ())
    log.write(note("b"), ())
    log.flush(10)
    assert log.dropped == 2


def test_a_descriptor_that_somebody_made_non_blocking_is_waited_for() -> None:
    """The worker may set a flag on the file that it shares with us; no line is lost by it."""
    with piped() as (log, reader, writer):
        os.set_blocking(writer, False)
        log.write_block(lambda: "x" * 200_000)
        log.let_go()
        seen = 0
        while seen < 200_001:
            seen += len(os.read(reader, 65_536))
        log.flush(10)
        assert log.dropped == 0


def something_came(reader: int) -> bool:
    try:
        return bool(os.read(reader, 1000))
    except BlockingIOError:
        return False
