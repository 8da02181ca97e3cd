"""What can be seen after (and while) a part: rows, quota, array, messages. Judged by checker.py."""

from hosts import gib

# one round trip for all; the first column says what a row is
QUERY = """
SELECT 'volume', id, status, size, deleted, IFNULL(host, ''), IFNULL(updated_at, '') FROM volumes;
SELECT 'usage', project_id, resource, in_use, reserved FROM quota_usages WHERE deleted = 0;
SELECT 'reservation', uuid, resource, delta FROM reservations WHERE deleted = 0;
SELECT 'worker', resource_type, resource_id, status, IFNULL(service_id, '') FROM workers
  WHERE resource_type <> 'SENTINEL';
SELECT 'message', resource_uuid, action_id, detail_id, COUNT(*) FROM messages WHERE deleted = 0
  GROUP BY resource_uuid, action_id, detail_id;
"""
IN_PROGRESS = ("creating", "deleting", "downloading", "uploading", "extending", "attaching")


def rows(stage):
    """{"volume": [...], "usage": [...], ...}: lists of text per row."""
    found = {kind: [] for kind in ("volume", "usage", "reservation", "worker", "message")}
    for kind, *columns in stage.sql(QUERY):
        found[kind].append(columns)
    return found


def array(stage):
    """[[name, GiB]] of all volumes on the array; a list, so that doubles would show."""
    clusters = stage.xms.ask("GET", "/state")["clusters"]
    return sorted([v["name"], gib(v)] for cluster in clusters for v in cluster["volumes"])


def collect(stage):
    """All facts of the end of a part, as JSON can hold them."""
    found = rows(stage)
    return {
        "volumes": [
            {"id": i, "status": status, "size": int(size), "deleted": deleted != "0", "host": host}
            for i, status, size, deleted, host, _ in found["volume"]
        ],
        "usages": [
            {"project": project, "resource": resource, "in_use": int(used), "reserved": int(held)}
            for project, resource, used, held in found["usage"]
        ],
        "reservations": found["reservation"],
        "workers": found["worker"],
        "messages": [
            {"id": i, "action": action, "detail": detail, "count": int(count)}
            for i, action, detail, count in found["message"]
        ],
        "array": array(stage),
        "notifications": stage.notifications(),
    }


def under_way(found):
    """What is under way in these rows: ids of volumes, worker rows and reservations."""
    busy = {r[0] for r in found["volume"] if r[1] in IN_PROGRESS and r[3] == "0"}
    return busy | {r[1] for r in found["worker"]} | {r[0] for r in found["reservation"]}
