#!/usr/bin/env python3
"""Shows what a ledger costs that holds a year of nights: how long `status`, `plan`, `run -n` and the start of `run` take.

One night is run against the simulator of this repository; its rows are then written as often as there are nights. A real
ledger lets old nights go (20 stay): that none has gone is the worst case, and the first `run` pays for it once.

    cargo build --release && python3 benches/scale/nights.py
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAY = 24 * 60 * 60 * 1000

SCENARIO = "speed: 1000\nsources: [{ repo: my-org/web }]\ndefaults: { duration: 1m..2m, outcome: pull-request }\n"

MANIFEST = """
version: 1
name: nights
repeat: 20h
strategy: {{ max-parallel: {tasks} }}
limits: {{ requests-per-minute: 600000, creates-per-minute: 600000, activities-per-minute: 600000 }}
poll: {{ interval: 200ms }}
report: {{ details: false }}
timeouts: {{ settle: 0s }}
jobs:
  - id: task
    prompt: "Task ${{{{ matrix.n }}}} of ${{{{ source.repo }}}}"
    source: my-org/web@main
    matrix: {{ n: [{numbers}] }}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--tasks", type=int, default=300, help="a night")
    parser.add_argument("--times", type=int, default=5, help="the fastest of so many calls counts")
    parser.add_argument("--binary", default=str(ROOT / "target/release/jules-batch"))
    parser.add_argument("--json", help="write the figures here as well")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(args, pathlib.Path(folder))
    print(f"{args.nights} nights of {args.tasks} tasks, {result['ledgerMb']:.0f} MB\n")
    print("| | wall (s) | peak memory (MB) |\n| --- | ---: | ---: |")
    for name, row in result["commands"].items():
        print(f"| {name} | {row['wallSeconds']:.3f} | {row['peakMemoryMb']:.0f} |")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=2) + "\n")


def measure(args, folder):
    numbers = ", ".join(str(n) for n in range(args.tasks))
    (folder / "jobs.yaml").write_text(MANIFEST.format(tasks=args.tasks, numbers=numbers))
    (folder / "scenario.yaml").write_text(SCENARIO)
    simulator = subprocess.Popen(
        [args.binary, "simulate", "--port", "0", "--scenario", str(folder / "scenario.yaml")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    try:
        base_url = re.search(r"http://\S+", simulator.stdout.readline()).group(0)
        environment = dict(os.environ, JULES_API_KEY="bench", CI="true", JULES_BATCH_BASE_URL=base_url)
        call = lambda words, codes={0}: run([args.binary, *words], folder, environment, codes)
        call(["run", "-q"])
        ledger = folder / ".jules-batch/ledger.db"
        multiply(ledger, args.nights)
        best = lambda words: min((call(words) for _ in range(args.times)), key=lambda row: row["wallSeconds"])
        commands = {f"`{' '.join(words)}`": best(words) for words in [["status"], ["plan"], ["run", "-n"]]}
        result = {"nights": args.nights, "tasks": args.tasks, "ledgerMb": ledger.stat().st_size / 1e6}
        commands["`run` with nothing to do, the first: old nights go"] = call(["run", "-q"])
        commands["`run` with nothing to do, afterwards"] = best(["run", "-q"])
    finally:
        simulator.terminate()
        simulator.wait()
    return dict(result, commands=commands)


def run(command, folder, environment, codes):
    began = time.monotonic()
    child = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in codes:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}: {said}")
    return {"wallSeconds": time.monotonic() - began, "peakMemoryMb": usage.ru_maxrss / 1024}


def multiply(path, nights):
    """Writes the ledger's only run as so many runs, a day apart; the last one is the one that it is."""
    db = sqlite3.connect(path)
    n, name, started, ended = db.execute("SELECT n, id, started_at, ended_at FROM runs").fetchone()
    for back in range(1, nights):
        at = datetime.datetime.fromtimestamp((started - back * DAY) / 1000, datetime.timezone.utc)
        new = {"n": n, "to": n - back, "back": back * DAY, "name": name, "id": f"{at:%Y%m%d-%H%M%S}-{back:04x}"}
        for sql in [
            "INSERT INTO runs SELECT :to, :id, identity, manifest, name, simulated, started_at - :back, ended_at - :back,"
            " invocations FROM runs WHERE n = :n",
            "INSERT INTO events SELECT :to, seq, ts - :back, task, replace(body, :name, :id) FROM events WHERE run = :n",
            "INSERT INTO tasks (run, id, key, outcome, ended_at, last, mark)"
            " SELECT :to, id, key, outcome, ended_at - :back, last, mark FROM tasks WHERE run = :n",
            "INSERT INTO creations SELECT session || :to, ts - :back, :to, task_key, simulated FROM creations WHERE run = :n",
        ]:
            db.execute(sql, new)
    db.commit()
    db.execute("PRAGMA wal_checkpoint(truncate)")
    db.close()


if __name__ == "__main__":
    main()
