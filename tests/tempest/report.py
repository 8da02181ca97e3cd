"""One run of one host over one protocol: to the terminal, as JSON, and as a row in docs."""

import json
import re
from pathlib import Path

COLUMNS = ("Host", "Protocol", "XMS", "Tests", "Passed", "Failed", "Skipped", "Left out", "Left over",
           "Seconds", "Commit", "Date")
MARK = "## Last results"


def failures(run):
    """What must not be, as lines of text."""
    found = [f"{t['status']}: {t['test']}" for t in run["tests"] if t["status"] != "passed"]
    return found + run["findings"]


def row(run):
    """The cells of one run."""
    counts = run["counts"]
    left_out = ", ".join(f"{len(tests)} {name}" for name, tests in run["left_out"].items() if tests)
    return [run["host"], run["protocol"], run["xms"], len(run["tests"]), counts["passed"],
            counts["failed"], counts["skipped"], left_out, len(run["findings"]), run["seconds"],
            run["commit"], run["date"]]


def table(rows):
    """Rows of text as lines of markdown, which a terminal shows well, too."""
    rows = [list(COLUMNS), *([str(cell) for cell in cells] for cells in rows)]
    widths = [max(len(cells[n]) for cells in rows) for n in range(len(COLUMNS))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"
             for cells in rows]
    return [lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]]


def show(runs):
    """The table, and of each run what must not be."""
    print("\n" + "\n".join(table(map(row, runs))))
    for run in runs:
        for test in run["tests"]:
            if test["status"] != "passed":
                print(f"\n{run['host']}, {run['protocol']}: {test['status']}: {test['test']}\n"
                      + "\n".join(f"  {line}" for line in test.get("reason", "").splitlines()[-8:]))
        for what, found in (("must not be", run["findings"]), ("noted", run["notes"])):
            for line in found[:20]:
                print(f"{run['host']}, {run['protocol']}: {what}: {line}")


def write(run, folder, name):
    """Every test's result, for comparison with another run; the file's name."""
    path = Path(folder) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=1) + "\n")
    return path


def enter(run, path):
    """Puts the run's row into the table of last results, in place of the one before."""
    text = path.read_text(encoding="utf-8")
    head, mark, rest = text.partition(MARK + "\n")
    if not mark:
        raise ValueError(f"{path} has no heading {MARK}")
    body, next_heading, tail = rest.partition("\n## ")
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in body.splitlines() if re.match(r"\|\s*(ours|python)\s*\|", line)]
    new = [str(cell) for cell in row(run)]
    rows = sorted([*(r for r in rows if r[:3] != new[:3]), new],
                  key=lambda r: (r[0], r[1] == "fc", r[2]))
    body = "\n" + "\n".join(table(rows)) + "\n"
    path.write_text(head + mark + body + next_heading + tail, encoding="utf-8")
