#!/usr/bin/env python3
"""Draws the figures of the benchmarks as SVG: python3 benches/plot.py FIGURES.json OUT.svg

Takes what compare.py and scale.py write with --json. No library is needed, and the same figures give the same bytes.
"""

import json
import pathlib
import sys
from xml.sax.saxutils import escape

WIDTH, ROW, LEFT, RIGHT = 720, 26, 230, 110
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f } .dim { fill: #57606a } .title { font-weight: 600 }
.a { fill: #8c959f } .b { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .dim { fill: #8d96a0 } .a { fill: #6e7681 } .b { fill: #4493f8 } .back { fill: #0d1117 }
}
</style>"""


def main():
    source, target = sys.argv[1:]
    figures = json.loads(pathlib.Path(source).read_text())
    groups = scale(figures) if "run" in figures else compare(figures)
    pathlib.Path(target).write_text(chart(groups))


def compare(sides):
    """A group a measure: one bar a side, as a share of the larger one."""
    measures = [
        ("requests per task", "requestsPerTask", "{:.2f}"),
        ("answers 429", "throttled", "{:d}"),
        ("makespan / bound", "makespanOverBound", "{:.3f}"),
        ("detection delay, mean (ms)", "detectionMeanMs", "{:.0f}"),
        ("CPU (s)", "cpuSeconds", "{:.2f}"),
        ("peak memory (MB)", "peakMemoryMb", "{:.1f}"),
    ]
    return [(title, [(name, side[key], form.format(side[key])) for name, side in sides.items()])
            for title, key, form in measures]


def scale(figures):
    """A group a measure: one bar a size."""
    groups = [(title, [(f"{row['tasks']:,} tasks", row[key], form.format(row[key])) for row in figures["plan"]])
              for title, key, form in [("plan: time (s)", "wallSeconds", "{:.2f}"),
                                       ("plan: peak memory (MB)", "peakMemoryMb", "{:.0f}")]]
    return groups + [(title, [(f"{row['sessions']:,} live", row[key], form.format(row[key])) for row in figures["run"]])
                     for title, key, form in [("run: peak memory (MB)", "peakMemoryMb", "{:.0f}"),
                                              ("run: CPU while following (cores)", "followingCpuShare", "{:.3f}"),
                                              ("run: looks late", "lateLooks", "{:d}"),
                                              ("interrupt to end (s)", "interruptSeconds", "{:.2f}")]]


def chart(groups):
    parts, y = [], 12
    for title, bars in groups:
        parts.append(f'<text class="title" x="12" y="{y + 14}">{escape(title)}</text>')
        y += ROW
        most = max(value for _, value, _ in bars) or 1
        for at, (name, value, shown) in enumerate(bars):
            width = max(1, round((WIDTH - LEFT - RIGHT) * value / most))
            side = "b" if at == len(bars) - 1 else "a"
            parts.append(f'<text class="dim" x="{LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
                         f'<rect class="{side}" x="{LEFT}" y="{y}" width="{width}" height="18" rx="3"/>'
                         f'<text x="{LEFT + width + 8}" y="{y + 14}">{escape(shown)}</text>')
            y += ROW
        y += 10
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" role="img">\n'
            f'{STYLE}\n<rect class="back" width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n')


if __name__ == "__main__":
    main()
