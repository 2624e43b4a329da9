"""What leaves a host, seen from outside it."""
import socket
import threading


class Capture(threading.Thread):
    """What a host sends, from now on: `with Capture(host) as capture`."""
    _ETH_P_ALL = 3
    _OUTGOING = 4  # out of the bridge, so to the host

    def __init__(self, host):
        super().__init__(daemon=True)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(self._ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind((host.port, 0))
        self._socket.settimeout(0.05)
        self._over = threading.Event()
        self.datagrams = []  # whole frames that carry UDP

    def run(self):
        while True:
            try:
                frame, address = self._socket.recvfrom(65600)
            except TimeoutError:
                if self._over.is_set():
                    return
                continue
            if address[2] != self._OUTGOING and self._is_udp(frame):
                self.datagrams.append(frame)

    @staticmethod
    def _is_udp(frame):
        kind = frame[12:14]
        return kind == b"\x08\x00" and frame[23] == 17 or kind == b"\x86\xdd" and frame[20] == 17

    def holding(self, text):
        """Those datagrams in which these bytes are, or their hexadecimal digits."""
        return [frame for frame in self.datagrams if text in frame or text.hex().encode() in frame.lower()]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self.join()
        self._socket.close()
