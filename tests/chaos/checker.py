"""Compares what was asked with what is there. Pure functions over collected facts.

| Verdict | A non-zero count means |
|---|---|
| lost | asked and confirmed, but neither done nor failed where anybody sees it; a call unanswered |
| doubled | a user message, a reply, a reschedule twice for one failure; quota given back twice |
| orphans | an array object, quota, reservation or worker row that nothing owns |
| stuck | a row in a state of work that nobody does |
| errors | ended in error although nothing was wrong with the request |
| recovered | ended by recovery, visibly: error with a user message, where a broker lost its queues |
| unconfirmed | the publisher could not confirm; judged for leftovers only |

What may be asked: `kind` create, delete, extend, attach, detach, snapshot, delete_snapshot or call; `may_fail`: an end in error is right, too;
`may_time_out`: so is a call without reply; `tag`: when it was asked.
"""

from facts import IN_PROGRESS
from links import SNAPSHOT_KINDS, judge_ancestors, judge_maps, judge_snapshot

VERDICTS = ("lost", "doubled", "orphans", "stuck", "errors", "recovered", "unconfirmed")
CALLS = ("call", "attach", "detach")
ALWAYS_ZERO = ("lost", "doubled", "orphans", "stuck", "errors")


def verdict(facts, asked, heard=None, recovery_allowed=False):
    """{"counts": {verdict: n}, "details": [text]} of one part."""
    found = Findings()
    rows = {row["id"]: row for row in facts["volumes"]}
    snapshots = {row["id"]: row for row in facts.get("snapshots", [])}
    objects = {}
    for name, size in facts["array"]:
        objects.setdefault(name, []).append(size)
    told = {message["id"] for message in facts["messages"]}
    for ident, last in last_requests(asked).items():
        if last["kind"] in SNAPSHOT_KINDS:
            where = f"{ident} ({last['kind']}{', ' + last['tag'] if last.get('tag') else ''})"
            if outcome(last) == "unconfirmed":
                found.add("unconfirmed", f"{where}: {last.get('answer')}")
            else:
                judge_snapshot(found, last, snapshots.get(ident), where)
            judge_size(found, snapshots.get(ident), objects.get(ident, []), where)
            continue
        judge_volume(found, last, rows.get(ident), objects.get(ident, []), ident in told,
                     recovery_allowed)
    judge_calls(found, asked, heard or {})
    judge_messages(found, facts["messages"], asked, heard or {})
    expiring = lost_growth(facts, asked, rows, told) if recovery_allowed else set()
    judge_leftovers(found, facts, {**snapshots, **rows}, objects, expiring)
    judge_ancestors(found, facts)
    judge_maps(found, facts)
    judge_quota(found, facts, expiring)
    return {"counts": found.counts, "details": found.details}


class Findings:
    """Counts per verdict, and a line of text for each finding."""

    def __init__(self):
        self.counts = dict.fromkeys(VERDICTS, 0)
        self.details = []

    def add(self, kind, text, times=1):
        self.counts[kind] += times
        self.details.append(f"{kind}: {text}")


def outcome(request):
    """confirmed, refused, unconfirmed (also: not answered) for a cast; for a call its end."""
    answer = request.get("answer") or {}
    for name in ("confirmed", "replied", "refused", "timed_out"):
        if answer.get(name):
            return name
    if request["kind"] in CALLS and "failed" in answer:
        return "failed"
    return "unconfirmed"


def last_requests(asked):
    """{volume id: the last request that changes it and was not refused}."""
    last = {}
    for request in asked:
        if changes(request) and outcome(request) != "refused":
            last[request["id"]] = request
    return last


def changes(request):
    """What a request does to its volume: create, delete or None."""
    if request["kind"] == "call":
        return {"create_volume": "create", "delete_volume": "delete"}.get(request.get("method"))
    return request["kind"]


def judge_volume(found, request, row, objects, told, recovery_allowed):
    """Where one volume ended, against the last thing that was asked of it."""
    what = changes(request)
    where = f"{request['id']} ({what}{', ' + request['tag'] if request.get('tag') else ''})"
    if outcome(request) == "unconfirmed":
        found.add("unconfirmed", f"{where}: {request.get('answer')}")
        return
    if row is None:
        found.add("lost", f"{where}: no row")
        return
    status = "deleted" if row["deleted"] else row["status"]
    if status in IN_PROGRESS:
        found.add("stuck", f"{where} is '{status}'")
        return
    if status.startswith("error"):
        if request.get("may_fail"):
            return
        kind = "recovered" if recovery_allowed and told else "errors"
        found.add(kind, f"{where} is '{status}', user {'told' if told else 'not told'}")
        return
    if what == "delete" and status != "deleted":
        found.add("lost", f"{where} is '{status}'")
    elif what != "delete" and status == "deleted":
        found.add("lost", f"{where} was deleted, which nobody asked for")
    elif what == "extend" and row["size"] != request["size"]:
        found.add("lost", f"{where} has {row['size']} GiB, asked for {request['size']}")
    elif outcome(request) == "replied" and what in REACHED and status != REACHED[what]:
        found.add("lost", f"{where} is '{status}'")
    else:
        judge_size(found, row, objects, where)


# where a volume is after a cycle of calls that was answered
REACHED = {"attach": "in-use", "detach": "available"}


def judge_size(found, row, objects, where):
    """What is available is on the array once, as large as the row says."""
    if row is None or row["deleted"] or row["status"] not in ("available", "in-use"):
        return
    if objects != [row["size"]]:
        found.add("lost", f"{where} is '{row['status']}' with {row['size']} GiB, array has {objects}")


def judge_calls(found, asked, heard):
    """Each call has one reply, or may have timed out."""
    timed_out = 0
    for request in asked:
        if request["kind"] not in CALLS:
            continue
        end = outcome(request)
        where = f"{request['kind']} {request.get('method', '')} {request.get('id') or ''} ({request.get('tag', '')})"
        if end == "timed_out":
            timed_out += 1
            if not request.get("may_time_out"):
                found.add("lost", f"{where}: no reply within {request['timeout']} s")
        elif end == "failed" and not request.get("may_fail"):
            found.add("errors", f"{where}: {request['answer']}")
        elif end == "unconfirmed" and not changes(request):
            found.add("unconfirmed", where)
    # a reply that nobody waits for is that of a call that timed out, or a second one
    if (surplus := heard.get("late_replies", 0) - timed_out) > 0:
        found.add("doubled", f"{surplus} replies to calls that had theirs", surplus)


def judge_messages(found, messages, asked, heard):
    """One message a failure, one reschedule an attempt."""
    chances = {}
    for request in asked:
        if changes(request):
            chances[request["id"]] = chances.get(request["id"], 0) + 1
    attempts = [(back["id"], back["attempt"]) for back in heard.get("given_back", [])]
    for message in messages:
        # each attempt at creating may leave one, whichever host it was on
        tries = max(1, chances.get(message["id"], 1), len({a for a in attempts if a[0] == message["id"]}) + 1)
        if message["count"] > tries:
            found.add("doubled", f"message {message['action']}/{message['detail']} about "
                      f"{message['id']}: {message['count']} for at most {tries} failures")
    for again in sorted({a for a in attempts if attempts.count(a) > 1}, key=str):
        found.add("doubled", f"{again[0]} given back {attempts.count(again)} times, attempt {again[1]}")


def lost_growth(facts, asked, rows, told):
    """Reservations of growth whose message went with the broker's queues: nobody else knew of them,
    and they expire. One of each resource for each such volume."""
    growths = []
    for ident, last in last_requests(asked).items():
        row = rows.get(ident)
        if last["kind"] == "extend" and ident in told and row and row["status"] == "error_extending":
            growths.append(last["size"] - row["size"])
    expiring, left = set(), {}
    for ident, resource, delta in facts["reservations"]:
        open_growths = left.setdefault(resource, list(growths))
        if resource.startswith("gigabytes") and int(delta) in open_growths:
            open_growths.remove(int(delta))
            expiring.add(ident)
    return expiring


def judge_leftovers(found, facts, rows, objects, expiring=frozenset()):
    """Nothing on the array without a live row that leads to it; no worker row at rest."""
    for name, sizes in objects.items():
        row = rows.get(name)
        if row is None or row["deleted"] or not row.get("host", True):
            why = "no row" if row is None else "row deleted" if row["deleted"] else "row has no host"
            found.add("orphans", f"{name} on the array, {why}", len(sizes))
        elif len(sizes) > 1:
            found.add("doubled", f"{name} is {len(sizes)} times on the array")
    for kind, ident, status, service in facts["workers"]:
        row = rows.get(ident)
        if row is None or row["deleted"] or row["status"] not in IN_PROGRESS:
            found.add("orphans", f"worker row {kind} {ident} '{status}' of service {service or 'NULL'}")
    for ident, resource, delta in facts["reservations"]:
        if ident not in expiring:
            found.add("orphans", f"reservation {ident} of {delta} {resource}")


def judge_quota(found, facts, expiring=frozenset()):
    """quota_usages against a recount of the live rows."""
    live = [row for row in facts["volumes"] if not row["deleted"]]
    copies = [row for row in facts.get("snapshots", []) if not row["deleted"]]
    counts = {"volumes": len(live), "snapshots": len(copies),
              "gigabytes": sum(row["size"] for row in [*live, *copies])}
    for usage in facts["usages"]:
        kind = next((k for k in counts if usage["resource"].startswith(k)), None)
        if kind is None:
            continue
        text = f"quota {usage['resource']}: {usage['in_use']} in use, {counts[kind]} by the rows"
        if usage["in_use"] > counts[kind]:
            found.add("orphans", text)
        elif usage["in_use"] < counts[kind]:
            found.add("doubled", text)
        known = sum(int(delta) for ident, resource, delta in facts["reservations"]
                    if ident in expiring and resource == usage["resource"])
        if usage["reserved"] != known:
            found.add("orphans", f"quota {usage['resource']}: {usage['reserved']} reserved, {known} expire")


def information(facts, asked, heard):
    """Numbers that are shown but not judged."""
    told = [tuple(event) for event in facts["notifications"] if event[0] == "volume.create.end"]
    failed = {row["id"] for row in facts["volumes"] if row["status"].startswith("error")}
    return {
        "casts": sum(outcome(request) == "confirmed" for request in asked),
        "calls": sum(request["kind"] in CALLS for request in asked),
        "refused": sum(outcome(request) == "refused" for request in asked),
        "create.end twice": len(told) - len(set(told)),
        "array objects of rows in error": sum(name in failed for name, _ in facts["array"]),
        "given back": len(heard.get("given_back", [])),
        "reports": heard.get("reports", 0),
    }
