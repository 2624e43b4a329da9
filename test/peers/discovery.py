"""How peers are found, each way alone: the DHT, a UDP tracker, peer exchange, the local network. By magnet links, so
that whoever downloads gets the metadata from the peers that it found."""
import os
import time

from clients import (PORT, Aria2, Libtorrent, OurClient, Transmission, Ways, magnet, make_torrent, opentracker,
                     ours_tracker)
from dht_nodes import our_dht, their_dht
from payload import MIB, make_odd_tree, same
from scenarios import scenario
from world import expect, wait_until

OURS = OurClient()
OTHERS = (Libtorrent(), Transmission(), Aria2())


def _odd_torrent(world, seeder, *trackers, bulk=2 * MIB):
    tree = make_odd_tree(seeder.folder("data", "odd"), bulk=bulk)
    return tree, make_torrent(seeder, tree, os.path.join(world.root, "odd.torrent"), *trackers, piece_bits=15)


def _complete(leecher, program, client, tree):
    program.finish(90)
    same(tree, os.path.join(leecher.home, "out", "odd"), empty_files=client.makes_empty_files)


def by_dht(seeding, downloading):
    """Among nodes of the seeder's kind, or of libtorrent; the leecher's node begins with the seeder's."""
    def play(world):
        seeder, leecher = world.host("seeder"), world.host("leecher")
        nodes = (our_dht if seeding is OURS else their_dht)(world.host("nodes"), 10)
        tree, file = _odd_torrent(world, seeder)
        seeding.seed(seeder, file, seeder.folder("data"), ways=Ways(dht=nodes))
        first = [f"{seeder.address}:{PORT}"]
        if isinstance(downloading, Transmission):
            first += nodes  # below nine nodes it looks for nobody
        program = downloading.download(leecher, magnet(file), leecher.folder("out"), ways=Ways(dht=first))
        _complete(leecher, program, downloading, tree)
    return play


def by_udp_tracker(seeding, downloading):
    """A tracker that is asked by UDP alone; with metadata of more than one block."""
    def play(world):
        tracker_host, seeder, leecher = world.host("tracker"), world.host("seeder"), world.host("leecher")
        url = f"udp://{tracker_host.address}:6969/announce"
        tree, file = _odd_torrent(world, seeder, url, bulk=28 * MIB)
        tracker = opentracker(tracker_host, file)
        seeding.seed(seeder, file, seeder.folder("data"))
        tracker.wait_for(file, seeders=1)
        program = downloading.download(leecher, magnet(file, url), leecher.folder("out"))
        _complete(leecher, program, downloading, tree)
    return play


def by_lan(seeding, downloading):
    """By multicast alone."""
    def play(world):
        seeder, leecher = world.host("seeder"), world.host("leecher")
        tree, file = _odd_torrent(world, seeder)
        seeding.seed(seeder, file, seeder.folder("data"), ways=Ways(lan=True))
        program = downloading.download(leecher, magnet(file), leecher.folder("out"), ways=Ways(lan=True))
        _complete(leecher, program, downloading, tree)
    return play


def by_pex(middle, downloading):
    """The leecher is connected with one that has nothing, and hears from it of the one that has everything."""
    def play(world):
        seeder, between, leecher = world.host("seeder"), world.host("between"), world.host("leecher")
        address = {host: f"{host.address}:{PORT}" for host in (seeder, between, leecher)}
        if middle is OURS:
            tree, file = _odd_torrent(world, seeder)
            Libtorrent().seed(seeder, file, seeder.folder("data"))
            program = downloading.download(leecher, magnet(file), leecher.folder("out"))
            middle.linger(between, file, between.folder("out"), peers=[address[seeder], address[leecher]])
        else:
            # Not all can be told of a peer: a tracker tells, of which the link does not.
            tracker = ours_tracker(world.host("tracker"))
            tree, file = _odd_torrent(world, seeder, tracker.url)
            Libtorrent().seed(seeder, file, seeder.folder("data"))
            tracker.wait_for(file, seeders=1)
            middle.linger(between, file, between.folder("out"))
            wait_until(lambda: between.is_connected_to(seeder), 30, "a connection between the two")
            time.sleep(1)  # for their handshakes: whom it does not know then, it would tell of a minute later
            program = downloading.download(leecher, magnet(file), leecher.folder("out"), peers=[address[between]])
        _complete(leecher, program, downloading, tree)
        given = between.traffic()[1]
        expect(given < MIB, f"{given} bytes came from the one that should have nothing")
    return play


def by_peer_of_link(seeding, downloading):
    """By the address in the link itself."""
    def play(world):
        seeder, leecher = world.host("seeder"), world.host("leecher")
        tree, file = _odd_torrent(world, seeder)
        seeding.seed(seeder, file, seeder.folder("data"))
        link = magnet(file, peers=[f"{seeder.address}:{PORT}"])
        _complete(leecher, downloading.download(leecher, link, leecher.folder("out")), downloading, tree)
    return play


for _name, _how in (("dht", by_dht), ("udp-tracker", by_udp_tracker), ("lan", by_lan)):
    for _other in OTHERS:
        scenario(f"magnet-by-{_name}-from-{_other.name}", waits=True)(_how(_other, OURS))
        scenario(f"magnet-by-{_name}-to-{_other.name}", waits=True)(_how(OURS, _other))
for _other in OTHERS:
    scenario(f"magnet-by-pex-through-{_other.name}", waits=True)(by_pex(_other, OURS))
    scenario(f"magnet-by-pex-to-{_other.name}", waits=True)(by_pex(OURS, _other))
# Neither transmission 3.00 nor aria2 1.36 reads x.pe.
scenario("magnet-by-address-from-libtorrent", waits=True)(by_peer_of_link(Libtorrent(), OURS))
scenario("magnet-by-address-to-libtorrent", waits=True)(by_peer_of_link(OURS, Libtorrent()))
