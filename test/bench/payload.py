"""A payload, its .torrent, and whether what a client wrote is the payload, byte for byte."""
import hashlib
import os
import random

MIB = 1 << 20
TRACKER = "10.79.0.1"
_CHUNK = 4 << 20


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


class Payload:
    """Everything about it lies in `folder`: `whole`, the content of all files in a row; `torrent`; `hashes`, the SHA-1s
    of the pieces in a row. Random bytes, the same in every run."""

    def __init__(self, folder, size, piece_length, files):
        self.size = size
        self.piece_length = piece_length
        self.whole = os.path.join(folder, "whole")
        self.torrent = os.path.join(folder, "bench.torrent")
        self.hashes = os.path.join(folder, "hashes")
        rng = random.Random(f"{size} {files}")
        with open(self.whole, "wb") as f:
            for at in range(0, size, _CHUNK):
                f.write(rng.randbytes(min(_CHUNK, size - at)))
        hashes = b"".join(hashlib.sha1(piece).digest() for piece in self._read(0, size, piece_length))
        with open(self.hashes, "wb") as f:
            f.write(hashes)
        info = {"name": "payload", "piece length": piece_length, "pieces": hashes}
        if files == 1:
            self.files = [("payload", size)]
            info["length"] = size
        else:
            # Cut at random places, no two of them the same: sizes from a byte to many times the average.
            cuts = [0, *sorted(rng.sample(range(1, size), files - 1)), size]
            self.files = [(f"payload/{i // 100:03d}/{i:05d}", cuts[i + 1] - cuts[i]) for i in range(files)]
            info["files"] = [{"length": length, "path": path.split("/")[1:]} for path, length in self.files]
        self.infohash = hashlib.sha1(bencode(info)).hexdigest()
        with open(self.torrent, "wb") as f:
            f.write(bencode({"announce": f"http://{TRACKER}:6969/announce", "info": info}))

    def _read(self, at, size, chunk=_CHUNK):
        with open(self.whole, "rb") as f:
            f.seek(at)
            while size:
                data = f.read(min(size, chunk))
                size -= len(data)
                yield data

    def lay_out(self, folder):
        """Writes the files as a seeder has them."""
        at = 0
        for path, length in self.files:
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                for data in self._read(at, length):
                    f.write(data)
            at += length

    def wrong(self, folder):
        """What is wrong with the files in `folder`, or None. The floor writes all of them as one."""
        at = 0
        as_one = os.path.isfile(os.path.join(folder, "payload"))
        for path, length in [("payload", self.size)] if as_one else self.files:
            try:
                with open(os.path.join(folder, path), "rb") as f:
                    for data in self._read(at, length):
                        if f.read(len(data)) != data:
                            return f"{path} differs from the original"
                    if f.read(1):
                        return f"{path} is too long"
            except FileNotFoundError:
                return f"{path} is missing"
            at += length
        return None
