"""Our program against real clients, through real trackers, in each direction, byte for byte."""
import os
import signal
import time

from clients import (Aria2, Libtorrent, Transmission, make_torrent, opentracker, ours_create, ours_download, ours_seed,
                     ours_tracker)
from payload import MIB, infohash, make_file, make_odd_tree, same
from scenarios import scenario
from world import expect, wait_until


def _download_from(client):
    """Ours downloads a tree of odd sizes, made into a torrent by mktorrent, from a real client through opentracker."""
    def play(world):
        tracker_host, seeder, leecher = world.host("tracker"), world.host("seeder"), world.host("leecher")
        tree = make_odd_tree(seeder.folder("data", "odd"))
        file = os.path.join(world.root, "odd.torrent")
        make_torrent(seeder, tree, file, f"http://{tracker_host.address}:6969/announce", piece_bits=15)
        tracker = opentracker(tracker_host, file)
        client.seed(seeder, file, seeder.folder("data"))
        tracker.wait_for(file, seeders=1)
        ours_download(leecher, file, leecher.folder("out")).finish(60)
        same(tree, os.path.join(leecher.home, "out", "odd"))
    return play


def _seed_to(client):
    """A real client downloads such a tree from ours, made into a torrent by ours, through our own tracker."""
    def play(world):
        tracker_host, seeder, leecher = world.host("tracker"), world.host("seeder"), world.host("leecher")
        tracker = ours_tracker(tracker_host)
        tree = make_odd_tree(seeder.folder("data", "odd"))
        file = os.path.join(world.root, "odd.torrent")
        ours_create(seeder, tree, file, "-a", tracker.url)
        ours = ours_seed(seeder, file, seeder.folder("data"))
        tracker.wait_for(file, seeders=1)
        client.download(leecher, file, leecher.folder("out")).finish(60)
        same(tree, os.path.join(leecher.home, "out", "odd"), empty_files=client.makes_empty_files)
        ours.signal(signal.SIGTERM)
        expect(ours.wait(8) in (0, 143), f"our seeder ended with exit status {ours.wait(0)}")
    return play


for _client in (Transmission(), Aria2(), Libtorrent()):
    scenario(f"download-from-{_client.name}")(_download_from(_client))
    scenario(f"seed-to-{_client.name}")(_seed_to(_client))

# As its users run it: it tries encryption and uTP before it speaks plain TCP.
scenario("seed-to-libtorrent-as-installed")(_seed_to(Libtorrent("--defaults")))


@scenario("create-agrees-with-mktorrent")
def _(world):
    """The same input is the same torrent."""
    host = world.host("host")
    tree = make_odd_tree(host.folder("data", "odd"), bulk=2 * MIB)
    single = make_file(os.path.join(host.home, "single.bin"), 3 * MIB + 1)
    for name, path in (("tree", tree), ("single", single)):
        theirs = make_torrent(host, path, os.path.join(host.home, f"{name}.their.torrent"), "http://t.invalid/announce",
                              piece_bits=15)
        ours = ours_create(host, path, os.path.join(host.home, f"{name}.our.torrent"), "-l", 1 << 15)
        expect(infohash(theirs) == infohash(ours), f"infohash of the {name}: mktorrent says {infohash(theirs).hex()}, "
                                                   f"ours {infohash(ours).hex()}")


@scenario("mixed-swarm")
def _(world):
    """Four clients, ours among them, and one slow seeder, so that they must trade with one another."""
    tracker_host, seeder = world.host("tracker"), world.host("seeder")
    path = make_file(os.path.join(seeder.folder("data"), "mixed.bin"), 24 * MIB)
    file = os.path.join(world.root, "mixed.torrent")
    make_torrent(seeder, path, file, f"http://{tracker_host.address}:6969/announce", piece_bits=16)
    tracker = opentracker(tracker_host, file)
    Libtorrent().seed(seeder, file, seeder.folder("data"), upload_limit=3 * MIB)
    tracker.wait_for(file, seeders=1)
    leechers = {}
    for client in (Transmission(), Aria2(), Libtorrent()):
        host = world.host(client.name)
        leechers[host] = client.download(host, file, host.folder("out"))
    host = world.host("ours")
    ours = leechers[host] = ours_download(host, file, host.folder("out"))
    for host, program in leechers.items():
        program.finish(90)
        same(path, os.path.join(host.home, "out", "mixed.bin"))
    expect(ours.progress("uploaded") > 0, "ours gave nothing to the others while it downloaded")


@scenario("killed-five-times")
def _(world):
    """SIGKILL five times on the way; the same command continues each time from its last checkpoint and not from 0."""
    rate, kills = 2 * MIB, 5
    lost = 7 * rate  # a checkpoint comes after 5 s of change, and is synced before it is written
    tracker_host, seeder, leecher = world.host("tracker"), world.host("seeder"), world.host("leecher")
    path = make_file(os.path.join(seeder.folder("data"), "long.bin"), 88 * MIB)
    file = os.path.join(world.root, "long.torrent")
    make_torrent(seeder, path, file, f"http://{tracker_host.address}:6969/announce")
    tracker = opentracker(tracker_host, file)
    Libtorrent().seed(seeder, file, seeder.folder("data"), upload_limit=rate)
    tracker.wait_for(file, seeders=1)
    had = 0
    for number in range(kills + 1):
        before = leecher.traffic()[0]
        ours = ours_download(leecher, file, leecher.folder("out"), name=f"ours-run-{number + 1}")
        start = ours.start_of_swarm()["done"]
        expect(start >= had - lost, f"run {number + 1} began with {start} bytes after the one before had {had}")
        expect(number == 0 or start > 0, f"run {number + 1} began from 0")
        if number == kills:
            break
        wait_until(lambda: leecher.traffic()[0] - before > 2 * MIB, 20, "2 MiB more")
        deadline = time.monotonic() + 6.5  # long enough for a checkpoint
        while time.monotonic() < deadline:
            expect(ours.running, f"run {number + 1} ended before it was killed")
            time.sleep(0.1)
        had = ours.progress("done")
        ours.kill()
    ours.finish(60)
    same(path, os.path.join(leecher.home, "out", "long.bin"))
    received, size = leecher.traffic()[0], os.path.getsize(path)
    expect(received <= 1.03 * size + kills * lost, f"{received} bytes received for {size} and {kills} kills")
