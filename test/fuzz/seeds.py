#!/usr/bin/env python3
"""Writes the seeds of test/fuzz/corpus: for each target a few inputs that are right, or wrong in a way that matters,
from which a fuzzer finds the rest. Regression inputs have other names and are left alone."""
import gzip
import hashlib
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / 'corpus'


def bencode(value):
  if isinstance(value, int):
    return b'i%de' % value
  if isinstance(value, (bytes, str)):
    data = value if isinstance(value, bytes) else value.encode()
    return b'%d:%s' % (len(data), data)
  if isinstance(value, list):
    return b'l' + b''.join(map(bencode, value)) + b'e'
  return b'd' + b''.join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b'e'


def part(data):
  """As support/reader.h has it: two bytes of length, and the bytes."""
  return struct.pack('>H', len(data)) + data


def seeds(target, *inputs):
  folder = CORPUS / target
  folder.mkdir(parents=True, exist_ok=True)
  for old in folder.glob('seed-*'):
    old.unlink()
  for i, data in enumerate(inputs):
    (folder / f'seed-{i:02}').write_bytes(data if isinstance(data, bytes) else data.encode())


def small_torrent():
  """SmallTorrent of support/small_torrent.cc: its info value and its payload."""
  payload = bytes(ord('A') + i % 23 for i in range(48 * 8 - 9))
  first = len(payload) // 2 + 5
  pieces = b''.join(hashlib.sha1(payload[at:at + 48]).digest() for at in range(0, len(payload), 48))
  info = {'files': [{'length': first, 'path': ['a']}, {'length': len(payload) - first, 'path': ['b']}],
          'name': 'small', 'piece length': 48, 'pieces': pieces, 'x-fill': b'x' * 16384}
  return bencode(info), payload


INFO, PAYLOAD = small_torrent()
INFOHASH = hashlib.sha1(INFO).digest()
V4 = bytes([8, 8, 8, 9, 0x1a, 0xe1])
V6 = bytes.fromhex('20014860000000000000000000000009') + b'\x1a\xe1'


# --- Pure formats ---
def formats():
  seeds('bencode', 'i0e', 'i-9223372036854775808e', '0:', '4:spam', 'le', 'de', 'l4:spami42ee', 'd3:bar4:spam3:fooi42ee',
        'd1:bi1e1:ai2ee', 'd1:ai1e1:ai2ee', 'i-0e', 'i03e', '4294967296:x', 'l' * 90 + 'e' * 90, 'd4:spaml1:a1:bee!')
  one = {'length': 20, 'name': 'a.txt', 'piece length': 16384, 'pieces': b'p' * 20}
  many = {'name': 'folder', 'piece length': 16384, 'pieces': b'p' * 40, 'files': [
      {'length': 16384, 'path': ['sub', 'x.bin']}, {'length': 5, 'path': ['..', 'a\\b', 'c/d'], 'attr': 'x'},
      {'length': 3, 'path': ['.pad', '3'], 'attr': 'p'}, {'length': 0, 'path': ['link'], 'attr': 'l',
                                                         'symlink path': ['sub', 'x.bin']}]}
  hybrid = dict(many, **{'meta version': 2, 'name.utf-8': 'caf\u00e9', 'private': 1, 'file tree': {
      'a': {'': {'length': 5, 'pieces root': b'r' * 32}}}})
  seeds('metainfo',
        bencode({'announce': 'http://tracker.example/announce', 'info': one}),
        bencode({'announce': 'udp://t.example:80', 'announce-list': [['http://a.example/x'], ['https://b.example/']],
                 'comment': 'c', 'created by': 'me', 'creation date': 1, 'url-list': ['http://seed.example/'],
                 'nodes': [['router.example', 6881]], 'info': many}),
        bencode({'info': hybrid, 'piece layers': {b'r' * 32: b'l' * 64}}),
        bencode(one), bencode(many), INFO[:len(INFO) - 16384 - 16] + b'e')
  hexhash = INFOHASH.hex()
  seeds('magnet', 'magnet:?xt=urn:btih:' + hexhash, 'magnet:?xt=urn:btih:' + 'A' * 32 + '&dn=a%20name',
        f'magnet:?xt=urn:btih:{hexhash}&tr=http%3A%2F%2Ft.example%2Fannounce&tr.1=udp://t.example:80&ws=http://w.example/'
        '&x.pe=1.2.3.4:5&x.pe=[2001:db8::1]:6&so=0,2,4-6&dht=r.example:6881',
        'magnet:?xt=urn:btmh:1220' + 'a' * 64, 'MAGNET:?xt.1=urn:btih:' + hexhash + '&tr=http://xn--a.example/&dn=%e2%80%aex')
  seeds('path_cleaner', '../../etc/passwd', 'a\tb.txt\na\tb.txt\nA\tB.TXT', 'a\na\tb', 'caf\u00e9\u202egpj.exe',
        'con\tnul.txt\n.\n..\n...\n', 'x' * 300 + '.tar.gz\n' + 'x' * 300 + '.tar.gz', b'\xff\xfe\x80\x01\x7f\xc2\x85')
  seeds('url', 'http://tracker.example/announce', 'https://user:pass@h.example:8443/a/b/../c?passkey=1#f\n/x?y',
        'udp://[2001:db8::1]:80/announce', 'http://h.example/a/b?c\n../d', 'http://a/b/c/d;p?q\n//g/h',
        'http://xn--bcher-kva.example/%41%zz\nhttps://u:p@other.example/', 'HTTP://1.2.3.4:080/')
  seeds('lsd_message', f'BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: {hexhash}\r\n'
        f'Infohash: {hexhash.upper()}\r\ncookie: abc\r\n\r\n\r\n', 'BT-SEARCH * HTTP/1.1\r\nport:0\r\n\r\n')
  escaped = ''.join(f'%{byte:02x}' for byte in INFOHASH)
  seeds('tracker_request', f'GET /announce?info_hash={escaped}&peer_id={"p" * 20}&port=6881&uploaded=0&downloaded=0&left=5'
        '&compact=1&numwant=9&event=started HTTP/1.1\r\nHost: a\r\n\r\n',
        f'GET /scrape?info_hash={escaped}&info_hash={escaped} HTTP/1.0\r\n\r\n',
        f'GET /announce?info_hash={escaped}&peer_id={"p" * 20}&port=1&left=0&compact=0&no_peer_id=0&event=stopped'
        ' HTTP/1.1\r\nHost: a\r\n\r\n', 'POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc')
  texts = [b'\x00\x20plain text', '\x00\x10caf\u00e9 \u202egnp.exe\nb\nc\nd'.encode(),
           b'\x0f\xff\x1b[2J\x07\xc2\x9b31m\n\xff\xed\xa0\x80', '\x00\x30\u65e5\u672c\u8a9e/\u2028a "quoted" \\ \u2066'.encode()]
  seeds('json_text', *(bytes([kind]) + texts[kind % 4] for kind in range(11)), b'\x0a' + texts[1], b'\x0a' + texts[3])


# --- Trackers ---
def trackers():
  dictionary = {'interval': 1800, 'min interval': 60, 'complete': 1, 'incomplete': 2, 'tracker id': 'id',
                'peers': [{'ip': '8.8.8.8', 'port': 6881, 'peer id': b'p' * 20}, {'ip': '2001:4860::1', 'port': 1}]}
  seeds('announce_reply',
        b'\0' + bencode({'interval': 1800, 'peers': V4 * 3, 'peers6': V6, 'external ip': b'\x01\x02\x03\x04'}),
        b'\1' + bencode(dictionary), b'\2' + bencode({'failure reason': 'no\x1b[1m', 'retry in': 5}),
        b'\3' + bencode({'failure reason': 'x', 'retry in': 'never'}),
        b'\0' + bencode({'interval': -1, 'warning message': 'w', 'peers': V4 + b'x'}),
        b'\0' + bencode({'files': {INFOHASH: {'complete': 1, 'downloaded': 2, 'incomplete': 3}}}))
  seeds('udp_tracker_reply', struct.pack('>IIQ', 0, 1, 2), struct.pack('>IIIII', 1, 1, 1800, 2, 3) + V4 * 3,
        struct.pack('>IIIII', 1, 1, 0x80000000, 2, 3) + V6, struct.pack('>IIIII', 2, 1, 1, 2, 3) + b'\0' * 24,
        struct.pack('>II', 3, 1) + b'unknown torrent')
  body = bencode({'interval': 1800, 'peers': V4})
  head = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n'
  packed = gzip.compress(body, mtime=0)
  seeds('http_reply', b'\0' + head + b'Content-Length: %d\r\n\r\n' % len(body) + body,
        b'\7' + head + b'Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0A\r\n0123456789\r\n0\r\n\r\n',
        b'\0' + head + b'Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n' % len(packed) + packed,
        b'\1HTTP/1.0 301 Moved\r\nLocation: ../x?y\r\nConnection: close\r\n\r\n', b'\0HTTP/1.1 204\r\n\r\n',
        b'\0' + head + b'\r\n' + body, b'\0' + head + b'Content-Length: 99999999999999999999\r\n\r\n',
        b'\0HTTP/1.1 100 Continue\r\n\r\n' + head + b'Content-Length: 0\r\n\r\n', b'\x80' + packed,
        b'\x80' + gzip.compress(b'\0' * 70000, mtime=0))


# --- DHT ---
def dht():
  me = b'stranger number 1234'
  nodes = b''.join(bytes([i]) * 20 + bytes([9, i, 8, 7, 0x1a, 0xe1]) for i in range(3))

  def query(method, **arguments):
    text = bencode({'a': dict(arguments, id=me), 'q': method, 'y': 'q'})
    return text[:-1] + b'1:t2:aae'

  def reply(**values):
    return b'd1:r' + bencode(dict(values, id=me)) + b'1:t4:TXID1:y1:re'

  def act(what, later, datagram=b''):
    return bytes([what, later]) + part(datagram)

  token = query('announce_peer', info_hash=INFOHASH, port=6881, token='TOKEN')
  seeds('dht_packet',
        b'\0' + act(0, 1, query('ping')) + act(0, 1, query('find_node', target=me, want=['n4', 'n6'])),
        b'\0' + act(0, 1, query('get_peers', info_hash=INFOHASH)) + act(0, 1, token) +
        act(1, 1, query('get_peers', info_hash=INFOHASH)) + act(4, 205, query('get_peers', info_hash=INFOHASH)),
        b'\0' + act(11, 0) + act(8, 1, reply(nodes=nodes)) + act(9, 1) + act(8, 1, reply(nodes=nodes, token='tok')) +
        act(8, 1, reply(values=[V4, V4], token='tok')) + act(8, 199, reply()),
        b'\1' + act(11, 5) + act(8, 1, reply(nodes6=nodes[:26] + b'x' * 12, ip=V6)) + act(10, 5) +
        act(8, 150, reply(values=[V6], nodes6=b'n' * 38)),
        b'\0' + act(12, 4) + act(8, 50, reply(ip=V4)) + act(4, 3, b'd1:eli203e3:bade1:t4:TXID1:y1:ee') + act(3, 255))
  seeds('dht_state', bencode({'id': me, 'id6': me, 'nodes': nodes, 'nodes6': b'n' * 36 + b'\x1a\xe1'}), bencode({}),
        bencode({'id': 'short', 'nodes': nodes + b'x'}))


# --- Sessions ---
def message(kind, data=b''):
  return struct.pack('>IB', 1 + len(data), kind) + data


def sessions():
  def handshake(peer=b'p', reserved=b'\0\0\0\0\0\x10\0\x05'):
    return b'\x13BitTorrent protocol' + reserved + INFOHASH + peer * 20

  def block(piece, lies=False):
    data = PAYLOAD[48 * piece:48 * piece + 48]
    return message(7, struct.pack('>II', piece, 0) + (b'!' + data[1:] if lies else data))

  def request(piece, begin=0, length=48):
    return message(6, struct.pack('>III', piece, begin, length))

  facts = bencode({'m': {'ut_metadata': 3, 'ut_pex': 1}, 'v': 'seed 1', 'p': 6881, 'reqq': 5, 'yourip': b'\5\5\5\5',
                   'metadata_size': len(INFO)})
  have_all, have_none, unchoke, interested = message(14), message(15), message(1), message(2)
  download = handshake() + have_all + unchoke + b''.join(block(i) for i in range(8))
  seeds('peer_session', b'\x14\1' + download, b'\x55\1' + handshake() + have_none + interested +
        b''.join(request(i) for i in range(8)) + message(8, struct.pack('>III', 1, 0, 48)),
        b'\x14\1' + handshake() + message(5, b'\xff') + unchoke + block(3, True) + block(0) + b'|next|' +
        handshake(b'q', b'\0' * 8) + message(5, b'\xf0') + unchoke + block(3) + message(0) + message(4, b'\0\0\0\7'),
        b'\x07\0' + handshake() + have_none + interested + request(0) + request(7, 30, 9) + request(1, 47, 2) +
        request(0, 0, 131073), b'\x90\1' + handshake() + message(20, b'\0' + facts) + message(9, b'\x1a\xe1') +
        message(13, b'\0\0\0\1') + message(17, b'\0\0\0\1') + message(16, struct.pack('>III', 1, 0, 48)) +
        message(21) + b'\0\0\0\0' + message(200, b'abc'),
        b'\x24\1' + download, b'\x14\5' + download, b'\0\0\x13BitTorrent protocol',
        b'\0\1' + handshake() + b'\xff\xff\xff\xff\x07')
  pex = bencode({'added': V4 * 2, 'added.f': b'\x01\x12', 'added6': V6, 'dropped': V4})
  ask = bencode({'msg_type': 0, 'piece': 0})
  say = lambda kind, data: bytes([kind]) + part(data)
  seeds('peer_session_extensions', b'\x10' + say(0, facts) + say(5, pex) + say(2, ask) + say(2, ask[:-1] + b'1:zi1ee'),
        b'\1' + say(0, facts) + say(2, bencode({'msg_type': 0, 'piece': 1})) + say(2, bencode({'msg_type': 0, 'piece': 2})) +
        say(0, bencode({'m': {'ut_metadata': 0}, 'upload_only': 1})) + say(2, ask), b'\0' + say(9, b'x') + say(0, b'de'))
  seeds('ut_metadata', b'\0' + say(0, facts) + b'\xfe\0\xfe\1' + say(255, have_all + unchoke + block(0)),
        b'\0' + say(255, have_all) + say(0, facts) + b'\xfe\0' + say(2, ask) + b'\xfd\1' + b'\xfc' + say(0, facts) +
        b'\xfe\0' + say(2, bencode({'msg_type': 2, 'piece': 1})) + b'\xfc' + say(0, facts) + b'\xfe\1\xfe\0',
        b'\x10' + say(0, bencode({'m': {'ut_metadata': 9}, 'metadata_size': 5})) +
        say(2, bencode({'msg_type': 1, 'piece': 0, 'total_size': 5}) + b'd1:a') + say(2, bencode({'msg_type': 7})))
  seeds('ut_pex', *(bytes([place]) + b'\0' + part(pex) + b'\x3c' + part(bencode(
      {'added': b''.join(bytes([i, 5, 5, 5, 9, i]) for i in range(60))})) + b'\1' + part(b'de') for place in range(4)))
  # What a peer does (see peer_blocks.cc): have all, unchoke, then blocks; and who lies.
  good = [bytes([10, block_number]) for block_number in range(6)]
  seeds('peer_blocks', b'\x14\0\0\4\0' + b''.join(good), b'\0\0\0\4\0\x0e\1\x0a\0\x0a\2\x09\0\0\0\4\0' + b''.join(good),
        b'\x14\0\0\4\0\x0a\1\x09\0\0\0\4\0\x0e\0\x09\0\0\0\4\0' + b''.join(good) * 2,
        b'\x05\1\0\5\0' + b''.join(bytes([6, i]) for i in range(6)) + b'\7\1', b'\x40\0\0\4\0\x0d\3' + b''.join(good))


def resume():
  stat = struct.pack('>QQ', 100, 5)
  record = {'device': 5, 'downloaded': 9, 'uploaded': 8, 'extra': {'announce_not_before': 7}, 'files': stat * 2,
            'in part file': b'\0', 'infohash': INFOHASH, 'output dir': '/d', 'part file': b'\xff' * 8 + b'\0' * 8,
            'piece length': 48, 'pieces': b'\xc0', 'running': 1, 'total length': len(PAYLOAD),
            'unfinished': [[2, b'\x80'], [4, b'\0']], 'version': 1, 'wanted': b'\xc0'}
  value = bencode(record)
  seeds('resume_record', value, b'd6:record' + value + b'4:sha120:' + hashlib.sha1(value).digest() + b'e\0\0\0',
        bencode(dict(record, unfinished=[[8, b'\x80']])), bencode(dict(record, extra={})))


for write in (formats, trackers, dht, sessions, resume):
  write()
