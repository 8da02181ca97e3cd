"""The attachments API on both fabrics: what hosts are told, and what the array then shows to whom.

The steps run for iSCSI and FC side by side; after each the array is looked at, not only the API.
"""

import uuid
from concurrent.futures import ThreadPoolExecutor

import cloud
from steps import Steps, check

step = Steps("attach: the attachments API with real connectors, iSCSI and FC side by side")
AT_ONCE = 6


@step("a volume host runs; each backend has a type whose volumes can be attached more than once")
def start(lab):
    lab.ready()
    for backend in lab.fabrics:
        specs = {"volume_backend_name": backend, "multiattach": "<is> True"}
        kind = {"name": f"{backend}-shared", "extra_specs": specs}
        lab.admin.expect(200, "POST", "/types", {"volume_type": kind})


@step.each("attachment create without a connector: reserved, nothing asked of the array")
def reserve(fabric):
    volume = fabric.create("plain")
    server = str(uuid.uuid4())
    made = fabric.user.call("attachments.create", volume, None, server, version="3.27")
    check(made["status"] == "reserved" and not made["connection_info"], f"{made}")
    fabric.status(volume, "reserved", "detached")
    fabric.mapped(volume)
    fabric.atts["plain"] = made["id"]
    # a second server must not get it, and it must not go while it is promised
    fabric.user.refused(400, "attachments.create", volume, None, str(uuid.uuid4()), version="3.27")
    fabric.user.refused(400, "volumes.delete", volume)


@step.each("attachment update with the host's connector: mapped, and the host told how to reach it")
def update(fabric):
    volume, attachment = fabric.volumes["plain"], fabric.atts["plain"]
    connector = fabric.connector("compute1", mode="rw")
    first = fabric.user.call("attachments.update", attachment, connector, version="3.27")
    fabric.told(first["connection_info"], volume, connector)
    info = first["connection_info"]
    check(info["access_mode"] == "rw" and info["attachment_id"] == attachment, f"{info}")
    fabric.status(volume, "attaching", "attaching")
    row = fabric.lab.plane.sql(
        "SELECT attached_host, mountpoint, attach_mode, attach_status, attach_time IS NOT NULL "
        f"FROM volume_attachment WHERE id = '{attachment}'"
    )
    check(row == [["compute1", "/dev/vdb", "rw", "attaching", "1"]], f"attachment row {row}")
    # asked again, as by a compute service that heard no answer: the same mapping
    again = fabric.user.call("attachments.update", attachment, connector, version="3.27")
    fabric.told(again["connection_info"], volume, connector)
    fabric.mapped(volume, "compute1")


@step.each("attachment complete: in-use; the volume cannot be deleted under its host")
def complete(fabric):
    volume, attachment = fabric.volumes["plain"], fabric.atts["plain"]
    fabric.user.call("attachments.complete", attachment, version="3.44")
    fabric.status(volume, "in-use", "attached")
    fabric.user.refused(400, "volumes.delete", volume)
    fabric.user.refused(400, "attachments.create", volume, None, str(uuid.uuid4()), version="3.27")
    fabric.mapped(volume, "compute1")


@step.each("create with connector in one call, mode 'ro', multipath enforced; a second LUN")
def read_only(fabric):
    volume, server = fabric.create("read-only"), str(uuid.uuid4())
    connector = fabric.connector("compute1", enforce_multipath=True)
    made = fabric.user.call(
        "attachments.create", volume, connector, server, mode="ro", version="3.54"
    )
    fabric.told(made["connection_info"], volume, connector)
    check(made["attach_mode"] == "ro", f"{made}")
    luns = {fabric.xms.maps(v)[fabric.group(connector)] for v in fabric.volumes.values()}
    check(len(luns) == 2, f"both volumes have LUN {luns}")
    fabric.user.call("attachments.complete", made["id"], version="3.54")
    fabric.status(volume, "in-use", "attached")
    fabric.user.call("attachments.delete", made["id"])
    fabric.status(volume, "available", "detached")
    fabric.mapped(volume)


@step.each("attachment delete: available; no mapping is left, the host's other volume keeps its own")
def delete(fabric):
    volume = fabric.volumes["plain"]
    other = fabric.attach(fabric.volumes["read-only"], "compute1")
    fabric.user.call("attachments.delete", fabric.atts["plain"])
    fabric.status(volume, "available", "detached")
    fabric.mapped(volume)
    fabric.mapped(fabric.volumes["read-only"], "compute1")
    fabric.user.call("attachments.delete", other)
    fabric.user.refused(404, "attachments.delete", other)


@step.each("multiattach: two servers on one host and one on another share a volume, then leave it")
def shared(fabric):
    volume = fabric.create("shared", volume_type=f"{fabric.backend}-shared")
    atts = [
        fabric.attach(volume, host, str(uuid.uuid4()))
        for host in ("compute1", "compute1", "compute2")
    ]
    fabric.mapped(volume, "compute1", "compute2")
    fabric.status(volume, "in-use", "attached")
    steps = [
        (atts[0], ["compute1", "compute2"], "in-use", "attached"),  # its neighbour still needs it
        (atts[2], ["compute1"], "in-use", "attached"),
        (atts[1], [], "available", "detached"),
    ]
    for attachment, hosts, *states in steps:
        fabric.user.call("attachments.delete", attachment)
        fabric.mapped(volume, *hosts)
        fabric.status(volume, *states)


@step.each("a connector of the other fabric is refused; the reservation it leaves can be taken back")
def other_fabric(fabric):
    volume = fabric.create("wrong")
    other = next(f for f in fabric.lab.fabrics.values() if f is not fabric)
    connector = other.connector("compute3")
    fabric.user.refused(500, "attachments.create", volume, connector, str(uuid.uuid4()))
    fabric.status(volume, "reserved", "detached")
    fabric.mapped(volume)
    (left,) = fabric.user.call("attachments.list", search_opts={"volume_id": volume})
    fabric.user.refused(400, "attachments.update", left["id"], connector)
    fabric.user.call("attachments.delete", left["id"])
    fabric.status(volume, "available", "detached")


@step.each(f"{AT_ONCE} volumes attached to a host nobody knew, all at once: as many LUNs, one group")
def at_once(fabric):
    made = [fabric.ask(f"at-once-{n}") for n in range(AT_ONCE)]
    for volume in made:
        fabric.lab.admin.wait("volume", volume, "available")
    connector = fabric.connector("newcomer")

    def one(volume):
        body = {"volume_uuid": volume, "connector": connector}
        return fabric.lab.admin.rest("POST", "/attachments", {"attachment": body})

    if fabric.lab.kind == "python":
        # Python's driver does not survive this: the ones that come second fail at the group
        fabric.atts["at-once"] = [fabric.attach(volume, "newcomer") for volume in made]
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(one, made))
    for volume, (status, answer) in zip(made, answers, strict=True):
        check(status == 200, f"volume {volume}: {status} {answer}")
        fabric.told(answer["attachment"]["connection_info"], volume, connector)
    luns = {fabric.xms.maps(volume)[fabric.group(connector)] for volume in made}
    check(len(luns) == AT_ONCE, f"LUNs {luns}")
    fabric.atts["at-once"] = [answer["attachment"]["id"] for _, answer in answers]


@step.each("all detached and deleted at once")
def clean_up(fabric):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        paths = [f"/attachments/{attachment}" for attachment in fabric.atts.pop("at-once")]
        answers = list(pool.map(lambda path: fabric.lab.admin.rest("DELETE", path), paths))
    check(all(status == 200 for status, _ in answers), f"{answers}")
    for volume in fabric.volumes.values():
        fabric.mapped(volume)
    fabric.lab.delete_many(fabric.volumes.values())


@step("oslo.messaging hears start and end of attaching and detaching, as Cinder tells them")
def notifications(lab):
    idents = [v for fabric in lab.fabrics.values() for v in fabric.volumes.values()]
    heard = lab.plane.hear_notifications(*idents)
    for fabric in lab.fabrics.values():
        told = [h["event"] for h in heard if h["payload"]["volume_id"] == fabric.volumes["plain"]]
        wanted = ["volume.attach.start", "volume.attach.start", "volume.attach.end",
                  "volume.detach.start", "volume.detach.end"]
        seen = [event for event in told if "tach" in event]
        # several threads of the listener take them: their order here says nothing
        check(sorted(seen) == sorted(wanted), f"{fabric.backend}: heard {seen}")
        fabric.volumes.clear()


@step("nothing is left in the rows or on the array")
def nothing_left(lab):
    cloud.nothing_left(lab)

