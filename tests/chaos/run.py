#!/usr/bin/env python3
"""Chaos: a volume host under commands while everything around it dies; then a count of what is left.

    run.py [--host ours|python] [--seed N] [--part NAME ...] [--state DIR] [--report FILE]

Without --host our worker is run first and then Python's cinder-volume, for comparison. Each part's
result is a file in the state folder, so that a run that was interrupted goes on with the parts not
done; a run that reaches its end takes them away. The seed decides volumes, order, faults and their
moments (not how long anything takes). Status 1: our worker lost, doubled, left or blocked
something. Programs come from CVX_BIN and CVX_PY_VENV (tests/lab/env.sh).
"""

import argparse
import json
import os
import random
import sys
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
for folder in ("lab", "e2e"):
    sys.path.insert(0, str(HERE.parent / folder))
sys.path.insert(0, str(HERE))

import parts_services  # noqa: E402, F401  enters its parts
import parts_time  # noqa: E402, F401  enters its parts
import report  # noqa: E402
from campaign import commit, limit  # noqa: E402
from hosts import Simulator  # noqa: E402
from parts import PARTS  # noqa: E402
from play import Play  # noqa: E402
from process import LabError  # noqa: E402
from services import ROOT, Interrupted, Services, end_by_exception  # noqa: E402
from stage import Stage, kill_points  # noqa: E402

DEFAULT_SEED = 20260
ORDER = ("calm", "kill-random", "kill-points", "sigterm", "cut", "broker-quorum", "broker-default",
         "database", "xms", "long", "call", "throughput")


class Results:
    """One file per host and part in the state folder."""

    def __init__(self, folder, seed):
        self.folder, self.seed = Path(folder), seed
        self.folder.mkdir(parents=True, exist_ok=True)

    def file(self, host, name):
        return self.folder / f"{host}-{name}-{self.seed}.json"

    def load(self, host, name):
        """The result of an earlier run, or None."""
        try:
            return json.loads(self.file(host, name).read_text())
        except (OSError, ValueError):
            return None

    def save(self, result):
        """Keeps a result, whole or not at all."""
        path = self.file(result["host"], result["part"])
        path.with_suffix(".new").write_text(json.dumps(result))
        path.with_suffix(".new").rename(path)

    def forget(self, pairs):
        """Takes away what a finished run has reported."""
        for host, name in pairs:
            self.file(host, name).unlink(missing_ok=True)
        try:
            self.folder.rmdir()
        except OSError:  # another seed's are there
            pass


def play_part(stage, binary, host, one, seed):
    """Plays one part; its result."""
    result = {"host": host, "part": one.name, "title": one.title, "seed": seed, "notes": {}}
    began = time.monotonic()
    # a generator of its own: a part is the same whether others ran before it or not
    rng = random.Random(f"{seed}-{one.name}")
    if one.needs_kill_points and (host != "ours" or not kill_points(binary)):
        result["notes"]["skipped"] = "this host has no named kill points"
        return {**result, "seconds": 0, "counts": {}, "details": [], "information": {}}
    try:
        with Play(stage, binary, host, one, rng) as play, limit(one.limit):
            one.script(play)
            play.settle()
            result |= play.result()
    except Interrupted:
        raise
    except Exception as why:  # also a harness that is wrong: its trace is the result
        text = str(why) if isinstance(why, LabError) else traceback.format_exc()
        result |= {"broken": text, "seconds": round(time.monotonic() - began, 1)}
    return result


def play_all(todo, results, seed):
    """Builds the stage and plays what is to be played."""
    binary, venv = os.environ["CVX_BIN"], os.environ["CVX_PY_VENV"]
    began = time.monotonic()
    with Services(["rabbit", "mariadb"]) as services:
        with Simulator(services, binary) as xms:
            stage = Stage(services, xms, venv)
            stage.make_schema()
            print(f"chaos: stage ready after {time.monotonic() - began:.1f} s", flush=True)
            bad = False
            for host, name in todo:
                result = play_part(stage, binary, host, PARTS[name], seed)
                results.save(result)
                counts = {k: n for k, n in result.get("counts", {}).items() if n}
                said = result.get("broken") or result["notes"].get("skipped") or counts or "clean"
                print(f"  {result['seconds']:6.1f} s  {host:6}  {name:15} {said}", flush=True)
                bad |= bool(report.failures([result])) or "broken" in result
            if bad:
                services.keep_logs()


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", choices=["ours", "python"], help="default: both, one by one")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--part", action="extend", nargs="+", choices=ORDER, metavar="NAME",
                        help=", ".join(ORDER))
    cache = os.environ.get("CVX_CACHE", Path.home() / ".cache/cinder-volume-xtremio")
    parser.add_argument("--state", default=os.environ.get("CHAOS_STATE"))
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    parser.add_argument("--report", default=Path(target) / "chaos" / "report")
    args = parser.parse_args()
    end_by_exception()
    names = [name for name in ORDER if name in (args.part or ORDER)]
    wanted = [(host, name) for host in ([args.host] if args.host else ["ours", "python"])
              for name in names]
    results = Results(args.state or Path(cache) / f"chaos-{commit()}", args.seed)
    todo = [pair for pair in wanted if "broken" in (results.load(*pair) or {"broken": "never"})]
    print(f"chaos: seed {args.seed}, {len(todo)} of {len(wanted)} parts to play, "
          f"state in {results.folder}", flush=True)
    try:
        if todo:
            play_all(todo, results, args.seed)
    except Interrupted as why:
        print(f"chaos: ended by {why}; the same command goes on", file=sys.stderr)
        return 130
    except LabError as why:
        print(f"chaos: {why}", file=sys.stderr)
        return 70
    found = [results.load(*pair) for pair in wanted]
    report.show(found)
    print(f"\nchaos: report in {report.write(found, args.seed, args.report)}")
    results.forget(wanted)
    if failed := report.failures(found):
        print("chaos: FAILED for our host: " + "; ".join(failed))
        return 1
    print("chaos: our host as promised" if args.host != "python" else "chaos: done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
