"""The checker's rules, each shown to find its fault: python3 -m unittest, in this folder."""

import sys
import unittest
from pathlib import Path

for folder in ("lab", "e2e", "chaos"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / folder))

import checker  # noqa: E402


def asked(kind, ident="v1", answer=None, **more):
    """A request as the publisher's record holds it, confirmed unless said otherwise."""
    return {"kind": kind, "id": ident, "tag": "", "answer": answer or {"confirmed": True}, **more}


def row(status, ident="v1", size=2, deleted=False, host="h@b#p"):
    return {"id": ident, "status": status, "size": size, "deleted": deleted, "host": host}


def facts(volumes=(), array=(), **more):
    """Facts with quota that fits the rows, unless given."""
    live = [v for v in volumes if not v["deleted"]]
    usages = [
        {"project": "p", "resource": "volumes", "in_use": len(live), "reserved": 0},
        {"project": "p", "resource": "gigabytes__DEFAULT__", "in_use": sum(v["size"] for v in live),
         "reserved": 0},
    ]
    return {"volumes": list(volumes), "array": list(array), "usages": usages, "reservations": [],
            "workers": [], "messages": [], "notifications": [], **more}


class Checker(unittest.TestCase):
    def counts(self, *arguments, **more):
        """Only what is not zero."""
        found = checker.verdict(*arguments, **more)
        self.assertEqual(len(found["details"]) > 0, any(found["counts"].values()), found)
        return {name: n for name, n in found["counts"].items() if n}

    def test_what_ended_well_is_clean(self):
        seen = facts([row("available"), row("deleted", "v2", deleted=True)], [["v1", 2]])
        requests = [asked("create"), asked("create", "v2"), asked("delete", "v2")]
        self.assertEqual(self.counts(seen, requests), {})

    def test_a_row_in_progress_is_stuck(self):
        for kind, status in (("create", "creating"), ("delete", "deleting")):
            array = [["v1", 2]] if kind == "delete" else []
            self.assertEqual(self.counts(facts([row(status)], array), [asked(kind)]), {"stuck": 1})

    def test_available_without_its_object_or_with_another_size_is_lost(self):
        for array in ([], [["v1", 3]]):
            self.assertEqual(self.counts(facts([row("available")], array), [asked("create")]), {"lost": 1})

    def test_a_confirmed_delete_that_left_the_volume_is_lost(self):
        seen = facts([row("available")], [["v1", 2]])
        self.assertEqual(self.counts(seen, [asked("create"), asked("delete")]), {"lost": 1})

    def test_a_refused_delete_changes_nothing(self):
        seen = facts([row("available")], [["v1", 2]])
        refused = asked("delete", answer={"refused": True})
        self.assertEqual(self.counts(seen, [asked("create"), refused]), {})

    def test_a_missing_row_and_a_delete_nobody_asked_for_are_lost(self):
        self.assertEqual(self.counts(facts(), [asked("create")]), {"lost": 1})
        gone = facts([row("deleted", deleted=True)])
        self.assertEqual(self.counts(gone, [asked("create")]), {"lost": 1})

    def test_an_error_counts_unless_it_was_provoked_or_is_a_visible_recovery(self):
        message = {"id": "v1", "action": "008", "detail": "001", "count": 1}
        plain, told = facts([row("error")]), facts([row("error")], messages=[message])
        self.assertEqual(self.counts(plain, [asked("create")]), {"errors": 1})
        self.assertEqual(self.counts(told, [asked("create")]), {"errors": 1})
        self.assertEqual(self.counts(plain, [asked("create", may_fail=True)]), {})
        self.assertEqual(self.counts(told, [asked("create")], recovery_allowed=True), {"recovered": 1})
        self.assertEqual(self.counts(plain, [asked("create")], recovery_allowed=True), {"errors": 1})

    def test_array_objects_need_a_live_row_that_leads_to_them(self):
        for volumes in ([], [row("deleted", deleted=True)], [row("error", host="")]):
            self.assertEqual(self.counts(facts(volumes, [["v1", 2]]), []), {"orphans": 1})
        # a delete by the user reaches this one
        self.assertEqual(self.counts(facts([row("error")], [["v1", 2]]), []), {})

    def test_quota_is_compared_with_a_recount(self):
        def quota(used, held=0):
            usage = {"project": "p", "resource": "volumes", "in_use": used, "reserved": held}
            return facts([row("available")], [["v1", 2]], usages=[usage])

        self.assertEqual(self.counts(quota(1), []), {})
        self.assertEqual(self.counts(quota(2), []), {"orphans": 1})
        self.assertEqual(self.counts(quota(0), []), {"doubled": 1})
        self.assertEqual(self.counts(quota(1, 1), []), {"orphans": 1})

    def test_reservations_and_worker_rows_are_left_over(self):
        seen = facts([row("available")], [["v1", 2]], reservations=[["u", "volumes", "-1"]],
                     workers=[["Volume", "v1", "creating", "2"]])
        self.assertEqual(self.counts(seen, [asked("create")]), {"orphans": 2})
        # with the row in progress it is one finding, not two
        seen = facts([row("creating")], workers=[["Volume", "v1", "creating", ""]])
        self.assertEqual(self.counts(seen, [asked("create")]), {"stuck": 1})

    def test_reservations_of_lost_growth_expire_and_others_do_not(self):
        def seen(delta, status="error_extending"):
            reservations = [["r1", "gigabytes__DEFAULT__", str(delta)]]
            found = facts([row(status)], [["v1", 2]], reservations=reservations,
                          messages=[{"id": "v1", "action": "007", "detail": "001", "count": 1}])
            found["usages"][1]["reserved"] = delta
            return found

        requests = [asked("create"), asked("extend", size=5)]
        self.assertEqual(self.counts(seen(3), requests, recovery_allowed=True), {"recovered": 1})
        self.assertEqual(self.counts(seen(3), requests), {"errors": 1, "orphans": 2})
        self.assertEqual(self.counts(seen(4), requests, recovery_allowed=True),
                         {"recovered": 1, "orphans": 2})

    def test_each_call_has_one_reply(self):
        call = {"kind": "call", "id": None, "tag": "", "method": "get_capabilities", "timeout": 60}
        late = {**call, "answer": {"timed_out": True}}
        good = {**call, "answer": {"replied": True}}
        self.assertEqual(self.counts(facts(), [good]), {})
        self.assertEqual(self.counts(facts(), [late]), {"lost": 1})
        self.assertEqual(self.counts(facts(), [{**late, "may_time_out": True}], {"late_replies": 1}), {})
        self.assertEqual(self.counts(facts(), [good], {"late_replies": 1}), {"doubled": 1})
        self.assertEqual(self.counts(facts(), [{**call, "answer": {"failed": "X"}}]), {"errors": 1})

    def test_messages_and_reschedules_come_once_for_a_failure(self):
        message = {"id": "v1", "action": "008", "detail": "012", "count": 2}
        seen = facts([row("error")], messages=[message])
        failing = asked("create", may_fail=True)
        self.assertEqual(self.counts(seen, [failing]), {"doubled": 1})
        back = {"given_back": [{"id": "v1", "attempt": 1}]}
        self.assertEqual(self.counts(seen, [failing], back), {})
        twice = {"given_back": [{"id": "v1", "attempt": 1}] * 2}
        self.assertEqual(self.counts(facts([row("error")]), [failing], twice), {"doubled": 1})

    def test_what_was_never_confirmed_is_judged_apart(self):
        failed = asked("create", answer={"failed": "MessageDeliveryFailure"})
        self.assertEqual(self.counts(facts([row("creating")]), [failed]), {"unconfirmed": 1})
        unanswered = {**asked("create"), "answer": None}
        self.assertEqual(self.counts(facts([row("creating")]), [unanswered]), {"unconfirmed": 1})

    def test_growth_is_judged_by_row_and_array(self):
        grown = asked("extend", size=3)
        self.assertEqual(self.counts(facts([row("available", size=3)], [["v1", 3]]), [grown]), {})
        self.assertEqual(self.counts(facts([row("available", size=3)], [["v1", 2]]), [grown]), {"lost": 1})
        self.assertEqual(self.counts(facts([row("available")], [["v1", 2]]), [grown]), {"lost": 1})
        self.assertEqual(self.counts(facts([row("error_extending")]), [grown]), {"errors": 1})
        self.assertEqual(self.counts(facts([row("extending")]), [grown]), {"stuck": 1})

    def snapshots(self, status, array, deleted=False, **more):
        """Facts of one volume with one snapshot."""
        taken = {"id": "s1", "status": status, "size": 2, "deleted": deleted, "volume": "v1"}
        held = 2 if deleted else 4
        usages = [{"project": "p", "resource": "gigabytes", "in_use": held, "reserved": 0},
                  {"project": "p", "resource": "snapshots", "in_use": held // 2 - 1, "reserved": 0}]
        return facts([row("available")], [["v1", 2], *array], snapshots=[taken], usages=usages,
                     **{"ancestors": {"s1": "v1"}, **more})

    def test_snapshots_are_judged_by_row_and_array(self):
        made, gone = asked("snapshot", "s1"), asked("delete_snapshot", "s1")
        there = [["s1", 2]]
        self.assertEqual(self.counts(self.snapshots("available", there), [made]), {})
        self.assertEqual(self.counts(self.snapshots("deleted", [], deleted=True), [made, gone]), {})
        self.assertEqual(self.counts(self.snapshots("available", []), [made]), {"lost": 1})
        self.assertEqual(self.counts(self.snapshots("creating", []), [made]), {"stuck": 1})
        self.assertEqual(self.counts(self.snapshots("error", []), [made]), {"errors": 1})
        self.assertEqual(self.counts(self.snapshots("available", there), [gone]), {"lost": 1})
        left = self.snapshots("deleted", there, deleted=True)
        self.assertEqual(self.counts(left, [gone]), {"orphans": 1})
        interim = self.snapshots("available", [*there, ["v1.s1", 2]])
        self.assertEqual(self.counts(interim, [made]), {"orphans": 1})
        other = self.snapshots("available", there, ancestors={"s1": "v9"})
        self.assertEqual(self.counts(other, [made]), {"lost": 1})

    def test_quota_counts_snapshots(self):
        seen = self.snapshots("available", [["s1", 2]])
        for usage, kind in ((0, "doubled"), (2, "orphans")):
            seen["usages"][1]["in_use"] = usage
            self.assertEqual(self.counts(seen, []), {kind: 1})

    def test_mappings_and_attachments_belong_together(self):
        held = [{"id": "a1", "volume": "v1", "status": "attached", "host": "h"}]
        done = {"replied": True}
        taken = asked("attach", answer=done)

        def seen(status, attachments, maps):
            return facts([row(status)], [["v1", 2]], attachments=attachments, maps=maps)

        self.assertEqual(self.counts(seen("in-use", held, [["v1", "g"]]), [taken]), {})
        self.assertEqual(self.counts(seen("in-use", held, []), [taken]), {"lost": 1})
        self.assertEqual(self.counts(seen("available", [], []), [taken]), {"lost": 1})
        freed = asked("detach", answer=done)
        self.assertEqual(self.counts(seen("available", [], []), [freed]), {})
        self.assertEqual(self.counts(seen("available", [], [["v1", "g"]]), [freed]), {"orphans": 1})
        reserved = [{**held[0], "status": "reserved"}]
        self.assertEqual(self.counts(seen("available", reserved, []), [freed]), {"stuck": 1})
        late = asked("attach", answer={"timed_out": True}, timeout=60)
        self.assertEqual(self.counts(seen("available", [], []), [late]), {"lost": 1})
        late["may_time_out"] = True
        self.assertEqual(self.counts(seen("available", [], []), [late]), {})


if __name__ == "__main__":
    unittest.main()
