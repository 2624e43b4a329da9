"""SIGTERM and SIGINT in random states (rows 121 and 123): out within 5 s, with the state saved and readable.

A round makes one state out of what a program may be doing and of what may hang beside it, and signals at a random
moment of it. STOPS_ROUNDS makes more rounds, STOPS_SEED other ones; a failure names the round, its state and the seed.
"""
import os
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from clients import PORT, Ours, Ways, magnet, make_torrent, pair
from payload import MIB, infohash, make_file
from scenarios import scenario
from world import Failed, expect, wait_until

SEED = int(os.environ.get("STOPS_SEED", "1"))
ROUNDS = int(os.environ.get("STOPS_ROUNDS", "20"))
SIDE_BY_SIDE = 5
GRACE = 5.5  # seconds: what is promised, and what starting a process and waiting for it takes


def _mute(world, kind=socket.SOCK_STREAM, port=0):
    """A port of this process that takes connections or datagrams and never says a word: HOST:PORT."""
    s = socket.socket(socket.AF_INET, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((world.address, port))
    if kind == socket.SOCK_STREAM:
        s.listen(200)
    world.at_end(s.close)
    return f"{world.address}:{s.getsockname()[1]}"


class DeafPeers:
    """Connections to a seeder that ask for everything and read nothing: its buffers are full."""

    def __init__(self, address, digest, count):
        self.sockets = []
        for number in range(count):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(5)
            s.connect(address)
            s.sendall(b"\x13BitTorrent protocol" + bytes(8) + digest + b"-DF0001-%012d" % number)
            s.sendall(b"\0\0\0\1\2")
            for piece in range(40):
                s.sendall(b"\0\0\0\x0d\6" + piece.to_bytes(4, "big") + bytes(4) + (1 << 14).to_bytes(4, "big"))
            self.sockets.append(s)

    def close(self):
        for s in self.sockets:
            s.close()


class Stage:
    """What all rounds share: a seeder, ports that hang, payloads."""

    def __init__(self, world):
        self.world = world
        self.slow_file, self.path, self.host, self.peer = pair(world, 48 * MIB, "4M")
        self.tracker = f"http://{_mute(world)}/announce"
        self.peer_without_words = _mute(world)
        self.dht_node = _mute(world, socket.SOCK_DGRAM)
        _mute(world, socket.SOCK_DGRAM, 53)
        self.resolver = os.path.join(world.root, "resolv.conf")
        with open(self.resolver, "w") as f:
            f.write(f"nameserver {world.address}\noptions timeout:30\n")
        self.file = make_torrent(self.host, self.path, os.path.join(world.root, "tracked.torrent"), self.tracker,
                                 "http://a.name.example/announce", f"udp://{_mute(world, socket.SOCK_DGRAM)}")
        self.large, self.large_folder = self._large()
        self.mounting = threading.Lock()

    def _large(self):
        """A torrent of many GiB, and its files (links to one) without a record, so that they are hashed first."""
        size, piece, links = 64 * MIB, 4 * MIB, 128 * os.cpu_count()
        folder = self.world.folder("large", "large")
        first = make_file(os.path.join(folder, "0"), size)
        for number in range(1, links):
            os.link(first, os.path.join(folder, str(number)))
        file = os.path.join(self.world.root, "large.torrent")
        hashes = b"x" * (links * size // piece * 20)
        with open(file, "wb") as f:
            f.write(b"d4:infod5:filesl")
            for number in range(links):
                name = str(number).encode()
                f.write(b"d6:lengthi%de4:pathl%d:%see" % (size, len(name), name))
            f.write(b"e4:name5:large12:piece lengthi%de6:pieces%d:%see" % (piece, len(hashes), hashes))
        return file, os.path.dirname(folder)

    def hanging_names(self):
        """What stands before a command so that names are asked of a server that does not answer."""
        return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.resolver]


def _play(stage, number, rng):
    world, host = stage.world, stage.host
    what = rng.choice(("downloading", "disk full", "verifying", "metadata", "seeding to the deaf"))
    hangs = {name for name in ("trackers", "names", "connecting", "dht") if rng.random() < 0.5}
    words = f"{what}, hanging: {' '.join(sorted(hangs)) or 'nothing'}"
    out, state, port = host.folder(f"out{number}"), host.folder(f"state{number}"), 7000 + number
    file = stage.file if hangs & {"trackers", "names"} else stage.slow_file
    deaf, small = None, None
    arguments = ["--state", state, "--port", port]
    if what == "disk full":
        with stage.mounting:
            small = out = world.tmpfs(f"small{number}", "3m")
        arguments += [*stage.peer]
    elif what == "verifying":
        file, out = stage.large, stage.large_folder
    elif what == "metadata":
        file = magnet(stage.file, stage.tracker, peers=[stage.peer_without_words])
    elif what == "seeding to the deaf":
        out = os.path.dirname(stage.path)
        arguments += ["--seed"]
    else:
        arguments += [*stage.peer]
    if "connecting" in hangs:
        # Nobody has these addresses of the network.
        arguments += [a for i in range(30) for a in ("--peer", f"10.78.{world.number}.{200 + i}:{PORT}")]
    ways = Ways(dht=[stage.dht_node, "node.example:6881"]) if "dht" in hangs else Ways()
    ours = Ours(host, file, "-o", out, *arguments, name=f"ours-{number}", ways=ways,
                before=stage.hanging_names() if "names" in hangs else ())
    if what == "seeding to the deaf":
        wait_until(lambda: ours.progress("state") == "seeding" or not ours.running, 20, f"{words}: seeding")
        deaf = DeafPeers((host.address, port), infohash(stage.file), 8)
    elif what == "disk full":
        wait_until(lambda: small in ours.log() or not ours.running, 20, f"{words}: a full disk")
    else:
        wait_until(lambda: ours.out() or not ours.running, 20, f"{words}: a first word")
    time.sleep(rng.uniform(0, 2.5))
    number_of_signal = rng.choice((signal.SIGTERM, signal.SIGINT))
    expect(ours.running, f"{words}: it ended by itself, exit status {ours.process.poll()}")
    ours.signal(number_of_signal)
    started = time.monotonic()
    code = ours.wait(GRACE + 5)
    seconds = time.monotonic() - started
    if deaf:
        deaf.close()
    expect(code == 128 + number_of_signal, f"{words}: exit status {code} after signal {number_of_signal}")
    expect(seconds < GRACE, f"{words}: out after {seconds:.1f} s")
    if what in ("downloading", "disk full"):
        had = ours.progress("done")
        again = Ours(host, stage.slow_file, "-o", out, "--state", state, "--port", port, name=f"ours-{number}-again")
        begun = again.start_of_swarm()
        expect(begun["done"] >= had, f"{words}: continued with {begun['done']} bytes after a stop with {had}")
        for word in ("damaged", "resume", "record"):
            expect(word not in again.log().lower(), f"{words}: the next run says {again.log()[:300]!r}")
        again.kill()
    return seconds, words


@scenario("stops-in-any-state", alone=True)
def _(world):
    stage = Stage(world)

    def one(number):
        try:
            return _play(stage, number, random.Random(f"{SEED} {number}"))
        except Failed as failure:
            raise Failed(f"round {number} of STOPS_SEED={SEED}: {failure}") from None
    with ThreadPoolExecutor(SIDE_BY_SIDE) as executor:
        results = list(executor.map(one, range(ROUNDS)))
    seconds, words = max(results)
    return f"{ROUNDS} stops, {seconds:.1f} s at most ({words})"
