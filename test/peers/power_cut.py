"""Our program after a power cut: what its record claims is on the disk, its state can be read, the end is right.

Hazards 106 to 109. A download is logged (test/interpose/disk_log.c); from the log a folder is made as a disk may have it
after a cut at a point of it. Of what was not synced by then anything may be there. POINTS (20) is the number of cuts,
SEED where they and their chances come from.
"""
import os
import random
import shutil
import stat
import struct
from collections import namedtuple

from clients import NOWHERE, PORT, magnet, make_torrent, ours_download, ours_seed
from interposer import log_env
from payload import MIB, make_odd_tree, same
from records import Torrent, check_claims, read_records
from scenarios import scenario
from world import expect

POINTS = int(os.environ.get("POINTS", "20"))
SEED = os.environ.get("SEED", "1")

HEADER = struct.Struct("<IIIIQQqq")  # as in disk_log.c
WRITE, SIZE, GROW, SYNC, SYNC_ALL, ENTRY, RENAME, UNLINK = range(1, 9)
NOREPLACE, EXCHANGE = 1, 2
Change = namedtuple("Change", "kind name to_name data inode to_inode offset more")


def read_log(path):
    with open(path, "rb") as f:
        log = f.read()
    changes, at = [], 0
    while at < len(log):
        kind, name, to_name, data, inode, to_inode, offset, more = HEADER.unpack_from(log, at)
        at += HEADER.size
        texts = []
        for length in (name, to_name, data):
            texts.append(log[at:at + length])
            at += length
        changes.append(Change(kind, *texts, inode, to_inode, offset, more))
    return changes


class File:
    """Bytes that are sure, and changes since that are not."""

    def __init__(self, data=b"", mtime=0):
        self.data, self.mtime = bytearray(data), mtime
        self.pending = []

    def sync(self, mtime):
        for change in self.pending:
            self.data = _apply(self.data, change)
        self.pending = []
        self.mtime = mtime

    def survivor(self, rng):
        """What a cut leaves of it."""
        data = bytearray(self.data)
        kept = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        sector = rng.choice((512, 4096))
        for change in self.pending:
            if change.kind != WRITE or rng.random() < 0.3:
                data = _apply(data, change) if rng.random() < kept else data
                continue
            end = change.offset + len(change.data)
            for start in range(change.offset - change.offset % sector, end, sector):
                low, high = max(start, change.offset), min(start + sector, end)
                if rng.random() < kept:
                    data = _put(data, low, change.data[low - change.offset:high - change.offset])
                elif rng.random() < 0.05:
                    # The size came to the disk and the bytes did not: there are others in their place.
                    data = _put(data, low, rng.randbytes(high - low)) if low >= len(self.data) else data
        return data


def _put(data, offset, part):
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset:offset + len(part)] = part
    return data


def _apply(data, change):
    if change.kind == WRITE:
        return _put(data, change.offset, change.data)
    if change.kind == GROW:
        return _put(data, max(change.offset, len(data)), b"")
    return data[:change.offset] if change.offset < len(data) else _put(data, change.offset, b"")


class Folder:
    """Entries (name to inode) that are sure; the disk knows those that are not."""

    def __init__(self):
        self.entries = {}
        self.pending = []  # never anything


class Disk:
    """The part of a file system below `root` as its log says, and as a cut may leave it."""

    def __init__(self, root):
        self.nodes = {}
        self.names = []  # changes of names that are not sure: each waits for the folders that it concerns
        self.root = os.stat(root).st_ino
        self._take(root)

    def _take(self, folder):
        entries = self.nodes[os.stat(folder).st_ino] = Folder()
        for entry in os.scandir(folder):
            entries.entries[os.fsencode(entry.name)] = entry.inode()
            if entry.is_dir(follow_symlinks=False):
                self._take(entry.path)
            else:
                with open(entry.path, "rb") as f:
                    self.nodes[entry.inode()] = File(f.read(), entry.stat().st_mtime_ns)

    def change(self, change):
        if change.kind == SYNC_ALL:
            for node in self.nodes.values():
                if isinstance(node, File):
                    node.sync(node.mtime)
            self._settle(lambda inode: True)
        elif change.inode not in self.nodes:
            return  # elsewhere
        elif change.kind in (WRITE, SIZE, GROW):
            self.nodes[change.inode].pending.append(change)
        elif change.kind == SYNC:
            if isinstance(self.nodes[change.inode], File):
                self.nodes[change.inode].sync(change.more)
            else:
                self._settle(lambda inode: inode == change.inode)
        else:
            if change.kind == ENTRY:
                self.nodes.setdefault(change.to_inode, Folder() if stat.S_ISDIR(change.more) else File())
            self.names.append(change)

    def _settle(self, synced):
        """Changes of names in synced folders are sure, and what went before them in the same place."""
        waiting = []
        for change in self.names:
            if synced(change.inode) or (change.kind == RENAME and synced(change.to_inode)):
                _rename({inode: node.entries for inode, node in self.nodes.items() if isinstance(node, Folder)}, change)
            else:
                waiting.append(change)
        self.names = waiting

    def write_to(self, folder, rng, unsure=True):
        """Makes `folder` what a cut may have left; with `unsure` false what it leaves in any case."""
        if not unsure:
            self.names = []
            for node in self.nodes.values():
                node.pending = []
        entries = {inode: dict(node.entries) for inode, node in self.nodes.items() if isinstance(node, Folder)}
        # A journal keeps the order of names; without one each of them may be there or not.
        cut = rng.randrange(len(self.names) + 1) if rng.random() < 0.5 else None
        for number, change in enumerate(self.names):
            if rng.random() < 0.5 if cut is None else number < cut:
                _rename(entries, change)
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        self._write(folder, entries, self.root, rng)

    def _write(self, folder, entries, inode, rng):
        for name, child in entries[inode].items():
            path = os.path.join(folder, os.fsdecode(name))
            if isinstance(self.nodes[child], Folder):
                os.mkdir(path)
                self._write(path, entries, child, rng)
                continue
            file = self.nodes[child]
            with open(path, "wb") as f:
                f.write(file.survivor(rng))
            if not file.pending:
                os.utime(path, ns=(file.mtime, file.mtime))


def _rename(entries, change):
    """Carries a change of names out, if what it begins from is there."""
    source = entries[change.inode]
    if change.kind == ENTRY:
        source[change.name] = change.to_inode
    elif change.kind == UNLINK:
        source.pop(change.name, None)
    elif change.name in source:
        target = entries.get(change.to_inode, {})
        if change.more == EXCHANGE:
            if change.to_name in target:
                source[change.name], target[change.to_name] = target[change.to_name], source[change.name]
        else:
            target[change.to_name] = source.pop(change.name)


def _interesting(changes):
    """Places in the log: half of the cuts are where the state is written."""
    names = {change.to_inode for change in changes if change.kind == ENTRY and b".resume" in change.name}
    return [i for i, change in enumerate(changes, 1)
            if change.inode in names or b".resume" in change.name or b".torrent" in change.name] or [len(changes)]


@scenario("power-cut-at-any-moment", waits=True)
def _(world):
    """Of what was synced before the cut the record knows, and of nothing else; the same command always continues."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    tree = make_odd_tree(seeder.folder("data", "odd"), bulk=20 * MIB)
    file = make_torrent(seeder, tree, os.path.join(world.root, "odd.torrent"), NOWHERE, piece_bits=16)
    ours_seed(seeder, file, seeder.folder("data"), "--port", PORT)
    peer = ["--peer", f"{seeder.address}:{PORT}"]
    disk_root = leecher.folder("disk")
    out = os.path.join(disk_root, "new", "out")  # the program makes folders too, and its state folder
    state = os.path.join(disk_root, "state")
    link, options = magnet(file), [*peer, "--state", os.path.join(state, "torrent")]

    log = os.path.join(world.root, "writes.log")
    before = Disk(disk_root)
    ours = ours_download(leecher, link, out, "--download-limit", 2 * MIB, *options, env=log_env(world, log))
    ours.finish(60)
    same(tree, os.path.join(out, "odd"))
    changes = read_log(log)

    rng = random.Random(SEED)
    records = _interesting(changes)
    points = sorted(rng.choice(records) if rng.random() < 0.5 else rng.randrange(len(changes) + 1)
                    for _ in range(POINTS))
    torrent, original = Torrent(file, out), Torrent(file, os.path.dirname(tree))
    done, claimed = 0, 0
    for number, point in enumerate([*points, len(changes)]):
        for change in changes[done:point]:
            before.change(change)
        done = point
        last = number == POINTS
        before.write_to(disk_root, random.Random(f"{SEED} {number}"), unsure=not last)
        where = f"cut {number} (SEED={SEED}, after change {point} of {len(changes)})"
        copies = read_records(state, torrent)
        check_claims(copies, torrent, original)
        claimed = copies[0].bytes(torrent) if copies else 0
        ours = ours_download(leecher, link, out, *options, name=f"ours-{number}")
        ours.finish(30)
        same(tree, os.path.join(out, "odd"))
        # What is said of a record that is not whole.
        for word in ("is used", "hashed instead"):
            expect(word not in ours.log(), f"{where}: the record could not be read")
        fetched = ours.latest("done", "downloaded") - ours.latest("done", "wasted")
        expect(fetched <= torrent.size - claimed, f"{where}: {claimed} of {torrent.size} bytes were recorded, and "
                                                  f"{fetched} were fetched")
        expect(claimed == torrent.size or not last, f"after the end the record claims {claimed} of {torrent.size} bytes")
    return f"{POINTS} cuts (SEED={SEED}) in {len(changes)} changes: 0 pieces falsely claimed"
