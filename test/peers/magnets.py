"""Magnet links at the shell, how soon they bring something, and what is kept silent about a private torrent."""
import json
import os
import statistics
import time

from capture import Capture
from clients import PORT, Libtorrent, OurClient, Ways, exits, magnet, make_torrent, ours_create, ours_tracker
from dht_nodes import announced, our_dht, their_dht
from payload import MIB, infohash, make_file, same
from scenarios import scenario
from world import expect, wait_until

OURS = OurClient()


def _sent(world, private):
    """Ours seeds, and ours downloads, through an HTTP tracker, with DHT and local network on. Answers for both of them
    (datagrams sent, datagrams sent in which the infohash is)."""
    tracker_host, seeder, leecher = world.host("tracker"), world.host("seeder"), world.host("leecher")
    nodes = their_dht(world.host("nodes"), 4)
    tracker = ours_tracker(tracker_host)
    path = make_file(os.path.join(seeder.folder("data"), "payload.bin"), 2 * MIB)
    file = ours_create(seeder, path, os.path.join(world.root, "payload.torrent"), "-a", tracker.url,
                       *(["--private"] if private else []))
    ways = Ways(dht=nodes, lan=True)
    with Capture(seeder) as of_seeder, Capture(leecher) as of_leecher:
        OURS.seed(seeder, file, seeder.folder("data"), ways=ways)
        tracker.wait_for(file, seeders=1)
        OURS.download(leecher, file, leecher.folder("out"), ways=ways).finish(30)
        time.sleep(1)  # the seeder has seeded for longer than that
    same(path, os.path.join(leecher.home, "out", "payload.bin"))
    digest = infohash(file)
    return [(host.datagrams_sent(), len(capture.holding(digest)))
            for host, capture in ((seeder, of_seeder), (leecher, of_leecher))]


@scenario("private-torrent-sends-no-datagram", waits=True)
def _(world):
    """Not one, from the start of the program to its end: neither a search nor a node that joins the DHT."""
    (of_seeder, named_by_seeder), (of_leecher, named_by_leecher) = _sent(world, private=True)
    expect(not named_by_seeder and not named_by_leecher, f"the infohash left in {named_by_seeder} datagrams of the "
                                                         f"seeder, {named_by_leecher} of the leecher")
    expect(not of_seeder and not of_leecher, f"{of_seeder} datagrams of the seeder, {of_leecher} of the leecher")


@scenario("public-torrent-sends-datagrams", waits=True)
def _(world):
    """The same with a torrent that is not private: so the counts of the other scenario are not blind."""
    (of_seeder, named_by_seeder), (of_leecher, named_by_leecher) = _sent(world, private=False)
    expect(min(of_seeder, named_by_seeder, of_leecher, named_by_leecher) > 0,
           f"of {of_seeder} datagrams of the seeder {named_by_seeder} name the torrent, of {of_leecher} of the leecher "
           f"{named_by_leecher}")


@scenario("magnet-in-two-seconds", alone=True)
def _(world):
    """In a DHT of fifty nodes: from the start of the program to the first piece, which is later than its first byte;
    the median of three runs that remember nothing."""
    count, limit = 50, 2.0
    seeder, leecher = world.host("seeder"), world.host("leecher")
    nodes = our_dht(world.host("nodes"), count)
    path = make_file(os.path.join(seeder.folder("data"), "payload.bin"), 2 * MIB)
    file = make_torrent(seeder, path, os.path.join(world.root, "payload.torrent"), piece_bits=15)
    OURS.seed(seeder, file, seeder.folder("data"), ways=Ways(dht=[nodes[7]]))
    wait_until(lambda: announced(infohash(file), nodes), 20, "the seeder announced")
    seconds = []
    for number in range(3):
        folder = leecher.folder(f"out{number}")
        program = OURS.download(leecher, magnet(file), folder, "--state", leecher.folder(f"state{number}"),
                                ways=Ways(dht=[nodes[11 + 13 * number]]))
        wait_until(lambda program=program: '"event":"piece"' in program.out() or not program.running, 30,
                   f"a piece in run {number + 1}")
        seconds.append(time.monotonic() - program.started)
        program.finish(30)
        same(path, os.path.join(folder, "payload.bin"))
    median = statistics.median(seconds)
    figures = f"{median:.2f} s to the first piece, of {', '.join(f'{s:.2f}' for s in seconds)}"
    expect(median <= limit, figures)
    return figures


@scenario("magnet-of-a-file")
def _(world):
    """`torrent magnet` prints a link in which libtorrent reads what is in the file."""
    host = world.host("host")
    path = make_file(os.path.join(host.home, "Größe & mehr.bin"), MIB)
    trackers = ["http://one.invalid/announce?a=b&c=d", "udp://two.invalid:80/announce"]
    file = make_torrent(host, path, os.path.join(host.home, "a.torrent"), *trackers)
    link = exits(host, 0, "magnet", file).out().strip()
    import libtorrent  # pylint: disable=import-outside-toplevel
    theirs = libtorrent.parse_magnet_uri(link)
    expect(str(theirs.info_hashes.v1) == infohash(file).hex(), f"another infohash: {link}")
    expect(theirs.name == os.path.basename(path), f"another name: {link}")
    expect(sorted(theirs.trackers) == sorted(trackers), f"other trackers: {link}")


@scenario("show-a-magnet")
def _(world):
    """`torrent show MAGNET` fetches the metadata alone, tells what is in it, and writes a .torrent of it."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    path = make_file(os.path.join(seeder.folder("data"), "payload.bin"), 32 * MIB)
    file = make_torrent(seeder, path, os.path.join(world.root, "payload.torrent"), piece_bits=15)
    Libtorrent().seed(seeder, file, seeder.folder("data"))
    made = os.path.join(leecher.home, "made.torrent")
    shown = json.loads(exits(leecher, 0, "show", magnet(file), "-o", made, "--no-dht", "--no-lan", "--json", "--peer",
                             f"{seeder.address}:{PORT}").out())
    expect([(f["path"], f["length"]) for f in shown["files"]] == [("payload.bin", 32 * MIB)], f"it tells {shown}")
    expect(infohash(made) == infohash(file), "the .torrent that it made has another infohash")
    received = leecher.traffic()[0]
    expect(received < MIB, f"{received} bytes came for metadata alone")


@scenario("dht-get")
def _(world):
    """`torrent dht get` prints the address that a client of another kind has announced."""
    seeder, asker = world.host("seeder"), world.host("asker")
    nodes = their_dht(world.host("nodes"), 10)
    path = make_file(os.path.join(seeder.folder("data"), "payload.bin"), MIB)
    file = make_torrent(seeder, path, os.path.join(world.root, "payload.torrent"))
    Libtorrent().seed(seeder, file, seeder.folder("data"), ways=Ways(dht=nodes))
    wait_until(lambda: announced(infohash(file), nodes), 30, "libtorrent announced")
    found = exits(asker, 0, "dht", "get", infohash(file).hex(), "--dht-bootstrap", nodes[5]).out().split()
    expect(found == [f"{seeder.address}:{PORT}"], f"it prints {found}")
