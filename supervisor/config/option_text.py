"""What people read of options: the lines of a command's help, and the table in README."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .option import Option


def options_help(options: Iterable[Option]) -> str:
    """Return the lines of a command's help about its options."""
    return "\n".join(line for option in options for line in _help_lines(option))


def options_table(options: Iterable[Option]) -> str:
    """Return the table for README, in Markdown."""
    rows = ["| Flag | Variable | Default | Meaning |", "|---|---|---|---|"]
    for option in options:
        default = f"`{option.default}`" if option.has_default else option.default
        # A bar would end the cell.
        flag = option.written.replace("|", "\\|")
        rows.append(f"| `{flag}` | `{option.variable}` | {default} | {option.meaning} |")
    return "\n".join(rows)


def _help_lines(option: Option) -> list[str]:
    default = f"default {option.default}" if option.default not in ("", "none") else "no default"
    return [f"  {option.written}", *_wrapped(f"{option.meaning} ({default})")]


def _wrapped(text: str) -> list[str]:
    """Break a text into indented lines; textwrap would import re."""
    indent, width = "        ", 100
    lines = [indent.rstrip()]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append(indent.rstrip())
        lines[-1] += f" {word}" if lines[-1].strip() else f"{indent}{word}"
    return lines
