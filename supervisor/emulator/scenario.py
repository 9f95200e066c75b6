"""A rehearsal script: at so many seconds, do this.

    # Two workers are busy when the service shrinks, and the agent is being upgraded meanwhile.
    at 3 scale-in 1
    at 4 agent down
    at 6 agent up
    at 8 agent fault throttled x3
    at 20 end

A script is data, so it can be built by a program as well as written by hand, and what is wrong with it is
said at once, all of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from supervisor.emulator.faults import Fault


@dataclass(frozen=True, slots=True)
class ScaleTo:
    count: int

    def __str__(self) -> str:
        return f"scale {self.count}"


@dataclass(frozen=True, slots=True)
class ScaleBy:
    """Negative to scale in."""

    difference: int

    def __str__(self) -> str:
        return f"scale-{'in' if self.difference < 0 else 'out'} {abs(self.difference)}"


@dataclass(frozen=True, slots=True)
class Deploy:
    def __str__(self) -> str:
        return "deploy"


@dataclass(frozen=True, slots=True)
class StopTask:
    """Tasks are numbered from 1 in the order in which they started."""

    number: int

    def __str__(self) -> str:
        return f"stop-task {self.number}"


@dataclass(frozen=True, slots=True)
class Spot:
    number: int

    def __str__(self) -> str:
        return f"spot {self.number}"


@dataclass(frozen=True, slots=True)
class AgentDown:
    def __str__(self) -> str:
        return "agent down"


@dataclass(frozen=True, slots=True)
class AgentUp:
    def __str__(self) -> str:
        return "agent up"


@dataclass(frozen=True, slots=True)
class AgentFault:
    """For so many calls, or without a count for all of them."""

    fault: Fault
    calls: int | None = 1

    def __str__(self) -> str:
        many = " always" if self.calls is None else "" if self.calls == 1 else f" x{self.calls}"
        return f"agent fault {self.fault.value}{many}"


@dataclass(frozen=True, slots=True)
class AgentWell:
    def __str__(self) -> str:
        return "agent well"


@dataclass(frozen=True, slots=True)
class End:
    """The rehearsal is over; what still runs is killed."""

    def __str__(self) -> str:
        return "end"


Action = ScaleTo | ScaleBy | Deploy | StopTask | Spot | AgentDown | AgentUp | AgentFault | AgentWell | End


@dataclass(frozen=True, slots=True)
class Step:
    at: float
    action: Action

    def __str__(self) -> str:
        return f"at {self.at:g} {self.action}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps in the order of their instants; steps of one instant keep the order of the script."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        # A frozen dataclass can set its own field only this way.
        object.__setattr__(self, "steps", tuple(sorted(self.steps, key=lambda step: step.at)))

    def __str__(self) -> str:
        return "\n".join(str(step) for step in self.steps)


@dataclass(frozen=True, slots=True)
class Problem:
    line: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}: {self.text!r}"


class ScenarioError(ValueError):
    """Everything that is wrong with a script."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def parse(text: str) -> Scenario:
    """Read a script. Raises ScenarioError."""
    steps: list[Step] = []
    problems: list[Problem] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        try:
            steps.append(_step(line))
        except ValueError as error:
            problems.append(Problem(number, line, str(error)))
    if problems:
        raise ScenarioError(problems)
    return Scenario(tuple(steps))


def _step(line: str) -> Step:
    match line.split():
        case ["at", when, *words] if words:
            return Step(_seconds(when), _action(words))
        case _:
            raise ValueError("a step reads 'at SECONDS ACTION'")


def _action(words: list[str]) -> Action:
    match words:
        case ["agent", "fault", name, *many]:
            return AgentFault(_fault(name), _calls(many))
        case ["agent", word] if word in _AGENT_WORDS:
            return _AGENT_WORDS[word]()
        case ["agent", *_]:
            raise ValueError("the agent can be 'down', 'up', 'well' or have a 'fault NAME [xN|always]'")
        case [word] if word in _PLAIN_WORDS:
            return _PLAIN_WORDS[word]()
        case [word, number] if word in _COUNTED_WORDS:
            least, make = _COUNTED_WORDS[word]
            return make(_count(number, least))
        case [word, *_] if word in _COUNTED_WORDS:
            raise ValueError(f"'{word}' needs one number")
        case [word, *_] if word in _PLAIN_WORDS:
            raise ValueError(f"'{word}' stands alone")
        case _:
            known = ", ".join([*_COUNTED_WORDS, *_PLAIN_WORDS, "agent"])
            raise ValueError(f"unknown action, known are {known}")


_AGENT_WORDS: Mapping[str, Callable[[], Action]] = {"down": AgentDown, "up": AgentUp, "well": AgentWell}
_PLAIN_WORDS: Mapping[str, Callable[[], Action]] = {"deploy": Deploy, "end": End}
_COUNTED_WORDS: Mapping[str, tuple[int, Callable[[int], Action]]] = {
    "scale": (0, ScaleTo),
    "scale-in": (1, lambda count: ScaleBy(-count)),
    "scale-out": (1, ScaleBy),
    "stop-task": (1, StopTask),
    "spot": (1, Spot),
}


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        raise ValueError(f"'{word}' is not a number of seconds") from None
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"'{word}' is not a time in a rehearsal")
    return seconds


def _count(word: str, least: int) -> int:
    if re.fullmatch("[0-9]+", word) is None or int(word) < least:
        raise ValueError(f"'{word}' is not a whole number of {least} or more")
    return int(word)


def _fault(name: str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        known = ", ".join(fault.value for fault in Fault)
        raise ValueError(f"unknown fault '{name}', known are {known}") from None


def _calls(words: list[str]) -> int | None:
    match words:
        case []:
            return 1
        case ["always"]:
            return None
        case [word] if word.startswith("x"):
            return _count(word[1:], 1)
        case _:
            raise ValueError("after a fault comes nothing, 'always' or a count such as 'x3'")
