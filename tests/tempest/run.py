#!/usr/bin/env python3
"""Tempest: OpenStack's own tests of the volume API on a whole control plane, over iSCSI and over FC.

    run.py [--host ours|python] [--protocol iscsi|fc ...] [--only TEXT] [--workers N]

Runs all of tempest.api.volume but what the files in lists/ name with a reason. Without --protocol
both are run, one by one, each on a cloud of its own with two backends of that protocol.
`--host python` puts Python's cinder-volume in the place of ours, which also gets the tests of
lists/unbuilt.txt, and over FC those of lists/fibre-channel.txt. Status 1: a test failed or was skipped, or something was left over. Each test's
result is kept as it ends: the same command runs what an interrupted run has not passed. Programs
come from CVX_BIN, CVX_PY_VENV and CVX_TEMPEST_VENV (tests/lab/env.sh).
"""

import argparse
import os
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
for folder in ("lab", "e2e"):
    sys.path.insert(0, str(HERE.parent / folder))
sys.path.insert(0, str(HERE))

import aftermath  # noqa: E402
import lists  # noqa: E402
import report  # noqa: E402
import scene  # noqa: E402
from campaign import commit, limit  # noqa: E402
from cloud import Cloud  # noqa: E402
from control_plane import ControlPlane  # noqa: E402
from hosts import BackupHost, Simulator, VolumeHost  # noqa: E402
from process import LabError, run  # noqa: E402
from results import Results, counts, verdicts  # noqa: E402
from runner import Tempest  # noqa: E402
from services import ROOT, Interrupted, Services, end_by_exception  # noqa: E402

MOST_SECONDS = 55 * 60
DOCUMENT = ROOT / "docs" / "tempest.md"


class Part:
    """One host over one protocol."""

    def __init__(self, args, protocol):
        self.args, self.host, self.protocol = args, args.host, protocol
        self.name = f"{args.host}-{protocol}-{args.xms}" + ("-only" if args.only else "")
        self.results = Results(args.state, self.name)
        # as it is now: what is committed while the tests run is not what they test
        self.commit = version()

    def play(self):
        """Builds the cloud, runs the tests that have not passed, looks at what is left."""
        binary, venv = os.environ["CVX_BIN"], os.environ["CVX_PY_VENV"]
        began = time.monotonic()
        with Services(["rabbit", "mariadb"]) as services:
            settings = scene.settings_for(self.protocol)
            with (
                limit(MOST_SECONDS),
                Simulator(services, binary, self.args.xms, luns=True) as xms,
                ControlPlane(services, venv, settings) as plane,
            ):
                host = VolumeHost(plane, binary, self.host, xms)
                backup = BackupHost(plane, xms)
                try:
                    backup.start()
                    found = self._on(plane, xms, host, began)
                finally:
                    host.process.kill()
                    backup.process.kill()
            if report.failures(found):
                services.keep_logs()
        return found

    def _on(self, plane, xms, host, began):
        tempest = Tempest(os.environ["CVX_TEMPEST_VENV"], plane.services)
        images = [scene.add_image(plane, name) for name in ("first", "second")]
        scene.add_network_entry(plane)
        tempest.configure(scene.tempest_conf(plane, self.protocol, tempest.folder, images))
        host.start()
        scene.wait_for_pools(Cloud(plane, None))
        selected, left_out = lists.select(
            tempest.tests(), {name: lists.read(name) for name in lists.lists_for(self.host, self.protocol)}
        )
        selected = [t for t in selected if self.args.only in t]
        passed = self.results.passed()
        todo = [t for t in selected if lists.bare(t) not in passed]
        print(f"tempest: {self.host}, {self.protocol}: cloud ready after {time.monotonic() - began:.1f} s, "
              f"{len(todo)} of {len(selected)} tests to run", flush=True)
        try:
            if todo:
                tempest.sit(todo, self.results.path, self.args.workers)
        finally:
            self.results.note_sitting(round(time.monotonic() - began))
        return self._outcome(plane, xms, host, selected, left_out)

    def _outcome(self, plane, xms, host, selected, left_out):
        lines = self.results.lines()
        tests = verdicts([lists.bare(t) for t in selected], lines)
        findings = aftermath.wait_for_nothing(plane, xms)
        notes = aftermath.misuse(xms)
        try:
            host.stop()
        except LabError as why:
            findings.append(str(why))
        if self.host == "ours":
            findings += [f"log: {line}" for line in aftermath.errors_in(host.process.log)]
        again = [t["test"] for t in tests if t["tries"] > 1]
        return {
            "host": self.host, "protocol": self.protocol, "xms": self.args.xms,
            "commit": self.commit, "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
            "seconds": sum(line["seconds"] for line in lines if line["status"] == "sitting"),
            "counts": counts(tests), "left_out": left_out, "findings": findings,
            "notes": notes + [f"run more than once: {test}" for test in again], "tests": tests,
        }


def version():
    """The commit, marked when the tree is not as committed (the table of results aside)."""
    changed = run(["git", "-C", ROOT, "status", "--porcelain", "--", ".", f":!{DOCUMENT}"], "git status")
    return commit() + ("+changes" if changed.strip() else "")


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", choices=["ours", "python"], default="ours")
    parser.add_argument("--protocol", action="extend", nargs="+", choices=list(scene.PROTOCOLS))
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="only tests with this in their names; not entered in docs")
    parser.add_argument("--workers", type=int, default=max(2, os.cpu_count() or 2))
    parser.add_argument("--xms", default="4.2", help="version of the simulated array")
    cache = os.environ.get("CVX_CACHE", Path.home() / ".cache/cinder-volume-xtremio")
    parser.add_argument("--state", default=Path(cache) / f"tempest-{commit()}")
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    parser.add_argument("--results", default=Path(target) / "tempest")
    return parser.parse_args()


def main():
    """Status 0 if every test passed and nothing is left over."""
    args = arguments()
    end_by_exception()
    # meant for a shell's own cloud, or for another run of Tempest: neither is this one
    for name in [n for n in os.environ if n.startswith(("OS_", "TEMPEST_"))]:
        del os.environ[name]
    finished = []
    try:
        for protocol in args.protocol or scene.PROTOCOLS:
            part = Part(args, protocol)
            found = part.play()
            finished.append(found)
            print(f"tempest: results in {report.write(found, args.results, part.name)}")
            part.results.forget()
            if not args.only:
                report.enter(found, DOCUMENT)
    except Interrupted as why:
        print(f"tempest: ended by {why}; the same command goes on", file=sys.stderr)
        return 130
    except LabError as why:
        print(f"tempest: {why}\ntempest: the same command goes on", file=sys.stderr)
        return 70
    report.show(finished)
    failed = [line for found in finished for line in report.failures(found)]
    print(f"\ntempest: {f'FAILED, {len(failed)} things are not as they must be' if failed else 'all passed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
