"""Bad trackers before a whole program (hazards 69 to 83, 92, 93, 126): what a test on loopback cannot have. Places that
nobody may be led to, each with a listener that counts; memory; the clock; certificates. The faults themselves, one by
one, are in test/session/tracker_faults_*.cc."""
import json
import os
import signal
import sys
import threading
import time

from bad_server import COSTLY, QUICK
from certificates import Certificates
from clients import PORT, Ours, make_torrent, ours_seed
from payload import MIB, make_file, same
from scenarios import scenario
from world import PEERS, Failed, expect, wait_until

WAIT = 40  # seconds for what takes one or two


class BadServers:
    """bad_server.py on a host."""

    def __init__(self, host, specs):
        self.program = host.start(f"bad-server-{host.name}", [sys.executable, os.path.join(PEERS, "bad_server.py"),
                                                              json.dumps(specs)], split=True)
        wait_until(lambda: "ready" in self.program.out() or not self.program.running, WAIT, "the bad servers")
        expect(self.program.running, "the bad servers ended")

    def visits(self):
        """[(listener, bytes of the request)] so far."""
        lines = [line.split() for line in self.program.out().splitlines()[1:]]
        return [(line[0], int(line[1])) for line in lines if len(line) == 2]

    def visits_of(self, name):
        return sum(1 for visited, _ in self.visits() if visited == name)


def _payload(world, size=MIB, rate=None):
    """A host that seeds a file: (path, "HOST:PORT", make), where make(name, trackers) is a .torrent of it."""
    seeder = world.host("seeder")
    path = make_file(os.path.join(seeder.folder("data"), "payload.bin"), size)

    def make(name, *trackers):
        # mktorrent makes a tier of each -a.
        return make_torrent(seeder, path, os.path.join(world.root, name + ".torrent"), *trackers)
    ours_seed(seeder, make("seeded", "http://127.0.0.1:1/announce"), seeder.folder("data"), "--port", PORT,
              *(["--upload-limit", rate] if rate else []))
    return path, f"{seeder.address}:{PORT}", make


def _reports(program, trackers):
    """The first report on each of `trackers`; waits for all."""
    def all_there():
        said = {}
        for event in program.events("tracker"):
            said.setdefault(event["tracker"], event)
        return said if all(url in said for url in trackers) or not program.running else None
    said = wait_until(all_there, WAIT, f"a report on each of {len(trackers)} trackers")
    missing = [url for url in trackers if url not in said]
    expect(not missing, f"no report on {missing[:3]}")
    return said


def _download(host, name, file, *arguments, **options):
    """Downloads and stays."""
    return Ours(host, file, "-o", host.folder(name), "--seed", *arguments, name=name, **options)


@scenario("bad-trackers-lead-nowhere")
def _(world):
    """A tracker, wherever it stands, leads no further in: not by a redirect, a name, a list of peers or its own URL."""
    path, peer, make = _payload(world)
    leecher, tracker = world.host("leecher"), world.host("tracker")
    private, outside, cloud = tracker.address, f"11.78.{world.number}.1", "169.254.169.254"
    tracker.own(outside, cloud)
    places = [(private, 7001), ("127.0.0.1", 7001), (leecher.address, 7001), (cloud, 80)]
    port = iter(range(8001, 8100))
    specs, refused, answered = [], [], []

    def moves(address, to):
        specs.append({"name": f"to-{to}", "kind": "move", "address": address, "port": next(port), "to": to})
        refused.append(f"http://{address}:{specs[-1]['port']}/announce")

    def names(address, peers):
        for kind in ("name", "udp"):
            specs.append({"name": f"{kind}-{address}", "kind": kind, "address": address, "port": next(port),
                          "peers": peers})
            answered.append(f"{'http' if kind == 'name' else kind}://{address}:{specs[-1]['port']}/announce")

    for host, number in places:
        moves(outside, f"http://{host}:{number}/announce")
    for to in ("http://localhost:7001/announce", "http://2130706433:7001/announce", "http://0.0.0.0:7001/announce",
               "http://[::1]:7001/announce", "http://[::ffff:127.0.0.1]:7001/announce",
               f"http://private.rebound.test:7001/announce", f"ftp://{private}:7001/announce", "file:///etc/passwd",
               f"udp://{private}:7001/announce", f"https://{private}:7001/announce"):
        moves(outside, to)
    for to in ("http://127.0.0.1:7001/announce", f"http://{cloud}/announce", "http://cloud.rebound.test/announce"):
        moves(private, to)
    names(outside, [*places, (outside, 0), ("224.0.0.1", 7001), ("0.0.0.0", 7001)])
    names(private, [("127.0.0.1", 7001), (cloud, 80), (private, 0)])
    refused += [f"http://{cloud}/announce", "http://cloud.rebound.test/announce", "http://127.0.0.1:7001/admin",
                "http://local.rebound.test:7001/x/announce", f"udp://{cloud}:80/announce",
                "udp://cloud.rebound.test:80/announce", "udp://127.0.0.1:7001/admin",
                "udp://local.rebound.test:7001/admin"]

    def traps(wanted):
        return [{"name": f"{kind}-{host}:{number}", "kind": kind, "address": host, "port": number}
                for host, number in wanted for kind in ("trap", "udp-trap")]
    far = BadServers(tracker, specs + traps([(private, 7001), (cloud, 80)]))
    near = BadServers(leecher, traps([("127.0.0.1", 7001), (leecher.address, 7001)]))
    # An answer is waited for, and those behind it are for when it fails: so each that answers has a run of its own.
    hosts = {"cloud.rebound.test": cloud, "private.rebound.test": private, "local.rebound.test": "127.0.0.1"}
    runs = {"refused": refused, **{f"answered-{i}": [url] for i, url in enumerate(answered)}}
    programs = {name: _download(leecher, name, make(name, *urls), "--peer", peer, "--port", str(6900 + i), hosts=hosts)
                for i, (name, urls) in enumerate(runs.items())}
    for name, urls in runs.items():
        for url, said in _reports(programs[name], urls).items():
            expect(said["ok"] == (url in answered), f"{url}: {said}")
            expect(said["peers"] == 0, f"{url} could name {said['peers']} peers")
        wait_until(lambda: programs[name].events("done"), WAIT, f"{name}: done in spite of its trackers")
        same(path, os.path.join(leecher.home, name, "payload.bin"))
    for spec in specs:
        expect(far.visits_of(spec["name"]) >= 1, f"nobody came to {spec['name']}: nothing was tried")
    lured = [name for servers in (far, near) for name, _ in servers.visits() if "trap" in name]
    expect(not lured, f"lured to {lured}")
    # The traps work, seen from where the client stood.
    for servers, wanted in ((far, [(private, 7001), (cloud, 80)]), (near, [("127.0.0.1", 7001), (leecher.address, 7001)])):
        for host, number in wanted:
            leecher.run("knock", ["bash", "-c", f"exec 3<>/dev/tcp/{host}/{number}; echo >&3; echo x >/dev/udp/{host}/{number}"
                                  ]).finish(5)
            for kind in ("trap", "udp-trap"):
                wait_until(lambda: servers.visits_of(f"{kind}-{host}:{number}"), 5, f"{kind} at {host}:{number}")
    return f"{len(refused)} trackers refused, {len(answered)} answered, nobody lured"


def _peak(program):
    """The most that it has ever held in memory, in MiB."""
    with open(f"/proc/{program.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:")) / 1024


@scenario("bad-trackers-cost-no-memory")
def _(world):
    """Whatever a tracker sends, the program takes a few MiB more than with a good one."""
    _, peer, make = _payload(world)
    leecher, tracker = world.host("leecher"), world.host("tracker")
    servers = BadServers(tracker, [{"name": "bad", "kind": "http", "address": tracker.address, "port": 8001}])

    # Those that are answers, after which nobody else is asked, alone; all others one after the other in one run.
    answers = ["largest-gzip", "most-peers", "most-values", "most-dictionaries", "warning-of-a-mebibyte"]
    runs = {"clean": ["good"], "the rest": [path for path in COSTLY if path not in answers],
            **{path: [path] for path in answers}}
    programs = {}
    for name, paths in runs.items():
        urls = [f"http://{tracker.address}:8001/announce/{path}" for path in paths]
        programs[name] = _download(leecher, name, make(name, *urls), "--peer", peer, "--no-listen"), urls
    peaks = {}
    for name, (program, urls) in programs.items():
        said = _reports(program, urls)
        expect(all(said[url]["ok"] == (name in answers or name == "clean") for url in urls), f"{name}: {said}")
        wait_until(lambda: program.events("done"), WAIT, f"{name}: done in spite of its trackers")
        peaks[name] = _peak(program)
    clean = peaks.pop("clean")
    more = {name: used - clean for name, used in peaks.items()}
    expect(len(servers.visits()) >= len(COSTLY) + 1, f"{len(servers.visits())} visits")
    worst = max(more, key=more.get)
    expect(more[worst] <= 12, f"{worst}: {more[worst]:.1f} MiB more than {clean:.1f}")
    return f"{clean:.1f} MiB, and {more[worst]:.1f} more at most ({worst})"


@scenario("bad-trackers-cost-no-time")
def _(world):
    """Twenty trackers that fail and eight that hang beside an honest peer, and twenty that fail before an honest
    tracker: the download takes as long as without. While they hang, it ends in time when it is told to."""
    size, rate = 12 * MIB, "3M"
    leechers = [world.host(f"leecher{i}") for i in range(3)]
    tracker = world.host("tracker")
    path, peer, make = _payload(world, size)
    BadServers(tracker, [
        {"name": "bad", "kind": "http", "address": tracker.address, "port": 8001},
        {"name": "honest", "kind": "name", "address": tracker.address, "port": 8002,
         "peers": [(peer.rsplit(":", 1)[0], PORT)]}])
    base = f"http://{tracker.address}:8001/announce/"
    honest = f"http://{tracker.address}:8002/announce"
    quick = [f"{base}{i}/{kind}" for i in range(4) for kind in list(QUICK)[:5]]
    hanging = [f"{base}{i}/hang" for i in range(8)]
    runs = [("clean", [honest], []), ("failing", [*quick, honest], []), ("hanging", [*quick, *hanging], ["--peer", peer])]
    programs = [_download(host, name, make(name, *urls), *arguments, "--download-limit", rate)
                for host, (name, urls, arguments) in zip(leechers, runs)]
    times = {}

    def watch(program):
        try:
            wait_until(lambda: program.events("done"), 60, "done")
            times[program.name] = time.monotonic() - program.started
        except Failed:
            pass
    watches = [threading.Thread(target=watch, args=(program,)) for program in programs]
    for thread in watches:
        thread.start()
    for thread in watches:
        thread.join()
    for host, (name, _, _) in zip(leechers, runs):
        expect(name in times, f"{name}: not done")
        same(path, os.path.join(host.home, name, "payload.bin"))
        expect(times[name] <= 1.5 * times["clean"], f"{name}: {times[name]:.1f} s, without {times['clean']:.1f} s")
    hangs = programs[2]
    expect(not [e for e in hangs.events("tracker") if e["tracker"] in hanging], "those that hang did not")
    hangs.signal(signal.SIGTERM)
    begin = time.monotonic()
    expect(hangs.wait(10) == 143, "no exit status of SIGTERM")
    expect(time.monotonic() - begin < 5.5, f"stopped after {time.monotonic() - begin:.1f} s")
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in times.items())


@scenario("bad-certificates-see-no-request")
def _(world):
    """hazard 71: a server that does not prove its name sees a client that leaves, and not one byte of a request."""
    path, peer, make = _payload(world)
    leecher, tracker = world.host("leecher"), world.host("tracker")
    certificates = Certificates(world.folder("certificates"))
    kinds = certificates.kinds("tracker.test")
    specs = [{"name": name, "kind": "tls", "address": tracker.address, "port": 8001 + i, "certificate": kind.chain,
              "key": kind.key} for i, (name, kind) in enumerate(kinds.items())]
    # By a redirect, too.
    last = specs[-1]["port"] + 1
    specs.append({"name": "moves", "kind": "move", "address": tracker.address, "port": last,
                  "to": f"https://expired.tracker.test:{specs[1]['port']}/announce"})
    servers = BadServers(tracker, specs)
    urls = {spec["name"]: f"https://{spec['name']}.tracker.test:{spec['port']}/announce" for spec in specs[:-1]}
    urls["moves"] = f"http://{tracker.address}:{last}/announce"
    good = urls.pop("good")
    program = _download(leecher, "out", make("tls", *urls.values(), good), "--peer", peer,
                        env={"SSL_CERT_FILE": certificates.trusted, "SSL_CERT_DIR": "/nowhere"},
                        hosts={f"{name}.tracker.test": tracker.address for name in kinds})
    said = _reports(program, [*urls.values(), good])
    expect(said[good]["ok"], f"the good one was refused: {said[good].get('message')}")
    for name, url in urls.items():
        expect(not said[url]["ok"], f"{name} was believed")
        expect("certificate" in said[url]["message"], f"{name}: {said[url]['message']}")
    wait_until(lambda: program.events("done"), WAIT, "done in spite of its trackers")
    same(path, os.path.join(leecher.home, "out", "payload.bin"))
    for name in urls:
        expect(servers.visits_of(name) >= 1, f"nobody came to {name}")
    told = [(name, count) for name, count in servers.visits() if count and name not in ("good", "moves")]
    expect(not told, f"bytes of a request reached {told}")
    expect(("good", 0) not in servers.visits() and servers.visits_of("good"), "the good one saw no request")
    return f"{len(urls)} refused"
