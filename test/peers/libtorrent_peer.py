#!/usr/bin/env python3
"""libtorrent (Debian's python3-libtorrent) as a command-line peer: libtorrent_peer.py [OPTIONS] FILE.torrent FOLDER

Checks what is there, downloads the rest and exits when it is complete and on disk; with --seed it goes on seeding until
it is killed. Prints "complete" when it has everything. Speaks TCP alone, and plain unless --defaults leaves encryption
and uTP as libtorrent has them."""
import argparse
import time

import libtorrent as lt

arguments = argparse.ArgumentParser()
arguments.add_argument("file")
arguments.add_argument("folder")
arguments.add_argument("--seed", action="store_true")
arguments.add_argument("--upload-limit", type=int, default=0)
arguments.add_argument("--defaults", action="store_true")
given = arguments.parse_args()

settings = dict(listen_interfaces="0.0.0.0:6881,[::]:6881", enable_dht=False, enable_lsd=False, enable_upnp=False,
                enable_natpmp=False, upload_rate_limit=given.upload_limit,
                alert_mask=lt.alert.category_t.error_notification | lt.alert.category_t.tracker_notification
                | lt.alert.category_t.connect_notification)
if not given.defaults:
    settings.update(out_enc_policy=2, in_enc_policy=2, enable_outgoing_utp=False, enable_incoming_utp=False)
session = lt.session(settings)
# By itself it exempts private networks from its limits.
everyone = lt.ip_filter()
everyone.add_rule("0.0.0.0", "255.255.255.255", 1 << lt.session.global_peer_class_id)
session.set_peer_class_filter(everyone)
handle = session.add_torrent(dict(ti=lt.torrent_info(given.file), save_path=given.folder))
complete = False
while given.seed or not complete:
    if not complete and handle.status().is_seeding:
        complete = True
        print("complete", flush=True)
    for alert in session.pop_alerts():
        print(alert.message(), flush=True)
    time.sleep(0.05)
handle.flush_cache()
del handle
