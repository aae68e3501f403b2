#!/usr/bin/env python3
"""Makes the pictures of README.md again: the terminal of a simulated run, and its report in both themes.

    cargo build && python3 docs/pictures/make.py

Needs tmux and Chromium.
"""

import html
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = ROOT / "target/debug/jules-batch"
COLUMNS, LINES = 134, 15
COLOURS = ["#3b4252", "#f07178", "#7fd88f", "#f2c14e", "#7aa2f7", "#c792ea", "#6fd3d3", "#d8dee9"]

PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #11151c; color: #d8dee9; padding: 18px 22px; width: max-content;
  font: 14px/1.45 "DejaVu Sans Mono", monospace; white-space: pre; }}
b {{ color: #fff }} i {{ opacity: .6; font-style: normal }}
</style>{}"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copy(ROOT / "jobs.example.yaml", folder)
        screen = terminal(folder)
        page = folder / "terminal.html"
        page.write_text(PAGE.format(coloured(screen)))
        shoot(page, HERE / "terminal.png", 1176, 356)
        report = folder / "jules-report/report.html"
        shoot(report, HERE / "report-light.png", 1200, 1000)
        shoot(report, HERE / "report-dark.png", 1200, 1000, "--blink-settings=preferredColorScheme=0")


def terminal(folder):
    """The screen in the middle of a run, with its escape sequences."""
    name = "jules-batch-picture"
    command = f"cd {folder} && env -u CI TERM=xterm-256color {PROGRAM} run jobs.example.yaml --simulate -j 4"
    subprocess.run(["tmux", "new-session", "-d", "-s", name, "-x", str(COLUMNS), "-y", str(LINES), command], check=True)
    time.sleep(7)
    screen = subprocess.run(["tmux", "capture-pane", "-e", "-p", "-t", name], check=True, capture_output=True, text=True)
    while subprocess.run(["tmux", "has-session", "-t", name], capture_output=True).returncode == 0:
        time.sleep(0.5)
    return screen.stdout.rstrip()


def coloured(text):
    """Escape sequences for colours, bold and dim become HTML; others do not occur in a captured screen."""
    out, open_tags = [], []
    for part in re.split(r"(\x1b\[[0-9;]*m)", text):
        if not part.startswith("\x1b["):
            out.append(html.escape(part))
            continue
        for code in part[2:-1].split(";") or ["0"]:
            code = int(code or 0)
            if code in (0, 22, 39):
                out.extend(reversed(open_tags))
                open_tags.clear()
            elif code in (1, 2):
                out.append("<b>" if code == 1 else "<i>")
                open_tags.append("</b>" if code == 1 else "</i>")
            elif 30 <= code <= 37 or 90 <= code <= 97:
                out.append(f'<span style="color:{COLOURS[code % 10]}">')
                open_tags.append("</span>")
    return "".join(out + open_tags[::-1])


def shoot(page, picture, width, height, *flags):
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
             "--no-first-run", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--screenshot={picture}",
             *flags, page.as_uri()],
            check=True, capture_output=True,
        )


if __name__ == "__main__":
    main()
