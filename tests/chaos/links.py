"""The checker's rules about snapshots, ancestors and mappings. Pure functions over collected facts."""

from facts import IN_PROGRESS

SNAPSHOT_KINDS = ("snapshot", "delete_snapshot")


def judge_snapshot(found, request, row, where):
    """Where one snapshot ended, against the last thing that was asked of it."""
    if row is None:
        found.add("lost", f"{where}: no row")
        return
    status = "deleted" if row["deleted"] else row["status"]
    if status in IN_PROGRESS:
        found.add("stuck", f"{where} is '{status}'")
    elif status.startswith("error"):
        if not request.get("may_fail"):
            found.add("errors", f"{where} is '{status}'")
    elif (status == "deleted") != (request["kind"] == "delete_snapshot"):
        found.add("lost", f"{where} is '{status}'")


def judge_ancestors(found, facts):
    """What was made from another object is a copy of that one on the array."""
    live = [(v["id"], v.get("source")) for v in facts["volumes"]
            if not v["deleted"] and v["status"] in ("available", "in-use")]
    live += [(s["id"], s["volume"]) for s in facts.get("snapshots", [])
             if not s["deleted"] and s["status"] == "available"]
    there = {name for name, _ in facts["array"]}
    for ident, source in live:
        ancestor = facts.get("ancestors", {}).get(ident)
        # the array forgets an ancestor that was deleted, or names that one's own
        if ident in there and (source in there or not source) and ancestor != (source or None):
            found.add("lost", f"{ident} is a copy of {ancestor} on the array, not of {source}")


def judge_maps(found, facts):
    """A mapping for each attachment that a host uses, and no other."""
    used = {}
    for attachment in facts.get("attachments", []):
        if attachment["status"] in ("attached", "attaching"):
            used.setdefault(attachment["volume"], []).append(attachment["id"])
        elif attachment["status"] in IN_PROGRESS:
            found.add("stuck", f"attachment {attachment['id']} is '{attachment['status']}'")
    mapped = {}
    for volume, group in facts.get("maps", []):
        mapped.setdefault(volume, []).append(group)
    for volume in sorted(used.keys() | mapped.keys()):
        held, groups = used.get(volume, []), mapped.get(volume, [])
        if len(groups) > len(held):
            found.add("orphans", f"mapping: {volume} is mapped to {groups}, attachments {held}",
                      len(groups) - len(held))
        elif len(groups) < len(held):
            found.add("lost", f"{volume} has attachments {held}, mapped to {groups}",
                      len(held) - len(groups))
