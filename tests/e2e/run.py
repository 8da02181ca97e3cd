#!/usr/bin/env python3
"""End to end: the worker and the simulated array under a real OpenStack control plane.

    run.py [--host ours|python] [LIST...]

Lists, in order: first_light, attach, old_attach, copies, images, refused, exchange, faults. `--host python`
runs the same steps on Python's cinder-volume (less `refused`), to see what the original does. Programs come from
CVX_BIN, CVX_PY_VENV and CVX_CLIENT_VENV (tests/lab/env.sh); logs of a failed run are kept.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

import attach  # noqa: E402
import copies  # noqa: E402
import exchange  # noqa: E402
import faults  # noqa: E402
import first_light  # noqa: E402
import images  # noqa: E402
import old_attach  # noqa: E402
import refused  # noqa: E402
from cloud import Cloud  # noqa: E402
from control_plane import ControlPlane  # noqa: E402
from fabrics import fabrics_of  # noqa: E402
from hosts import Simulator, VolumeHost  # noqa: E402
from process import LabError  # noqa: E402
from services import Interrupted, Services, end_by_exception  # noqa: E402
from settings import BACKENDS  # noqa: E402

LISTS = {
    "first_light": first_light.step,
    "attach": attach.step,
    "old_attach": old_attach.step,
    "copies": copies.step,
    "images": images.step,
    "refused": refused.step,
    "exchange": exchange.step,
    "faults": faults.step,
}
# move bytes of images
NEED_IMAGES = {"images"}


class Lab:
    """What every step gets: the cloud, the array, and the volume host of the moment."""

    def __init__(self, plane, xms, binary, client_venv, kind):
        self.plane, self.xms, self.binary, self.kind = plane, xms, binary, kind
        self.client_venv = client_venv
        self.admin = Cloud(plane, client_venv)
        self.receiver = Cloud(plane, client_venv, "receiver")
        self.refused = Cloud(plane, client_venv, "refused")
        self.fabrics = fabrics_of(self)
        self.host = None

    def close(self):
        """Ends the clients, and the volume host if there still is one."""
        for fabric in self.fabrics.values():
            fabric.user.close()
        if self.host:
            self.host.process.kill()

    def start_host(self, kind, extra=None):
        """Starts a cinder-volume of that kind; the one before must have been stopped."""
        self.host = VolumeHost(self.plane, self.binary, kind, self.xms, extra)
        self.host.start()

    def ready(self):
        """A volume host and the clients run; called by the first step of a list that needs them."""
        if self.host is None:
            self.start_host(self.kind)
        for fabric in self.fabrics.values():
            fabric.user.start()

    def stop_host(self):
        """SIGTERM to the volume host, if there is one."""
        if self.host:
            self.host.stop()
        self.host = None

    def make_types(self):
        """One volume type per backend, as the first list makes them by the client."""
        for name in BACKENDS:
            kind = {"name": name, "extra_specs": {"volume_backend_name": name}}
            self.admin.expect(200, "POST", "/types", {"volume_type": kind})

    def create_many(self, prefix, count):
        """Asks for volumes on all backends in turn; their ids."""
        names = list(BACKENDS)
        return [
            self.admin.create(f"{prefix}-{n}", 1, volume_type=names[n % len(names)])
            for n in range(count)
        ]

    def start_deleting(self, idents):
        """Asks for the volumes to be deleted."""
        for ident in idents:
            self.admin.expect(202, "DELETE", f"/volumes/{ident}")

    def delete_many(self, idents):
        """Deletes volumes and waits until they are gone."""
        self.start_deleting(idents)
        for ident in idents:
            self.admin.wait("volume", ident, None, 120)

    def usage(self, cloud):
        """{"volumes": n, "gigabytes": n} in use by a project, nothing reserved."""
        limits = cloud.expect(200, "GET", "/limits")["limits"]["absolute"]
        return {"volumes": limits["totalVolumesUsed"], "gigabytes": limits["totalGigabytesUsed"]}

    def interrupt(self, relays, stall=False):
        """Takes lines away for long enough to be noticed, then gives them back."""
        for relay in relays:
            (relay.stall if stall else relay.cut)()
        time.sleep(3)  # the length of the outage is the test, nothing is awaited
        for relay in relays:
            relay.restore()

    def logs_of_interest(self):
        """Which logs explain a failed step."""
        logs = [self.xms.process.log, self.plane.log("cinder-scheduler")]
        if self.host:
            logs.insert(0, self.host.process.log)
        return logs


def run_lists(names, kind):
    """Builds the cloud, runs the lists; (passed, failed)."""
    binary, venv = os.environ["CVX_BIN"], os.environ["CVX_PY_VENV"]
    began = time.monotonic()

    def told(what):
        print(f"  ready  {time.monotonic() - began:6.1f} s  {what}", flush=True)

    passed = failed = 0
    with Services(["rabbit", "mariadb"]) as services:
        told("RabbitMQ and MariaDB")
        # Glance and real disks for those who need them, so that the others start sooner
        more = bool(NEED_IMAGES.intersection(names))
        with (
            Simulator(services, binary, luns=more) as xms,
            ControlPlane(services, venv) as plane,
        ):
            told(f"simulated array{' with disks' * more}, keystone, "
                 f"{'glance-api, ' * more}cinder-api, cinder-scheduler")
            lab = Lab(plane, xms, binary, os.environ["CVX_CLIENT_VENV"], kind)
            try:
                if "first_light" not in names:
                    lab.make_types()
                for name in names:
                    good, bad = LISTS[name].run(lab)
                    passed, failed = passed + good, failed + bad
                    if bad:
                        services.keep_logs()
                        break
            finally:
                lab.close()
    return passed, failed


def main():
    """The command line; status 1 when a step failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", choices=["ours", "python"], default="ours")
    parser.add_argument("lists", nargs="*", metavar="LIST", help=", ".join(LISTS))
    args = parser.parse_args()
    # by name only until it has been played to its end on both hosts
    not_yet = {"images"}
    names = args.lists or [
        n for n in LISTS if n not in not_yet and (n != "refused" or args.host == "ours")
    ]
    if unknown := [n for n in names if n not in LISTS]:
        parser.error(f"no list {', '.join(unknown)}")
    end_by_exception()
    try:
        passed, failed = run_lists(names, args.host)
    except Interrupted as why:
        print(f"e2e: ended by {why}", file=sys.stderr)
        return 130
    except LabError as why:
        print(f"e2e: {why}", file=sys.stderr)
        passed, failed = 0, 1
    print(f"\ne2e: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
