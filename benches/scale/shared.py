#!/usr/bin/env python3
"""Shows what a ledger in PostgreSQL costs against one in a folder: how long the same run takes with either, and with a server some
milliseconds away; how near to the account's requests a minute eight processes come together without exceeding them; how ten runs share
its live sessions and its day; and how long after the death of a machine another one creates what it has left, and what it has left in doubt.

Everything talks to the simulator of this repository, and to a server of which `--postgres` is a superuser's address.

    cargo build --release && python3 benches/scale/shared.py --postgres postgres://user@127.0.0.1/postgres
"""

import argparse
import asyncio
import datetime
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]

SCENARIO = """
seed: 1
sources: [{{ repo: my-org/web }}]
limits: {{ concurrent: 1000 }}
defaults: {{ duration: {duration}, outcome: pull-request }}
"""

MANIFEST = """
version: 1
name: {name}
strategy: {{ max-parallel: {slots} }}
limits: {{ requests-per-minute: 600000, creates-per-minute: 600000, activities-per-minute: 600000 }}
poll: {{ interval: {interval} }}
report: {{ details: false }}
timeouts: {{ settle: 0s }}
jobs:
  - id: task
    prompt: "Task ${{{{ matrix.n }}}} of {name}"
    source: my-org/web@main
    matrix: {{ n: [{numbers}] }}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", default=os.environ.get("JULES_BATCH_TEST_POSTGRES"), help="a server that may be used")
    parser.add_argument("--tasks", type=int, default=90)
    parser.add_argument("--slots", type=int, default=15)
    parser.add_argument("--away", type=float, default=5, help="milliseconds to a server and back")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many counts")
    parser.add_argument("--quota", type=int, default=600, help="requests a minute of eight processes")
    parser.add_argument("--seconds", type=int, default=150, help="how long they are watched")
    parser.add_argument("--only", choices=["makespan", "permits", "sharing", "takeOver"], help="one of them")
    parser.add_argument("--binary", default=str(ROOT / "target/release/jules-batch"))
    parser.add_argument("--json", help="write the figures here as well")
    args = parser.parse_args()
    if not args.postgres:
        sys.exit("no server is named: --postgres postgres://user@127.0.0.1/postgres")
    measures = {"makespan": makespans, "permits": permits, "sharing": sharing, "takeOver": take_over}
    result = {name: measure(args) for name, measure in measures.items() if args.only in (None, name)}
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=2) + "\n")


def makespans(args):
    server = urllib.parse.urlsplit(args.postgres)
    away = Relay(server.hostname, server.port or 5432, args.away / 2000)
    places = {
        "folder": None,
        "PostgreSQL on loopback": args.postgres,
        f"PostgreSQL {args.away:g} ms away": args.postgres.replace(server.netloc, f"{user(server)}127.0.0.1:{away.port}"),
    }
    walls = {name: [] for name in places}
    for _ in range(args.rounds):
        for name, address in places.items():
            walls[name].append(makespan(args, address))
    print(f"{args.tasks} tasks, {args.slots} at once, the median of {args.rounds}\n")
    print("| ledger | wall (s) | against a folder |\n| --- | ---: | ---: |")
    best = {name: statistics.median(times) for name, times in walls.items()}
    for name, wall in best.items():
        print(f"| {name} | {wall:.2f} | {wall / best['folder']:.3f} |")
    return best


def makespan(args, address):
    with tempfile.TemporaryDirectory() as folder, Scene(args, pathlib.Path(folder), address, "4s..8s") as scene:
        scene.manifest("one", args.tasks, args.slots, "200ms")
        began = time.monotonic()
        run = scene.run("one", scene.base_url)
        if run.wait() != 0:
            sys.exit(f"a run ended with {run.returncode}: {scene.said('one')}")
        return time.monotonic() - began


def permits(args):
    with tempfile.TemporaryDirectory() as folder, Scene(args, pathlib.Path(folder), args.postgres, "2h") as scene:
        scene.call("state", "limits", "--requests-per-minute", str(args.quota))
        service = urllib.parse.urlsplit(scene.base_url)
        counter = Relay(service.hostname, service.port, 0)
        names = [f"m{n}" for n in range(8)]
        for name in names:
            scene.manifest(name, 10, 10, "100ms")
        runs = [scene.run(name, scene.base_url.replace(service.netloc, f"127.0.0.1:{counter.port}")) for name in names]
        time.sleep(args.seconds)
        if any(run.poll() is not None for run in runs):
            sys.exit(f"a run has ended: {[scene.said(name) for name in names]}")
        times = list(counter.requests)
        for run in runs:
            run.send_signal(signal.SIGINT)
        for run in runs:
            run.wait()
    # The runs have all begun a few seconds after the first request.
    times = sorted(at for at in times if at >= times[0] + 10)
    most = max(sum(1 for at in times[n:] if at < began + 60) for n, began in enumerate(times) if began + 60 <= times[-1])
    used = len(times) / ((times[-1] - times[0]) / 60 * args.quota)
    print(f"\neight processes, {args.quota} requests a minute: at most {most} in any minute, {used:.3f} of them used")
    return {"quota": args.quota, "mostInAMinute": most, "used": used}


def sharing(args):
    """Ten runs want two hundred sessions of an account that allows fifteen at once, and a hundred a day."""
    with tempfile.TemporaryDirectory() as folder, Scene(args, pathlib.Path(folder), args.postgres, "2s..4s") as scene:
        scene.call("state", "limits", "--live", "15", "--sessions-per-day", "100")
        names = [f"m{n}" for n in range(10)]
        for name in names:
            scene.manifest(name, 20, 20, "200ms")
        for run in [scene.run(name, scene.base_url, "--deadline", "60s") for name in names]:
            run.wait()
        began, ended = scene.sessions(), scene.sessions("updateTime")
    had = [sum(prompt.endswith(f" of {name}") for prompt in began) for name in names]
    live = max(sum(began[it] <= at < ended[it] for it in began) for at in began.values())
    jain = sum(had) ** 2 / len(had) / sum(n * n for n in had)
    print(f"\nten runs: {len(began)} sessions, {live} at once at most, {had} by run: Jain's index {jain:.3f}")
    return {"sessions": len(began), "live": live, "byRun": had, "jain": jain}


def take_over(args):
    """The third create of the first machine is lost on its way, and the machine is killed then; another one has been waiting."""
    with tempfile.TemporaryDirectory() as folder, Scene(args, pathlib.Path(folder), args.postgres, "2h") as scene:
        scene.manifest("one", 6, 4, "1s")
        service = urllib.parse.urlsplit(scene.base_url)
        wire = Relay(service.hostname, service.port, 0, loses=3)
        first = scene.run("one", scene.base_url.replace(service.netloc, f"127.0.0.1:{wire.port}"))
        until(lambda: wire.lost and len(scene.sessions()) >= 2)
        second = scene.run("one", scene.base_url, "--if-busy", "wait", "--max-parallel", "8")
        time.sleep(3)
        before = scene.sessions()
        first.kill()
        killed = time.time()
        first.wait()
        until(lambda: any(prompt in wire.lost for prompt in scene.sessions()), 300)
        later = {prompt: at - killed for prompt, at in scene.sessions().items() if prompt not in before}
        second.send_signal(signal.SIGINT)
        second.wait()
    doubt = max(at for prompt, at in later.items() if prompt in wire.lost)
    fresh = min(later.values())
    print(f"\nafter a kill -9 another machine created the next task's session in {fresh:.1f} s, that of a create in doubt in {doubt:.1f} s")
    return {"fresh": fresh, "inDoubt": doubt}


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            sys.exit("what was waited for did not come")
        time.sleep(0.1)


class Scene:
    """A service, a folder, and a schema of its own where the ledger is a database's."""

    def __init__(self, args, folder, address, duration):
        self.args, self.folder, self.address, self.schema = args, folder, address, f"t_bench_{os.getpid()}"
        (folder / "scenario.yaml").write_text(SCENARIO.format(duration=duration))

    def __enter__(self):
        command = [self.args.binary, "simulate", "--port", "0", "--scenario", str(self.folder / "scenario.yaml")]
        self.simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.base_url = re.search(r"http://\S+", self.simulator.stdout.readline()).group(0)
        self.environment = dict(os.environ, JULES_API_KEY="bench", GITHUB_REPOSITORY="my-org/web", USER="bench")
        if self.address:
            self.environment["JULES_BATCH_STATE"] = f"{self.address}?schema={self.schema}"
            try:
                self.call("state", "init")
            except subprocess.CalledProcessError as error:
                self.simulator.terminate()
                sys.exit(error.stderr.decode())
        return self

    def __exit__(self, *_):
        self.simulator.terminate()
        self.simulator.wait()
        if self.address:
            roles = f'"{self.schema}_run", "{self.schema}_read"'
            sql = f"DROP SCHEMA {self.schema} CASCADE; DROP OWNED BY {roles}; DROP ROLE {roles}"
            subprocess.run(["psql", self.args.postgres, "-qX", "-c", sql], check=True, stderr=subprocess.DEVNULL)

    def call(self, *words):
        subprocess.run([self.args.binary, *words], cwd=self.folder, env=self.environment, check=True, capture_output=True)

    def manifest(self, name, tasks, slots, interval):
        numbers = ", ".join(str(n) for n in range(tasks))
        text = MANIFEST.format(name=name, slots=slots, interval=interval, numbers=numbers)
        (self.folder / f"{name}.yaml").write_text(text)

    def sessions(self, what="createTime"):
        """When the session of each prompt was created, or was last heard of. There are a hundred at most."""
        request = urllib.request.Request(f"{self.base_url}/sessions?pageSize=100", headers={"X-Goog-Api-Key": "bench"})
        with urllib.request.urlopen(request) as answer:
            found = json.load(answer).get("sessions", [])
        time_of = lambda text: datetime.datetime.fromisoformat(text).timestamp()
        return {session["prompt"]: time_of(session[what]) for session in found}

    def run(self, name, base_url, *more):
        command = [self.args.binary, "run", f"{name}.yaml", "--base-url", base_url, "--report-dir", f"reports-{name}", "-q", *more]
        with open(self.folder / f"{name}.err", "a") as err:
            return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=err)

    def said(self, name):
        return (self.folder / f"{name}.err").read_text()


class Relay:
    """A wire that takes its time each way, counts the requests of HTTP/1.1 that pass, and loses a create."""

    def __init__(self, host, port, delay, loses=None):
        self.host, self.to, self.delay, self.requests = host, port, delay, []
        self.creates, self.loses, self.lost = 0, loses, ""
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(ready)), daemon=True).start()
        ready.wait()

    async def serve(self, ready):
        server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    async def connected(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection(self.host, self.to)
        await asyncio.gather(self.pass_on(reader, far_writer, True), self.pass_on(far_reader, writer, False))

    async def pass_on(self, reader, writer, is_asking):
        loop, is_lost = asyncio.get_running_loop(), False
        try:
            while data := await reader.read(1 << 16):
                self.creates += is_asking and data.startswith(b"POST /v1alpha/sessions HTTP")
                is_lost = is_lost or is_asking and self.creates == self.loses and not self.lost
                if is_lost:
                    self.lost += data.decode()
                    continue
                if is_asking:
                    self.requests += [time.monotonic()] * data.count(b" HTTP/1.1\r\n")
                loop.call_later(self.delay, writer.write, data)
        except ConnectionError:
            pass
        loop.call_later(self.delay, writer.close)


def user(address):
    return f"{address.username}@" if address.username else ""


if __name__ == "__main__":
    main()
