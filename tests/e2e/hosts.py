"""The simulated array and who works with it: a cinder-volume, ours or Python's, and cinder-backup."""

import json
import os
import select
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from process import LabError, Process, wait_until
from settings import BACKENDS, CLUSTER, HOST

HERE = Path(__file__).resolve().parent
PORTALS = {
    ("10.205.68.5:3260", "iqn.2008-05.com.xtremio:001e67939c34"),
    ("10.205.68.6:3260", "iqn.2008-05.com.xtremio:001e67939c35"),
}
QUIET = {"PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}

class Simulator:
    """`simulate-xms` with one cluster; a context. With `luns` its volumes are real iSCSI disks."""

    user, password = "admin", "lab-xms-secret"

    def __init__(self, services, binary, version="4.2", luns=False):
        folder = services.state.folder("xms")
        self.luns = luns
        self.ca = folder / "ca.pem"
        secret = folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        self.process = Process(
            "simulate-xms",
            [binary, "simulate-xms", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
             "--xms-version", version, "--cluster", CLUSTER, "--user", self.user,
             "--password-file", secret, "--ca-out", self.ca,
             *(["--luns", folder / "luns"] if luns else [])],
            services.state.logs / "simulate-xms.log",
        )

    def __enter__(self):
        self.process.start(stdout=subprocess.PIPE)
        out = self.process.child.stdout
        ready, _, _ = select.select([out], [], [], 60)
        line = out.readline() if ready else b""
        try:
            found = json.loads(line)
        except ValueError:
            self.process.kill()
            raise LabError(f"simulate-xms said {line!r}\n{self.process.tail()}") from None
        self.port = urlsplit(found["url"]).port
        self.admin = found["admin"].rstrip("/")
        if "://" not in self.admin:
            self.admin = f"http://{self.admin}"
        return self

    def __exit__(self, *_):
        # its tgtd and the files of its disks go with it where it is asked
        self.process.stop()

    def disk(self, volume):
        """The file with the bytes of a volume, None when the array does not have it."""
        found = self.ask("GET", "/luns")["files"][CLUSTER].get(volume)
        return found and Path(found)

    def portals(self):
        """{(address:port, IQN)} by which the array is reached."""
        if self.luns:
            return {(p["address"], p["iqn"]) for p in self.ask("GET", "/luns")["portals"]}
        return PORTALS

    def ask(self, method, path, body=None):
        """One call of the admin port; its decoded JSON."""
        request = urllib.request.Request(
            self.admin + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def volumes(self):
        """{name: size in GiB} of all volumes on the array."""
        clusters = self.ask("GET", "/state")["clusters"]
        return {v["name"]: gib(v) for cluster in clusters for v in cluster["volumes"]}

    def objects(self, kind):
        """{name: object} of one kind, as the XMS would show them."""
        clusters = self.ask("GET", "/state")["clusters"]
        return {found["name"]: found for cluster in clusters for found in cluster[kind]}

    def maps(self, volume):
        """{initiator group: LUN} of one volume."""
        found = self.objects("lun-maps").values()
        return {m["ig-name"]: m["lun"] for m in found if m["vol-name"] == volume}

    def ports(self, group):
        """The port addresses in an initiator group."""
        found = self.objects("initiators").values()
        return {i["port-address"] for i in found if i["ig-id"][1] == group}

    def require_chap(self, mode):
        """Makes login and discovery ask for CHAP (`initiator`), or not (`disabled`)."""
        self.ask("POST", "/chap", {"login": mode, "discovery": mode})

    def refuse(self, kind, times):
        """Makes so many creates of `volumes` or `snapshots` fail as where there is no room for more."""
        fault = {"match": {"method": "POST", "type": kind}, "action": "full", "times": times}
        self.ask("POST", "/faults", [fault])

    def faults(self):
        """The faults that are still to happen."""
        return self.ask("GET", "/faults")

    def slow(self, milliseconds):
        """Makes every answer take that much longer, so that commands are caught half-way."""
        self.ask("POST", "/latency", {"ms": milliseconds})


def gib(volume):
    """Size of an XMS volume object, which the XMS gives in KiB as text."""
    return int(volume["vol-size"]) // (1024 * 1024)


def python_service(plane, xms, name, arguments, log):
    """A service of Python's; where the array has disks it reaches them without a kernel's help."""
    program, env = [plane.venv / "bin" / name], dict(QUIET)
    if xms.luns:
        program = [plane.venv / "bin/python", HERE / "brick.py", name]
        env["CVX_XMS_ADMIN"] = xms.admin
        # rootwrap is called by its name
        env["PATH"] = f"{plane.sudo()}:{plane.venv / 'bin'}:{os.environ['PATH']}"
    return Process(name, [*program, *arguments], log, env=env)


class VolumeHost:
    """One cinder-volume of the cloud; `kind` is "ours" or "python"."""

    def __init__(self, plane, binary, kind, xms, extra=None):
        self.plane, self.kind = plane, kind
        files = [plane.cinder_conf, plane.etc / "cinder" / "backends.conf"]
        files[1].write_text(plane.settings.backends(xms, **plane.settings.data_path(xms)))
        if extra:
            files.append(plane.etc / "cinder" / f"{kind}-extra.conf")
            files[2].write_text(extra)
        arguments = [a for file in files for a in ("--config-file", file)]
        log = plane.services.state.logs / f"cinder-volume-{kind}.log"
        if kind == "ours":
            self.process = Process(f"cinder-volume-{kind}", [binary, *arguments], log)
        else:
            self.process = python_service(plane, xms, "cinder-volume", arguments, log)

    def start(self, seconds=180):
        """Starts it and waits until every backend has sent a heartbeat and is in the scheduler."""
        hosts = service_hosts(self.plane.settings.drivers)
        before = self.heartbeats()
        self.process.start()

        def beating():
            now = self.heartbeats()
            return all(now.get(h, -1) > before.get(h, -1) for h in hosts)

        wait_until(f"heartbeats of {self.process.name}", beating, seconds, self.process)
        return self

    def heartbeats(self):
        """{host@backend: report_count} of the live rows of this host."""
        rows = self.plane.sql(
            "SELECT host, report_count FROM services WHERE deleted = 0 AND `binary` = 'cinder-volume'"
        )
        return {host: int(count) for host, count in rows}

    def stop(self, seconds=60):
        """SIGTERM; our worker must end with status 0 within the time."""
        began = time.monotonic()
        self.process.child.terminate()
        try:
            status = self.process.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise LabError(
                f"{self.process.name} still runs {seconds} s after SIGTERM\n{self.process.tail()}"
            ) from None
        self.process.kill()
        if self.kind == "ours" and status != 0:
            raise LabError(
                f"{self.process.name} ended with status {status} after SIGTERM, "
                f"{time.monotonic() - began:.1f} s\n{self.process.tail()}"
            )


class BackupHost:
    """cinder-backup, which keeps backups in a folder and attaches volumes by itself."""

    def __init__(self, plane, xms):
        self.plane = plane
        self.process = python_service(
            plane, xms, "cinder-backup", ["--config-file", plane.cinder_conf],
            plane.services.state.logs / "cinder-backup.log",
        )

    def start(self, seconds=180):
        """Starts it and waits for its service row."""
        self.process.start()
        row = "SELECT id FROM services WHERE `binary` = 'cinder-backup'"
        wait_until("cinder-backup's service row", lambda: self.plane.sql(row), seconds, self.process)
        return self


def service_hosts(backends=BACKENDS):
    """The `host` of each backend's service row."""
    return [f"{HOST}@{backend}" for backend in backends]
