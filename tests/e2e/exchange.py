"""The exchange: Python's cinder-volume before and after ours, on one database and one array."""

import cloud
from settings import BACKENDS
from steps import Steps, check

step = Steps("exchange: Python's cinder-volume and ours take each other's place")


def create_two(lab, prefix):
    """One volume on each backend, available; their ids."""
    made = [
        lab.admin.create(f"{prefix}-{backend}", 1, volume_type=backend) for backend in BACKENDS
    ]
    for ident in made:
        lab.admin.wait("volume", ident, "available")
    return made


def service_rows(lab):
    """What identifies the service rows of the volume hosts."""
    return lab.plane.sql(
        "SELECT id, host, uuid, topic, availability_zone, deleted FROM services "
        "WHERE `binary` = 'cinder-volume' ORDER BY id"
    )


@step("Python's cinder-volume starts where the worker was, and creates volumes")
def python_before(lab):
    lab.stop_host()
    lab.rows_before = service_rows(lab)
    lab.start_host("python")
    # none before only where this list runs alone
    lab.rows_before = lab.rows_before or service_rows(lab)
    check(service_rows(lab) == lab.rows_before, f"{service_rows(lab)} was {lab.rows_before}")
    lab.volumes = create_two(lab, "python")


@step("ours takes over the same service rows")
def ours(lab):
    lab.stop_host()
    lab.start_host(lab.kind)
    check(service_rows(lab) == lab.rows_before, f"{service_rows(lab)} was {lab.rows_before}")


@step("ours sees and deletes what Python created, and creates more")
def ours_deletes(lab):
    for ident in lab.volumes:
        check(ident in lab.xms.volumes(), f"{ident} is not on the array")
    lab.delete_many(lab.volumes)
    check(lab.xms.volumes() == {}, f"array has {lab.xms.volumes()}")
    lab.volumes = create_two(lab, "ours")


@step("Python's cinder-volume deletes what ours created")
def python_after(lab):
    lab.stop_host()
    lab.start_host("python")
    check(service_rows(lab) == lab.rows_before, f"{service_rows(lab)} was {lab.rows_before}")
    lab.delete_many(lab.volumes)
    lab.stop_host()


@step("nothing is left in the rows or on the array")
def nothing_left(lab):
    cloud.nothing_left(lab)
