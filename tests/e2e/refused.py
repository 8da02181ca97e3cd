"""Requests this version cannot do: an error state and a user message each, nothing stuck."""

import cloud
from process import wait_until
from steps import Steps, check

step = Steps("refused: what this version cannot do ends visibly")
BACKEND = "xtremio-iscsi"


def ends_in(lab, kind, ident, status):
    """The object reaches the status and has a user message."""
    lab.refused.wait_any(kind, ident, [status])
    said = wait_until(
        f"a user message about {kind} {ident}", lambda: lab.refused.messages(ident), 60
    )
    print(f"           {kind} {status}: {said[0]}", flush=True)


@step("a volume to ask things of")
def source(lab):
    if lab.host is None:
        lab.start_host(lab.kind)
    lab.source = lab.refused.create("source", 1, volume_type=BACKEND)
    lab.refused.wait("volume", lab.source, "available")


@step("clone: 'error' with a message; the source stays available")
def clone(lab):
    lab.clone = lab.refused.create("clone", 1, source_volid=lab.source)
    ends_in(lab, "volume", lab.clone, "error")
    lab.refused.wait("volume", lab.source, "available")


@step("volume from an image: 'error' with a message")
def from_image(lab):
    image = lab.refused.openstack(
        "image", "create", "--file", __file__, "--disk-format", "raw", "--container-format",
        "bare", "tiny", "-f", "json",
    )
    lab.from_image = lab.refused.create("from-image", 1, imageRef=image["id"], volume_type=BACKEND)
    ends_in(lab, "volume", lab.from_image, "error")


@step("snapshot: 'error' with a message")
def snapshot(lab):
    body = {"snapshot": {"name": "refused", "volume_id": lab.source}}
    lab.snapshot = lab.refused.expect(202, "POST", "/snapshots", body)["snapshot"]["id"]
    ends_in(lab, "snapshot", lab.snapshot, "error")


@step("extend: 'error_extending' with a message, size unchanged")
def extend(lab):
    lab.extended = lab.refused.create("extended", 1, volume_type=BACKEND)
    lab.refused.wait("volume", lab.extended, "available")
    path = f"/volumes/{lab.extended}/action"
    lab.refused.expect(202, "POST", path, {"os-extend": {"new_size": 2}})
    ends_in(lab, "volume", lab.extended, "error_extending")
    check(lab.refused.show("volume", lab.extended)["size"] == 1, "size changed")


@step("openstack volume message list shows them to their owner")
def messages(lab):
    seen = {m["Resource UUID"] for m in lab.refused.openstack("volume", "message", "list", "-f", "json")}
    asked = {lab.clone, lab.from_image, lab.snapshot, lab.extended}
    check(asked <= seen, f"no message about {asked - seen}")


@step("no workers row, no array object and no state in between is left of them")
def nothing_stuck(lab):
    cloud.no_worker_row(lab.plane)
    check(sorted(lab.xms.volumes()) == sorted([lab.source, lab.extended]), f"{lab.xms.volumes()}")


@step("the failed volumes can be deleted; then nothing is left")
def clean_up(lab):
    for ident in (lab.clone, lab.from_image, lab.extended):
        lab.refused.expect(202, "DELETE", f"/volumes/{ident}")
        lab.refused.wait("volume", ident, None)
    # The snapshot never was on the array and this version cannot delete it either: its row
    # goes as an operator would take it away, and the quota is counted afresh.
    lab.plane.sql(
        "UPDATE snapshots SET deleted = 1, status = 'deleted', deleted_at = UTC_TIMESTAMP() "
        f"WHERE id = '{lab.snapshot}'"
    )
    lab.refused.expect(202, "DELETE", f"/volumes/{lab.source}")
    lab.refused.wait("volume", lab.source, None)
    lab.plane.cinder_manage("quota", "sync")
    cloud.nothing_left(lab)
