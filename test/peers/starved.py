"""Our program with too little of everything: rows 119, 120, 122 and 124 of the list of hazards.

Calls that fail cost peers, never the process, and when they no longer fail the transfer is as right as any other.
Which calls fail hangs on STARVED_SEED (a number; that of a run is in each failure). STARVED_ROUNDS makes more rounds.
"""
import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from clients import NOWHERE, PORT, Ours, make_torrent, ours_download, ours_seed, pair
from payload import MIB, make_file, make_odd_tree, same
from scenarios import scenario
from starving import (KINDS, MemoryCgroup, Starvation, cpu_seconds, descriptors, library, limited, status)
from world import PEERS, Failed, expect, wait_until

SEED = int(os.environ.get("STARVED_SEED", "1"))
ROUNDS = int(os.environ.get("STARVED_ROUNDS", "12"))
SIDE_BY_SIDE = 4


def _rounds(play, count):
    """Plays rounds 0 to `count` - 1 side by side; the first failure is the scenario's, with its round and the seed."""
    def one(number):
        try:
            return play(number, random.Random(f"{SEED} {number}"))
        except Failed as failure:
            raise Failed(f"round {number} of STARVED_SEED={SEED}: {failure}") from None
    with ThreadPoolExecutor(SIDE_BY_SIDE) as executor:
        return list(executor.map(one, range(count)))


def _begun(ours):
    """Waits until the program has looked at the disk, so that it is its work that meets the shortage, not its start."""
    wait_until(lambda: ours.events("metadata") or not ours.running, 20, f"{ours.name} past checking")
    expect(ours.running, f"{ours.name} ended with exit status {ours.process.poll()}")


def _idle_connections(world, address, port, count):
    """Connections that say nothing, from this process; they end with the world."""
    sockets = []
    world.at_end(lambda: [s.close() for s in sockets])
    for _ in range(count):
        s = socket.socket()
        s.settimeout(2)
        sockets.append(s)
        try:
            s.connect((address, port))
        except OSError:
            pass  # the queue of the listener is full: so it should be
    return sockets


# --- Memory (row 119) -------------------------------------------------------------------------------------------------
@scenario("starved-of-memory")
def _(world):
    """The k-th allocation after the start fails, or some hundred from there on, or one in a few for all of the run, or
    for two seconds all of them."""
    file, path, leecher, peer = pair(world, 6 * MIB, "12M")
    library(world)

    def play(number, rng):
        starvation = Starvation(world, number, rng.getrandbits(64))
        first = int(10 ** rng.uniform(0, 3.5))
        manner = number % 4
        if manner == 0:
            starvation.fail("memory", first=first)
        elif manner == 1:
            starvation.fail("memory", first=first, run=300)
        elif manner == 2:
            starvation.fail("memory", odds=rng.choice((10, 30, 100)))
        else:
            starvation.fail("memory", first=first, run=1 << 40)
        out = leecher.folder(f"out{number}")
        ours = ours_download(leecher, file, out, *peer, "--download-limit", "6M", "--state",
                             leecher.folder(f"state{number}"), name=f"ours-{number}", env=starvation.env)
        _begun(ours)
        starvation.begin()
        if manner == 3:
            wait_until(lambda: starvation.count("memory") or not ours.running, 10, f"call {first} for memory")
            time.sleep(2)
            starvation.end()
        code = ours.wait(60)
        failed = starvation.count("memory")
        expect(code == 0, f"exit status {code} after {failed} allocations failed (from the {first}th on)")
        same(path, os.path.join(out, "payload.bin"))
        return failed

    failed = _rounds(play, ROUNDS)
    expect(sum(count > 0 for count in failed) >= ROUNDS // 2, f"allocations that failed, a round each: {failed}")
    return f"{sum(failed)} allocations failed in {ROUNDS} runs"


@scenario("stops-without-memory", waits=True)
def _(world):
    """SIGTERM while every allocation fails, and goes on failing: out within 5 s, with a record that the next run takes."""
    file, path, leecher, peer = pair(world, 24 * MIB, "2M")
    starvation = Starvation(world, "stop", SEED).fail("memory", odds=1)
    out = leecher.folder("out")
    ours = ours_download(leecher, file, out, *peer, env=starvation.env)
    wait_until(lambda: ours.progress("done") > 12 * MIB, 30, "12 MiB")  # some of it was synced after 5 s
    starvation.begin()
    time.sleep(1.5)
    expect(ours.running, f"it ended without memory, exit status {ours.process.poll()}")
    ours.signal(15)
    expect(ours.wait(5.7) == 143, f"exit status {ours.process.poll()} after SIGTERM")
    expect(starvation.count("memory") > 0, "no allocation failed")
    again = ours_download(leecher, file, out, "--download-limit", "100M", *peer)
    begun = again.start_of_swarm()["done"]
    expect(begun > MIB, f"the next run begins with {begun} bytes")
    again.finish(40)
    same(path, os.path.join(out, "payload.bin"))


@scenario("starved-seeder", waits=True)
def _(world):
    """A seeder of which one call in three for a thread, a socket or a file fails, and one allocation in twenty."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    tree = make_odd_tree(seeder.folder("data", "odd"), bulk=3 * MIB)
    file = make_torrent(seeder, tree, os.path.join(world.root, "odd.torrent"), NOWHERE, piece_bits=16)
    starvation = Starvation(world, "seeder", SEED)
    for kind in KINDS:
        starvation.fail(kind, odds=20 if kind == "memory" else 3)
    ours = ours_seed(seeder, file, seeder.folder("data"), "--port", PORT, env=starvation.env)
    starvation.begin()
    for number in range(2):
        out = leecher.folder(f"out{number}")
        ours_download(leecher, file, out, "--peer", f"{seeder.address}:{PORT}", "--state",
                      leecher.folder(f"state{number}"), name=f"ours-{number}").finish(60)
        same(tree, os.path.join(out, "odd"))
    expect(ours.running, f"the seeder ended with exit status {ours.process.poll()}")
    for kind in ("memory", "accept", "thread", "event"):
        expect(starvation.count(kind, "calls") > 0, f"no call for {kind} was met")
    starvation.end()
    ours.signal(15)
    expect(ours.wait(6) == 143, "it does not stop in order")


@scenario("starved-of-threads-and-descriptors-at-random", waits=True)
def _(world):
    """One call in two to five for a thread, a socket, a file or a wake-up fails, for all of the run."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    tree = make_odd_tree(seeder.folder("data", "odd"), bulk=3 * MIB)
    file = make_torrent(seeder, tree, os.path.join(world.root, "odd.torrent"), NOWHERE, piece_bits=16)
    ours_seed(seeder, file, seeder.folder("data"), "--port", PORT)

    def play(number, rng):
        starvation = Starvation(world, number, rng.getrandbits(64))
        for kind in KINDS[1:]:
            # A turn of the writer opens many files; each that fails costs it a wait of seconds.
            starvation.fail(kind, odds=30 if kind == "open" else rng.choice((2, 3, 5)))
        out = leecher.folder(f"out{number}")
        ours = ours_download(leecher, file, out, "--peer", f"{seeder.address}:{PORT}", "--download-limit", "2M",
                             "--state", leecher.folder(f"state{number}"), name=f"ours-{number}", env=starvation.env)
        _begun(ours)
        starvation.begin()
        code = ours.wait(90)
        counts = {kind: starvation.count(kind) for kind in KINDS[1:]}
        expect(code == 0, f"exit status {code} after calls failed: {counts}")
        same(tree, os.path.join(out, "odd"))
        return sum(counts.values())

    failed = _rounds(play, max(4, ROUNDS // 3))
    expect(sum(failed) > 0, "no call failed")
    return f"{sum(failed)} calls failed in {len(failed)} runs"


# --- Descriptors and threads (rows 120, 122) --------------------------------------------------------------------------
@scenario("few-descriptors", waits=True)
def _(world):
    """40 descriptors, 200 files, 60 connections that say nothing: it downloads, then seeds, and does not spin."""
    seeder, leecher, third = world.host("seeder"), world.host("leecher"), world.host("third")
    tree = seeder.folder("data", "many")
    for number in range(200):
        make_file(os.path.join(tree, f"{number:03d}"), 20000)
    file = make_torrent(seeder, tree, os.path.join(world.root, "many.torrent"), NOWHERE, piece_bits=16)
    ours_seed(seeder, file, seeder.folder("data"), "--port", PORT)
    ours = Ours(leecher, file, "-o", leecher.folder("out"), "--seed", "--port", PORT, "--peer",
                f"{seeder.address}:{PORT}", before=limited(nofile=40))
    wait_until(lambda: ours.progress("state") == "seeding" or not ours.running, 40, "complete with 40 descriptors")
    same(tree, os.path.join(leecher.home, "out", "many"))
    idle = _idle_connections(world, leecher.address, PORT, 60)
    before = cpu_seconds(ours)
    time.sleep(3)
    expect(ours.running, f"it ended with exit status {ours.process.poll()}")
    used = cpu_seconds(ours) - before
    expect(used < 1, f"{used:.2f} CPU s in 3 s of nothing but connections that wait: it spins")
    expect(descriptors(ours) <= 40, f"{descriptors(ours)} descriptors")
    for s in idle:
        s.close()
    ours_download(third, file, third.folder("out"), "--peer", f"{leecher.address}:{PORT}").finish(40)
    same(tree, os.path.join(third.home, "out", "many"))
    ours.signal(15)
    expect(ours.wait(6) == 143, "it does not stop in order")


@scenario("few-threads")
def _(world):
    """A user that may have 14 threads, and 30 connections: those that get no thread are refused."""
    file, path, leecher, peer = pair(world, 6 * MIB, "3M")
    user = 70000 + world.number
    out, state = leecher.folder("out"), leecher.folder("few")
    for folder in (out, state):
        os.chown(folder, user, user)
    os.chmod(leecher.home, 0o755)
    ours = ours_download(leecher, file, out, *peer, "--port", PORT, "--state", state,
                         before=["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *limited(nproc=14)])
    _begun(ours)
    _idle_connections(world, leecher.address, PORT, 30)
    most = 0
    while ours.running:
        try:
            most = max(most, status(ours, "Threads"))
        except Failed:
            break
        time.sleep(0.05)
    ours.finish(30)
    expect(most <= 14, f"{most} threads: the limit did not hold")
    same(path, os.path.join(out, "payload.bin"))
    return f"{most} threads at most"


@scenario("little-address-space")
def _(world):
    """Once it runs it may have 1 MiB more of address space: three more threads, with 30 connections that want one."""
    import resource  # pylint: disable=import-outside-toplevel
    file, path, leecher, peer = pair(world, 6 * MIB, "3M")
    ours = ours_download(leecher, file, leecher.folder("out"), *peer, "--port", PORT)
    _begun(ours)
    size = status(ours, "VmSize") + MIB
    resource.prlimit(ours.pid, resource.RLIMIT_AS, (size, size))
    _idle_connections(world, leecher.address, PORT, 30)
    ours.finish(60)
    same(path, os.path.join(leecher.home, "out", "payload.bin"))


# --- A small box ------------------------------------------------------------------------------------------------------
@scenario("small-box")
def _(world):
    """A memory cgroup of 64 MiB, 200 peers, half of which give and half take: never killed, and complete. The files are
    in memory and count. Without such cgroups the peak of its resident memory is held against a bound."""
    file_host, crowd_host = world.host("ours"), world.host("crowd")
    path = make_file(os.path.join(crowd_host.folder("data"), "payload.bin"), 12 * MIB)
    file = make_torrent(crowd_host, path, os.path.join(world.root, "payload.torrent"), NOWHERE, piece_bits=16)
    group = MemoryCgroup.make(world, "small-box", 64 * MIB)
    ours = Ours(file_host, file, "-o", file_host.folder("out"), "--seed", "--port", PORT, "--download-limit", "1M",
                "--max-peers", 210, before=group.before if group else ())
    _begun(ours)
    crowd = crowd_host.start("crowd", ["/usr/bin/python3", os.path.join(PEERS, "crowd.py"), file, path,
                                       f"{file_host.address}:{PORT}", *crowd_host.more_addresses(25)])
    wait_until(lambda: ours.progress("peers") >= 190 or not ours.running, 30, "190 peers connected")
    wait_until(lambda: ours.progress("state") == "seeding" or not ours.running, 60, "complete")
    expect(ours.running, f"it ended with exit status {ours.process.poll()}")
    expect(crowd.running, "the crowd ended")
    peak = status(ours, "VmHWM")
    ours.signal(15)
    expect(ours.wait(7) == 143, "it does not stop in order")
    words = f"resident at most {peak / MIB:.1f} MiB"
    if group:
        killed = [line for line in group.read("memory.oom_control").splitlines() if line.startswith("oom_kill ")]
        expect(killed == ["oom_kill 0"], f"the kernel says {killed}")
        words += f", the group {int(group.read('memory.max_usage_in_bytes')) / MIB:.1f} MiB with files and sockets"
        group.remove()
    expect(peak < 32 * MIB, f"{peak / MIB:.1f} MiB resident with 200 peers")
    same(path, os.path.join(file_host.home, "out", "payload.bin"))
    return words
