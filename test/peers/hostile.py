"""Peers that break the protocol, played by build/release/test/hostile_peers from its one table
(test/support/hostile_peers.h), against the whole program: what they cost is measured from outside. Hazards 36 to 58, 67.
"""
import json
import os
import shutil
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from clients import START, ours_download, ours_seed
from payload import MIB, same
from scenarios import scenario
from world import TOP, expect, wait_until

DRIVER = os.environ.get("HOSTILE_PEERS", os.path.join(TOP, "build", "release", "test", "hostile_peers"))
# What the issue of this folder promises beside them.
LEAST_RATE = 0.8
MOST_MEMORY = 16 * MIB
MOST_FAILED = 3


class Kind(NamedTuple):
    """One of the table."""
    name: str
    hazards: str
    role: str  # both, listens, dials
    ending: str  # dropped, banned, refused, stays, leaves


def table(role):
    """Those that mean something in this role."""
    expect(os.access(DRIVER, os.X_OK), f"{DRIVER} is not there -- `make hostile-peers` builds it")
    text = subprocess.run([DRIVER, "--list"], check=True, capture_output=True, text=True).stdout
    kinds = [Kind(*line.split()) for line in text.splitlines()]
    expect(len(kinds) >= 60, f"only {len(kinds)} behaviours")
    return [kind for kind in kinds if kind.role in ("both", role)]


class Peers:
    """A run of the driver on `host`; all of it is on loopback there, each peer at an address of its own."""

    def __init__(self, host, name, size, *arguments, kinds=()):
        self.folder = host.folder(name)
        self.torrent = os.path.join(self.folder, "hostile.torrent")
        self.payload = os.path.join(self.folder, "hostile.bin")
        reader, self._end = os.pipe()
        self.program = host.start(name, [DRIVER, "--size", str(size), *map(str, arguments), self.folder,
                                         *[kind.name for kind in kinds]], split=True, stdin=reader)
        os.close(reader)
        wait_until(lambda: self.program.out().endswith("\n") or not self.program.running, START, f"{name} ready")
        expect(self.program.out(), f"{name} did not start")
        ready = json.loads(self.program.out().splitlines()[0])
        self.honest = ready["honest"]
        self.hostile = ready["hostile"]

    def finish(self):
        """Ends it; what happened."""
        os.close(self._end)
        self.program.finish(20)
        return json.loads(self.program.out().splitlines()[-1])


class Run(NamedTuple):
    """What one download came to."""
    seconds: float
    memory: int  # the most that was resident
    failed: int  # pieces whose hash differed
    banned: list  # addresses


def status_of(program, field):
    """A number of /proc/PID/status, in bytes where it is one of memory."""
    with open(f"/proc/{program.pid}/status") as f:
        line = next(line for line in f if line.startswith(field + ":")).split()
    return int(line[1]) * (1024 if line[-1] == "kB" else 1)


def download(host, peers, name, number, hostile=()):
    """One download of our program from all honest peers and these hostile ones."""
    home = host.folder("runs", name)
    known = [argument for address in [*hostile, *peers.honest] for argument in ("--peer", address)]
    ours = ours_download(host, peers.torrent, os.path.join(home, "out"), "--seed", "--state",
                         os.path.join(home, "state"), "--port", 20000 + number, *known, name=f"ours-{name}")
    wait_until(lambda: '"event":"done"' in ours.out() or not ours.running, 60, f"{name}: complete")
    expect(ours.running, f"{name}: it ended")
    memory = status_of(ours, "VmHWM")
    gone = [event for event in ours.events("peer") if event["what"] == "gone"]
    run = Run(ours.latest("done", "seconds"), memory,
              sum(event["what"] == "failed" for event in ours.events("piece")),
              [event["address"] for event in gone if event["banned"]])
    ours.kill()
    same(peers.payload, os.path.join(home, "out", "hostile.bin"))
    shutil.rmtree(home)
    expect(not set(run.banned) & set(peers.honest), f"{name}: an honest peer was banned: {run.banned}")
    return run


class Clean:
    """What the same download takes beside honest peers alone."""

    def __init__(self, runs):
        self.seconds = statistics.median(run.seconds for run in runs)
        self.memory = statistics.median(run.memory for run in runs)

    def rate_of(self, run):
        return self.seconds / run.seconds

    def more_memory(self, run):
        return run.memory - self.memory

    def faults_of(self, run):
        """What is wrong with it, in words."""
        faults = []
        if self.rate_of(run) < LEAST_RATE:
            faults.append(f"{run.seconds:.2f} s")
        if self.more_memory(run) > MOST_MEMORY:
            faults.append(f"{self.more_memory(run) / MIB:+.1f} MiB resident")
        return faults

    def check(self, runs):
        """Of named runs, whose faults are told all at once."""
        faults = [f"{name}: {', '.join(self.faults_of(run))}" for name, run in runs.items() if self.faults_of(run)]
        expect(not faults, f"without them {self.seconds:.2f} s; {'; '.join(faults)}")


def worst(clean, runs):
    """For the line of the report: of named runs."""
    slow = min(runs, key=lambda name: clean.rate_of(runs[name]))
    big = max(runs, key=lambda name: clean.more_memory(runs[name]))
    return (f"clean {clean.seconds:.2f} s and {clean.memory / MIB:.1f} MiB; least rate "
            f"{clean.rate_of(runs[slow]):.2f} ({slow}), most memory {clean.more_memory(runs[big]) / MIB:+.1f} MiB ({big})")


def check_end(peers, kinds, but=()):
    end = peers.finish()
    never = [kind.name for kind in kinds if end["delivered"][kind.name] == 0 and kind.name not in but]
    expect(not never, f"these never did what they are for: {' '.join(never)}")
    expect(end["trapped"] == 0, f"{end['trapped']} connections to a place that nobody may be sent to")
    return end


@scenario("hostile-alone", waits=True)
def _(world):
    """Each behaviour alone beside five honest peers, several such downloads side by side."""
    kinds = table("listens")
    host = world.host("host")
    # The honest peers' pace sets the rate, not the processor.
    peers = Peers(host, "peers", 5 * MIB, "--piece", MIB // 8, "--honest", 5, "--rate", MIB // 2,
                  "--hostile-rate", MIB // 4, kinds=kinds)
    with ThreadPoolExecutor(10) as pool:
        def start(name, number, hostile=()):
            return pool.submit(download, host, peers, name, number, hostile)
        running = {kind.name: start(kind.name, i, [peers.hostile[kind.name]]) for i, kind in enumerate(kinds)}
        for i in range(5):
            running[f"clean-{i}"] = start(f"clean-{i}", 1000 + i)
        runs = {name: future.result() for name, future in running.items()}
    clean = Clean([runs.pop(f"clean-{i}") for i in range(5)])
    for number, kind in enumerate(kinds):
        if clean.faults_of(runs[kind.name]):  # the machine's other work? Then not twice
            runs[kind.name] = download(host, peers, kind.name, 2000 + number, [peers.hostile[kind.name]])
        run = runs[kind.name]
        liar = [peers.hostile[kind.name]] if kind.ending == "banned" else []
        expect(run.banned == liar, f"{kind.name}: {run.banned} were banned instead of {liar}")
        expect(run.failed <= (MOST_FAILED if liar else 0), f"{kind.name}: {run.failed} pieces failed")
    clean.check(runs)
    check_end(peers, kinds)
    return f"{len(kinds)} behaviours, " + worst(clean, runs)


@scenario("hostile-twenty-at-once", waits=True)
def _(world):
    """Twenty of them at once beside five honest peers, until each had its turn."""
    kinds = table("listens")
    host = world.host("host")
    peers = Peers(host, "peers", 12 * MIB, "--piece", MIB // 8, "--honest", 5, "--rate", MIB * 7 // 10,
                  "--hostile-rate", MIB // 16, kinds=kinds)
    # Every so-and-so-many'th, so that those of one sort do not all come together.
    count = -(-len(kinds) // 20)
    groups = [[*kinds[i::count], *kinds[(i + 1) % count::count]][:20] for i in range(count)]
    clean = Clean([download(host, peers, "clean", 0)])
    runs = {}
    for number, group in enumerate(groups):
        name = f"group-{number}"
        hostile = [peers.hostile[kind.name] for kind in group]
        runs[name] = download(host, peers, name, 1 + number, hostile)
        if clean.faults_of(runs[name]):
            runs[name] = download(host, peers, name, 100 + number, hostile)
    clean.check(runs)
    check_end(peers, kinds)
    return f"{len(groups)} groups, " + worst(clean, runs)


@scenario("hostile-leechers", waits=True)
def _(world):
    """A seeder with all behaviours at its door, again and again, and 2100 connections that say nothing or little."""
    kinds = table("dials")
    host = world.host("host")
    size, crowd = 32 * MIB, 2100
    files = Peers(host, "files", size, "--piece", MIB // 4)
    files.finish()
    leechers = iter(range(100))

    def seed(name):
        return ours_seed(host, files.torrent, os.path.dirname(files.payload), "--port", 7000, "--state",
                         host.folder(name), name=name)

    def leech():
        number = next(leechers)
        home = host.folder(f"leecher{number}")
        return home, ours_download(host, files.torrent, os.path.join(home, "out"), "--download-limit", "4M", "--state",
                                   os.path.join(home, "state"), "--port", 30000 + number, "--peer", "127.0.0.1:7000")

    def end(home, ours):
        ours.finish(60)
        same(files.payload, os.path.join(home, "out", "hostile.bin"))
        return ours.latest("done", "seconds")

    seeder = seed("seeder-alone")
    clean = Clean([Run(end(*leech()), status_of(seeder, "VmHWM"), 0, [])])
    seeder.kill()

    seeder = seed("seeder")
    before = status_of(seeder, "Threads"), len(os.listdir(f"/proc/{seeder.pid}/fd"))
    home, ours = leech()
    wait_until(lambda: ours.progress("done") > 0 or not ours.running, 20, "a first piece")
    peers = Peers(host, "peers", size, "--piece", MIB // 4, "--at", "127.0.0.1:7000", "--crowd", crowd, kinds=kinds)
    run = Run(end(home, ours), status_of(seeder, "VmHWM"), 0, [])
    clean.check({"with all of them": run})
    wait_until(lambda: len(peers.program.out().splitlines()) >= 2, 30, "all of the crowd")
    # These two wait to be unchoked, and among so many that may take longer.
    end_of_peers = check_end(peers, kinds, but=("QueuesRequestsAndNeverReads", "QueuesRequestsAndNeverReadsFast"))
    made, again = end_of_peers["crowd"], sum(end_of_peers["connections"].values())
    expect(made >= 2000, f"the crowd was of {made} only, beside {again} connections of the others")
    expect(seeder.running, "the seeder ended")

    def is_as_before():
        return status_of(seeder, "Threads") <= before[0] and len(os.listdir(f"/proc/{seeder.pid}/fd")) <= before[1] + 1
    wait_until(is_as_before, 20, f"threads and descriptors as before ({before[0]} and {before[1]})")
    end(*leech())
    return f"{len(kinds)} behaviours in {again} connections, and a crowd of {made}, " + worst(clean, {"all": run})
