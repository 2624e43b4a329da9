"""Payloads: files whose bytes cannot be guessed, the same in every run, and whether a copy of them is right."""
import filecmp
import hashlib
import os
import random

from world import Failed

MIB = 1 << 20
PIECE = 1 << 15  # of the odd tree: small, so that its sizes around a piece are many pieces


def make_file(path, size, seed=1):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    rng = random.Random(f"{seed} {os.path.basename(path)}")
    with open(path, "wb") as f:
        while size:
            n = min(size, 4 * MIB)
            f.write(rng.randbytes(n))
            size -= n
    return path


def make_odd_tree(path, bulk=12 * MIB):
    """A folder with the sizes at which clients break: 0, 1, a piece, one off it; folders, names in several scripts."""
    files = {
        "0 empty": 0,
        "1 byte": 1,
        "a/piece-1": PIECE - 1,
        "a/piece": PIECE,
        "a/piece+1": PIECE + 1,
        "a/deeper/and/deeper still/three pieces and a bit.bin": 3 * PIECE + 17,
        "b/empty in the middle": 0,
        "b/bulk.bin": bulk,
        "b/Größe — 大きさ.txt": 12345,
        "ελληνικά/снег☃.dat": 2 * PIECE - 5,
        "ελληνικά/🙂.dat": 77,
        "z last": PIECE // 2,
        "zz empty at the end": 0,
    }
    for name, size in files.items():
        make_file(os.path.join(path, name), size)
    return path


def same(original, copy, empty_files=True):
    """Raises Failed unless `copy` (a file or a folder) holds what `original` does, byte for byte, and nothing else.
    Some clients do not make empty files: with `empty_files` false those may be absent."""
    if os.path.isfile(original):
        _same_file(original, copy, empty_files)
        return
    for folder, _, names in os.walk(original):
        for name in names:
            path = os.path.join(folder, name)
            _same_file(path, os.path.join(copy, os.path.relpath(path, original)), empty_files)
    for folder, _, names in os.walk(copy):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), copy)
            if not os.path.exists(os.path.join(original, path)):
                raise Failed(f"{path!r} is in the copy and not in the original")


def _same_file(original, copy, empty_files):
    if not os.path.exists(copy):
        if not empty_files and os.path.getsize(original) == 0:
            return
        raise Failed(f"{copy!r} is missing")
    if not filecmp.cmp(original, copy, shallow=False):
        raise Failed(f"{copy!r} ({os.path.getsize(copy)} bytes) differs from the original "
                     f"({os.path.getsize(original)} bytes)")


def infohash(torrent_file):
    """The infohash of a .torrent file, by a reader of its own: our program is what is tested."""
    with open(torrent_file, "rb") as f:
        data = f.read()
    if not data.startswith(b"d"):
        raise Failed(f"{torrent_file} is no dictionary")
    at = 1
    while data[at:at + 1] != b"e":
        key_end = _skip(data, at)
        value_end = _skip(data, key_end)
        if data[at:key_end] == b"4:info":
            return hashlib.sha1(data[key_end:value_end]).digest()
        at = value_end
    raise Failed(f"{torrent_file} has no info")


def _skip(data, at):
    """The end of the bencoded value that begins at `at`."""
    kind = data[at:at + 1]
    if kind == b"i":
        return data.index(b"e", at) + 1
    if kind in b"ld":
        at += 1
        while data[at:at + 1] != b"e":
            at = _skip(data, at)
        return at + 1
    colon = data.index(b":", at)
    return colon + 1 + int(data[at:colon])
