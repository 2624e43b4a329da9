#!/usr/bin/env python3
"""libtorrent (Debian's python3-libtorrent is the library alone) as a client:

    libtorrent_client.py FILE.torrent FOLDER [PORT]     checks, downloads, exits; with PORT it seeds there until killed

Plain TCP, and room for as many connections and requests as a fast swarm wants; all else as libtorrent has it."""
import sys

import libtorrent as lt

port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
session = lt.session({
    "listen_interfaces": f"0.0.0.0:{port or 6881}", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
    "enable_natpmp": False, "enable_outgoing_utp": False, "enable_incoming_utp": False,
    "out_enc_policy": 2, "in_enc_policy": 2,
    "connections_limit": 400, "connection_speed": 200, "max_out_request_queue": 1500,
    "alert_mask": lt.alert.category_t.status_notification})
handle = session.add_torrent({"ti": lt.torrent_info(sys.argv[1]), "save_path": sys.argv[2]})
while port or not handle.status().is_seeding:
    session.wait_for_alert(100)
    session.pop_alerts()
handle.flush_cache()
