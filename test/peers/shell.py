"""Our program as a shell sees it: exit statuses, signals, what it writes where."""
import fcntl
import json
import os
import pty
import re
import signal
import socket
import struct
import termios
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from clients import (NOWHERE, PORT, Ours, exits, make_torrent, our_command, ours_create, ours_download, ours_seed,
                     pair)
from payload import MIB, make_file, make_odd_tree, same
from scenarios import scenario
from world import expect, wait_until

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def _stops(program, number, what):
    """A signal ends the program within 5 s with the shell's status for it. Answers how long it took."""
    program.signal(number)
    started = time.monotonic()
    code = program.wait(7)
    seconds = time.monotonic() - started
    expect(code == 128 + number, f"{what}: exit status {code} after signal {number}")
    expect(seconds < 5.5, f"{what}: stopped after {seconds:.1f} s")
    return seconds


@scenario("exit-2-usage")
def _(world):
    host = world.host("host")
    path = make_file(os.path.join(host.home, "a"), 1)
    file = make_torrent(host, path, os.path.join(host.home, "a.torrent"), NOWHERE)
    exits(host, 2)
    exits(host, 2, "--no-such-option", file, says="--no-such-option")
    exits(host, 2, file, "--download-limit", "fast", says="--download-limit")
    exits(host, 2, file, "--peer", "nowhere", says="--peer")
    exits(host, 2, file, "--port", "65536", says="--port")
    exits(host, 2, file, "--select", "7", says="7")
    exits(host, 2, "create")
    exits(host, 0, "--help")
    exits(host, 0, "--version")


@scenario("exit-3-not-a-torrent")
def _(world):
    host = world.host("host")

    def file(name, content):
        with open(os.path.join(host.home, name), "wb") as f:
            f.write(content)
        return f.name

    for name, content in {
        "empty.torrent": b"",
        "garbage.torrent": b"this is not bencode",
        "cut-off.torrent": b"d8:announce9:http://a/4:infod6:lengthi1e",
        "no-pieces.torrent": b"d4:infod6:lengthi5e4:name1:x12:piece lengthi16384eee",
        "outside.torrent": b"d4:infod6:lengthi5e4:name2:..12:piece lengthi16384e6:pieces19:" + b"x" * 19 + b"ee",
        "v2-only.torrent": b"d4:infod9:file treed1:ad0:d6:lengthi1e11:pieces root32:" + b"x" * 32
                           + b"eee12:meta versioni2e4:name1:a12:piece lengthi16384eee",
    }.items():
        exits(host, 3, file(name, content), says=name)
    exits(host, 3, os.path.join(host.home, "v2-only.torrent"), says="v2")
    expect(not os.path.exists(os.path.join(host.home, "x")), "a file was made for a torrent that is none")


@scenario("exit-4-timeout")
def _(world):
    host = world.host("host")
    path = make_file(os.path.join(host.home, "a"), 100)
    file = make_torrent(host, path, os.path.join(host.home, "a.torrent"), NOWHERE)
    started = time.monotonic()
    exits(host, 4, file, "-o", host.folder("out"), "--timeout", "3")
    expect(time.monotonic() - started >= 3, "it did not wait for as long as --timeout says")


@scenario("exit-6-verify")
def _(world):
    host = world.host("host")
    tree = make_odd_tree(host.folder("data", "odd"), bulk=2 * MIB)
    file = ours_create(host, tree, os.path.join(host.home, "odd.torrent"), "-l", 1 << 15)
    exits(host, 0, "verify", file, "-o", host.folder("data"))
    damaged = os.path.join(tree, "b", "bulk.bin")
    with open(damaged, "r+b") as f:
        f.seek(MIB)
        byte = f.read(1)
        f.seek(MIB)
        f.write(bytes([byte[0] ^ 1]))
    program = exits(host, 6, "verify", file, "-o", host.folder("data"))
    expect("bulk.bin" in program.out() + program.log(), "the bad file is not named")
    os.remove(damaged)
    program = exits(host, 6, "verify", file, "-o", host.folder("data"))
    expect("bulk.bin" in program.out() + program.log(), "the missing file is not named")


@scenario("exit-7-network")
def _(world):
    host = world.host("host")
    path = make_file(os.path.join(host.home, "a"), 100)
    file = make_torrent(host, path, os.path.join(host.home, "a.torrent"), NOWHERE)
    exits(host, 7, file, "-o", host.folder("out"), "--bind", "203.0.113.9", says="203.0.113.9")
    exits(host, 7, file, "-o", host.folder("out"), "--bind", "no-such-device", says="no-such-device")


@scenario("stops-while-downloading")
def _(world):
    """SIGINT: 130 within 5 s, a word on how to continue, and the same command continues."""
    file, path, leecher, peer = pair(world, 24 * MIB, "3M")
    ours = ours_download(leecher, file, leecher.folder("out"), *peer)
    wait_until(lambda: ours.progress("done") > 6 * MIB, 20, "6 MiB")
    _stops(ours, signal.SIGINT, "downloading")
    expect("continue" in ours.log().lower(), "it does not say how to continue")
    had, before = ours.progress("done"), leecher.traffic()[0]
    again = ours_download(leecher, file, leecher.folder("out"), *peer)
    start = again.start_of_swarm()["done"]
    expect(start >= had, f"continued with {start} bytes after a stop with {had}")
    _stops(again, signal.SIGTERM, "downloading")
    ours_download(leecher, file, leecher.folder("out"), *peer).finish(30)
    same(path, os.path.join(leecher.home, "out", "payload.bin"))
    received = leecher.traffic()[0] - before
    expect(received <= os.path.getsize(path) - had + 3 * MIB, f"{received} bytes received after a stop with {had}")


@scenario("stops-while-seeding")
def _(world):
    host = world.host("host")
    path = make_file(os.path.join(host.folder("data"), "a"), MIB)
    file = make_torrent(host, path, os.path.join(host.home, "a.torrent"), NOWHERE)
    for number in (signal.SIGINT, signal.SIGTERM):
        _stops(ours_seed(host, file, host.folder("data")), number, "seeding")


@scenario("stops-while-a-tracker-and-a-peer-hang")
def _(world):
    """Neither answers; both have accepted the connection. A name does not resolve either."""
    host = world.host("host")
    tracker, peer = socket.create_server((world.address, 0)), socket.create_server((world.address, 0))
    world.at_end(tracker.close)
    world.at_end(peer.close)
    path = make_file(os.path.join(host.home, "a"), MIB)
    file = make_torrent(host, path, os.path.join(host.home, "a.torrent"),
                        f"http://{world.address}:{tracker.getsockname()[1]}/announce", "http://a.name.invalid/announce")
    for number in (signal.SIGINT, signal.SIGTERM):
        ours = ours_download(host, file, host.folder("out"), "--peer", f"{world.address}:{peer.getsockname()[1]}")
        wait_until(lambda: ours.events("progress") or not ours.running, 10, "a progress event")
        time.sleep(1)
        _stops(ours, number, "hanging tracker")


@scenario("stops-while-hashing")
def _(world):
    """Gigabytes that are not the payload: SIGINT comes in the middle of looking at them."""
    host = world.host("host")
    size, links = 128 * MIB, 64 * os.cpu_count()
    first = make_file(os.path.join(host.folder("out", "large"), "0"), size)
    for number in range(1, links):  # many files, and the memory of one
        os.link(first, os.path.join(host.home, "out", "large", str(number)))
    file = os.path.join(host.home, "large.torrent")
    pieces = links * size // (4 * MIB) * 20
    with open(file, "wb") as f:
        f.write(b"d4:infod5:filesl")
        for number in range(links):
            name = str(number).encode()
            f.write(b"d6:lengthi%de4:pathl%d:%see" % (size, len(name), name))
        f.write(b"e4:name5:large12:piece lengthi%de6:pieces%d:" % (4 * MIB, pieces))
        f.write(b"x" * pieces + b"ee")
    ours = ours_download(host, file, host.folder("out"))
    wait_until(lambda: ours.progress("state") == "checking" or not ours.running, 10, "a progress event")
    expect(ours.running, "it ended before it was stopped")
    _stops(ours, signal.SIGINT, "hashing")


@scenario("stops-while-the-disk-is-full")
def _(world):
    file, _, leecher, peer = pair(world, 12 * MIB)
    out = world.tmpfs("small", "5m")
    ours = ours_download(leecher, file, out, *peer)
    wait_until(lambda: out in ours.log() or not ours.running, 20, "a word that the file system is full")
    _stops(ours, signal.SIGINT, "disk full")


@scenario("source-is-a-url")
def _(world):
    file, path, leecher, peer = pair(world, MIB)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # pylint: disable=invalid-name
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/payload.torrent")
                self.end_headers()
                return
            with open(file, "rb") as f:
                body = f.read()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((world.address, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    world.at_end(server.server_close)
    world.at_end(server.shutdown)
    exits(leecher, 0, f"http://{world.address}:{server.server_port}/moved", "-o", leecher.folder("out"), *peer)
    same(path, os.path.join(leecher.home, "out", "payload.bin"))


@scenario("several-sources-at-once")
def _(world):
    seeder, leecher = world.host("seeder"), world.host("leecher")
    paths = [make_file(os.path.join(seeder.folder("data"), f"{i}.bin"), 3 * MIB + i) for i in range(3)]
    files = [make_torrent(seeder, path, os.path.join(world.root, f"{i}.torrent"), NOWHERE)
             for i, path in enumerate(paths)]
    ours = Ours(seeder, *files, "-o", seeder.folder("data"), "--seed", "--port", PORT)
    wait_until(lambda: len(ours.events("done")) == 3, 20, "three torrents seeding")
    exits(leecher, 0, *files, "-o", leecher.folder("out"), "--peer", f"{seeder.address}:{PORT}", timeout=30)
    expect(ours.running, "the seeder ended")
    for path in paths:
        same(path, os.path.join(leecher.home, "out", os.path.basename(path)))


@scenario("output-to-a-file")
def _(world):
    """Not on a terminal: whole lines without control characters, the last of them with the figures. -q says nothing.
    With --json, stdout holds objects alone (each is checked as it is read) and stderr the words."""
    file, _, leecher, peer = pair(world, 4 * MIB, "2M")
    program = exits(leecher, 0, file, "-o", leecher.folder("out"), *peer)
    text = program.out() + program.log()
    expect(not CONTROL.search(text), f"control characters in {text[:300]!r}")
    expect(re.search(r"4\.0 ?MiB", text), f"no size in the final line: {text[-300:]!r}")
    quiet = exits(leecher, 0, file, "-o", leecher.folder("out-quiet"), "-q", *peer)
    expect(quiet.out() + quiet.log() == "", f"-q, and it said {quiet.out() + quiet.log()!r}")
    ours = ours_download(leecher, file, leecher.folder("out-json"), *peer)
    ours.finish(20)
    for kind in ("metadata", "piece", "peer", "progress", "done"):
        expect(ours.events(kind), f"no {kind} event")
    expect(not any(line.startswith("{") for line in ours.log().splitlines()), "JSON on stderr")


def _screen(text):
    """What a terminal shows in the end of all this (its rows), by the few sequences that a live line needs."""
    rows, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif part == "\x1b[J":
            rows[row:] = [rows[row][:column]]
        elif part == "\x1b[K":
            rows[row] = rows[row][:column]
        elif match := re.fullmatch(r"\x1b\[(\d*)A", part):
            row = max(0, row - int(match[1] or 1))
        elif part.startswith("\x1b["):
            expect(part[-1] in "mhl", f"{part!r} is more than this test knows of terminals")
        else:
            rows[row] = rows[row][:column].ljust(column) + part + rows[row][column + len(part):]
            column += len(part)
    return rows


@scenario("output-to-a-terminal")
def _(world):
    """One live line, redrawn in place and never wider than the terminal; in the end only whole lines are there."""
    file, _, leecher, peer = pair(world, 8 * MIB, "2M")
    for columns in (100, 40):
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        program = leecher.start("ours-terminal", our_command(file, "-o", leecher.folder(f"out{columns}"), *peer),
                                terminal=side)
        os.close(side)
        shown = b""
        try:
            while chunk := os.read(main, 65536):
                shown += chunk
        except OSError:
            pass  # the other end is closed: it has ended
        os.close(main)
        program.finish(30)
        text = shown.decode()
        live = [part for part in re.split(r"[\r\n]+|\x1b\[[0-9;?]*[A-Za-z]", text) if "%" in part]
        expect(len(set(live)) >= 4, f"no live line: {text[-400:]!r}")
        wide = [part for part in live if len(part.rstrip()) > columns]
        expect(not wide, f"wider than {columns} columns: {wide[:1]!r}")
        rows = _screen(text)
        expect(rows[-1] == "", f"the cursor is left behind {rows[-1]!r}")
        expect("8.0 MiB" in "".join(rows) and "%" not in "".join(rows), f"left on the screen: {rows!r}")


@scenario("secrets-stay-secret")
def _(world):
    """Neither a passkey nor a password of a tracker's URL comes to any output."""
    host = world.host("host")
    path = make_file(os.path.join(host.home, "a"), 100)
    file = make_torrent(host, path, os.path.join(host.home, "a.torrent"),
                        "http://user:pass3word@127.0.0.1:1/0123456789abcdef0123456789abcdef/announce?passkey=s3cret")
    command = our_command(file, "-o", host.folder("out"), "-v", "--json", "--timeout", "2")
    program = host.run("ours", command, split=True)
    text = program.out() + program.log()
    expect("127.0.0.1" in text, "the tracker that failed is not named at all")
    for secret in ("pass3word", "s3cret", "0123456789abcdef0123456789abcdef"):
        expect(secret not in text, f"{secret} is in the output")


@scenario("create-show")
def _(world):
    """`torrent show --json` tells what `torrent create` was told, and libtorrent reads the same from the file."""
    host = world.host("host")
    tree = make_odd_tree(host.folder("data", "odd"), bulk=MIB)
    file = ours_create(host, tree, os.path.join(host.home, "odd.torrent"), "-a", "http://one.invalid/announce", "-a",
                       "http://two.invalid/announce", "--private", "--comment", "ein Gruß", "-l", "64K")
    text = exits(host, 0, "show", file).out()
    expect("ein Gruß" in text and "bulk.bin" in text and "one.invalid" in text, f"show says {text[:300]!r}")
    shown = json.loads(exits(host, 0, "show", file, "--json").out())
    import libtorrent  # pylint: disable=import-outside-toplevel
    theirs = libtorrent.torrent_info(file)
    files = theirs.files()
    expect(theirs.priv() and theirs.comment() == "ein Gruß" and theirs.piece_length() == 1 << 16,
           "libtorrent reads another private flag, comment or piece length")
    expect([t.url for t in theirs.trackers()] == ["http://one.invalid/announce", "http://two.invalid/announce"],
           "libtorrent reads other trackers")
    expect(shown["infohash"] == str(theirs.info_hash()), f"infohash {shown['infohash']}, libtorrent: "
                                                         f"{theirs.info_hash()}")
    expect([(f["path"], f["length"]) for f in shown["files"]]
           == [(files.file_path(i), files.file_size(i)) for i in range(files.num_files())],
           "libtorrent reads other files than show tells")
