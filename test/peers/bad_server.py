#!/usr/bin/python3
"""Servers that are bad to a client, or wait for one that goes where it may not: a program that runs on a host.

bad_server.py '[{"name": ..., "kind": ..., "address": ..., "port": ..., ...}, ...]' serves until it is killed. It says
"ready" when all listen, and then a line for each visit: the listener's name and how many bytes of a request came.

Kinds: `http` answers by the path of the request (ANSWERS), `move` sends the visitor to `to`, `name` names `peers` as an
HTTP tracker, `udp` names them as a UDP tracker, `trap` and `udp-trap` only count, `tls` answers like an honest tracker
behind `certificate` and `key`.
"""
import gzip
import ipaddress
import json
import selectors
import socket
import ssl
import struct
import sys
import threading
import time

MIB = 1 << 20


def compact(peers):
    return b"".join(ipaddress.ip_address(host).packed + port.to_bytes(2, "big") for host, port in peers)


def ok(body, fields=b""):
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (fields, len(body), body)


def zipped(body):
    return ok(gzip.compress(body, 6), b"Content-Encoding: gzip\r\n")


def string(text):
    return b"%d:%s" % (len(text), text)


def many(count):
    """Addresses on the client's own machine: a tracker elsewhere may name none of them."""
    return b"".join(b"\x7f" + struct.pack(">I", i)[1:] + b"\0\1" for i in range(count))


def dictionaries(count):
    return b"d5:peersl" + b"d2:ip9:127.9.9.94:porti1ee" * count + b"ee"


def forever(begin, piece):
    """A generator: `begin`, then `piece` again and again; 256 MiB at most, which no client may take."""
    yield begin
    for _ in range(256 * MIB // len(piece)):
        yield piece


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
# Each answer that could cost a client memory, by the path behind /announce/ (below 20
# letters: a longer one counts as a secret, and is not shown). Made when it is asked for.
COSTLY = {
    "endless-status-line": lambda: forever(b"HTTP/1.1 200 ", b"r" * 65536),
    "endless-fields": lambda: forever(HEAD, b"Set-Cookie: a=b; path=/\r\n" * 2000),
    "endless-field": lambda: forever(HEAD + b"X: ", b"x" * 65536),
    "endless-interim": lambda: forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
    "endless-body": lambda: forever(HEAD + b"\r\n", b"b" * 65536),
    "endless-chunks": lambda: forever(CHUNKED, b"10000\r\n" + b"c" * 65536 + b"\r\n"),
    "endless-small-chunks": lambda: forever(CHUNKED, b"1\r\nc\r\n" * 10000),
    "endless-extension": lambda: forever(CHUNKED + b"1;", b"e" * 65536),
    "a-body-of-two-gibibytes": lambda: forever(HEAD + b"Content-Length: 2147483648\r\n\r\n", b"b" * 65536),
    "gzip-bomb": lambda: [zipped(bytes(64 * MIB))],
    "largest-gzip": lambda: [zipped(b"d5:peers" + string(many(170_000)) + b"e")],
    "million-peers": lambda: [ok(b"d5:peers" + string(many(1_000_000)) + b"e")],
    "million-dictionaries": lambda: [ok(dictionaries(1_000_000))],
    "most-peers": lambda: [ok(dictionaries(13_000))],
    "most-values": lambda: [ok(b"d5:peersl" + b"0:" * 65_000 + b"ee")],
    "most-dictionaries": lambda: [ok(b"d5:peersl" + b"d1:ai1ee" * 21_000 + b"ee")],
    "nested": lambda: [ok(b"l" * 1_000_000)],
    "failure-of-a-mebibyte": lambda: [ok(b"d14:failure reason" + string(b"\x1b[2J\r\n\xff" * 120_000) + b"e")],
    "warning-of-a-mebibyte": lambda: [ok(b"d5:peers0:15:warning message" + string(b"\x1b[2J\r\n\xff" * 120_000) + b"e")],
}
# Those that fail at once and cost nothing.
QUICK = {
    "noise": lambda: [bytes(range(256)) * 16],
    "nothing": lambda: [],
    "half-a-head": lambda: [HEAD + b"Content-"],
    "half-a-body": lambda: [HEAD + b"Content-Length: 100\r\n\r\nd8:inter"],
    "web-page": lambda: [ok(b"<html>no</html>")],
    "error": lambda: [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"],
}


def hang():
    """Half an answer, and nothing more for a minute."""
    yield HEAD + b"Content-Length: 100\r\n\r\nd8:inter"
    time.sleep(60)


ANSWERS = {**COSTLY, **QUICK, "hang": hang}


class Visits:
    """What came, a line each. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()

    def say(self, *words):
        with self._lock:
            print(*words, flush=True)


def read_request(connection):
    """All bytes up to the blank line, or to whatever end there is before."""
    request = b""
    while b"\r\n\r\n" not in request:
        try:
            chunk = connection.recv(65536)
        except OSError:
            break
        if not chunk:
            break
        request += chunk
    return request


def answer(spec, request):
    kind = spec["kind"]
    if kind == "http":
        path = request.split(b" ")[1].split(b"?")[0].decode() if request.count(b" ") > 1 else ""
        return ANSWERS.get(path.rsplit("/", 1)[-1], lambda: [ok(b"d5:peers0:e")])()
    if kind == "move":
        return [b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % spec["to"].encode()]
    peers = compact(map(tuple, spec.get("peers", ())))
    return [ok(b"d8:intervali1800e5:peers" + string(peers) + b"e")]


def serve_one(spec, connection, context, visits):
    connection.settimeout(10)
    request = b""
    try:
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
        request = read_request(connection)
        if request:
            for piece in answer(spec, request):
                connection.sendall(piece)
    except OSError:  # hung up on, or no TLS came about
        pass
    finally:
        visits.say(spec["name"], len(request))
        connection.close()


def serve_tcp(spec, listener, visits):
    context = None
    if spec["kind"] == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # or it would not show a weak certificate
        context.load_cert_chain(spec["certificate"], spec["key"])
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve_one, args=(spec, connection, context, visits), daemon=True).start()


def answer_datagram(spec, sock, visits):
    request, client = sock.recvfrom(65536)
    visits.say(spec["name"], len(request))
    if spec["kind"] == "udp-trap" or len(request) < 16:
        return
    action, transaction = struct.unpack(">II", request[8:16])
    reply = struct.pack(">II", action, transaction)
    reply += bytes(8) if action == 0 else struct.pack(">III", 1800, 1, 1) + compact(map(tuple, spec["peers"]))
    sock.sendto(reply, client)


def main():
    visits = Visits()
    selector = selectors.DefaultSelector()
    for spec in json.loads(sys.argv[1]):
        udp = spec["kind"].startswith("udp")
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((spec["address"], spec["port"]))
        if udp:
            selector.register(sock, selectors.EVENT_READ, spec)
        else:
            sock.listen(64)
            threading.Thread(target=serve_tcp, args=(spec, sock, visits), daemon=True).start()
    visits.say("ready")
    while True:
        for key, _ in selector.select(timeout=None if selector.get_map() else 3600):
            answer_datagram(key.data, key.fileobj, visits)


if __name__ == "__main__":
    main()
