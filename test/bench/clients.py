"""The clients that are compared: which package has them, and the commands that download, seed and verify.

Each is told the same: plain TCP, no DHT, no peer exchange, files written as they come, a full swarm's connections, end
when complete. Beyond that it is as its packages have it."""
import json
import os
import re
import shutil
import subprocess

from payload import TRACKER
from scenarios import honest

BENCH = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(BENCH))
TORRENT = os.path.abspath(os.environ.get("TORRENT") or os.path.join(TOP, "torrent"))
PORT = 7777  # where a client listens that is to seed


class Client:
    """`download`, `seed` and `verify` answer a command, or None for what this client cannot be told to do. `files` is
    the folder of the files, `home` an empty one for whatever else the client keeps."""

    def __init__(self, name, program, package, version):
        self.name = name
        self.program = program
        self.package = package
        self._version = version

    def present(self):
        return shutil.which(self.program) is not None

    def version(self):
        """Of the installed program; "" if it does not tell."""
        told = subprocess.run(self._version, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        found = re.search(r"\d+\.\d+(\.\d+)?", told.stdout + told.stderr)
        return found.group() if found else ""

    def command(self, scenario, payload, files, home):
        return getattr(self, scenario.mode)(payload, files, home)

    def download(self, payload, files, home):
        raise NotImplementedError

    def seed(self, payload, files, home):  # pylint: disable=unused-argument
        return None

    def verify(self, payload, files, home):  # pylint: disable=unused-argument
        return None


class Ours(Client):
    def __init__(self):
        super().__init__("torrent", TORRENT, None, [TORRENT, "--version"])

    def download(self, payload, files, home):
        return [TORRENT, payload.torrent, "-o", files]

    def seed(self, payload, files, home):
        return [TORRENT, payload.torrent, "-o", files, "--seed", "--port", str(PORT)]

    def verify(self, payload, files, home):
        return [TORRENT, "verify", payload.torrent, "-o", files]


class Libtorrent(Client):
    _script = ["/usr/bin/python3", os.path.join(BENCH, "libtorrent_client.py")]

    def __init__(self):
        super().__init__("libtorrent", "/usr/bin/python3", "python3-libtorrent",
                         ["/usr/bin/python3", "-c", "import libtorrent; print(libtorrent.version)"])

    def present(self):
        return super().present() and bool(self.version())

    def version(self):
        return super().version() if subprocess.run(self._version, capture_output=True, check=False).returncode == 0 \
            else ""

    def download(self, payload, files, home):
        return [*self._script, payload.torrent, files]

    def seed(self, payload, files, home):
        return [*self._script, payload.torrent, files, str(PORT)]

    def verify(self, payload, files, home):
        return [*self._script, payload.torrent, files]


class Rtorrent(Client):
    """In its daemon mode: no screen is drawn."""

    def __init__(self):
        super().__init__("rtorrent", "rtorrent", "rtorrent", ["rtorrent", "-h"])

    def _command(self, payload, files, home, *lines):
        session = os.path.join(home, "session")
        os.makedirs(session)
        path = os.path.join(home, "rtorrent.rc")
        with open(path, "w", encoding="utf8") as f:
            print("system.daemon.set = true", f"session.path.set = {session}", f"directory.default.set = {files}",
                  "dht.mode.set = disable", "protocol.pex.set = no", "pieces.hash.on_completion.set = no",
                  "throttle.max_peers.normal.set = 300", *lines, sep="\n", file=f)
        return ["rtorrent", "-n", "-o", f"import={path}", payload.torrent]

    def download(self, payload, files, home):
        return self._command(payload, files, home, "network.port_range.set = 6881-6889",
                             'method.set_key = event.download.finished, end, "system.shutdown.quick="')

    def seed(self, payload, files, home):
        return self._command(payload, files, home, f"network.port_range.set = {PORT}-{PORT}",
                             "network.port_random.set = no")

    def verify(self, payload, files, home):
        return self._command(payload, files, home, "network.port_range.set = 6881-6889",
                             'method.set_key = event.download.hash_done, end, "system.shutdown.quick="')


class Aria2(Client):
    _common = ["aria2c", "--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
               "--enable-peer-exchange=false", "--file-allocation=none", "--console-log-level=error",
               "--summary-interval=0", "--show-console-readout=false"]

    def __init__(self):
        super().__init__("aria2", "aria2c", "aria2", ["aria2c", "--version"])

    def download(self, payload, files, home):
        # By itself it stops looking for peers at 55, or earlier when it receives 50 KiB/s.
        return [*self._common, "--seed-time=0", "--bt-max-peers=0", "--bt-request-peer-speed-limit=100M", "-d", files,
                payload.torrent]

    def seed(self, payload, files, home):
        return [*self._common, "--seed-ratio=0.0", "-V", f"--listen-port={PORT}", "-d", files, payload.torrent]

    def verify(self, payload, files, home):
        return [*self._common, "--seed-time=0", "-V", "-d", files, payload.torrent]


class Transmission(Client):
    def __init__(self):
        super().__init__("transmission", "transmission-cli", "transmission-cli", ["transmission-cli", "--version"])

    def _command(self, payload, files, home, *options):
        config = os.path.join(home, "config")
        os.makedirs(config)
        with open(os.path.join(config, "settings.json"), "w", encoding="utf8") as f:
            json.dump({"utp-enabled": False, "dht-enabled": False, "lpd-enabled": False, "pex-enabled": False,
                       "peer-limit-global": 400, "peer-limit-per-torrent": 300, "preallocation": 0,
                       "rpc-enabled": False}, f)
        return ["transmission-cli", "-g", config, "-w", files, "-M", "-et", *options, payload.torrent]

    def download(self, payload, files, home):
        # It goes on seeding; what it runs when it is complete ends it.
        done = os.path.join(home, "complete")
        with open(done, "w", encoding="utf8") as f:
            f.write("#!/bin/sh\nkill -INT $PPID\n")
        os.chmod(done, 0o755)
        return self._command(payload, files, home, "-f", done)

    def seed(self, payload, files, home):
        return self._command(payload, files, home, "-p", str(PORT))


class Floor(Client):
    """Not a client: the least that one can cost here. It writes one file, however many there are."""

    def __init__(self, folder):
        super().__init__("floor", os.path.join(folder, "floor"), None, None)
        self.seeders = []

    def command(self, scenario, payload, files, home):
        self.seeders = honest(scenario.seeders)
        return super().command(scenario, payload, files, home)

    def download(self, payload, files, home):
        return [self.program, os.path.join(files, "payload"), str(payload.size), str(payload.piece_length),
                payload.infohash, payload.hashes, *self.seeders]

    def seed(self, payload, files, home):
        return [os.path.join(os.path.dirname(self.program), "seeder"), payload.whole, payload.infohash,
                str(payload.piece_length), f"{TRACKER}:{PORT}"]

    def verify(self, payload, files, home):
        return ["openssl", "dgst", "-sha1", payload.whole]


ALL = [Ours(), Libtorrent(), Rtorrent(), Aria2(), Transmission()]
