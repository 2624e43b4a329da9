"""How each program is started: ours, the real clients, the tracker. README.md says what is peculiar to each."""
import json
import os
import shutil
import socket
import urllib.error
import urllib.parse
import urllib.request
from typing import NamedTuple, Optional, Sequence

from payload import infohash, make_file
from world import PEERS, TORRENT, Failed, Program, expect, wait_until

PORT = 6881
NOWHERE = "http://127.0.0.1:1/announce"  # a tracker that is not there
START = 20  # seconds that a program may take to be ready
# Direct: no proxy that the environment of a developer may name.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Ways(NamedTuple):
    """How a client may find peers, besides its torrent's trackers and peer exchange: by default not at all."""
    dht: Optional[Sequence[str]] = None  # the nodes, "HOST:PORT", with which its DHT node begins
    lan: bool = False

    @property
    def nodes(self):
        return self.dht or ()


# --- Ours -------------------------------------------------------------------------------------------------------------
COMMANDS = ("create", "show", "verify", "tracker", "magnet", "dht")


def our_command(*arguments, ways=Ways()):
    """The command line of our program with these arguments; a download finds peers by these ways alone."""
    command = [TORRENT, *map(str, arguments)]
    if arguments and arguments[0] not in COMMANDS:
        command += ["--no-dht"] if ways.dht is None else [a for node in ways.dht for a in ("--dht-bootstrap", node)]
        command += [] if ways.lan else ["--no-lan"]
    return command


class Ours(Program):
    """One run of our program with --json. `before`: what stands before it on the command line, to run it by."""

    def __init__(self, host, *arguments, name=None, ways=Ways(), before=(), **options):
        super().__init__(host, name or f"ours-{host.name}",
                         [*before, *our_command(*arguments, ways=ways), "--json"], split=True, **options)

    def events(self, kind=None):
        """What it said so far. Every whole line of its stdout must be an object of the documented form."""
        events = []
        for line in self.out().splitlines(keepends=True):
            if not line.endswith("\n"):
                break  # being written, or cut off by SIGKILL
            try:
                event = json.loads(line)
            except ValueError:
                raise Failed(f"{self.name}: no JSON on stdout: {line[:200]!r}") from None
            expect(event.get("v") == 1 and "event" in event, f"{self.name}: no event of version 1: {line[:200]!r}")
            events.append(event)
        return [e for e in events if kind is None or e["event"] == kind]

    def progress(self, field, default=0):
        """`field` of the latest progress event."""
        return self.latest("progress", field, default)

    def latest(self, kind, field, default=0):
        """`field` of the latest event of this kind that has it."""
        for event in reversed(self.events(kind)):
            if field in event:
                return event[field]
        return default

    def start_of_swarm(self, seconds=20):
        """The first progress event after it has looked at what is there already."""
        def begun():
            return [e for e in self.events("progress") if e["state"] != "checking"] or not self.running
        wait_until(begun, seconds, f"{self.name} past checking")
        expect(begun() is not True, f"{self.name} ended with exit status {self.process.poll()}")
        return begun()[0]


def ours_download(host, torrent_file, folder, *arguments, **options):
    return Ours(host, torrent_file, "-o", folder, *arguments, **options)


def ours_seed(host, torrent_file, folder, *arguments, **options):
    """Seeds a complete payload; returns when it does."""
    program = Ours(host, torrent_file, "-o", folder, "--seed", *arguments, **options)
    wait_until(lambda: program.progress("state") == "seeding" or not program.running, START, f"{program.name} seeding")
    expect(program.running, f"{program.name} ended instead of seeding")
    return program


def ours_create(host, path, torrent_file, *arguments):
    program = host.run("ours-create", [TORRENT, "create", path, "-o", torrent_file, *map(str, arguments)], timeout=60)
    program.finish(0)
    return torrent_file


def exits(host, code, *arguments, says="", timeout=20):
    """Runs ours with `arguments`: it ends with `code`, and says what is wrong in one line that names `says`."""
    program = host.run("ours", our_command(*arguments), timeout=timeout, split=True)
    shown = " ".join(map(str, arguments))
    expect(program.wait(0) == code, f"`torrent {shown}` ended with exit status {program.wait(0)} instead of {code}")
    if says:
        expect(says.lower() in program.log().lower(), f"`torrent {shown}` does not say {says!r}")
        lines = [line for line in program.log().splitlines() if says.lower() in line.lower()]
        expect(len(lines) == 1, f"`torrent {shown}` says {says!r} in {len(lines)} lines")
    return program


def pair(world, size, rate=None):
    """A host that seeds a file of `size` bytes at `rate`, and one to download it: (file, path, leecher, options)."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    path = make_file(os.path.join(seeder.folder("data"), "payload.bin"), size)
    file = make_torrent(seeder, path, os.path.join(world.root, "payload.torrent"), NOWHERE)
    ours_seed(seeder, file, seeder.folder("data"), "--port", PORT, *(["--upload-limit", rate] if rate else []))
    return file, path, leecher, ["--peer", f"{seeder.address}:{PORT}"]


# --- Trackers ---------------------------------------------------------------------------------------------------------
class Tracker:
    """A tracker that runs on a host; `url` is where torrents announce."""

    def __init__(self, host, program, port=6969):
        self.host = host
        self.program = program
        self.url = f"http://{host.address}:{port}/announce"
        self.url6 = f"http://[{host.address6}]:{port}/announce"
        wait_until(lambda: self._listens(port), START, f"{program.name} listening")

    def _listens(self, port):
        expect(self.program.running, f"{self.program.name} ended")
        try:
            socket.create_connection((self.host.address, port), 1).close()
            return True
        except OSError:
            return False

    def counts(self, torrent_file):
        """(seeders, leechers) as a scrape says."""
        digest = infohash(torrent_file)
        url = self.url.replace("/announce", "/scrape") + "?info_hash=" + urllib.parse.quote(digest, safe="")
        try:
            with _open(url, timeout=5) as reply:
                body = reply.read()
        except urllib.error.URLError:
            return 0, 0
        return _number_after(body, b"8:completei"), _number_after(body, b"10:incompletei")

    def wait_for(self, torrent_file, seeders=0, leechers=0, seconds=START):
        def there():
            have = self.counts(torrent_file)
            return have[0] >= seeders and have[1] >= leechers
        wait_until(there, seconds, f"{seeders} seeders and {leechers} leechers at the tracker")


def _number_after(body, key):
    at = body.find(key)
    return 0 if at < 0 else int(body[at + len(key):body.index(b"e", at + len(key))])


def opentracker(host, *torrent_files):
    """Debian's build serves only torrents that it was told of, and changes its root to the folder of that list."""
    folder = host.folder("opentracker")
    os.chmod(host.home, 0o755)
    with open(os.path.join(folder, "white"), "w") as f:
        for torrent_file in torrent_files:
            print(infohash(torrent_file).hex(), file=f)
    return Tracker(host, host.start("opentracker", [
        "opentracker", "-i", host.address, "-p", "6969", "-P", "6969", "-d", folder, "-w", "/white"]))


def ours_tracker(host):
    return Tracker(host, host.start("ours-tracker", [TORRENT, "tracker", "--port", "6969"]))


def make_torrent(host, path, torrent_file, *trackers, piece_bits=18):
    """A .torrent by mktorrent."""
    urls = [argument for url in trackers for argument in ("-a", url)]
    host.run("mktorrent", ["mktorrent", "-l", str(piece_bits), *urls, "-o", torrent_file, path], timeout=60).finish(0)
    return torrent_file


def compact(node):
    """HOST:PORT as the DHT has it."""
    address, port = node.rsplit(":", 1)
    return socket.inet_aton(address) + int(port).to_bytes(2, "big")


def magnet(torrent_file, *trackers, peers=()):
    """A link to it, made by hand."""
    parts = [f"xt=urn:btih:{infohash(torrent_file).hex()}", *[f"tr={urllib.parse.quote(url)}" for url in trackers],
             *[f"x.pe={peer}" for peer in peers]]
    return "magnet:?" + "&".join(parts)


# --- Real clients: each downloads until it is complete and then exits 0, or seeds until it is killed ------------------
class Libtorrent:
    name = "libtorrent"
    makes_empty_files = True

    def __init__(self, *options):
        self.options = options

    def download(self, host, source, folder, ways=Ways(), peers=()):
        return self._start(host, source, folder, ways, *self._peers(peers))

    def seed(self, host, source, folder, ways=Ways(), peers=(), upload_limit=0):
        program = self._start(host, source, folder, ways, *self._peers(peers), "--seed", "--upload-limit",
                              str(upload_limit))
        wait_until(lambda: "complete" in program.log(), START, "libtorrent seeding")
        return program

    def linger(self, host, source, folder):
        """Takes part, downloads nothing."""
        return self._start(host, source, folder, Ways(), "--take-nothing")

    @staticmethod
    def _peers(peers):
        return [argument for peer in peers for argument in ("--peer", peer)]

    def _start(self, host, source, folder, ways, *options):
        if ways.dht is not None:
            options += ("--dht", *[argument for node in ways.nodes for argument in ("--dht-bootstrap", node)])
        if ways.lan:
            options += ("--lan",)
        return host.start(self.name, ["/usr/bin/python3", os.path.join(PEERS, "libtorrent_peer.py"), *self.options,
                                      *options, source, folder])


class Aria2:
    name = "aria2"
    makes_empty_files = True

    def download(self, host, source, folder, ways=Ways()):
        return self._start(host, source, folder, ways, "--seed-time=0")

    def seed(self, host, source, folder, ways=Ways()):
        return self._start(host, source, folder, ways, "--seed-ratio=0.0", "-V")

    def linger(self, host, source, folder):
        """Takes part, downloads next to nothing."""
        return self._start(host, source, folder, Ways(), "--max-download-limit=1")

    def _start(self, host, source, folder, ways, *options):
        # Its UDP trackers need a DHT node: one that knows no other node is none.
        options += ("--enable-dht=true", f"--dht-listen-port={PORT}",
                    f"--dht-file-path={host.folder('aria2')}/dht.dat",
                    *[f"--dht-entry-point={node}" for node in ways.nodes])
        options += (f"--bt-enable-lpd={'true' if ways.lan else 'false'}",)
        return host.start(self.name, [
            "aria2c", "--no-conf", "--enable-dht6=false", "--summary-interval=0", "--show-console-readout=false",
            "--file-allocation=none", "--bt-detach-seed-only=false", f"--listen-port={PORT}", *options, "-d", folder,
            source])


class Transmission:
    name = "transmission"
    makes_empty_files = False

    def download(self, host, source, folder, ways=Ways()):
        # It never ends by itself: a script that it runs when it is complete ends it.
        done = os.path.join(host.home, "done.sh")
        with open(done, "w") as f:
            f.write("#!/bin/sh\nkill -INT $PPID\n")
        os.chmod(done, 0o755)
        return self._start(host, source, folder, ways, "-f", done)

    def seed(self, host, source, folder, ways=Ways()):
        return self._start(host, source, folder, ways)

    def linger(self, host, source, folder):
        """Takes part, downloads nothing."""
        return self._start(host, source, folder, Ways(), settings={"speed-limit-down": 0,
                                                                   "speed-limit-down-enabled": True})

    def _start(self, host, source, folder, ways, *options, settings=None):
        config = host.folder("transmission")
        with open(os.path.join(config, "settings.json"), "w") as f:
            json.dump({"utp-enabled": False, "dht-enabled": ways.dht is not None, "lpd-enabled": ways.lan,
                       **(settings or {})}, f)
        # Nodes that it "knew when it ended" are asked at once; those in its file dht.bootstrap one each 15 s.
        nodes = b"".join(compact(node) for node in ways.nodes)
        with open(os.path.join(config, "dht.dat"), "wb") as f:
            f.write(b"d2:id20:" + os.urandom(20) + b"5:nodes%d:%se" % (len(nodes), nodes))
        return host.start(self.name, ["transmission-cli", "-g", config, "-w", folder, "-M", "-et", "-p", str(PORT),
                                      *options, source])


class OurClient:
    """Our program as one client among the others."""
    name = "ours"
    makes_empty_files = True

    def download(self, host, source, folder, *options, ways=Ways(), peers=()):
        return self._start(host, source, folder, ways, peers, *options)

    def seed(self, host, source, folder, *options, ways=Ways(), peers=()):
        program = self._start(host, source, folder, ways, peers, "--seed", *options)
        wait_until(lambda: program.progress("state") == "seeding" or not program.running, START, "ours seeding")
        expect(program.running, "ours ended instead of seeding")
        return program

    def linger(self, host, source, folder, peers=()):
        """Takes part, downloads next to nothing."""
        return self._start(host, source, folder, Ways(), peers, "--download-limit", "16K")

    @staticmethod
    def _start(host, source, folder, ways, peers, *options):
        known = [argument for peer in peers for argument in ("--peer", peer)]
        return Ours(host, source, "-o", folder, "--port", PORT, *known, *options, ways=ways)


NEEDED = {"transmission-cli": "transmission-cli", "aria2c": "aria2", "opentracker": "opentracker",
          "mktorrent": "mktorrent"}


def missing():
    """Debian packages of the real peers that are not here."""
    packages = [package for program, package in NEEDED.items() if not shutil.which(program)]
    try:
        import libtorrent  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        packages.append("python3-libtorrent")
    return packages
