"""A tracker that tells everybody the same peers, whoever asks."""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from payload import TRACKER, bencode


def compact(address):
    """"10.0.0.1:6881" as 6 bytes."""
    host, port = address.split(":")
    return bytes(map(int, host.split("."))) + int(port).to_bytes(2, "big")


class Tracker:
    """Answers while it lives: `with Tracker(addresses)`."""

    def __init__(self, addresses):
        reply = bencode({"interval": 600, "complete": len(addresses), "incomplete": 1,
                         "peers": b"".join(map(compact, addresses))})

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name  the base class names it
                self.send_response(200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                try:
                    self.wfile.write(reply)
                except OSError:
                    pass  # a client that did not wait for the answer

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self._server = ThreadingHTTPServer((TRACKER, 6969), Handler)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()
