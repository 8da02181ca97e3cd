"""A user of the volume API by python-cinderclient, microversion by microversion."""

import json
import os
import select
import subprocess
import threading
from pathlib import Path

from process import LabError, Process
from settings import ADMIN_PASSWORD, PASSWORD
from steps import check

PEER = Path(__file__).resolve().parent / "client_peer.py"
LATEST = "3.70"


class User:
    """cinderclient in a process of its own, with admin's rights and a service's token."""

    def __init__(self, plane, client_venv, name):
        self.lock = threading.Lock()
        self.config = {
            "auth_url": plane.settings.auth_url,
            "user": "admin", "password": ADMIN_PASSWORD, "project": "admin",
            "service": {"user": "cinder", "password": PASSWORD, "project": "service"},
        }
        self.process = Process(
            f"cinderclient-{name}", [f"{client_venv}/bin/python", "-B", PEER],
            plane.services.state.logs / f"cinderclient-{name}.log",
            env={**{k: "" for k in os.environ if k.startswith("OS_")}, "PYTHONWARNINGS": "ignore"},
        )

    def start(self):
        """Starts the process, once. From the main thread: it would end with any other."""
        if self.process.child is None:
            self.process.start(stdout=subprocess.PIPE, stdin=subprocess.PIPE)
            self._send(self.config)

    def close(self):
        """Ends the process."""
        self.process.kill()

    def call(self, name, /, *args, version=LATEST, **kwargs):
        """What a call such as `attachments.create` answers; a refusal fails the step."""
        answer = self._ask(name, version, args, kwargs)
        check("refused" not in answer, f"{name}{args}: {answer}")
        return answer["answer"]

    def refused(self, status, name, /, *args, version=LATEST, **kwargs):
        """The words of a refusal, which must have this status."""
        answer = self._ask(name, version, args, kwargs)
        check(answer.get("refused") == status, f"{name}{args} not refused with {status}: {answer}")
        return answer["why"]

    def action(self, volume, name, /, **info):
        """An action of a volume for which cinderclient has no method of its own."""
        return self.call("volumes._action", name, volume, info)

    def _ask(self, name, version, args, kwargs):
        asked = {"version": version, "call": name, "args": args, "kwargs": kwargs}
        with self.lock:
            self._send(asked)
            out = self.process.child.stdout
            ready, _, _ = select.select([out], [], [], 120)
            line = out.readline() if ready else b""
        if not line:
            raise LabError(f"no answer to {name}\n{self.process.tail()}")
        return json.loads(line)

    def _send(self, what):
        self.process.child.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.child.stdin.flush()
