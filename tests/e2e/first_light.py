"""First light: what an operator and a user see of create, transfer and delete on both backends."""

import cloud
from hosts import service_hosts
from process import wait_until
from settings import BACKENDS
from steps import Steps, check

step = Steps("first light: create, transfer, delete through the worker")
BURST = 12


@step("the worker starts; both backends send heartbeats")
def start(lab):
    lab.start_host(lab.kind)


@step("openstack volume service list: scheduler and both backends are up")
def services_up(lab):
    rows = lab.admin.openstack("volume", "service", "list", "-f", "json")
    seen = {(r["Binary"], r["Host"]): (r["Status"], r["State"]) for r in rows}
    wanted = [("cinder-volume", host) for host in service_hosts()]
    wanted += [key for key in seen if key[0] == "cinder-scheduler"]
    check(len(wanted) == len(BACKENDS) + 1, f"no scheduler in {seen}")
    for key in wanted:
        check(seen.get(key) == ("enabled", "up"), f"{key} is {seen.get(key)} in {seen}")


@step("the scheduler knows the pool of each backend")
def pools(lab):
    def known():
        answer = lab.admin.expect(200, "GET", "/scheduler-stats/get_pools?detail=true")
        return {p["capabilities"]["volume_backend_name"]: p for p in answer["pools"]}

    found = wait_until("pools of both backends", lambda: known().keys() >= BACKENDS.keys(), 60)
    check(found, "pools")
    for name, pool in known().items():
        caps = pool["capabilities"]
        protocol = "iscsi" if "iscsi" in name else "fc"
        check(protocol in str(caps["storage_protocol"]).lower(), f"{name}: {caps}")
        check(float(caps["total_capacity_gb"]) > 0, f"{name} reports no capacity: {caps}")


@step("openstack volume backend capability show: the volume service answers the API's call")
def capabilities(lab):
    for name, host in zip(BACKENDS, service_hosts(), strict=True):
        found = lab.admin.expect(200, "GET", f"/capabilities/{host}")
        check(found["namespace"] == f"OS::Storage::Capabilities::{host}", f"{found}")
        check(found["volume_backend_name"] == name, f"{found}")
        check("thin_provisioning" in found["properties"], f"{found}")
    shown = lab.admin.openstack(
        "volume", "backend", "capability", "show", service_hosts()[0], "-f", "json"
    )
    titles = {row["Title"] for row in shown}
    check("Thin Provisioning" in titles, f"{shown}")


@step("openstack volume type create: one type per backend")
def types(lab):
    for name in BACKENDS:
        lab.admin.openstack(
            "volume", "type", "create", name, "--property", f"volume_backend_name={name}",
            "-f", "json",
        )


@step("openstack volume create on each: available, on its backend, on the array by id and size")
def create(lab):
    lab.volumes = {}
    for size, name in enumerate(BACKENDS, start=1):
        made = lab.admin.openstack(
            "volume", "create", "--type", name, "--size", str(size), f"first-{name}", "-f", "json"
        )
        lab.volumes[made["id"]] = (name, size)
    for ident, (backend, size) in lab.volumes.items():
        shown = lab.admin.wait("volume", ident, "available")
        host = shown["os-vol-host-attr:host"]
        check(host.startswith(f"first-light@{backend}#"), f"volume {ident} is on {host}")
        check(lab.xms.volumes().get(ident) == size, f"array has {lab.xms.volumes()}")
    check(len(lab.xms.volumes()) == len(lab.volumes), f"array has {lab.xms.volumes()}")


@step("the rows are as Cinder writes them; quota counts both volumes")
def rows(lab):
    for ident, (backend, size) in lab.volumes.items():
        seen = lab.plane.sql(
            "SELECT v.status, v.size, v.launched_at IS NOT NULL, v.terminated_at IS NULL, s.host "
            f"FROM volumes v LEFT JOIN services s ON s.uuid = v.service_uuid WHERE v.id = '{ident}'"
        )
        wanted = [["available", str(size), "1", "1", f"first-light@{backend}"]]
        check(seen == wanted, f"volume {ident}: row {seen}, not {wanted}")
    cloud.no_worker_row(lab.plane)
    check(lab.usage(lab.admin) == {"volumes": 2, "gigabytes": 3}, f"quota {lab.usage(lab.admin)}")


@step("openstack volume transfer request create / accept: owner and quota move")
def transfer(lab):
    ident = next(iter(lab.volumes))
    offer = lab.admin.openstack("volume", "transfer", "request", "create", ident, "-f", "json")
    lab.receiver.openstack(
        "volume", "transfer", "request", "accept", "--auth-key", offer["auth_key"], offer["id"],
        "-f", "json",
    )
    lab.receiver.wait("volume", ident, "available")
    size = lab.volumes[ident][1]
    check(
        lab.usage(lab.receiver) == {"volumes": 1, "gigabytes": size},
        f"receiver's quota {lab.usage(lab.receiver)}",
    )
    check(
        lab.usage(lab.admin) == {"volumes": 1, "gigabytes": 3 - size},
        f"giver's quota {lab.usage(lab.admin)}",
    )
    check(ident in lab.xms.volumes(), "the volume left the array")


@step("openstack volume delete: gone from API, rows and array")
def delete(lab):
    given, kept = lab.volumes
    lab.receiver.openstack("volume", "delete", given)
    lab.admin.openstack("volume", "delete", kept)
    lab.receiver.wait("volume", given, None)
    lab.admin.wait("volume", kept, None)
    for ident in lab.volumes:
        seen = lab.plane.sql(
            f"SELECT status, deleted, terminated_at IS NOT NULL FROM volumes WHERE id = '{ident}'"
        )
        check(seen == [["deleted", "1", "1"]], f"volume {ident}: row {seen}")


@step("oslo.messaging hears start and end of create and delete, as Cinder tells them")
def notifications(lab):
    heard = lab.plane.hear_notifications(*lab.volumes)
    for ident, (backend, size) in lab.volumes.items():
        told = [h for h in heard if h["payload"]["volume_id"] == ident]
        ours = [h for h in told if h["publisher"].startswith(f"volume.first-light@{backend}")]
        wanted = [f"volume.{what}.{when}" for what in ("create", "delete") for when in ("start", "end")]
        seen = [h["event"] for h in ours]
        check([e for e in seen if e in wanted] == wanted, f"volume {ident}: heard {seen}")
        for event, status in (("create.start", "creating"), ("create.end", "available")):
            payload = next(h["payload"] for h in ours if h["event"] == f"volume.{event}")
            check(payload["status"] == status and payload["size"] == size, f"{event}: {payload}")


@step("a create that the array refuses goes back to the scheduler and on to the other backend")
def reschedule(lab):
    lab.admin.expect(200, "POST", "/types", {"volume_type": {"name": "anywhere"}})
    lab.xms.refuse("volumes", 1)
    ident = lab.admin.create("moved-on", 1, volume_type="anywhere")
    host = lab.admin.wait("volume", ident, "available")["os-vol-host-attr:host"]
    check(lab.xms.faults() == [], "no create was refused")
    check(lab.xms.volumes() == {ident: 1}, f"array has {lab.xms.volumes()}")

    def ended():
        told = [n for n in lab.plane.notifications() if n["payload"].get("volume_id") == ident]
        return any(n["event_type"] == "volume.create.end" for n in told) and told

    told = wait_until("the events of both creates", ended, 30)
    starts = [n["publisher_id"] for n in told if n["event_type"] == "volume.create.start"]
    starts = [p for p in starts if "@" in p]
    check(len(starts) == 2 and len(set(starts)) == 2, f"creates started on {starts}")
    check(starts[1].startswith(f"volume.{host.split('#')[0]}"), f"{starts}, but it is on {host}")
    lab.delete_many([ident])


@step(f"{BURST} volumes at once on both backends, created and deleted")
def burst(lab):
    made = lab.create_many("burst", BURST)
    for ident in made:
        lab.admin.wait("volume", ident, "available", 120)
    check(sorted(lab.xms.volumes()) == sorted(made), f"array has {lab.xms.volumes()}")
    lab.delete_many(made)


@step("quotas are back to zero; nothing is left in the rows or on the array")
def nothing_left(lab):
    cloud.nothing_left(lab)
