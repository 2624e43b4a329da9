"""Our program among its own kind: a whole swarm, rates, IPv6."""
import os
import socket
import time

from clients import NOWHERE, PORT, Ours, make_torrent, ours_create, ours_download, ours_seed, ours_tracker
from payload import MIB, make_file, make_odd_tree, same
from scenarios import scenario
from world import expect, wait_until


@scenario("swarm-of-seven", alone=True)
def _(world):
    """One seeder at 4 MiB/s and six that know only each other and it: all are complete soon after the seeder has sent
    everything once."""
    # What two begin before either can tell the other is a fixed amount, some 20 MiB of copies with this rate; of 128 MiB
    # it is a sixth, whatever else the machine does.
    size, rate, count = 128 * MIB, 4 * MIB, 6
    tracker = ours_tracker(world.host("tracker"))
    seeder = world.host("seeder")
    path = make_file(os.path.join(seeder.folder("data"), "swarm.bin"), size)
    file = ours_create(seeder, path, os.path.join(world.root, "swarm.torrent"), "-a", tracker.url)
    ours_seed(seeder, file, seeder.folder("data"), "--upload-limit", "4M")
    tracker.wait_for(file, seeders=1)
    hosts = [world.host(f"leecher{i}") for i in range(count)]
    started = time.monotonic()
    # They stay for one another until the last has all, as a swarm's members do.
    leechers = {host: ours_download(host, file, host.folder("out"), "--seed") for host in hosts}
    for host, program in leechers.items():
        wait_until(lambda program=program: program.events("done") or not program.running, 90, f"{host.name} complete")
        expect(program.running, f"{host.name} ended")
    seconds = time.monotonic() - started
    sent = seeder.traffic()[1]
    for host in hosts:
        same(path, os.path.join(host.home, "out", "swarm.bin"))
    corrupt = sum(program.events("done")[0]["corrupt"] for program in leechers.values())
    expect(seconds <= 1.35 * size / rate and sent <= 1.3 * size and corrupt == 0,
           f"the last was complete after {seconds:.1f} s ({size / rate:.1f} s are ideal), the seeder sent "
           f"{sent / size:.2f} copies, {corrupt} bytes were corrupt among honest peers")
    return f"complete after {seconds:.1f} s ({size / rate:.1f} s are ideal), the seeder sent {sent / size:.2f} copies"


def _next_count(program, field):
    """(when, value) of a progress event that has just come."""
    before = len(program.events("progress"))
    wait_until(lambda: len(program.events("progress")) > before, 5, "a progress event")
    return time.monotonic(), program.progress(field)


def _within_5_percent(what, limit, first, last):
    share = (last[1] - first[1]) / (last[0] - first[0]) / limit
    expect(0.95 <= share <= 1.05, f"{what}: {share:.3f} of the limit")


def _limited(option):
    """A limit holds within 5 % over 10 s, with four connections that would take far more."""
    def play(world):
        limit = 3 * MIB
        many = world.host("limited")  # the one with the limit
        others = [world.host(f"other{i}") for i in range(4)]
        seeders, leechers = ([many], others) if option == "--upload-limit" else (others, [many])
        path = make_file(os.path.join(world.folder("data"), "limit.bin"), 160 * MIB)
        file = make_torrent(many, path, os.path.join(world.root, "limit.torrent"), "http://127.0.0.1:1/announce",
                            piece_bits=18)
        for host in seeders:
            os.link(path, os.path.join(host.folder("data"), "limit.bin"))
            ours_seed(host, file, host.folder("data"), "--port", PORT, *([option, "3M"] if host is many else []))
        peers = [argument for host in seeders for argument in ("--peer", f"{host.address}:{PORT}")]
        for host in leechers:
            ours_download(host, file, host.folder("out"), *peers, *([option, "3M"] if host is many else []))
        way, field = (1, "uploaded") if option == "--upload-limit" else (0, "downloaded")
        ours = next(p for p in world.programs if p.name == "ours-limited")
        wait_until(lambda: ours.progress(field) > 2 * limit, 20, "a running transfer")
        first = _next_count(ours, field)
        first_wire = time.monotonic(), many.traffic()[way]
        time.sleep(10)
        last_wire = time.monotonic(), many.traffic()[way]
        last = _next_count(ours, field)
        _within_5_percent(f"{option} on the wire", limit, first_wire, last_wire)
        _within_5_percent(f"{option} by its own count", limit, first, last)
    return play


for _option in ("--upload-limit", "--download-limit"):
    scenario(_option[2:], alone=True)(_limited(_option))


@scenario("ipv6")
def _(world):
    """Two of ours that find each other by the IPv6 address of our tracker, on IPv6 addresses."""
    tracker_host, seeder, leecher = world.host("tracker"), world.host("seeder"), world.host("leecher")
    tracker = ours_tracker(tracker_host)
    tree = make_odd_tree(seeder.folder("data", "odd"))
    file = ours_create(seeder, tree, os.path.join(world.root, "odd.torrent"), "-a", tracker.url6)
    ours_seed(seeder, file, seeder.folder("data"))
    tracker.wait_for(file, seeders=1)
    ours = ours_download(leecher, file, leecher.folder("out"))
    ours.finish(30)
    same(tree, os.path.join(leecher.home, "out", "odd"))
    peers = [str(event) for event in ours.events("peer")]
    expect(any(seeder.address6 in peer for peer in peers), f"no peer at {seeder.address6}: {peers[:3]}")


@scenario("ipv6-loopback-peer")
def _(world):
    """`--peer [::1]:PORT`, without any tracker."""
    host = world.host("host")
    path = make_file(os.path.join(host.folder("data"), "small.bin"), MIB + 1)
    file = ours_create(host, path, os.path.join(world.root, "small.torrent"))
    ours_seed(host, file, host.folder("data"), "--port", 7001, "--state", host.folder("seed-state"))
    ours_download(host, file, host.folder("out"), "--peer", "[::1]:7001").finish(20)
    same(path, os.path.join(host.home, "out", "small.bin"))


@scenario("seeds-until-told")
def _(world):
    """--seed=RATIO ends when so much was given, --seed=TIME when it has passed; with status 0 both."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    path = make_file(os.path.join(seeder.folder("data"), "ratio.bin"), 2 * MIB)
    file = make_torrent(seeder, path, os.path.join(world.root, "ratio.torrent"), NOWHERE)
    ours = Ours(seeder, file, "-o", seeder.folder("data"), "--seed=2.0", "--port", PORT)
    for number in range(2):
        expect(ours.running, f"it ended at ratio {number}")
        ours_download(leecher, file, leecher.folder(f"out{number}"), "--peer", f"{seeder.address}:{PORT}").finish(20)
    ours.finish(10)
    started = time.monotonic()
    Ours(seeder, file, "-o", seeder.folder("data"), "--seed=3s").finish(15)
    expect(time.monotonic() - started >= 3, "it did not seed for as long as it was told")


@scenario("hanging-tracker-holds-up-nothing")
def _(world):
    """The first tracker takes the request and never answers: the second one brings the peer."""
    hanging = socket.create_server((world.address, 0))
    world.at_end(hanging.close)
    tracker = ours_tracker(world.host("tracker"))
    seeder, leecher = world.host("seeder"), world.host("leecher")
    path = make_file(os.path.join(seeder.folder("data"), "small.bin"), MIB)
    file = make_torrent(seeder, path, os.path.join(world.root, "small.torrent"),
                        f"http://{world.address}:{hanging.getsockname()[1]}/announce", tracker.url)
    ours_seed(seeder, file, seeder.folder("data"))
    tracker.wait_for(file, seeders=1)
    started = time.monotonic()
    ours = ours_download(leecher, file, leecher.folder("out"))
    wait_until(lambda: ours.events("done"), 15, "complete")
    complete = time.monotonic() - started
    ours.finish(20)
    ended = time.monotonic() - started - complete
    expect(ended < 7, f"complete after {complete:.1f} s, and it ended {ended:.1f} s later")
