"""What the tests of one run ended with: one file, added to by every sitting."""

import json
from collections import Counter
from pathlib import Path

NO_RESULT = "no result: its worker process ended before"


class Results:
    """The lines that stream.py writes, over all sittings of a run of that name."""

    def __init__(self, folder, name):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / f"{name}.jsonl"

    def lines(self):
        """All results in the order in which they came; a line torn by a kill is none."""
        found = []
        if self.path.exists():
            for text in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    found.append(json.loads(text))
                except ValueError:
                    continue
        return found

    def passed(self):
        """The tests that need not be run again."""
        return {line["test"] for line in self.lines() if line["status"] == "passed"}

    def note_sitting(self, seconds):
        """Keeps how long a sitting took."""
        with open(self.path, "a", encoding="utf-8") as file:
            file.write("\n" + json.dumps({"test": "", "status": "sitting", "seconds": seconds}) + "\n")

    def forget(self):
        """Takes away what a finished run has reported."""
        self.path.unlink(missing_ok=True)
        try:
            self.folder.rmdir()
        except OSError:  # another run's are there
            pass


def verdicts(names, lines):
    """One result for each selected test and for each class fixture that failed.

    The last sitting's result counts. A class whose set-up failed or was skipped has that result
    for all of its tests: Tempest tells of no single one then.
    """
    last, tries, fixtures = {}, Counter(), {}
    for line in lines:
        if line["status"] == "sitting":
            continue
        kind, _, rest = line["test"].partition(" (")
        if rest:  # `setUpClass (package.module.Class)`
            fixtures[(rest.rstrip(")"), kind)] = line
        else:
            last[line["test"]] = line
            tries[line["test"]] += 1
    found = []
    for name in sorted(names):
        group = name.rpartition(".")[0]
        line = last.get(name) or fixtures.get((group, "setUpClass"))
        line = line or {"status": "failed", "seconds": None, "reason": NO_RESULT}
        found.append({**line, "test": name, "tries": max(1, tries[name])})
    found += [{**line, "tries": 1} for (_, kind), line in sorted(fixtures.items())
              if line["status"] == "failed" and kind != "setUpClass"]
    return found


def counts(found):
    """{"passed": n, "failed": n, "skipped": n}"""
    seen = Counter(line["status"] for line in found)
    return {status: seen[status] for status in ("passed", "failed", "skipped")}
