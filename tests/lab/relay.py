"""A TCP relay on loopback that tests put between the worker and a server, to cut the line."""

import select
import socket
import threading

from process import free_port


class Relay:
    """Bytes to and from 127.0.0.1:`target`, on `port`, until cut() and again after restore()."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.accepted = 0
        self._lock = threading.Lock()
        self._open = set()
        self._up = True
        self._flow = threading.Event()
        self._flow.set()
        self._stranded = set()
        self._listener = None
        self._listen()

    def _listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self._lock:
                if not self._up:
                    _reset(client)
                    _reset(server)
                    continue
                self.accepted += 1
                self._open |= {client, server}
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()

    def _pump(self, client, server):
        other = {client: server, server: client}
        try:
            while other:
                ready, _, _ = select.select(list(other), [], [])
                for source in ready:
                    data = source.recv(65536)
                    self._flow.wait()
                    if client in self._stranded:
                        if not data:
                            del other[source]
                        continue
                    if not data:
                        other[source].shutdown(socket.SHUT_WR)
                        del other[source]
                        if not other:
                            break
                        continue
                    (server if source is client else client).sendall(data)
        except (OSError, ValueError, KeyError):
            pass
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def cut(self):
        """Resets every connection and refuses new ones."""
        with self._lock:
            self._up = False
            cut, self._open = self._open, set()
        # shutdown wakes the accepting thread, close alone does not
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for connection in cut:
            _reset(connection)
        self._flow.set()

    def restore(self):
        """Lets connections through again, after cut() or stall()."""
        self._flow.set()
        with self._lock:
            if self._up:
                return
            self._up = True
        self._listen()

    def stall(self):
        """Keeps connections open but carries no byte: what a dead network looks like."""
        self._flow.clear()

    def strand(self):
        """The connections there are carry no byte ever again, new ones work: what a firewall
        that has forgotten its connections looks like."""
        with self._lock:
            self._stranded |= self._open

    def close(self):
        """The end."""
        self.cut()


def _reset(connection):
    """Ends a connection with RST and wakes whoever waits on it."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()
