#!/usr/bin/env python3
"""Makes the pictures of README.md and docs/reports.md again: the terminal in the middle of a simulated run, and the page of
a simulated night in both themes, on a telephone, and with a row that stands open.

What they show is what the debug binary printed; a screen whose numbers do not agree ends it.

    cargo build && python3 docs/pictures/make.py

Needs tmux and Chromium.
"""

import html
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = ROOT / "target/debug/jules-batch"
COMMAND = "jules-batch run jobs.example.yaml --simulate -j 4"
COLUMNS, LINES = 134, 16
DARK = "--blink-settings=preferredColorScheme=0"
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
        shoot(page, HERE / "terminal.png", 1176, 376)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        report = night(folder)
        shoot(report, HERE / "report-light.png", 1200, 1000)
        shoot(report, HERE / "report-dark.png", 1200, 1000, DARK)
        shoot(framed(report, 390, 844), HERE / "report-390.png", 390, 844)
        row = framed(report, 1200, 900, OPEN_ROW)
        shoot(row, HERE / "report-row.png", 1200, 900, "--allow-file-access-from-files", "--virtual-time-budget=2000")


def night(folder):
    """The page of a night that leaves something to people, with three nights before it."""
    shutil.copytree(HERE / "night", folder, dirs_exist_ok=True)
    for scenario in ["before.yaml"] * 3 + ["night.yaml"]:
        command = [PROGRAM, "run", "--fresh", f"--simulate={scenario}"]
        ended = subprocess.run(command, cwd=folder, env={"HOME": str(folder)}, capture_output=True, text=True)
        # Something fails in each.
        if ended.returncode != 100:
            raise SystemExit(f"{scenario} ended with {ended.returncode}:\n{ended.stderr}")
    return folder / "jules-report/report.html"


def framed(report, width, height, script=""):
    """The page in a frame, for a window of Chromium's is wider than a telephone; `script` does something in it."""
    page = report.with_name("framed.html")
    style = f"<style>body {{ margin: 0 }} iframe {{ border: 0; width: {width}px; height: {height}px }}</style>"
    page.write_text(f'<!doctype html>{style}<iframe src="{report.name}"></iframe><script>{script}</script>')
    return page


# A row stands open, from the head of its table on.
OPEN_ROW = """document.querySelector("iframe").addEventListener("load", ({ target: frame }) => {
  const row = frame.contentDocument.getElementById("t1");
  row.querySelectorAll("details").forEach((one) => { one.open = true; });
  row.closest("section").scrollIntoView();
});"""


def terminal(folder):
    """The screen in the middle of a run, with its escape sequences, as soon as it shows enough; then waits for its end."""
    socket = folder / "tmux.socket"

    def tmux(*args):
        return subprocess.run(["tmux", "-S", socket, *args], check=True, capture_output=True, text=True).stdout

    path = f"PATH={PROGRAM.parent}:{os.environ['PATH']}"
    shell = ["env", "-i", path, f"HOME={folder}", "TERM=screen-256color", "LC_ALL=C.UTF-8", "TZ=UTC", "PS1=$ ", "sh", "-i"]
    subprocess.run(["tmux", "-S", socket, "-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES),
                    *shell], check=True, cwd=folder)
    try:
        while "$" not in tmux("capture-pane", "-p"):
            time.sleep(0.05)
        tmux("send-keys", "-l", COMMAND)
        tmux("send-keys", "Enter")
        until = time.monotonic() + 60
        while not shows_enough(tmux("capture-pane", "-p")):
            if time.monotonic() > until:
                raise SystemExit("the run was never in its middle:\n" + tmux("capture-pane", "-p"))
            time.sleep(0.1)
        # The escape sequences of the same screen, or of the next one that will do.
        while not shows_enough(plain(screen := tmux("capture-pane", "-e", "-p"))):
            time.sleep(0.05)
        while "reports: " not in tmux("capture-pane", "-p"):
            time.sleep(0.5)
        return screen.rstrip()
    finally:
        subprocess.run(["tmux", "-S", socket, "kill-server"], check=False)


def plain(screen):
    return re.sub(r"\x1b\[[0-9;]*m", "", screen)


def shows_enough(screen):
    """Whether it shows the command, five ends or more and three live sessions; that it contradicts itself is an error."""
    lines = re.findall(r"^\[ *(\d+)/(\d+)\]", screen, re.MULTILINE)
    bar = re.search(r"^[━─]+  (\d+)/(\d+)  ", screen, re.MULTILINE)
    if not bar or not lines:
        return False
    if lines[-1] != bar.groups():
        raise SystemExit(f"the last line says {lines[-1]}, the table {bar.groups()}:\n{screen}")
    return COMMAND in screen and int(bar[1]) >= 5 and len(re.findall("^  in progress", screen, re.MULTILINE)) >= 3


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
