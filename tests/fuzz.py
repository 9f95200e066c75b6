"""Raw bytes against everything that listens: `python -m tests.fuzz --seconds 60`, and a short run in the suite.

What is sent was a proper request or a proper line once; it is cut, doubled, mixed and sent in pieces, and the connection ends in
every way there is. Meanwhile two others, who have done nothing wrong, hold something.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from supervisor.adapters.hook_listener import listen
from supervisor.adapters.hook_socket import HookSocket
from supervisor.adapters.http_api.listen import UNIX
from supervisor.adapters.http_api.means import Patience
from tests.conformance.api_arena import Arena
from tests.conformance.api_client import Served, served
from tests.waiting import until

HOST = b"Host: localhost\r\n"
REQUESTS = (
    b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /v1/status HTTP/1.0\r\nConnection: keep-alive\r\n" + HOST + b"\r\n",
    b"PUT /v1/holds/1 HTTP/1.1\r\nContent-Length: 26\r\n" + HOST + b'\r\n{"about": "mail","ttl":1.5}',
    b"PUT /v1/holds/a%2Fb HTTP/1.1\r\nContent-Length: 13\r\n" + HOST + b'\r\n{"wait": 0.1}',
    b"DELETE /v1/holds/1 HTTP/1.1\r\n" + HOST + b"\r\n",
    b"PUT /v1/holds/2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    + HOST
    + b'\r\n3\r\n{"w\r\n8;x=y\r\nait": 0}\r\n0\r\n\r\n',
    b"PUT /v1/holds/3 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + HOST + b"\r\n{}",
    b"GET /v1/accepting?wait=0.1&was=true HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /v1/events HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n" + HOST + b"\r\n",
    b"POST /v1/drain HTTP/1.1\r\nAuthorization: Bearer wrong\r\nContent-Length: 12\r\n"
    + HOST
    + b'\r\n{"now":true}',
    b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
)
LINES = (
    b'{"op":"hello","v":1,"about":"w1","framework":"celery","version":"5.7.0","gate":true}\n',
    b'{"op":"hello","v":1,"about":"w2","framework":"rq","version":"3.0.0","gate":true,"heirs":true}\n',
    b'{"op":"hold","id":"7","about":"mail","ttl":2.5,"wait":true}\n',
    b'{"op":"hold","id":"8","about":"\\ud800","fetching":true}\n',
    b'{"op":"refresh","id":"7","ttl":null}\n',
    b'{"op":"release","id":"7"}\n',
    b'{"op":"shut"}\n{"op":"opened"}\n{"op":"reserved","count":3}\n',
    b'{"op":"advice","setting":"a","why":"b","fix":"c"}\n',
    b'{"op":"ping"}\n',
)
SPICES = (
    b"\x00",
    b"\r\n",
    b"\n",
    b"\r",
    b"\xff\xfe",
    b"%00",
    b" ",
    b"{",
    b'"',
    b"-1",
    b"9" * 400,
    b"[" * 2000,
    b"\xf0\x9f\x98\x80",
)

# So many strikes at a time: a worker has some processes, and a fuzzer has none of their manners.
HANDS = 8

WITNESS = "witness-that-did-nothing-wrong"

# The first strikes load and allocate what is kept.
WARM_SHARE = 0.3


@dataclass(frozen=True)
class Report:
    """lag: the longest that a question had to wait. memory and descriptors: what has been added since all was warm."""

    strikes: int
    answered: int
    lag_seconds: float
    memory_kib: int
    descriptors: int


@dataclass(frozen=True)
class Targets:
    api: Served
    hooks: str
    witness: socket.socket


@contextmanager
def targets(directory: Path) -> Iterator[Targets]:
    """Give an API and a hook socket in one arena, and somebody who holds something at both."""
    token = directory / "token"
    token.write_text("secret")
    arena = Arena()
    listener = listen(f"{directory}/hooks")
    hooks = HookSocket(listener.descriptor, listener.path, arena.selector, arena.clock, arena.facts.append)
    arena.hooks.append(hooks)
    patience = Patience(request=1.0, read=1.0, idle=1.0, alive=1.0)
    try:
        with (
            served(directory, arena, token_file=token, patience=patience) as api,
            socket.socket(socket.AF_UNIX) as witness,
        ):
            witness.connect(listener.path)
            witness.sendall(json.dumps({"op": "hold", "id": WITNESS, "about": "a job"}).encode() + b"\n")
            api.ask("PUT", f"/v1/holds/{WITNESS}", {"ttl": 43_200})
            until(lambda: len(witnesses(api)) == 2, why="both hold something")
            yield Targets(api, listener.path, witness)
    finally:
        # In earnest the end of the process does this.
        hooks._server.close()
        for connection in hooks._connections.values():
            connection.close()


def witnesses(api: Served) -> list[str]:
    return [hold.id for hold in api.arena.snapshot().holds if hold.id.endswith(WITNESS)]


def fuzz(aims: Targets, seconds: float, seed: int) -> Report:
    """Strike for so long; then see that everybody is well, and return what it was like."""
    began, warm_kib, descriptors = time.monotonic(), 0, open_descriptors()
    hands = [_Hand(aims, random.Random(f"{seed}/{number}"), began + seconds) for number in range(HANDS)]
    lag = 0.0
    for hand in hands:
        hand.start()
    while any(hand.is_alive() for hand in hands):
        asked_at = time.monotonic()
        aims.api.arena.standing()
        lag = max(lag, time.monotonic() - asked_at)
        if not warm_kib and asked_at - began > seconds * WARM_SHARE:
            warm_kib = resident_kib()
        hands[0].join(0.05)
    assert all(hand.failed is None for hand in hands), [hand.failed for hand in hands]
    check_well(aims)
    # Connections that were left behind are closed by the clock.
    until(lambda: open_descriptors() <= descriptors, why="no descriptor is left behind")
    return Report(
        strikes=sum(hand.strikes for hand in hands),
        answered=sum(hand.answered for hand in hands),
        lag_seconds=round(lag, 4),
        memory_kib=resident_kib() - warm_kib,
        descriptors=open_descriptors() - descriptors,
    )


def check_well(aims: Targets) -> None:
    """Fail where anything was lost, or anything was left behind."""
    arena = aims.api.arena
    assert len(witnesses(aims.api)) == 2
    assert arena.failed == []
    assert [note for note in arena.notes if note.name.endswith(".failed")] == []
    assert arena.standing().phase == "running"
    assert aims.api.ask("GET", "/livez").status == 200


class _Hand(threading.Thread):
    """One client without manners."""

    def __init__(self, aims: Targets, chance: random.Random, until_: float) -> None:
        super().__init__(daemon=True)
        self._aims = aims
        self._chance = chance
        self._until = until_
        self.strikes = 0
        self.answered = 0
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            while time.monotonic() < self._until:
                self._strike()
                self.strikes += 1
        except BaseException as error:  # noqa: BLE001 - the test has to see it
            self.failed = error

    def _strike(self) -> None:
        chance, api = self._chance, self._aims.api
        address = chance.choice((f"{UNIX}{self._aims.hooks}", api.unix, api.tcp))
        # Whoever is struck may hang up at any moment.
        with suppress(OSError), api.raw(address) as connection:
            connection.settimeout(0.05)
            self._talk(connection, LINES if address.endswith(self._aims.hooks) else REQUESTS)

    def _talk(self, connection: socket.socket, seeds: tuple[bytes, ...]) -> None:
        chance = self._chance
        said = b"".join(mutated(chance.choice(seeds), chance) for _ in range(chance.choice((1, 1, 2, 5))))
        cut = chance.randrange(len(said) + 1)
        for piece in (said[:cut], said[cut:]) if chance.random() < 0.3 else (said,):
            connection.sendall(piece)
        ending = chance.random()
        if ending < 0.2:
            return
        if ending < 0.5:
            connection.shutdown(socket.SHUT_WR)
        self.answered += bool(connection.recv(4096))


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """Return it with a few things wrong, or nothing."""
    made = bytearray(seed)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(5):
            case 0:
                made[at : at + chance.randrange(1, 20)] = b""
            case 1:
                made[at:at] = chance.choice(SPICES)
            case 2:
                made[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                made[at:at] = made[at : at + chance.randrange(1, 60)]
            case _:
                del made[at:]
    return bytes(made)


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, targets(Path(directory)) as aims:
        print(fuzz(aims, asked.seconds, asked.seed))  # noqa: T201 - it is what one asks for


if __name__ == "__main__":
    main()
