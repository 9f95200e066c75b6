"""Jobs per second of one framework with and without its hook: two workers side by side, at the same time; then another pair.

Both run under a supervisor, one of them with `--no-attach`, in databases of one broker. In every round each finds the same
number of jobs of one millisecond in its queue, and what counts is how many a second each ends while both have some left: a
machine that others use is a tenth faster or slower from one second to the next, but then it is for both. What a process has
by chance, as where its memory lies, it keeps: a worker can be 5 % faster than its twin for as long as both live. So there are
many pairs, a pair counts once, and twins hash texts with the same seed. How many pairs there are depends on how far apart
they are, never on what they say of the cost. The sample apps write two lines a job in either case, which is part of the work
here; so are the other worker, both supervisors and the broker, which want the same processors.
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from supervisor.emulator.agent import Agent
from supervisor.emulator.world import World
from tests.integrations.brokers import broker_for
from tests.integrations.configuration import REDIS, Configuration, Job, Setting
from tests.integrations.records import executions, read_lines
from tests.integrations.worker import ENTRY, library_in
from tests.process.harness import Run, supervised
from tests.waiting import until

JOB_SECONDS = 0.001

# For a worker to start and to finish what it was given, on a busy machine.
_LIMIT_SECONDS = 120.0
# How many jobs tell how fast a worker roughly is, and of how many seconds; and how few make a round.
_FIRST_JOBS = 10
_FEWEST_JOBS = 10
_WARMING_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Effort:
    """rounds: of each pair, in each of which both workers are busy for so many seconds, about. doubt: that is enough of it.

    pairs: the fewest, whose spread says little yet, and the most. protected: whether the tasks are so throughout; else each
    round begins, as every burst of jobs does, with the worker's becoming protected.
    """

    pairs: tuple[int, int]
    rounds: int
    seconds: float
    doubt: float
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Overhead:
    """rates: jobs a second in each round of each pair. attached: whether the hook has really spoken, and the other has not.

    cpu: microseconds of processor time for one job, of the worker's processes with and without the hook, and of the two
    supervisors. They hold on a machine that does other things, too.
    """

    configuration: str
    with_hook: list[list[float]]
    without: list[list[float]]
    attached: bool
    cpu: dict[str, float]

    @property
    def costs(self) -> list[float]:
        """Return the part of its throughput that the hook took in each pair; below zero: it was the faster one."""
        return [
            statistics.median(1 - ours / theirs for ours, theirs in zip(*rates, strict=True))
            for rates in zip(self.with_hook, self.without, strict=True)
        ]

    @property
    def cost(self) -> float:
        return statistics.median(self.costs)

    @property
    def spread(self) -> tuple[float, float]:
        """Return the quartiles of the cost."""
        if len(self.costs) < 2:
            return self.costs[0], self.costs[0]
        low, _, high = statistics.quantiles(self.costs, n=4, method="inclusive")
        return low, high

    @property
    def doubt(self) -> float:
        """Return the standard error of the cost, as if the pairs' costs were normally distributed with these quartiles."""
        low, high = self.spread
        return 1.25 * (high - low) / 1.35 / float(len(self.costs) ** 0.5)


class Bench:
    """One worker that waits for its rounds."""

    def __init__(self, configuration: Configuration, setting: Setting, log: Path, run: Run) -> None:
        self._run = run
        self._configuration = configuration
        self._setting = setting
        self._log = log
        self._numbers = itertools.count()
        # Of the last round: the names of its jobs, and how many have ended. How far the records were read.
        self._names: set[str] = set()
        self._ended = self._read = 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the worker's processes meanwhile: else one that is faster than a client enqueues waits for the client."""
        processes = psutil.Process(self._run.process.pid).children(recursive=True)
        try:
            for process in processes:
                # One that did the last job may just be going.
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def fill(self, count: int) -> None:
        """Put so many jobs into the queue."""
        self._ended = 0
        jobs = [Job(f"job-{number}", JOB_SECONDS) for number in itertools.islice(self._numbers, count)]
        self._names = {job.name for job in jobs}
        self._configuration.enqueue(self._setting, jobs)

    def ends(self) -> list[float]:
        """Wait until the jobs of the last `fill` have ended; return when each did, the first one first."""
        why = f"{len(self._names)} jobs of {self._configuration.name} have ended"
        try:
            until(self._all_ended, limit=_LIMIT_SECONDS, why=why)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self._log.read_text()[-2000:]}") from None
        done = [run for run in executions(read_lines(self._setting.records)) if run.job in self._names]
        return sorted(run.ended for run in done if run.ended is not None)

    def cpu(self) -> tuple[float, float]:
        """Return the seconds of processor time that the worker's processes and the supervisor have used so far."""
        supervisor = psutil.Process(self._run.process.pid)
        worker = 0.0
        for process in supervisor.children(recursive=True):
            # What has ended, meanwhile too, is counted in the process that waited for it.
            with suppress(psutil.NoSuchProcess):
                worker += sum(process.cpu_times()[:4])
        # In nanoseconds, where the usual figures are in hundredths of a second: it uses a few of them in all.
        threads = Path(f"/proc/{supervisor.pid}/task").glob("*/schedstat")
        return worker, sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def says(self, event: str) -> bool:
        return f'"event": "{event}"' in self._log.read_text(errors="replace")

    def _all_ended(self) -> bool:
        """Read on in what the worker writes; no line twice, because that takes time from the workers."""
        if self._setting.records.exists():
            with self._setting.records.open("rb") as file:
                file.seek(self._read)
                lines = file.read()
            whole = lines.rpartition(b"\n")[0]
            self._read += len(whole)
            self._ended += whole.count(b'"end"')
        return self._ended >= len(self._names)


def do(benches: Sequence[Bench], count: int) -> list[list[float]]:
    """Have each do so many jobs, all beginning together; return when each ended one, in their order."""
    with ExitStack() as paused:
        for bench in benches:
            paused.enter_context(bench.paused())
        for bench in benches:
            bench.fill(count)
    return [bench.ends() for bench in benches]


def warmed_up(benches: Sequence[Bench]) -> float:
    """Return how many jobs a second the slowest does, about, after the first, which are slower."""
    count, rate = _FIRST_JOBS, 0.0
    for _ in range(2):
        rate = min((count - 1) / (each[-1] - each[0]) for each in do(benches, count))
        count = max(_FIRST_JOBS, int(rate * _WARMING_SECONDS))
    return rate


def rates_meanwhile(ends: Sequence[Sequence[float]]) -> list[float]:
    """Return how many jobs a second each ended while all did. ends: the instants at which each ended one, in their order.

    Raises AssertionError where that is not known, because somebody was done when another had hardly begun.
    """
    begin, end = max(each[0] for each in ends), min(each[-1] for each in ends)
    inside = [[at for at in each if begin <= at <= end] for each in ends]
    spans = ", ".join(f"{each[0] - begin:+.2f} to {each[-1] - begin:+.2f} s" for each in ends)
    assert all(len(each) > 1 for each in inside), f"they were not at work at the same time: {spans}"
    return [(len(each) - 1) / (each[-1] - each[0]) for each in inside]


def measure(configuration: Configuration, folder: Path, effort: Effort, chance: random.Random) -> Overhead:
    """Measure one configuration, pair by pair, until what is known of it is exact enough or has taken enough time."""
    fewest, most = effort.pairs
    found: list[Overhead] = []
    while True:
        found.append(_measure_pair(configuration, folder / str(len(found)), effort, chance))
        measured = _all_of(found)
        if len(found) >= most or (len(found) >= fewest and measured.doubt <= effort.doubt):
            return measured


def _all_of(pairs: list[Overhead]) -> Overhead:
    return Overhead(
        pairs[0].configuration,
        [rates for each in pairs for rates in each.with_hook],
        [rates for each in pairs for rates in each.without],
        all(each.attached for each in pairs),
        {name: statistics.mean(each.cpu[name] for each in pairs) for name in pairs[0].cpu},
    )


def _measure_pair(
    configuration: Configuration, folder: Path, effort: Effort, chance: random.Random
) -> Overhead:
    with ExitStack() as stack:
        urls = stack.enter_context(_urls(configuration.broker))
        hash_seed = str(chance.randrange(1, 2**32))
        # A file that is there is work in flight; the same for both.
        throughout = ("--probe", f"file={__file__}") if effort.protected else ()
        ways = {
            way: stack.enter_context(
                _bench(configuration, folder / way, next(urls), hash_seed, *options, *throughout)
            )
            for way, options in (("with", ()), ("without", ("--no-attach",)))
        }
        count = max(_FEWEST_JOBS, int(warmed_up(list(ways.values())) * effort.seconds))
        found: dict[str, list[float]] = {way: [] for way in ways}
        before = {way: bench.cpu() for way, bench in ways.items()}
        for _ in range(effort.rounds):
            order = chance.sample(sorted(ways), k=2)
            ends = do([ways[way] for way in order], count)
            for way, rate in zip(order, rates_meanwhile(ends), strict=True):
                found[way].append(rate)
        cpu: dict[str, float] = {}
        for way, bench in ways.items():
            worker, supervisor = (
                (now - then) / effort.rounds / count * 1e6
                for now, then in zip(bench.cpu(), before[way], strict=True)
            )
            cpu |= {f"worker {way}": worker, f"supervisor {way}": supervisor}
        attached = ways["with"].says("hook.attached") and not ways["without"].says("hook.attached")
        return Overhead(configuration.name, [found["with"]], [found["without"]], attached, cpu)


@contextmanager
def _urls(kind: str) -> Iterator[Iterator[str]]:
    """Give brokers that share nothing but, where it can be, the server, which may be a fast one by chance, too."""
    with ExitStack() as stack:
        if kind == REDIS:
            url = stack.enter_context(broker_for(kind))
            yield (f"{url.rpartition('/')[0]}/{number}" for number in itertools.count())
        else:
            yield (stack.enter_context(broker_for(kind)) for _ in itertools.count())


@contextmanager
def _bench(
    configuration: Configuration, folder: Path, url: str, hash_seed: str, *options: str
) -> Iterator[Bench]:
    folder.mkdir(parents=True)
    log = folder / "log"
    with Agent(World()) as agent, log.open("wb") as output:
        with agent.world_lock:
            task_id = agent.world.add_task(agent.now())
        setting = Setting(url, folder / "records", folder, library_in(folder))
        env = {
            "ECS_AGENT_URI": agent.uri(task_id),
            "EMULATOR_TASK": "1",
            "PYTHONHASHSEED": hash_seed,
            "RECORDS": str(setting.records),
            **configuration.environ(setting),
        }
        with supervised(
            *configuration.command(setting),
            options=("--log-format", "json", *options),
            env=env,
            entry=(sys.executable, "-I", "-c", ENTRY),
            cwd=configuration.app,
            # To files: nobody here may take processor time to read them.
            stdout=output,
            stderr=output,
        ) as run:
            yield Bench(configuration, setting, log, run)
