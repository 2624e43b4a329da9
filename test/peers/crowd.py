#!/usr/bin/python3
"""crowd.py TORRENT PAYLOAD HOST:PORT ADDRESS...: eight connections to HOST:PORT from each of these addresses.

Every second one has all pieces of PAYLOAD (a single file) and gives what it is asked for; the others ask for what they
are told of.

Nobody of them leaves, and who is sent away comes back after a second. Prints, once a second, how many are connected
and how many bytes the others got.
"""
import asyncio
import os
import random
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from payload import infohash  # pylint: disable=wrong-import-position

BLOCK = 1 << 14
OF_ONE_ADDRESS = 8
PIPELINE = 4
PAUSE = 0.2  # of a taker after each block: it is their number that counts
CHOKE, UNCHOKE, INTERESTED, HAVE, BITFIELD, REQUEST, PIECE = 0, 1, 2, 4, 5, 6, 7


def message(kind, payload=b""):
    return struct.pack(">IB", 1 + len(payload), kind) + payload


class Member:
    connected = 0
    got = 0

    def __init__(self, number, digest, path, piece_bytes):
        self.rng = random.Random(number)
        self.gives = number % 2 == 0
        self.digest = digest
        self.id = b"-CR0001-%012d" % number
        self.path = path
        self.size = os.path.getsize(path)
        self.piece_bytes = piece_bytes
        self.pieces = -(-self.size // piece_bytes)

    async def live(self, to, local):
        while True:
            try:
                reader, writer = await asyncio.open_connection(*to, local_addr=(local, 0), limit=1 << 17)
                try:
                    await self.talk(reader, writer)
                finally:
                    writer.close()
            except (OSError, asyncio.IncompleteReadError):
                pass
            await asyncio.sleep(1)

    async def talk(self, reader, writer):
        writer.write(b"\x13BitTorrent protocol" + bytes(8) + self.digest + self.id)
        await reader.readexactly(68)
        Member.connected += 1
        try:
            if self.gives:
                bits = (1 << self.pieces) - 1 << -self.pieces % 8
                writer.write(message(BITFIELD, bits.to_bytes(-(-self.pieces // 8), "big")) + message(UNCHOKE))
            else:
                writer.write(message(INTERESTED))
            await self.converse(reader, writer)
        finally:
            Member.connected -= 1

    async def converse(self, reader, writer):
        theirs, choked, asked = [], True, 0
        with open(self.path, "rb") as payload:
            while True:
                length, = struct.unpack(">I", await reader.readexactly(4))
                body = await reader.readexactly(length)
                kind = body[0] if body else None
                if kind == REQUEST and self.gives:
                    index, begin, count = struct.unpack(">III", body[1:13])
                    payload.seek(index * self.piece_bytes + begin)
                    writer.write(message(PIECE, body[1:9] + payload.read(count)))
                    await writer.drain()
                elif kind == CHOKE:
                    choked, asked = True, 0
                elif kind == UNCHOKE:
                    choked = False
                elif kind == HAVE:
                    theirs.append(struct.unpack(">I", body[1:5])[0])
                elif kind == BITFIELD:
                    theirs += [i for i in range(self.pieces) if body[1 + i // 8] >> 7 - i % 8 & 1]
                elif kind == PIECE:
                    asked = max(0, asked - 1)
                    Member.got += length - 9
                    await asyncio.sleep(PAUSE)
                while not self.gives and not choked and theirs and asked < PIPELINE:
                    asked += 1
                    index = self.rng.choice(theirs)
                    whole = min(self.piece_bytes, self.size - index * self.piece_bytes)
                    begin = self.rng.randrange(-(-whole // BLOCK)) * BLOCK
                    writer.write(message(REQUEST, struct.pack(">III", index, begin, min(BLOCK, whole - begin))))


async def main():
    torrent, path, to, *addresses = sys.argv[1:]
    with open(torrent, "rb") as f:
        piece_bytes = int(f.read().split(b"12:piece lengthi")[1].split(b"e")[0])
    host, port = to.rsplit(":", 1)
    everybody = enumerate(address for address in addresses for _ in range(OF_ONE_ADDRESS))
    members = [asyncio.create_task(Member(number, infohash(torrent), path, piece_bytes).live((host, int(port)), local))
               for number, local in everybody]
    while not any(member.done() for member in members):
        print(Member.connected, Member.got, flush=True)
        await asyncio.sleep(1)


asyncio.run(main())
