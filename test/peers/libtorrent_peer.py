#!/usr/bin/env python3
"""libtorrent (Debian's python3-libtorrent) as a command-line peer: libtorrent_peer.py [OPTIONS] SOURCE FOLDER

SOURCE is a .torrent file or a magnet link. Checks what is there, downloads the rest and exits when it is complete and
on disk; with --seed it goes on seeding until it is killed. Prints "complete" when it has everything. Speaks TCP alone,
and plain, unless --defaults leaves encryption and uTP as libtorrent has them; finds peers by trackers and PEX alone
unless told more."""
import argparse
import time
import warnings

import libtorrent as lt

# Of the calls that are deprecated, none has another name in Debian's version.
warnings.simplefilter("ignore", DeprecationWarning)

# By itself it takes private networks for places where no DHT is, and two nodes of one network for one.
DHT_OF_PRIVATE_ADDRESSES = dict(dht_restrict_routing_ips=False, dht_restrict_search_ips=False,
                                dht_ignore_dark_internet=False, dht_prefer_verified_node_ids=False,
                                dht_enforce_node_id=False, dht_privacy_lookups=False)


def begin_dht(session, nodes):
    """Has its node ask these. By `dht_bootstrap_nodes` it would ask them and never tell them to others."""
    if session.status().dht_nodes == 0:
        for node in nodes:
            session.add_dht_node(node)


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("source")
    arguments.add_argument("folder")
    arguments.add_argument("--seed", action="store_true")
    arguments.add_argument("--upload-limit", type=int, default=0)
    arguments.add_argument("--take-nothing", action="store_true", help="be in the swarm, and want none of the files")
    arguments.add_argument("--defaults", action="store_true")
    arguments.add_argument("--peer", type=endpoint, action="append", default=[])
    arguments.add_argument("--dht", action="store_true")
    arguments.add_argument("--dht-bootstrap", type=endpoint, action="append", default=[])
    arguments.add_argument("--lan", action="store_true")
    given = arguments.parse_args()

    settings = dict(listen_interfaces="0.0.0.0:6881,[::]:6881", enable_dht=given.dht, enable_lsd=given.lan,
                    enable_upnp=False, enable_natpmp=False, upload_rate_limit=given.upload_limit,
                    dht_bootstrap_nodes="", close_redundant_connections=False,
                    alert_mask=lt.alert.category_t.error_notification | lt.alert.category_t.tracker_notification
                    | lt.alert.category_t.connect_notification | lt.alert.category_t.dht_notification,
                    **DHT_OF_PRIVATE_ADDRESSES)
    if not given.defaults:
        settings.update(out_enc_policy=2, in_enc_policy=2, enable_outgoing_utp=False, enable_incoming_utp=False)
    session = lt.session(settings)
    # By itself it exempts private networks from its limits.
    everyone = lt.ip_filter()
    everyone.add_rule("0.0.0.0", "255.255.255.255", 1 << lt.session.global_peer_class_id)
    session.set_peer_class_filter(everyone)
    if given.source.startswith("magnet:"):
        torrent = lt.parse_magnet_uri(given.source)
    else:
        torrent = lt.add_torrent_params()
        torrent.ti = lt.torrent_info(given.source)
        if given.take_nothing:
            torrent.file_priorities = [0] * torrent.ti.num_files()
    torrent.save_path = given.folder
    handle = session.add_torrent(torrent)
    for peer in given.peer:
        handle.connect_peer(peer)
    complete = False
    next_begin = 0
    while given.seed or given.take_nothing or not complete:
        if given.dht and time.monotonic() >= next_begin:
            begin_dht(session, given.dht_bootstrap)
            next_begin = time.monotonic() + 1
        if not complete and handle.status().is_seeding:
            complete = True
            print("complete", flush=True)
        for alert in session.pop_alerts():
            print(alert.message(), flush=True)
        time.sleep(0.05)
    handle.flush_cache()
    del handle


if __name__ == "__main__":
    main()
