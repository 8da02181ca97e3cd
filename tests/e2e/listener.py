"""Listens to notifications as ceilometer does: listener.py CINDER_CONF VOLUME...

Prints one JSON object a line for each event about the volumes, and ends when each of them has
said `volume.delete.end`. Runs in the services' Python environment.
"""

import json
import sys
import threading

import oslo_messaging
from oslo_config import cfg


class Endpoint:
    """Keeps what is about the volumes asked for."""

    def __init__(self, idents):
        self.waiting = set(idents)
        self.idents = frozenset(idents)
        self.done = threading.Event()
        self.one_at_a_time = threading.Lock()

    def info(self, context, publisher, event, payload, metadata):
        """Called by oslo.messaging for each event of priority INFO."""
        if payload.get("volume_id") not in self.idents:
            return
        line = {
            "event": event, "publisher": publisher, "payload": payload,
            "metadata": metadata, "project": context.get("project_id"),
        }
        # The executor calls from many threads: two lines must not run into each other.
        with self.one_at_a_time:
            sys.stdout.write(json.dumps(line, default=str) + "\n")
            sys.stdout.flush()
            if event == "volume.delete.end":
                self.waiting.discard(payload["volume_id"])
            if not self.waiting:
                self.done.set()


def main():
    """The command line."""
    conf, idents = sys.argv[1], sys.argv[2:]
    cfg.CONF(["--config-file", conf], project="cinder")
    endpoint = Endpoint(idents)
    listener = oslo_messaging.get_notification_listener(
        oslo_messaging.get_notification_transport(cfg.CONF),
        [oslo_messaging.Target(topic="notifications")],
        [endpoint],
        executor="threading",
    )
    listener.start()
    heard = endpoint.done.wait(40)
    listener.stop()
    listener.wait()
    return 0 if heard else 1


if __name__ == "__main__":
    sys.exit(main())
