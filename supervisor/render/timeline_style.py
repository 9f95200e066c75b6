"""How the picture of a timeline looks: one set of colours for light paper, one for dark, and the patterns."""

from __future__ import annotations

_FONT = "ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"

# Literal colours instead of variables: converters to PNG know no var().
_LIGHT = {
    ".paper": "fill: #ffffff; stroke: #d0d7de",
    "text": "fill: #1f2328",
    ".dim, .tick, .ending, .row, .guide-name, .key, .summary": "fill: #57606a",
    ".grid": "stroke: #eaeef2",
    ".guide": "stroke: #8c959f",
    ".life": "fill: #c3cad1",
    ".protected": "fill: #cdebd8; stroke: #4f9f70",
    ".bar.finished": "fill: #2b6cb0",
    ".bar.running": "fill: #ffffff; stroke: #2b6cb0",
    ".bar.again": "fill: url(#again); stroke: #8a6100",
    ".bar.killed": "fill: url(#killed); stroke: #b3261e",
    ".finished-label": "fill: #ffffff; stroke: #2b6cb0",
    ".running-label": "fill: #1f2328; stroke: #ffffff",
    ".again-label": "fill: #3b2a00; stroke: #f6cf65",
    ".killed-label": "fill: #7a1610; stroke: #fde7e4",
    ".ending, .guide-name": "stroke: #ffffff",
    ".again-ground": "fill: #f6cf65",
    ".again-dot": "fill: #deae38",
    ".killed-ground": "fill: #fde7e4",
    ".killed-line": "stroke: #eba79f",
    ".stop, .kill": "fill: #1f2328",
    ".stop-line": "stroke: #1f2328",
    ".kill-cross": "stroke: #ffffff",
}
_DARK = {
    ".paper": "fill: #0d1117; stroke: #30363d",
    "text": "fill: #e6edf3",
    ".dim, .tick, .ending, .row, .guide-name, .key, .summary": "fill: #9da7b3",
    ".grid": "stroke: #1c2229",
    ".guide": "stroke: #6e7681",
    ".life": "fill: #3d444d",
    ".protected": "fill: #12391f; stroke: #3fa266",
    ".bar.finished": "fill: #3b82d0",
    ".bar.running": "fill: #0d1117; stroke: #3b82d0",
    ".bar.again": "fill: url(#again); stroke: #e3b341",
    ".bar.killed": "fill: url(#killed); stroke: #f47067",
    ".finished-label": "fill: #ffffff; stroke: #3b82d0",
    ".running-label": "fill: #e6edf3; stroke: #0d1117",
    ".again-label": "fill: #fff3cf; stroke: #5c4300",
    ".killed-label": "fill: #ffc9c4; stroke: #3b1513",
    ".ending, .guide-name": "stroke: #0d1117",
    ".again-ground": "fill: #5c4300",
    ".again-dot": "fill: #8f6b0a",
    ".killed-ground": "fill: #3b1513",
    ".killed-line": "stroke: #8c3630",
    ".stop, .kill": "fill: #f0f6fc",
    ".stop-line": "stroke: #f0f6fc",
    ".kill-cross": "stroke: #0d1117",
}


def _rules(colours: dict[str, str]) -> str:
    return "\n".join(f"  {selector} {{ {colour} }}" for selector, colour in colours.items())


STYLE = f"""<style>
  text {{ font: 13px {_FONT} }}
  .title {{ font-size: 19px; font-weight: 650 }}
  .group {{ font-size: 15px; font-weight: 650 }}
  .summary {{ text-anchor: end }}
  .row {{ font-size: 12px; text-anchor: end }}
  .tick {{ font-size: 11px; text-anchor: middle }}
  .ending, .guide-name, .key {{ font-size: 11px }}
  .label {{ font-size: 10px }}
  .label, .ending, .guide-name {{ paint-order: stroke; stroke-width: 3px; stroke-linejoin: round }}
  .grid {{ stroke-width: 1 }}
  .guide {{ stroke-width: 1.2; stroke-dasharray: 4 3 }}
  .bar {{ stroke-width: 1.2 }}
  .protected {{ stroke-width: 1; stroke-dasharray: 2 2 }}
  .stop-line {{ stroke-width: 1.4 }}
  .kill-cross {{ stroke-width: 1.8 }}
{_rules(_LIGHT)}
  @media (prefers-color-scheme: dark) {{
{_rules(_DARK)}
  }}
</style>"""

DEFINITIONS = """<defs>
  <pattern id="killed" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect class="killed-ground" width="7" height="7"/><path class="killed-line" stroke-width="3" d="M1.5 0V7"/>
  </pattern>
  <pattern id="again" width="6" height="6" patternUnits="userSpaceOnUse">
    <rect class="again-ground" width="6" height="6"/><circle class="again-dot" cx="3" cy="3" r="1.2"/>
  </pattern>
</defs>"""
