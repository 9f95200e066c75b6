"""The queue of the demo: taken by one, and given out again when its taker has fallen silent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.demo.queue import SILENCE_SECONDS, Claim, Queue


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


def claim(queue: Queue) -> Claim:
    claimed = queue.claim()
    assert claimed is not None
    return claimed


def beat_later(claimed: Claim, tmp_path: Path, nanoseconds: int) -> None:
    """Beat at a time that differs from the last, however coarse the clock of the file system is."""
    claimed.beat()
    os.utime(tmp_path / "claimed" / claimed.job, ns=(nanoseconds, nanoseconds))


def test_jobs_are_given_out_once_and_in_order(queue: Queue) -> None:
    """The first by name goes first, and nobody gets what somebody has."""
    queue.put("02-email", 0.5)
    queue.put("01-video", 8.25)
    first, second = claim(queue), claim(queue)
    assert (first.job, first.seconds) == ("01-video", 8.25)
    assert (second.job, second.seconds) == ("02-email", 0.5)
    assert queue.claim() is None


def test_a_queue_is_empty_when_its_jobs_are_finished(queue: Queue) -> None:
    """A job that somebody works on is not done."""
    assert queue.is_empty
    queue.put("01-video", 1.0)
    assert not queue.is_empty
    claimed = claim(queue)
    assert not queue.is_empty
    claimed.finish()
    assert queue.is_empty


def test_the_job_of_a_silent_worker_is_given_out_again(queue: Queue) -> None:
    """That is how a killed job comes to be run twice."""
    queue.put("01-video", 1.0)
    claim(queue)
    assert queue.give_out_again(100.0) == []
    assert queue.give_out_again(100.0 + SILENCE_SECONDS - 0.1) == []
    assert queue.give_out_again(100.0 + SILENCE_SECONDS) == ["01-video"]
    assert claim(queue).job == "01-video"
    assert queue.give_out_again(101.0 + SILENCE_SECONDS) == [], "silence is counted anew"


def test_a_worker_that_beats_keeps_its_job(queue: Queue, tmp_path: Path) -> None:
    """A job may take longer than the queue waits for a sign of life."""
    queue.put("01-video", 1.0)
    claimed = claim(queue)
    for second in range(10):
        beat_later(claimed, tmp_path, second + 1)
        assert queue.give_out_again(100.0 + second) == []


def test_a_worker_that_was_thought_dead_does_no_harm(queue: Queue) -> None:
    """What it says of a job that somebody else has by now changes nothing."""
    queue.put("01-video", 1.0)
    late = claim(queue)
    queue.give_out_again(0.0)
    assert queue.give_out_again(SILENCE_SECONDS) == ["01-video"]
    late.beat()
    late.finish()
    assert claim(queue).job == "01-video"


def test_a_closed_queue_is_closed_for_everybody(queue: Queue, tmp_path: Path) -> None:
    """Also for those who opened it themselves, as every worker does."""
    other = Queue(tmp_path)
    assert not other.is_closed
    queue.close()
    assert other.is_closed
