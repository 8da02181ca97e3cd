"""The rules by which a run's outcome is told, each shown to find its fault: python3 -m unittest."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in ("lab", "e2e", "tempest"):
    sys.path.insert(0, str(HERE.parent / folder))

import aftermath  # noqa: E402
import lists  # noqa: E402
import report  # noqa: E402
from process import LabError  # noqa: E402
from results import Results, counts, verdicts  # noqa: E402

A, B, C = (f"tempest.api.volume.test_x.Some.test_{n}" for n in "abc")


def line(test, status, **more):
    return {"test": test, "status": status, "seconds": 1.0, **more}


class ListsTest(unittest.TestCase):
    def test_a_test_or_its_class_is_left_out_with_its_reason(self):
        tests = [A + "[id-1]", B + "[id-2]", "tempest.api.volume.test_y.Other.test_d[id-3]"]
        run, left_out = lists.select(tests, {
            "one": {A: "moves bytes"}, "two": {"tempest.api.volume.test_y.Other": "needs nova"},
        })
        self.assertEqual(run, [B + "[id-2]"])
        self.assertEqual(left_out, {
            "one": {A: "moves bytes"},
            "two": {"tempest.api.volume.test_y.Other.test_d": "needs nova"},
        })

    def test_a_name_that_only_begins_alike_is_run(self):
        run, _ = lists.select([A, A + "_again"], {"one": {A: "why"}})
        self.assertEqual(run, [A + "_again"])

    def test_an_entry_that_names_nothing_is_a_fault(self):
        with self.assertRaisesRegex(LabError, "one.txt: " + B):
            lists.select([A], {"one": {B: "gone"}})

    def test_an_entry_without_a_reason_is_a_fault(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "one.txt").write_text("# title\ntest_x.Some  # why\ntest_y.Other\n")
            with self.assertRaisesRegex(LabError, "line 3"):
                lists.read("one", Path(folder))

    def test_the_lists_that_are_there_can_be_read_and_name_nothing_twice(self):
        names = lists.lists_for("ours", "fc")
        self.assertEqual(set(names), {path.stem for path in lists.FOLDER.iterdir()})
        self.assertEqual(set(names) - set(lists.lists_for("python", "fc")), {"unbuilt", "fibre-channel"})
        self.assertEqual(set(names) - set(lists.lists_for("ours", "iscsi")), {"fibre-channel"})
        entries = [entry for name in names for entry in lists.read(name)]
        self.assertEqual(len(entries), len(set(entries)))


class VerdictsTest(unittest.TestCase):
    def test_what_was_selected_and_never_ended_has_failed(self):
        found = verdicts([A, B], [line(A, "passed")])
        self.assertEqual(counts(found), {"passed": 1, "failed": 1, "skipped": 0})

    def test_a_class_that_was_not_set_up_speaks_for_its_tests(self):
        set_up = line("setUpClass (tempest.api.volume.test_x.Some)", "failed", reason="no image")
        found = verdicts([A, B], [set_up, line(B, "passed")])
        self.assertEqual([(f["test"], f["status"]) for f in found], [(A, "failed"), (B, "passed")])
        self.assertEqual(found[0]["reason"], "no image")

    def test_a_class_that_was_not_taken_down_is_a_failure_of_its_own(self):
        down = line("tearDownClass (tempest.api.volume.test_x.Some)", "failed", reason="busy")
        found = verdicts([A], [line(A, "passed"), down])
        self.assertEqual(counts(found), {"passed": 1, "failed": 1, "skipped": 0})

    def test_the_last_sitting_counts_and_tries_are_told(self):
        sitting = {"test": "", "status": "sitting", "seconds": 5}
        found = verdicts([A], [line(A, "failed", reason="cut off"), sitting, line(A, "passed")])
        self.assertEqual([(f["status"], f["tries"]) for f in found], [("passed", 2)])

    def test_results_survive_a_line_that_was_torn(self):
        with tempfile.TemporaryDirectory() as folder:
            results = Results(folder, "one")
            results.path.write_text(json.dumps(line(A, "passed")) + "\n" + '{"test": "tor')
            results.note_sitting(7)
            self.assertEqual(results.passed(), {A})
            self.assertEqual(results.lines()[-1]["seconds"], 7)


class ReportTest(unittest.TestCase):
    def run_of(self, *tests, findings=()):
        return {
            "host": "ours", "protocol": "fc", "xms": "4.2", "commit": "c0ffee", "date": "2026-01-01",
            "seconds": 9, "counts": counts(tests), "left_out": {"image-bytes": {A: "why"}},
            "findings": list(findings), "notes": [], "tests": list(tests),
        }

    def test_failed_skipped_and_left_over_are_failures(self):
        run = self.run_of(line(A, "passed"), line(B, "failed"), line(C, "skipped"), findings=["row"])
        self.assertEqual(report.failures(run), [f"failed: {B}", f"skipped: {C}", "row"])
        self.assertEqual(report.failures(self.run_of(line(A, "passed"))), [])

    def test_a_row_takes_the_place_of_the_one_before_and_of_no_other(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "doc.md"
            path.write_text("# Title\n\n## Last results\n\n## After\n\ntext | ours | fc |\n")
            for host, status in (("python", "passed"), ("ours", "failed"), ("ours", "passed")):
                report.enter({**self.run_of(line(A, status)), "host": host}, path)
            text = path.read_text()
        rows = [text for text in text.splitlines() if text.startswith(("| ours", "| python"))]
        self.assertEqual([row.split()[1] for row in rows], ["ours", "python"])
        self.assertIn("| 1      | 0      | 0       |", rows[0])
        self.assertTrue(text.endswith("\n\n## After\n\ntext | ours | fc |\n"), text)


class LogTest(unittest.TestCase):
    def test_errors_are_told_from_what_only_mentions_them(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            log.write_text(
                "2026-11-23 03:00:00.123 77 INFO app [-] no ERROR here\n"
                "2026-11-23 03:00:00.124 77 ERROR app [-] broken\n"
                "thread 'main' panicked at src/main.rs:1\n"
            )
            self.assertEqual(len(aftermath.errors_in(log)), 2)


if __name__ == "__main__":
    unittest.main()
