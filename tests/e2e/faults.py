"""Faults: the lines to broker, database and array are cut while commands run, and come back.

The worker alone is behind the relays, so that what is seen is its doing: API and scheduler keep
their own lines.
"""

import cloud
from hosts import service_hosts
from process import wait_until
from relay import Relay
from settings import PASSWORD, ini
from steps import Steps, check

step = Steps("faults: each line of the worker is cut and restored while commands run")
MANY = 16


@step("the worker starts behind relays")
def start(lab):
    lab.relays = {
        "broker": Relay(lab.plane.rabbit.port),
        "database": Relay(lab.plane.mariadb.port),
        "array": Relay(lab.xms.port),
    }
    port = {name: relay.port for name, relay in lab.relays.items()}
    database = f"mysql+pymysql://openstack:{PASSWORD}@127.0.0.1:{port['database']}/cinder?charset=utf8"
    # otherwise most commands would be over before a line is cut
    lab.xms.slow(300)
    lab.stop_host()
    lab.start_host(
        lab.kind,
        ini({
            "DEFAULT": {"transport_url": lab.plane.settings.transport(port["broker"])},
            "database": {"connection": database},
            # a dead line is noticed after a third of this, and RabbitMQ drops its end
            "oslo_messaging_rabbit": {"heartbeat_timeout_threshold": 9},
        })
        + lab.plane.settings.backends(lab.xms, port["array"], xms_call_timeout=4),
    )
    for name, relay in lab.relays.items():
        check(relay.accepted > 0, f"the worker does not use the relay to the {name}")


def through(lab, name, outage):
    """Creates and deletes through an outage; all must end well, with nothing doubled."""
    made = lab.create_many(name, MANY)
    wait_until("the first volume on the array", lab.xms.volumes, 60, every=0.02)
    outage()
    for ident in made:
        lab.admin.wait("volume", ident, "available", 180)
    check(sorted(lab.xms.volumes()) == sorted(made), f"array has {lab.xms.volumes()}")
    lab.start_deleting(made)
    wait_until("the first volume off the array", lambda: len(lab.xms.volumes()) < MANY, 60, every=0.02)
    outage()
    for ident in made:
        lab.admin.wait("volume", ident, None, 180)
    check(lab.xms.volumes() == {}, f"array has {lab.xms.volumes()}")
    check(lab.host.process.running(), f"the worker ended\n{lab.host.process.tail()}")


@step(f"broker cut while {MANY} creates and {MANY} deletes run")
def broker(lab):
    through(lab, "cut-broker", lambda: lab.interrupt([lab.relays["broker"]]))


@step(f"database cut while {MANY} creates and {MANY} deletes run")
def database(lab):
    through(lab, "cut-database", lambda: lab.interrupt([lab.relays["database"]]))


@step(f"array cut while {MANY} creates and {MANY} deletes run")
def array(lab):
    through(lab, "cut-array", lambda: lab.interrupt([lab.relays["array"]]))


@step("all lines stalled for a while: open, but no byte passes")
def stalled(lab):
    through(lab, "stalled", lambda: lab.interrupt(lab.relays.values(), stall=True))


@step("all lines die without a word: what is open carries nothing more, new connections work")
def stranded(lab):
    def outage():
        for relay in lab.relays.values():
            relay.strand()

    through(lab, "stranded", outage)


@step("heartbeats go on and services are 'up' while the array is mute")
def mute_array(lab):
    before = lab.host.heartbeats()
    lab.relays["array"].stall()
    try:
        # two more: the first may have been on its way already
        wait_until(
            "heartbeats of both backends",
            lambda: all(lab.host.heartbeats()[h] > before[h] + 1 for h in service_hosts()),
            30,
        )
        services = lab.admin.expect(200, "GET", "/os-services?binary=cinder-volume")["services"]
        states = {s["host"]: s["state"] for s in services}
        check(all(states.get(h) == "up" for h in service_hosts()), f"{states}")
    finally:
        lab.relays["array"].restore()


@step("the worker still stops cleanly; nothing is left in the rows or on the array")
def nothing_left(lab):
    lab.stop_host()
    lab.xms.slow(0)
    for relay in lab.relays.values():
        relay.close()
    cloud.nothing_left(lab)
