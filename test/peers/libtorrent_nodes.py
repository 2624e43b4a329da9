#!/usr/bin/env python3
"""DHT nodes of libtorrent, one on each address, that know one another: libtorrent_nodes.py ADDRESS...

They are on port 6881 and have no torrents. Prints "ready" when each knows most others; runs until it is killed."""
import sys
import time

import libtorrent as lt

from libtorrent_peer import DHT_OF_PRIVATE_ADDRESSES

PORT = 6881


def main():
    addresses = sys.argv[1:]
    sessions = {address: lt.session(dict(
        listen_interfaces=f"{address}:{PORT}", enable_dht=True, enable_lsd=False, enable_upnp=False,
        enable_natpmp=False, dht_bootstrap_nodes="", alert_mask=0, **DHT_OF_PRIVATE_ADDRESSES))
        for address in addresses}
    waiting = dict(sessions)
    while waiting:
        for address, session in list(waiting.items()):
            if session.status().dht_nodes * 4 >= 3 * (len(addresses) - 1):
                del waiting[address]
                continue
            for other in addresses:
                if other != address:
                    session.add_dht_node((other, PORT))
        time.sleep(0.2)
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
