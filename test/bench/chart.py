#!/usr/bin/env python3
"""Draws a report of bench.py as an SVG of its own making: a row a scenario, in it a panel each for time, CPU and
memory, a bar a client. The picture brings its ground with it, light or dark as the reader's system is.

    chart.py REPORT.json >PICTURE.svg      draws again what `scripts/bench --json` wrote
"""
import json
import math
import statistics
import sys
from html import escape

MARGIN, NAMES, GAP, WIDTH = 20, 120, 28, 860
PANEL = (WIDTH - 2 * MARGIN - NAMES - 2 * GAP) / 3
VALUE = 46  # room for the number at a bar's end
BAR, STEP = 11, 19
LOG_FROM, LOG_TO = 4, 4096  # MiB resident

STYLE = """
  svg { color-scheme: light dark }
  text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
  .ground { fill: #ffffff; stroke: #d1d9e0 }
  .head, .ours-text { font-weight: 600 }
  .soft { fill: #59636e; font-size: 11px }
  .bar { fill: #a8b3be } .ours { fill: #1a7f64 } .floor { fill: none; stroke: #818b98; stroke-dasharray: 3 2 }
  .value { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; stroke-linejoin: round }
  .cut { stroke: #ffffff; stroke-width: 3px }
  .range { stroke: #1f2328; stroke-opacity: .55 } .grid { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .ground { fill: #0d1117; stroke: #3d444d }
    .soft { fill: #9198a1 } .value, .cut { stroke: #0d1117 }
    .bar { fill: #59636e } .ours { fill: #3fb68b } .floor { stroke: #818b98 }
    .range { stroke: #e6edf3 } .grid { stroke: #2a313c }
  }
"""


def linear_end(panel):
    """Where the scale of a panel ends that begins at 0. One bar that would leave the others too short to compare is cut
    off: the scale ends somewhat after the second longest."""
    longest = sorted(max(values) for values in panel if values) or [1]
    if len(longest) > 2 and longest[-1] > 2 * longest[-2]:
        return 1.25 * longest[-2]
    return longest[-1]


def linear(end):
    """Values in, pixels out."""
    return lambda value: min(value / end, 1) * (PANEL - VALUE)


def logarithmic(value):
    span = math.log(LOG_TO / LOG_FROM)
    return min(max(math.log(max(value, LOG_FROM) / LOG_FROM) / span, 0), 1) * (PANEL - VALUE)


def digits(value):
    """A number as short as it is still telling."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def caption(report):
    runs = "one run each" if report["runs"] == 1 else \
        f"medians of up to {report['runs']} runs, in turns; thin lines: lowest to highest"
    return f"{report['machine']}; {report['date']}; {runs}"


class Picture:
    def __init__(self):
        self.parts = []

    def text(self, x, y, words, kind="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>')

    def line(self, kind, x1, y1, x2, y2):
        self.parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def bar(self, kind, x, y, width, title):
        inset = 0.5 if kind == "floor" else 0  # its outline is drawn within
        self.parts.append(f'<rect class="{kind}" x="{x + inset:.1f}" y="{y + inset:.1f}" width="'
                          f'{max(width, 1.5) - 2 * inset:.1f}" height="{BAR - 2 * inset}" rx="1.5">'
                          f'<title>{escape(title)}</title></rect>')

    def svg(self, height, title):
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height='
            f'"{height:.0f}" role="img">', f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>",
            f'<rect class="ground" x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="6"/>',
            *self.parts, "</svg>", ""])


def panels(result):
    """[(values of every run that was right, a client each; scale; its end)...]: time, CPU, memory."""
    runs = [[run for run in entry["runs"] if run["wrong"] is None] for entry in result["clients"]]
    wall = [[run["wall"] for run in good] for good in runs]
    cpu = [[run["cpu"] * 1024 / result["size"] for run in good] for good in runs]
    resident = [[run["resident"] for run in good] for good in runs]
    ends = [linear_end(wall), linear_end(cpu)]
    return [(wall, linear(ends[0]), ends[0]), (cpu, linear(ends[1]), ends[1]), (resident, logarithmic, LOG_TO)]


def row(picture, result, y):
    """Draws a scenario from `y` down; answers where it ends."""
    picture.text(MARGIN, y + 12, result["name"], "head")
    picture.text(MARGIN + NAMES, y + 12, result["words"], "soft")
    y += 22
    bottom = y + STEP * len(result["clients"]) - (STEP - BAR)
    for number, (values, scale, end) in enumerate(panels(result)):
        left = MARGIN + NAMES + number * (PANEL + GAP)
        if scale is logarithmic:
            for mark in (10, 100, 1000):
                picture.line("grid", left + scale(mark), y - 3, left + scale(mark), bottom + 3)
                picture.text(left + scale(mark), y - 8, str(mark), "soft", "middle")
        picture.line("grid", left, y - 3, left, bottom + 3)
        for place, (entry, runs) in enumerate(zip(result["clients"], values)):
            top = y + place * STEP
            ours = entry["name"] == "torrent"
            if not runs:
                picture.text(left + 4, top + BAR - 1, "failed", "soft")
                continue
            middle = statistics.median(runs)
            picture.bar("ours" if ours else "floor" if entry["name"] == "floor" else "bar", left, top, scale(middle),
                        f"{entry['name']}: {digits(middle)} ({digits(min(runs))} to {digits(max(runs))})")
            if middle > end:
                x = left + scale(middle) - 14
                picture.parts.append(f'<path class="cut" d="M{x:.1f} {top + BAR + 1} l5 -{BAR + 2}"/>')
            elif scale(max(runs)) - scale(min(runs)) > 1:
                picture.line("range", left + scale(min(runs)), top + BAR / 2, left + scale(max(runs)), top + BAR / 2)
            picture.text(left + scale(max(runs)) + 5, top + BAR - 1, digits(middle),
                         "value ours-text" if ours else "value")
    for place, entry in enumerate(result["clients"]):
        picture.text(MARGIN + NAMES - 8, y + place * STEP + BAR - 1, f"{entry['name']} {entry['version']}".strip(),
                     "ours-text" if entry["name"] == "torrent" else "", "end")
    return bottom


def draw(report):
    picture = Picture()
    for number, (head, unit) in enumerate([("time", "s"), ("CPU", "s per GiB"), ("memory", "MiB resident, log scale")]):
        left = MARGIN + NAMES + number * (PANEL + GAP)
        picture.parts.append(f'<text x="{left:.1f}" y="28"><tspan class="head">{head}</tspan>'
                             f'<tspan class="soft" dx="6">{unit}</tspan></text>')
    y = 40
    for result in report["scenarios"]:
        y = row(picture, result, y) + 16
    picture.text(MARGIN, y + 12, "Shorter is better; a bar with a gap is longer than drawn. The floor is no client: a "
                 "loop that receives, hashes and writes each byte once.", "soft")
    picture.text(MARGIN, y + 28, caption(report), "soft")
    return picture.svg(y + 42, "How fast, beside other clients")


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf8") as file:
        sys.stdout.write(draw(json.load(file)))
