"""Who has claimed is found by its connection, and lets go by dying."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from supervisor.adapters.arbitration.callers import Caller, Callers, HungUpError
from supervisor.adapters.arbitration.claims import Claims, EndedError
from supervisor.adapters.arbitration.inodes import ask_kernel, inode_of, search_tables
from supervisor.adapters.arbitration.watch import Watch
from supervisor.adapters.proctree import see
from supervisor.core.events import Event, HolderDied, HoldReleased, HoldTaken
from supervisor.core.instants import Instant
from supervisor.core.names import HolderId, HoldId
from tests.conformance.arbitration_arena import Arbitrated, arbitrated
from tests.process.callers import curl, install_curl, worker
from tests.waiting import until

# What is promised of a death that can be seen.
RELEASED_SECONDS = 1.0


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arbitrated]:
    with arbitrated(tmp_path, answer_seconds=5.0, release_delay=0.0) as arena:
        yield arena


@pytest.fixture(autouse=True)
def client(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a `curl` that every script finds."""
    monkeypatch.setenv("PATH", install_curl(tmp_path_factory.mktemp("client")))


def holders(arena: Arbitrated) -> set[str]:
    return {claim.holder for claim in arena.claims}


def until_free(arena: Arbitrated) -> None:
    until(lambda: not arena.claims, limit=RELEASED_SECONDS, why="nobody claims any more")


def test_each_process_claims_for_itself(arena: Arbitrated) -> None:
    """What one lets go of another still has, and the task stays protected until the last has let go."""
    with worker(arena.uri) as one, worker(arena.uri) as other:
        assert one.ask("on")
        assert other.ask("on")
        assert one.ask("on")
        assert holders(arena) == {f"agent#{one.pid}", f"agent#{other.pid}"}
        assert one.ask("off")
        assert one.ask("off")
        assert holders(arena) == {f"agent#{other.pid}"}
        assert one.ask("look") is True
        assert other.ask("off")
        arena.until_protected(False)


def test_a_process_that_is_killed_lets_go(arena: Arbitrated) -> None:
    """Its death is seen at once, whatever expiry it had asked for, and told with what it held."""
    with worker(arena.uri) as caller:
        assert caller.ask("on 2880")
        caller.kill()
        until_free(arena)
        arena.until_protected(False)
        [told] = arena.arena.noted("holder.died")
        assert str(caller.pid) in str(told.fields)


@pytest.mark.parametrize(
    "words",
    [
        "{curl}",
        "out=$({curl}); echo $out",
        "{curl} | cat",
        "sh -c {quoted}' || true'",
        "bash -c {quoted}'; true'",
        "timeout 10 {curl}",
    ],
)
def test_a_command_line_client_speaks_for_the_process_that_called_it(arena: Arbitrated, words: str) -> None:
    """The client is gone with its answer; the worker that runs it goes on, and so does the claim."""
    with worker(arena.uri) as caller:
        for enabled, expected in ((True, {f"agent#{caller.pid}"}), (False, set())):
            line = curl(arena.uri, enabled)
            said = caller.ask(f"shell {words.format(curl=line, quoted=shlex.quote(line))}")
            assert f'"ProtectionEnabled":{str(enabled).lower()}' in said
            assert holders(arena) == expected


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_shell_script_holds_while_it_runs(arena: Arbitrated, tmp_path: Path, shell: str) -> None:
    """However it calls the client, the script is who claims: its functions, substitutions and pipelines are not."""
    script = tmp_path / "worker.sh"
    lines = (
        f"protect() {{ {curl(arena.uri, True)}; }}",
        "answer=$(protect)",
        "protect | grep -q true",
        'echo "$answer"',
        "read line",
    )
    script.write_text("".join(f"{line}\n" for line in lines))
    with subprocess.Popen([shell, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"true" in process.stdout.readline()
        assert holders(arena) == {f"agent#{process.pid}"}
        process.kill()
        until_free(arena)


def test_one_liners_that_are_whole_workers_claim_each_for_itself(arena: Arbitrated) -> None:
    """A shell that claims and lets go by itself does not speak for whoever started several of them."""
    line = f"{curl(arena.uri, True)}; read line; {curl(arena.uri, False)}"
    # The shells' parent is another process than the supervisor.
    parent = f"for each in 1 2; do sh -c {shlex.quote(line)} & done; wait"
    with subprocess.Popen(["sh", "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        until(lambda: len(arena.claims) == 2, why="both claim")
        assert f"agent#{process.pid}" not in holders(arena)
        process.kill()
    for holder in holders(arena):
        os.kill(int(holder.removeprefix("agent#")), 9)
    until_free(arena)


def test_a_child_that_has_inherited_the_connection_is_not_the_caller() -> None:
    """The eldest of those who have it open has opened it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = (
            "import os, socket, sys; c = socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
            "os.fork(); print(os.getpid(), os.getppid(), flush=True); sys.stdin.read()"
        )
        with subprocess.Popen(
            ["python3", "-S", "-c", code, str(server.getsockname()[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            connected, end = server.accept()
            assert process.stdout is not None
            for _ in range(2):
                process.stdout.readline()
            with connected:
                found = Callers(os.getpid()).find(end, connected.getsockname())
            process.kill()
        assert found is not None
        assert found.pid == process.pid


@pytest.mark.parametrize("bound", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_both_ways_to_find_the_other_end_agree(bound: str) -> None:
    """The kernel's answer and its tables name the same socket: in both families, and where one speaks the other."""
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    server_family = socket.AF_INET6 if bound == "::1" else socket.AF_INET
    with socket.socket(server_family) as server, socket.socket(family) as client:
        server.bind((bound.removeprefix("::ffff:"), 0))
        server.listen()
        client.connect((bound, server.getsockname()[1]))
        connected, end = server.accept()
        with connected:
            ends = end[:2], connected.getsockname()[:2]
            inode = os.fstat(client.fileno()).st_ino
            assert ask_kernel(*ends) == search_tables(*ends) == inode_of(*ends) == inode
            client.close()
            until(lambda: inode_of(*ends) is None, why="the connection is over")
            if bound != "::ffff:127.0.0.1":
                with pytest.raises(HungUpError):
                    Callers(1).find(*ends)


def test_who_is_not_on_this_machine_is_unknown() -> None:
    """The kernel knows only one end of a connection from elsewhere, and nobody is to be blamed for it."""
    assert Callers(1).find(("192.0.2.1", 1), ("192.0.2.2", 2)) is None


def test_the_supervisor_is_nobody(arena: Arbitrated) -> None:
    """What comes from the supervisor's own process, which this test is, counts as unknown."""
    arena.ask("PUT", {"ProtectionEnabled": True})
    assert holders(arena) == {"agent#unknown"}


def unwatched(posted: list[Event]) -> Claims:
    return Claims(posted.append, lambda: Instant(100.0), Watch(lambda *_: None), lambda _: None)


def test_a_number_that_is_given_out_again_names_somebody_else() -> None:
    """Where the end of the first was not seen, it is told before the second claims, and the first's `false` ends nothing."""
    posted: list[Event] = []
    claims = unwatched(posted)
    first, second = Caller(7, 1, "a [7]"), Caller(7, 2, "b [7]")
    claims.settle(claims.take(first, 60.0), True)
    claim = claims.take(second, 60.0)
    assert claim.is_new
    claims.end(first)
    holder, hold = HolderId("agent#7"), HoldId("agent#7/claim")
    assert posted == [
        HoldTaken(hold, holder, "a [7]", 60.0, at_once=True),
        HolderDied(holder, "process 7 has ended"),
        HoldTaken(hold, holder, "b [7]", 60.0, at_once=True),
    ]


def test_who_is_refused_keeps_nothing_unless_it_works() -> None:
    """A first claim that is refused ends; one that was granted before, or that others of the process wait for, stays."""
    posted: list[Event] = []
    claims = unwatched(posted)
    caller = Caller(7, 1, "a [7]")
    released = [HoldReleased(HoldId("agent#7/claim"))]
    claims.settle(claims.take(caller, 60.0), False)
    assert posted[1:] == released
    one, other = claims.take(caller, 60.0), claims.take(caller, 60.0)
    claims.settle(one, False)
    claims.settle(other, True)
    claims.settle(claims.take(caller, 60.0), False)
    assert posted[2:] == [posted[0]] * 3


def test_a_process_that_has_ended_cannot_claim() -> None:
    """Neither where its number is free, nor where it names another process by now."""
    posted: list[Event] = []
    claims = Claims(posted.append, lambda: Instant(0.0), Watch(lambda *_: None))
    with subprocess.Popen(["true"]) as process:
        process.wait()
    ourselves = see(os.getpid())
    assert ourselves is not None
    for caller in (Caller(process.pid, 1, ""), Caller(ourselves.pid, ourselves.started - 1, "")):
        with pytest.raises(EndedError):
            claims.take(caller, 60.0)
    assert posted == []


def test_strangers_are_held_for_until_as_many_have_let_go() -> None:
    """The shared claim lasts as long as the longest of them, and one that is refused takes back its own."""
    posted: list[Event] = []
    claims = unwatched(posted)
    hold = HoldId("agent#unknown/claim")

    def left() -> list[float | None]:
        return [event.ttl if isinstance(event, HoldTaken) else None for event in posted]

    claims.settle(claims.take(None, 60.0), True)
    claims.settle(claims.take(None, 30.0), True)
    claims.settle(claims.take(None, 90.0), False)
    claims.end(None)
    claims.end(None)
    claims.end(None)
    assert left() == [60.0, 60.0, 90.0, 60.0, 60.0, None]
    assert posted[-1] == HoldReleased(hold)


def test_many_can_be_watched_at_once(arena: Arbitrated) -> None:
    """Whoever dies, and in whatever order, only its own claim ends."""
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(arena.uri)) for _ in range(4)]
        for each in workers:
            each.tell("on")
        assert all(each.read() for each in workers)
        for number in (2, 0, 3):
            workers[number].kill()
        left = {f"agent#{workers[1].pid}"}
        until(lambda: holders(arena) == left, limit=RELEASED_SECONDS, why="the dead hold nothing")
        assert workers[1].ask("off")
        until_free(arena)
