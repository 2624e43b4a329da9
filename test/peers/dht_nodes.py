"""DHTs that scenarios play in: nodes of libtorrent or of ours, each on an address of its own."""
import os
import re
import socket

from clients import PORT, START, Ours
from world import PEERS, expect, wait_until


def their_dht(host, count):
    """Starts `count` DHT nodes of libtorrent that know one another, and answers where they are."""
    addresses = host.more_addresses(count)
    program = host.start("libtorrent-nodes", ["/usr/bin/python3", os.path.join(PEERS, "libtorrent_nodes.py"),
                                              *addresses])
    wait_until(lambda: "ready" in program.log(), START, "DHT nodes that know one another")
    return [f"{address}:{PORT}" for address in addresses]


def announced(digest, nodes):
    """Which of the nodes know peers for this infohash, asked from outside the hosts. Ours tell only who has answered a
    ping."""
    own = b"2:id20:" + os.urandom(20)
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.5)
        for node in nodes:
            address, port = node.rsplit(":", 1)
            asker.sendto(b"d1:ad%s9:info_hash20:%se1:q9:get_peers1:t2:aa1:y1:qe" % (own, digest), (address, int(port)))
        try:
            while True:
                text, (address, port) = asker.recvfrom(2048)
                if b"6:valuesl" in text:
                    found.append(f"{address}:{port}")
                elif ping := re.search(rb"1:q4:ping1:t(\d+):", text):
                    transaction = text[ping.start(1):ping.end() + int(ping[1])]
                    asker.sendto(b"d1:rd%se1:t%s1:y1:re" % (own, transaction), (address, port))
        except TimeoutError:
            return found


def our_dht(host, count):
    """The same of ours. Each begins with two that were there before it."""
    nodes, programs = [], []
    for number, address in enumerate(host.more_addresses(count)):
        first = {nodes[number // 2], nodes[number - 1]} if nodes else ()
        programs.append(Ours(host, "dht", "--bind", address, "--port", PORT, "--state", host.folder(f"state{number}"),
                             *[argument for node in sorted(first) for argument in ("--dht-bootstrap", node)],
                             name=f"ours-node-{number}"))
        nodes.append(f"{address}:{PORT}")
        # The first ones know each other before more come: nobody asks a node again that was not there yet, once he knows
        # others, so that they could remain among themselves.
        if number < 3:
            wait_until(lambda: programs[-1].events("dht") and programs[-1].latest("dht", "nodes") >= min(number, 1)
                       or not programs[-1].running, START, f"node {number} to be one of the DHT")
    enough = min(8, count - 1)
    for program in programs:
        wait_until(lambda program=program: program.latest("dht", "nodes") >= enough or not program.running, 2 * START,
                   f"{program.name} with {enough} nodes")
        expect(program.running, f"{program.name} ended")
    return nodes
