"""What the resume record claims, and whether the disk holds it: a reader of the record's form and a hasher of their own,
because our program's are what is tested. The form is described in src/storage/resume_record.h.
"""
import glob
import hashlib
import os
from typing import NamedTuple

from world import Failed, expect

BLOCK = 1 << 14


def bdecode(data, at=0):
    """The value at `at`, and where it ends."""
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        items = []
        at += 1
        while data[at:at + 1] != b"e":
            item, at = bdecode(data, at)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2]))), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    if end > len(data):
        raise ValueError("cut off")
    return data[colon + 1:end], end


class Torrent:
    """A .torrent file's pieces, and where their bytes lie below `folder`."""

    def __init__(self, torrent_file, folder):
        with open(torrent_file, "rb") as f:
            info = bdecode(f.read())[0][b"info"]
        name = os.path.join(folder, os.fsdecode(info[b"name"]))
        self.piece_length = info[b"piece length"]
        self.hashes = [info[b"pieces"][i:i + 20] for i in range(0, len(info[b"pieces"]), 20)]
        self.files = [(name, info[b"length"])] if b"length" in info else [
            (os.path.join(name, *map(os.fsdecode, f[b"path"])), f[b"length"]) for f in info[b"files"]]
        self.size = sum(length for _, length in self.files)

    def read(self, start, length):
        """Bytes of the torrent as the disk has them; those that are not there are missing from the answer."""
        parts = []
        for path, size in self.files:
            if length <= 0:
                break
            if start < size:
                take = min(length, size - start)
                if os.path.isfile(path):
                    with open(path, "rb") as f:
                        f.seek(start)
                        parts.append(f.read(take))
                length -= take
                start = 0
            else:
                start -= size
        return b"".join(parts)

    def piece(self, index):
        return self.read(index * self.piece_length, self.length_of(index))

    def length_of(self, index):
        return min(self.piece_length, self.size - index * self.piece_length)


class Record(NamedTuple):
    """One valid copy of a resume record."""
    path: str
    running: bool
    pieces: frozenset
    blocks: frozenset  # (piece, block) of unfinished pieces

    def bytes(self, torrent):
        """How much it claims, unfinished pieces not counted."""
        return sum(torrent.length_of(piece) for piece in self.pieces)


def _bits(text, count):
    return frozenset(i for i in range(count) if text[i // 8] >> (7 - i % 8) & 1)


def _read(path, torrent):
    """None: that copy is not to be believed, as after a power cut."""
    with open(path, "rb") as f:
        data = f.read()
    try:
        outer, _ = bdecode(data)
        at = data.index(b"6:record") + len(b"6:record")
        _, end = bdecode(data, at)
        if hashlib.sha1(data[at:end]).digest() != outer[b"sha1"]:
            return None
        record = outer[b"record"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    blocks = frozenset((piece, block) for piece, text in record[b"unfinished"]
                       for block in _bits(text, -(-torrent.length_of(piece) // BLOCK)))
    return Record(path, record[b"running"] == 1, _bits(record[b"pieces"], len(torrent.hashes)), blocks)


def read_records(state, torrent):
    """The whole copies of the one record in the state folder, the one that counts first."""
    paths = sorted(glob.glob(os.path.join(state, "torrent", "*.resume*")), key=len)
    expect(len({path.removesuffix(".twin") for path in paths}) <= 1, f"records of several downloads: {paths}")
    return [record for record in (_read(path, torrent) for path in paths) if record]


def check_claims(records, torrent, original):
    """Raises Failed for a piece that a copy of the record claims and the disk does not have. Blocks of unfinished pieces
    are compared with `original`, the torrent in the seeder's folder, because nothing but the whole piece has a hash."""
    for record in records:
        for piece in record.pieces:
            if hashlib.sha1(torrent.piece(piece)).digest() != torrent.hashes[piece]:
                raise Failed(f"{record.path} claims piece {piece}, and the disk does not have it")
        for piece, block in record.blocks:
            start = piece * torrent.piece_length + block * BLOCK
            length = min(BLOCK, torrent.length_of(piece) - block * BLOCK)
            if torrent.read(start, length) != original.read(start, length):
                raise Failed(f"{record.path} claims block {block} of piece {piece}, and the disk does not have it")
