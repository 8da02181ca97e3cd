"""Child processes of the lab: free ports that stay ours, start, readiness, stop.

Everything a process leaves behind is under the folder it was given. Each runs in a session
of its own, so that stopping it takes its children along and Ctrl-C reaches only the lab.
"""

import fcntl
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# Below the range that Linux gives to outgoing connections, which could take a port of ours
# between the moment it is chosen and the moment its server binds it.
PORT_RANGE = range(21000, 31000)
_port_locks = []


class LabError(Exception):
    """Something of the lab did not start, stop or answer; the text says what to look at."""


def free_port():
    """A loopback port that nobody listens on and no other lab of this machine was given.

    The claim is a locked file that this process keeps open, so it ends with the process.
    """
    folder = Path(tempfile.gettempdir()) / f"cinder-volume-xtremio-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for port in random.sample(PORT_RANGE, 500):
        claim = open(folder / str(port), "w")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _port_locks.append(claim)
        return port
    raise LabError(f"no free port between {PORT_RANGE.start} and {PORT_RANGE.stop}")


def answers(port):
    """Whether something accepts connections on the loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
        return True
    except OSError:
        return False


def wait_until(what, condition, seconds, alive=None, every=0.1):
    """Polls `condition` until it gives something true and returns that.

    `alive` (a Process) ends the wait early, with its log, when that process has died.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if alive is not None and not alive.running():
            raise LabError(f"{alive.name} ended while waiting for {what}\n{alive.tail()}")
        if time.monotonic() > deadline:
            log = f"\n{alive.tail()}" if alive is not None else ""
            raise LabError(f"{what}: not after {seconds} s{log}")
        time.sleep(every)


def tail(path, lines=40):
    """The last lines of a log, headed by its name; Python's longest lines are cut."""
    try:
        text = [t[:300] for t in Path(path).read_text(errors="replace").splitlines()[-lines:]]
    except OSError as error:
        text = [str(error)]
    return "\n".join([f"--- {path}", *text])


class Process:
    """One supervised process; `command`, `env` and `user` stay for the next start."""

    def __init__(self, name, command, log, env=None, user=None, cwd=None):
        self.name, self.command, self.log = name, [str(c) for c in command], Path(log)
        self.env, self.user, self.cwd = dict(env or {}), user, cwd
        self.child = None

    def start(self, stdout=None, stdin=subprocess.DEVNULL):
        """Starts it; output is appended to the log unless `stdout` says otherwise."""
        # if the lab itself is killed, the kernel ends what it started
        command = ["setpriv", "--pdeathsig", "KILL"]
        if self.user and os.getuid() == 0:
            entry = pwd.getpwnam(self.user)
            command += [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                command + self.command,
                stdin=stdin,
                stdout=stdout or log,
                stderr=log,
                env={**os.environ, **self.env},
                cwd=self.cwd,
                start_new_session=True,
            )
        return self

    def running(self):
        """Whether the process has been started and has not ended."""
        return self.child is not None and self.child.poll() is None

    def send(self, number):
        """Sends a signal to the process and all of its children; gone is fine."""
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            pass

    def stop(self, seconds=20, number=signal.SIGTERM):
        """Asks the process to end, then ends its whole group; returns its exit status."""
        if self.child is None:
            return None
        if self.running():
            self.child.send_signal(number)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        return self.kill()

    def kill(self):
        """Ends the process and its children at once; returns its exit status."""
        if self.child is None:
            return None
        self.send(signal.SIGKILL)
        return self.child.wait()

    def tail(self, lines=40):
        """The last lines of its log."""
        return tail(self.log, lines)


def run(command, what, seconds=300, **kwargs):
    """Runs a command to its end and returns its output; a failure carries that output."""
    try:
        done = subprocess.run(
            [str(c) for c in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            text=True,
            **kwargs,
        )
    except subprocess.TimeoutExpired as late:
        raise LabError(f"{what}: not done after {seconds} s") from late
    if done.returncode:
        raise LabError(f"{what}: exit status {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


class State:
    """A temporary folder with one place for logs, kept only where a run failed."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="cvx-lab-"))
        # PostgreSQL refuses to run as root and its user has to get at its own folder
        self.root.chmod(0o711)
        self.logs = self.root / "logs"
        self.logs.mkdir()

    def folder(self, name):
        """A folder of this run, made when it is missing."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def keep_logs(self, target):
        """Copies the logs to `target`/NAME-OF-THIS-RUN and returns that path."""
        kept = Path(target) / self.root.name
        shutil.copytree(self.logs, kept, dirs_exist_ok=True)
        return kept

    def remove(self):
        """Deletes everything."""
        shutil.rmtree(self.root, ignore_errors=True)
