"""Growing and copying on both fabrics: extend, snapshots, volumes from them, clones, deletes.

Sizes and ancestry are read from the array; flags and image properties through the API.
"""

import uuid

import cloud
from process import wait_until
from steps import Steps, check

step = Steps("copies: extend, snapshot, volume from snapshot, clone; iSCSI and FC side by side")
IMAGE = {"os_distro": "lab", "min_ram": "64"}


def on_array(fabric, size, ident, ancestor=None):
    """The array has the volume at this size (GiB), made from that one."""
    held = fabric.xms.objects("volumes").get(ident)
    check(held, f"{ident} is not on the array")
    check(int(held["vol-size"]) == size << 20, f"{ident} has {held['vol-size']} KiB, not {size} GiB")
    made_from = held["ancestor-vol-id"][1] if held["ancestor-vol-id"] else None
    check(made_from == ancestor, f"{ident} was made from {made_from}, not {ancestor}")
    return held


def carried(fabric, ident, size):
    """A copy is as large as asked for, starts machines and tells of the same image."""
    shown = fabric.user.call("volumes.get", ident)
    check(shown["size"] == size and shown["bootable"] == "true", f"{shown}")
    found = shown.get("volume_image_metadata")
    check(found == IMAGE, f"image metadata of {ident}: {found}")


def snapshot(fabric, name, volume, **more):
    """A snapshot, available and on the array; its id, also kept under its name."""
    made = fabric.user.call("volume_snapshots.create", volume, name=name, **more)
    fabric.snapshots[name] = made["id"]
    shown = fabric.lab.admin.wait("snapshot", made["id"], "available")
    check(shown["os-extended-snapshot-attributes:progress"] == "100%", f"{shown}")
    held = on_array(fabric, shown["size"], made["id"], volume)
    check(held["vol-access"] == "read_access", f"hosts may write to snapshot {made['id']}")
    return made["id"]


def grown(fabric, volume, size, status):
    """Asks for a size and waits for it in the row, with the status of before."""
    fabric.user.call("volumes.extend", volume, size)
    shown = fabric.lab.admin.wait("volume", volume, status)
    check(shown["size"] == size, f"{shown['size']} GiB in the row, not {size}")


@step("a volume host runs")
def start(lab):
    lab.ready()


@step.each("a volume that starts machines, with properties of an image")
def source(fabric):
    volume = fabric.create("source", 1)
    fabric.user.call("volumes.set_bootable", volume, True)
    fabric.user.call("volumes.set_image_metadata", volume, IMAGE)
    carried(fabric, volume, 1)


@step.each("extend of a detached volume: row, array; a smaller size is refused")
def extend(fabric):
    volume = fabric.volumes["source"]
    grown(fabric, volume, 2, "available")
    on_array(fabric, 2, volume)
    fabric.user.refused(400, "volumes.extend", volume, 1)


@step.each("extend while attached: from 3.42 on; still mapped; Nova is told, its answer is heard")
def extend_attached(fabric):
    volume, nova = fabric.volumes["source"], fabric.lab.plane.nova
    known = fabric.driver_volume_type == "iscsi"
    server = nova.boot() if known else str(uuid.uuid4())
    fabric.atts["source"] = fabric.attach(volume, "compute1", server)
    fabric.user.refused(400, "volumes.extend", volume, 3, version="3.41")
    grown(fabric, volume, 3, "in-use")
    on_array(fabric, 3, volume)
    fabric.mapped(volume, "compute1")
    if known:
        told = wait_until("Nova's event", lambda: nova.told(volume), 30)
        check(told == [("volume-extended", server)], f"{told}")
    else:
        said = wait_until("a user message", lambda: fabric.lab.admin.messages(volume), 30)
        check(said == ["extend volume:Compute service failed to extend volume."], f"{said}")


@step.each("snapshot of the attached volume: only by force up to 3.65; then detached, a second one")
def snapshots(fabric):
    volume = fabric.volumes["source"]
    fabric.user.refused(400, "volume_snapshots.create", volume, version="3.65")
    snapshot(fabric, "in-use", volume, force=True, version="3.65")
    fabric.mapped(volume, "compute1")
    fabric.user.call("attachments.delete", fabric.atts.pop("source"))
    snapshot(fabric, "detached", volume)


@step.each("volume from snapshot, same size and larger: bootable, with the image's properties")
def from_snapshot(fabric):
    origin = fabric.snapshots["detached"]
    for name, size in (("from-snapshot", 3), ("larger-than-snapshot", 5)):
        made = fabric.create(name, size, snapshot_id=origin)
        on_array(fabric, size, made, origin)
        carried(fabric, made, size)


@step.each("clone, same size and larger than its source: bootable, with the image's properties")
def clone(fabric):
    origin = fabric.volumes["source"]
    for name, size in (("clone", 3), ("larger-clone", 4)):
        made = fabric.create(name, size, source_volid=origin)
        on_array(fabric, size, made, origin)
        carried(fabric, made, size)
    fabric.status(origin, "available", "detached")
    on_array(fabric, 3, origin)


@step.each("a clone of a clone is attached, extended and detached like any volume")
def use_of_copy(fabric):
    made = fabric.create("clone-of-clone", 4, source_volid=fabric.volumes["larger-clone"])
    attachment = fabric.attach(made, "compute1")
    grown(fabric, made, 5, "in-use")
    check(int(fabric.xms.objects("volumes")[made]["vol-size"]) == 5 << 20, "not grown on the array")
    fabric.user.call("attachments.delete", attachment)
    fabric.status(made, "available", "detached")
    fabric.mapped(made)


@step("an array without room for a snapshot: 'error' with a message; it can be deleted")
def no_room(lab):
    fabric = next(iter(lab.fabrics.values()))
    volume = fabric.volumes["clone"]
    lab.xms.refuse("snapshots", 1)
    made = fabric.user.call("volume_snapshots.create", volume)["id"]
    lab.admin.wait_any("snapshot", made, ["error"])
    check(lab.xms.faults() == [], "nothing was refused")
    check(wait_until("a user message", lambda: lab.admin.messages(made), 30), "no message")
    check(made not in lab.xms.volumes(), "the snapshot is on the array")
    fabric.user.call("volume_snapshots.delete", made)
    lab.admin.wait("snapshot", made, None)
    check(lab.admin.show("volume", volume)["status"] == "available", "the volume is not available")


@step.each("a volume with snapshots is not deleted; a snapshot is, its copies stay whole")
def delete(fabric):
    admin, origin = fabric.lab.admin, fabric.snapshots.pop("detached")
    fabric.user.refused(400, "volumes.delete", fabric.volumes["source"])
    fabric.user.call("volume_snapshots.delete", origin)
    admin.wait("snapshot", origin, None)
    held = fabric.xms.volumes()
    check(origin not in held, f"snapshot {origin} is on the array")
    check(held.get(fabric.volumes["larger-than-snapshot"]) == 5, f"array has {held}")


@step.each("cascade: the volume goes with its snapshots; what was cloned from it stays")
def cascade(fabric):
    volume = fabric.volumes["source"]
    snapshot(fabric, "second", volume)
    fabric.user.call("volumes.delete", volume, cascade=True)
    fabric.lab.admin.wait("volume", volume, None)
    held = fabric.xms.volumes()
    for ident in (volume, *fabric.snapshots.values()):
        check(ident not in held, f"{ident} is on the array")
    kept = [ident for ident in fabric.volumes.values() if ident != volume]
    check(all(ident in held for ident in kept), f"of {kept} the array has {held}")
    fabric.lab.delete_many(kept)


@step("oslo.messaging hears of growing and of snapshots, as Cinder tells them")
def notifications(lab):
    idents = [v for fabric in lab.fabrics.values() for v in fabric.volumes.values()]
    heard = lab.plane.hear_notifications(*idents)
    for fabric in lab.fabrics.values():
        told = [h for h in heard if h["payload"]["volume_id"] == fabric.volumes["source"]]
        told = [h for h in told if "@" in h["publisher"]]
        for event, count in (("volume.resize.start", 2), ("volume.resize.end", 2),
                             ("snapshot.create.start", 3), ("snapshot.create.end", 3),
                             ("snapshot.delete.start", 3), ("snapshot.delete.end", 3)):
            seen = [h for h in told if h["event"] == event]
            check(len(seen) == count, f"{fabric.backend}: {len(seen)} {event}, not {count}")
        sizes = {h["payload"]["size"] for h in told if h["event"] == "volume.resize.end"}
        check(sizes == {2, 3}, f"resize.end told of {sizes} GiB")
        fabric.volumes.clear()
        fabric.snapshots.clear()


@step("quotas are back to zero; nothing is left in the rows or on the array")
def nothing_left(lab):
    cloud.nothing_left(lab)
