"""The exchange: Python's cinder-volume before and after ours, on one database and one array.

What one of them makes, attaches and copies, the other goes on with, takes apart and deletes.
"""

import uuid

import cloud
from steps import Steps, check

step = Steps("exchange: Python's cinder-volume and ours take each other's place")
HOST = "compute6"


def service_rows(lab):
    """What identifies the service rows of the volume hosts."""
    return lab.plane.sql(
        "SELECT id, host, uuid, topic, availability_zone, deleted FROM services "
        "WHERE `binary` = 'cinder-volume' ORDER BY id"
    )


def taken_over(lab, kind):
    """Another volume host takes the place of the one before, on the same service rows."""
    lab.stop_host()
    lab.start_host(kind)
    check(service_rows(lab) == lab.rows_before, f"{service_rows(lab)} was {lab.rows_before}")


def furnish(fabric):
    """One volume attached by the attachments API, one by the old, a snapshot and a clone."""
    user = fabric.user
    fabric.atts.clear()  # what lists before this one remembered is gone
    volume, old = fabric.create("attached"), fabric.create("old-way")
    fabric.atts["attached"] = fabric.attach(volume, HOST, str(uuid.uuid4()))
    user.call("volumes.reserve", old)
    user.call("volumes.initialize_connection", old, fabric.connector(HOST))
    user.call("volumes.attach", old, None, "/dev/vdc", host_name=HOST)
    made = user.call("volume_snapshots.create", volume)
    fabric.snapshots["attached"] = made["id"]
    fabric.lab.admin.wait("snapshot", made["id"], "available")
    fabric.create("clone", 2, source_volid=volume)
    still_there(fabric)


def still_there(fabric):
    """The other one's work is as it was: mapped, in use, and on the array."""
    for name in ("attached", "old-way"):
        fabric.mapped(fabric.volumes[name], HOST)
        fabric.status(fabric.volumes[name], "in-use", "attached")
    held = fabric.xms.volumes()
    idents = [*fabric.volumes.values(), *fabric.snapshots.values()]
    check(all(ident in held for ident in idents), f"of {idents} the array has {held}")


def go_on(fabric):
    """The other one's host gets one more volume, and asks anew about one that it has."""
    user, volume = fabric.user, fabric.volumes["old-way"]
    connector = fabric.connector(HOST)
    lun = fabric.xms.maps(volume)[fabric.group(connector)]
    told = user.call("volumes.initialize_connection", volume, connector)
    check(told["data"]["target_lun"] == lun, f"LUN {told['data']['target_lun']}, it was {lun}")
    clone = fabric.volumes["clone"]
    fabric.atts["clone"] = fabric.attach(clone, HOST)
    luns = {fabric.xms.maps(v)[fabric.group(connector)] for v in fabric.volumes.values()}
    check(len(luns) == len(fabric.volumes), f"LUNs {luns} of {fabric.volumes}")
    for name, size, status in (("attached", 2, "in-use"), ("clone", 3, "in-use")):
        user.call("volumes.extend", fabric.volumes[name], size)
        fabric.lab.admin.wait("volume", fabric.volumes[name], status)


def take_apart(fabric):
    """Detaches and deletes all of it."""
    user, connector = fabric.user, fabric.connector(HOST)
    for attachment in fabric.atts.values():
        user.call("attachments.delete", attachment)
    old = fabric.volumes["old-way"]
    user.call("volumes.begin_detaching", old)
    user.call("volumes.terminate_connection", old, connector)
    user.call("volumes.detach", old)
    for volume in fabric.volumes.values():
        fabric.mapped(volume)
        fabric.status(volume, "available", "detached")
    for snapshot in fabric.snapshots.values():
        user.call("volume_snapshots.delete", snapshot)
        fabric.lab.admin.wait("snapshot", snapshot, None)
    fabric.lab.delete_many(fabric.volumes.values())
    held = fabric.xms.volumes()
    left = [v for v in (*fabric.volumes.values(), *fabric.snapshots.values()) if v in held]
    check(not left, f"{left} are on the array")
    for remembered in (fabric.volumes, fabric.snapshots, fabric.atts):
        remembered.clear()


@step("Python's cinder-volume starts where the worker was")
def python_before(lab):
    lab.stop_host()
    lab.rows_before = service_rows(lab)
    lab.start_host("python")
    # none before only where this list runs alone
    lab.rows_before = lab.rows_before or service_rows(lab)
    check(service_rows(lab) == lab.rows_before, f"{service_rows(lab)} was {lab.rows_before}")
    lab.ready()


@step.each("it creates, attaches both ways, snapshots and clones")
def python_furnishes(fabric):
    furnish(fabric)


@step("ours takes over the same service rows")
def ours(lab):
    taken_over(lab, lab.kind)


@step.each("ours attaches more to the same hosts, and extends")
def ours_goes_on(fabric):
    still_there(fabric)
    go_on(fabric)


@step.each("ours detaches and deletes what Python attached and created")
def ours_takes_apart(fabric):
    take_apart(fabric)


@step.each("ours creates, attaches both ways, snapshots and clones")
def ours_furnishes(fabric):
    furnish(fabric)


@step("Python's cinder-volume takes over again")
def python_after(lab):
    taken_over(lab, "python")


@step.each("Python goes on with it, then detaches and deletes what ours attached and created")
def python_takes_apart(fabric):
    still_there(fabric)
    go_on(fabric)
    take_apart(fabric)


@step("nothing is left in the rows or on the array")
def nothing_left(lab):
    lab.stop_host()
    cloud.nothing_left(lab)
