"""The attach API of before the attachments: reserve, initialize, attach, and back; and by force.

As Nova used it up to Ocata, and as cinder-backup and scripts of operators still do.
"""

import cloud
from process import wait_until
from steps import Steps, check

step = Steps("old_attach: volume actions for attaching, iSCSI and FC side by side")


def asked_for(fabric, volume, connector):
    """initialize_connection; its answer checked and flat, as attachments have it."""
    told = fabric.user.call("volumes.initialize_connection", volume, connector)
    info = {**told["data"], "driver_volume_type": told["driver_volume_type"]}
    check(told["enforce_multipath"] == info["enforce_multipath"], f"{told}")
    fabric.told(info, volume, connector)
    return info


def attach(fabric, volume, host):
    """All of it, to a host; the id of the attachment."""
    fabric.user.call("volumes.reserve", volume)
    asked_for(fabric, volume, fabric.connector(host))
    fabric.user.call("volumes.attach", volume, None, "/dev/vdb", host_name=host)
    fabric.status(volume, "in-use", "attached")
    (one,) = fabric.user.call("volumes.get", volume)["attachments"]
    return one["attachment_id"]


@step("a volume host runs")
def start(lab):
    lab.ready()


@step.each("os-reserve, os-initialize_connection, os-attach: in-use, mapped, the host named")
def to_host(fabric):
    volume = fabric.create("old-way")
    fabric.user.call("volumes.reserve", volume)
    fabric.status(volume, "attaching", "detached")
    fabric.user.refused(400, "volumes.reserve", volume)
    connector = fabric.connector("compute4", enforce_multipath=True)
    check(asked_for(fabric, volume, connector)["access_mode"] == "rw", "not 'rw'")
    # again, as a host does that lost the answer: the same
    asked_for(fabric, volume, connector)
    fabric.user.call("volumes.attach", volume, None, "/dev/vdb", host_name="Compute_4 ")
    fabric.status(volume, "in-use", "attached")
    (one,) = fabric.user.call("volumes.get", volume)["attachments"]
    check((one["host_name"], one["device"]) == ("compute-4", "/dev/vdb"), f"{one}")
    fabric.mapped(volume, "compute4")
    fabric.user.refused(400, "volumes.delete", volume)


@step.each("os-begin_detaching, os-terminate_connection, os-detach: available, not mapped")
def back(fabric):
    volume = fabric.volumes["old-way"]
    fabric.user.call("volumes.begin_detaching", volume)
    fabric.status(volume, "detaching", "attached")
    fabric.user.call("volumes.terminate_connection", volume, fabric.connector("compute4"))
    fabric.mapped(volume)
    fabric.user.call("volumes.detach", volume)
    fabric.status(volume, "available", "detached")
    # what is gone can be taken away again
    fabric.user.call("volumes.terminate_connection", volume, fabric.connector("compute4"))


@step.each("an initialized connection that is given up: terminate alone makes it available again")
def given_up(fabric):
    volume = fabric.volumes["old-way"]
    fabric.user.call("volumes.reserve", volume)
    asked_for(fabric, volume, fabric.connector("compute4"))
    fabric.user.call("volumes.terminate_connection", volume, fabric.connector("compute4"))
    fabric.mapped(volume)
    fabric.status(volume, "available", "detached")


@step.each("refused: a connector of the other fabric, and writing to what is marked read-only")
def refusals(fabric):
    volume = fabric.volumes["old-way"]
    other = next(f for f in fabric.lab.fabrics.values() if f is not fabric)
    fabric.user.refused(400, "volumes.initialize_connection", volume, other.connector("compute5"))
    fabric.mapped(volume)
    fabric.user.call("volumes.update_readonly_flag", volume, True)
    fabric.user.call("volumes.reserve", volume)
    info = asked_for(fabric, volume, fabric.connector("compute4"))
    check(info["access_mode"] == "ro", f"{info}")
    fabric.user.refused(400, "volumes.attach", volume, None, "/dev/vdb", "rw", host_name="compute4")
    fabric.user.call("volumes.attach", volume, None, "/dev/vdb", "ro", host_name="compute4")
    fabric.status(volume, "in-use", "attached")
    fabric.user.call("volumes.terminate_connection", volume, fabric.connector("compute4"))
    fabric.user.call("volumes.detach", volume)
    fabric.user.call("volumes.update_readonly_flag", volume, False)
    fabric.status(volume, "available", "detached")


@step.each("os-force_detach with the connector, and without one: mapped to nobody")
def force(fabric):
    volume = fabric.volumes["old-way"]
    for connector in (fabric.connector("compute4"), None):
        attachment = attach(fabric, volume, "compute4")
        fabric.user.action(
            volume, "os-force_detach", attachment_id=attachment, connector=connector
        )
        fabric.mapped(volume)
        fabric.status(volume, "available", "detached")


@step("CHAP comes into force on the array: a known host gets credentials, and they reach no log")
def chap(lab):
    fabric = lab.fabrics["xtremio-iscsi"]
    volume, connector = fabric.volumes["old-way"], fabric.connector("compute4")
    fabric.keys = fabric.keys | {
        f"{kind}auth_{part}" for kind in ("", "discovery_") for part in ("method", "username", "password")
    }
    lab.xms.require_chap("initiator")
    try:
        secrets = set()
        # the mode of the array is trusted for some seconds
        wait_until("CHAP to be seen", lambda: "auth_method" in fabric.user.call(
            "volumes.initialize_connection", volume, connector)["data"], 30)
        for host in ("compute4", "with-chap"):  # one from before, one that is new
            connector = fabric.connector(host)
            info = asked_for(fabric, volume, connector)
            held = lab.xms.objects("initiators")[connector["initiator"]]
            for kind, name in (("", "authentication"), ("discovery_", "discovery")):
                check(info[f"{kind}auth_method"] == "CHAP", f"{sorted(info)}")
                for part, of in (("username", "user-name"), ("password", "password")):
                    wanted = held[f"chap-{name}-initiator-{of}"]
                    check(wanted and info[f"{kind}auth_{part}"] == wanted, f"{kind}{part} differs")
                secrets.add(info[f"{kind}auth_password"])
            again = asked_for(fabric, volume, connector)
            check(again["auth_password"] == info["auth_password"], "a second password")
            fabric.user.call("volumes.terminate_connection", volume, connector)
        log = lab.host.process.log.read_text(errors="replace")
        check(not any(secret in log for secret in secrets), "a CHAP password is in the log")
    finally:
        lab.xms.require_chap("disabled")
        del fabric.keys
    wait_until("CHAP to be forgotten", lambda: "auth_method" not in fabric.user.call(
        "volumes.initialize_connection", volume, connector)["data"], 30)
    fabric.user.call("volumes.terminate_connection", volume, connector)


@step.each("a volume that the array shows to a host, whatever Cinder believes, is not deleted")
def mapped_by_others(fabric):
    volume = fabric.volumes["old-way"]
    asked_for(fabric, volume, fabric.connector("compute4"))
    if fabric.lab.kind == "ours":
        # the row says `available`; Python's driver would take the disk from the host
        fabric.user.call("volumes.delete", volume)
        fabric.lab.admin.wait("volume", volume, "available")
        fabric.mapped(volume, "compute4")
    fabric.user.call("volumes.terminate_connection", volume, fabric.connector("compute4"))
    fabric.lab.delete_many([volume])
    fabric.volumes.clear()


@step("nothing is left in the rows or on the array")
def nothing_left(lab):
    cloud.nothing_left(lab)
