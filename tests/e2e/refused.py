"""Requests this version cannot do: each ends in a state that its owner sees.

Nothing is stuck, and nothing that was there before is harmed.
"""

import cloud
from process import wait_until
from steps import Steps, check

step = Steps("refused: what this version cannot do ends visibly")
BACKEND, OTHER = "xtremio-iscsi", "xtremio-fc"


def act(who, ident, action):
    """An action of a volume, accepted by the API."""
    return who.expect(202, "POST", f"/volumes/{ident}/action", action)


def as_before(lab, what, ident, host):
    """The volume is available again and where it was; the scheduler did send us the request."""
    lab.refused.wait("volume", ident, "available")
    seen = lab.admin.show("volume", ident)["os-vol-host-attr:host"]
    check(seen == host, f"{what}: on {seen}, not {host}")
    log = lab.host.process.log.read_text(errors="replace")
    check(f"cannot {what} volume {ident}" in log, f"the worker was not asked to {what} {ident}")


@step("a volume to ask things of")
def source(lab):
    lab.ready()
    lab.source = lab.refused.create("source", 1, volume_type=BACKEND)
    lab.refused.wait("volume", lab.source, "available")
    lab.source_host = lab.admin.show("volume", lab.source)["os-vol-host-attr:host"]


@step("retype that would migrate: the volume keeps its type and backend")
def retype(lab):
    act(lab.refused, lab.source, {"os-retype": {"new_type": OTHER, "migration_policy": "on-demand"}})
    as_before(lab, "retype", lab.source, lab.source_host)
    shown = lab.refused.show("volume", lab.source)
    check(shown["volume_type"] == BACKEND, f"type {shown['volume_type']}")


@step("migration: 'error' as migration status, the volume stays where it is")
def migrate(lab):
    # of a type that fits both: otherwise the scheduler itself says no
    lab.admin.expect(200, "POST", "/types", {"volume_type": {"name": "either"}})
    ident = lab.roaming = lab.refused.create("roaming", 1, volume_type="either")
    lab.refused.wait("volume", ident, "available")
    here = lab.admin.show("volume", ident)["os-vol-host-attr:host"]
    pools = lab.admin.expect(200, "GET", "/scheduler-stats/get_pools")["pools"]
    there = next(pool["name"] for pool in pools if pool["name"] != here)
    act(lab.admin, ident, {"os-migrate_volume": {"host": there, "lock_volume": True}})
    wait_until(
        "the migration's end",
        lambda: lab.admin.show("volume", ident)["os-vol-mig-status-attr:migstat"] == "error",
        60,
    )
    as_before(lab, "migrate", ident, here)


@step("revert to a snapshot: the volume 'error', the snapshot untouched")
def revert(lab):
    body = {"snapshot": {"name": "refused", "volume_id": lab.source}}
    lab.snapshot = lab.refused.expect(202, "POST", "/snapshots", body)["snapshot"]["id"]
    lab.refused.wait("snapshot", lab.snapshot, "available")
    act(lab.refused, lab.source, {"revert": {"snapshot_id": lab.snapshot}})
    lab.refused.wait_any("volume", lab.source, ["error"])
    lab.refused.wait("snapshot", lab.snapshot, "available")


@step("no workers row, no array object and no state in between is left of them")
def nothing_stuck(lab):
    cloud.no_worker_row(lab.plane)
    held = lab.xms.volumes()
    check(sorted(held) == sorted([lab.source, lab.snapshot, lab.roaming]), f"array has {held}")


@step("all of it can be deleted; then nothing is left")
def clean_up(lab):
    for path in (lab.roaming, f"{lab.source}?cascade=true"):
        lab.refused.expect(202, "DELETE", f"/volumes/{path}")
    for ident in (lab.roaming, lab.source):
        lab.refused.wait("volume", ident, None)
    cloud.nothing_left(lab)
