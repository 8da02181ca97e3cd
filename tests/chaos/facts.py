"""What can be seen after (and while) a part: rows, quota, array, messages. Judged by checker.py."""

from hosts import gib

# one round trip for all; the first column says what a row is
QUERY = """
SELECT 'volume', id, status, size, deleted, IFNULL(host, ''), IFNULL(updated_at, ''),
  IFNULL(snapshot_id, ''), IFNULL(source_volid, '') FROM volumes;
SELECT 'snapshot', id, status, volume_size, deleted, volume_id FROM snapshots;
SELECT 'attachment', id, volume_id, attach_status, IFNULL(attached_host, '')
  FROM volume_attachment WHERE deleted = 0;
SELECT 'usage', project_id, resource, in_use, reserved FROM quota_usages WHERE deleted = 0;
SELECT 'reservation', uuid, resource, delta FROM reservations WHERE deleted = 0;
SELECT 'worker', resource_type, resource_id, status, IFNULL(service_id, '') FROM workers
  WHERE resource_type <> 'SENTINEL';
SELECT 'message', resource_uuid, action_id, detail_id, COUNT(*) FROM messages WHERE deleted = 0
  GROUP BY resource_uuid, action_id, detail_id;
"""
IN_PROGRESS = ("creating", "deleting", "downloading", "uploading", "extending", "attaching",
               "detaching", "reserved")


def rows(stage):
    """{"volume": [...], "usage": [...], ...}: lists of text per row."""
    found = {kind: [] for kind in ("volume", "snapshot", "attachment", "usage", "reservation", "worker", "message")}
    for kind, *columns in stage.sql(QUERY):
        found[kind].append(columns)
    return found


def array(stage):
    """[[name, GiB]] of all volumes on the array; a list, so that doubles would show."""
    clusters = stage.xms.ask("GET", "/state")["clusters"]
    return sorted([v["name"], gib(v)] for cluster in clusters for v in cluster["volumes"])


def array_links(stage):
    """(ancestors as {volume name: name}, mappings as [[volume, group]])."""
    clusters = stage.xms.ask("GET", "/state")["clusters"]
    ancestors = {
        v["name"]: v["ancestor-vol-id"][1]
        for cluster in clusters for v in cluster["volumes"] if v["ancestor-vol-id"]
    }
    maps = [[m["vol-name"], m["ig-name"]] for cluster in clusters for m in cluster["lun-maps"]]
    return ancestors, sorted(maps)


def collect(stage):
    """All facts of the end of a part, as JSON can hold them."""
    found = rows(stage)
    ancestors, maps = array_links(stage)
    return {
        "volumes": [
            {"id": i, "status": status, "size": int(size), "deleted": deleted != "0", "host": host,
             "source": snapshot or volume}
            for i, status, size, deleted, host, _, snapshot, volume in found["volume"]
        ],
        "snapshots": [
            {"id": i, "status": status, "size": int(size), "deleted": deleted != "0", "volume": volume}
            for i, status, size, deleted, volume in found["snapshot"]
        ],
        "attachments": [
            {"id": i, "volume": volume, "status": status, "host": host}
            for i, volume, status, host in found["attachment"]
        ],
        "ancestors": ancestors,
        "maps": maps,
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
    busy = {r[0] for kind in ("volume", "snapshot") for r in found[kind]
            if r[1] in IN_PROGRESS and r[3] == "0"}
    busy |= {r[0] for r in found["attachment"] if r[2] in IN_PROGRESS}
    return busy | {r[1] for r in found["worker"]} | {r[0] for r in found["reservation"]}
