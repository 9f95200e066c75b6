"""The parts of README that are printed by the code. `python -m tests.budget.readme` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from supervisor.config.option_text import options_table
from supervisor.config.options import OPTIONS
from supervisor.config.probes import probes_table
from supervisor.config.profiles import profiles_table
from supervisor.config.sidecar_options import SIDECAR
from supervisor.config.sqsd.options import ALONE
from supervisor.render.log_events import log_events_table
from supervisor.render.mermaid import diagrams

README = Path(__file__).parents[2] / "README.md"

PARTS: dict[str, Callable[[], str]] = {
    "options": lambda: options_table(OPTIONS.values()),
    "sidecar-options": lambda: options_table(
        option for option in SIDECAR.options.values() if option is not OPTIONS.get(option.key)
    ),
    "sqsd-options": lambda: options_table(
        option for option in ALONE.options.values() if option.key not in OPTIONS
    ),
    "profiles": profiles_table,
    "probes": probes_table,
    "log-events": log_events_table,
    "diagrams": diagrams,
}


def written(name: str) -> str:
    """Return what stands in README between the markers of that name."""
    found = _between(name).search(README.read_text(encoding="utf-8"))
    assert found, f"README.md has no <!-- {name}:begin --> ... <!-- {name}:end -->"
    return found[2].strip()


def write_anew() -> None:
    text = README.read_text(encoding="utf-8")
    for name, generate in PARTS.items():
        part = f"\\g<1>{_literal(generate().strip())}\n\\g<3>"
        text = _between(name).sub(part, text)
    README.write_text(text, encoding="utf-8")


def _between(name: str) -> re.Pattern[str]:
    return re.compile(f"(<!-- {name}:begin -->\n)(.*?)(<!-- {name}:end -->)", re.S)


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")


if __name__ == "__main__":
    write_anew()
