"""The volume host of a part, under a supervisor that starts it again when it ends by itself."""

import os
import signal
import subprocess
import time

from hosts import VolumeHost
from process import LabError, wait_until
from stage import Stage

KILL_POINT = "CINDER_VOLUME_XTREMIO_KILL_POINT"


class Host:
    """One cinder-volume; `tend` is to be called often, it restarts what has ended."""

    def __init__(self, stage: Stage, binary, kind, part, extra=None):
        self.kind, self.ended_by_itself, self.stop_seconds = kind, [], []
        self.volume_host = VolumeHost(stage, binary, kind, stage.xms, extra)
        self.process = self.volume_host.process
        self.process.log = stage.services.state.logs / f"{part}-host-{kind}.log"
        self._wanted, self._not_before = False, 0.0

    def start(self):
        """Starts it and waits for the heartbeats of all backends."""
        self._wanted = True
        self.volume_host.start()
        # a new service row alone says nothing: what is sent before the queues exist is gone
        wait_until(
            f"first heartbeats of {self.process.name}",
            lambda: self.beats() > 0, 90, self.process,
        )

    def kill(self):
        """SIGKILL to the host with all its children."""
        self._wanted = False
        self.process.kill()

    def again(self, kill_point=None):
        """Starts it without waiting; with a kill point it ends itself where it passes that."""
        self.process.env.pop(KILL_POINT, None)
        if kill_point:
            self.process.env[KILL_POINT] = kill_point
        self._wanted = kill_point is None
        self.process.start()

    def kill_and_restart(self):
        self.kill()
        self.again()

    def beats(self):
        """Heartbeats of the backend that has sent the fewest."""
        return min(self.volume_host.heartbeats().values(), default=0)

    def ended(self):
        """Whether the process is gone."""
        return not self.process.running()

    def tend(self):
        """Starts it again if it ended though nobody ended it, at most once a second."""
        if not self._wanted or self.process.running() or time.monotonic() < self._not_before:
            return
        self.ended_by_itself.append(self.process.kill())
        self._not_before = time.monotonic() + 1
        self.process.start()

    def terminate(self, seconds=90):
        """SIGTERM as an operator's restart sends it; exit status, None when it had to be killed."""
        self._wanted = False
        began = time.monotonic()
        os.kill(self.process.child.pid, signal.SIGTERM)
        try:
            status = self.process.child.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        self.stop_seconds.append(round(time.monotonic() - began, 1))
        self.process.kill()
        return status

    def close(self):
        """The end, without ceremony."""
        self._wanted = False
        try:
            self.process.kill()
        except LabError:
            pass
