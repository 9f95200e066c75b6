"""Checks: the worker's standard streams are its own, byte by byte, and whoever is at their other end stalls nothing."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import termios
from pathlib import Path

from tests.process.harness import Run, Start, actor
from tests.process.test_terminal import CTRL_C, CTRL_Z, at_a_terminal, wake

EVERY_BYTE = bytes(range(256)) * 1000

# Neither says anything on its standard streams before its files exist, nor needs them to be read.
TELLS_FILES = 'trap "echo > $0.told; exit 9" TERM; echo > $0.ready; while :; do sleep 0.05; done'


def test_check_stdio_bytes(start: Start, tmp_path: Path) -> None:
    """Bytes pass from our standard input to the worker, and from it to standard output and error, unchanged and apart."""
    (tmp_path / "in").write_bytes(EVERY_BYTE)
    with (
        open(tmp_path / "in", "rb") as source,
        open(tmp_path / "out", "wb") as out,
        open(tmp_path / "err", "ab") as err,
        start(
            *("sh", "-c", "tee -a /dev/stderr; echo end >&2"),
            options=("--log-level", "error"),
            stdin=source,
            stdout=out,
            stderr=err,
        ) as run,
    ):
        assert run.status() == 0
    assert (tmp_path / "out").read_bytes() == EVERY_BYTE
    assert (tmp_path / "err").read_bytes() == EVERY_BYTE + b"end\n"


def test_check_stdin(start: Start) -> None:
    """The worker reads what is written to our standard input as it comes, and sees its end."""
    with start("sh", "-c", "read line; echo got $line; cat; exit 8", stdin=subprocess.PIPE) as run:
        run.write("first\n")
        run.until_output("got first")
        run.write("second\n", end=True)
        assert run.status() == 8
        assert run.output == ["got first", "second"]


def test_check_exit_despite_held_pipe(start: Start) -> None:
    """We exit with the worker although its output is held open, by what it has started and by strangers."""
    reader, writer = os.pipe()
    with start("sh", "-c", "setsid sleep 1000 & echo said; exit 4", stdout=writer) as run:
        assert run.process.wait(20) == 4
        assert os.read(reader, 100) == b"said\n"
    os.close(reader)
    os.close(writer)


def test_check_stalled_log_pipe(start: Start, tmp_path: Path) -> None:
    """With full pipes that nobody reads, as behind a stuck log driver, the worker starts, is told, and ends us."""
    reader, writer = _full_pipe()
    with start("sh", "-c", TELLS_FILES, str(tmp_path / "worker"), stdout=writer, stderr=writer) as run:
        _is_told(run, tmp_path)
    os.close(reader)
    os.close(writer)


def test_check_broken_log_pipe(start: Start, tmp_path: Path) -> None:
    """With pipes whose readers have gone the worker starts, is told, and ends us."""
    reader, writer = os.pipe()
    os.close(reader)
    with start("sh", "-c", TELLS_FILES, str(tmp_path / "worker"), stdout=writer, stderr=writer) as run:
        os.close(writer)
        _is_told(run, tmp_path)


def test_check_tty() -> None:
    """At a terminal the worker reads lines, is interrupted once, sees its window change once, can be put aside and woken."""
    with at_a_terminal(*actor("at_terminal")) as (run, screen):
        run.until(lambda: screen.shows("ready") and screen.shows("task.running"), "both are ready")
        screen.type(b"words\n")
        run.until(lambda: screen.shows("got words"), "the worker reads")
        screen.type(CTRL_C)
        run.until(lambda: screen.shows("interrupted"), "the worker is interrupted")
        worker = screen.text.partition("ready ")[2].split()[0]
        _resize(Path(f"/proc/{worker}/fd/0"))
        run.until(lambda: screen.shows("resized"), "the worker sees its window change")
        screen.type(CTRL_Z)
        run.until_output("stopped")
        wake(run)
        screen.type(b"more\n")
        run.until(lambda: screen.shows("got more"), "the worker reads on")
        screen.type(b"end\n")
        run.until_output("exited 6 job")
        assert screen.text.count("interrupted") == 1
        assert screen.text.count("resized") == 1


def _full_pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"x")
        except BlockingIOError:
            os.set_blocking(writer, True)
            return reader, writer


def _is_told(run: Run, directory: Path) -> None:
    run.until((directory / "worker.ready").exists, "the worker is ready")
    run.send(signal.SIGTERM)
    assert run.status() == 9
    assert (directory / "worker.told").exists()


def _resize(terminal: Path) -> None:
    descriptor = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    rows_columns_and_pixels = b"\x28\x00\x78\x00\x00\x00\x00\x00"
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, rows_columns_and_pixels)
    os.close(descriptor)
