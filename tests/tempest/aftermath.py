"""What must be gone when the last test has ended: rows, messages, objects of the array, work files."""

import re
import time

from cloud import leftovers, work_files

ROWS = {
    "live group": "SELECT id, status FROM `groups` WHERE deleted = 0",
    "live backup": "SELECT id, status FROM backups WHERE deleted = 0",
    "live group snapshot": "SELECT id, status FROM group_snapshots WHERE deleted = 0",
}
# snapshots are volumes to an XMS; initiator groups are a host's and may stay
KINDS = ("volumes", "snapshot-sets", "lun-maps", "consistency-groups")
ERROR = re.compile(r"^\S+ \S+ \d+ (ERROR|CRITICAL) |\bpanicked at\b")


def still_there(plane, xms):
    """Everything that should be gone, as lines of text."""
    found = leftovers(plane)
    for what, query in ROWS.items():
        found += [f"{what}: {' '.join(row)}" for row in plane.sql(query)]
    for cluster in xms.ask("GET", "/state")["clusters"]:
        for kind in KINDS:
            found += [f"on the array: {kind} {o['name']}" for o in cluster[kind]]
    for queue in plane.rabbit_api("GET", f"queues/{plane.vhost}"):
        if queue["name"].startswith("cinder-volume") and queue.get("messages"):
            found.append(f"{queue['messages']} messages in queue {queue['name']}")
    return sorted(set(found + work_files(plane)))


def wait_for_nothing(plane, xms, seconds=90):
    """What is still there after some time: the last steps of a command follow its status."""
    deadline = time.monotonic() + seconds
    while found := still_there(plane, xms):
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    return found


def errors_in(log):
    """The lines of a log that tell of an error."""
    with open(log, encoding="utf-8", errors="replace") as file:
        return [line.rstrip()[:500] for line in file if ERROR.search(line)]


def misuse(xms):
    """What the array noted about the requests of its client, as lines of text."""
    stats = xms.ask("GET", "/stats")
    found = [f"{what}: {name} ({n})" for what in ("unknown_query", "rejected_keys", "unfiltered_lists")
             for name, n in stats[what].items()]
    return found + [f"auth_failures: {n}" for n in (stats["auth_failures"],) if n]
