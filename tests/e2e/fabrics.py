"""The two fabrics, iSCSI and Fibre Channel: hosts, their connectors, and what they are told.

Each has its own backend, client and volumes, so that a list runs on both side by side.
"""

from settings import BACKENDS
from steps import check
from user import User

# keys that Cinder's manager adds to what a driver says; `attachment_id` with attachments only
ADDED = {"access_mode", "cacheable", "encrypted", "enforce_multipath", "qos_specs"}


class Fabric:
    """What is common; in `volumes`, `snapshots` and `atts` the steps of a list remember ids."""

    driver_volume_type, keys = None, set()

    def __init__(self, lab, backend):
        self.lab, self.backend, self.xms = lab, backend, lab.xms
        self.user = User(lab.plane, lab.client_venv, backend)
        self.volumes, self.snapshots, self.atts = {}, {}, {}

    def ask(self, name, size=1, **fields):
        """Asks for a volume of this backend; its id, also kept under its name."""
        fields.setdefault("volume_type", self.backend)
        made = self.user.call("volumes.create", size, name=f"{self.backend}-{name}", **fields)
        self.volumes[name] = made["id"]
        return made["id"]

    def create(self, name, size=1, **fields):
        """The same, when it has become available."""
        ident = self.ask(name, size, **fields)
        self.lab.admin.wait("volume", ident, "available")
        return ident

    def attach(self, volume, host, instance=None, **more):
        """An attachment made in one call and completed, its mapping checked; its id."""
        connector = self.connector(host, **more)
        made = self.user.call("attachments.create", volume, connector, instance)
        self.told(made["connection_info"], volume, connector)
        self.user.call("attachments.complete", made["id"])
        return made["id"]

    def told(self, info, volume, connector):
        """Checks flat connection data against the array, which must have the volume at that host."""
        wanted = self.keys | ADDED | {"driver_volume_type"}
        seen = set(info) - {"attachment_id"}
        check(seen == wanted, f"connection_info has {sorted(seen)}, not {sorted(wanted)}")
        check(info["driver_volume_type"] == self.driver_volume_type, f"{info}")
        maps = self.xms.maps(volume)
        group = self.group(connector)
        check(group in maps, f"{volume} is mapped to {sorted(maps)}, not to {group}")
        check(info["target_lun"] == maps[group], f"LUN {info['target_lun']}, the array has {maps}")
        check(info["enforce_multipath"] == connector.get("enforce_multipath", False), f"{info}")
        check(info["target_discovered"] is False and info["encrypted"] is False, f"{info}")
        ports = self.xms.ports(group)
        check(ports == self.own_ports(connector), f"initiator group {group} has {ports}")
        self.targets_told(info, connector)

    def mapped(self, volume, *hosts):
        """Checks that the array shows a volume to these hosts and to nobody else."""
        wanted = {self.group(self.connector(host)) for host in hosts}
        seen = set(self.xms.maps(volume))
        check(seen == wanted, f"{volume} is mapped to {sorted(seen)}, not to {sorted(wanted)}")

    def status(self, volume, status, attach_status):
        """Checks both states of a volume's row, which change together."""
        row = self.lab.plane.sql(f"SELECT status, attach_status FROM volumes WHERE id = '{volume}'")
        check(row == [[status, attach_status]], f"volume {volume} is {row}")


class Iscsi(Fabric):
    """One IQN a host, which also names its group; every portal leads to the LUN."""

    driver_volume_type = "iscsi"
    keys = {"target_discovered", "target_iqn", "target_iqns", "target_lun", "target_luns",
            "target_portal", "target_portals"}

    def connector(self, host, **more):
        """What os-brick says of a host."""
        return {"host": host, "ip": "192.0.2.7", "initiator": f"iqn.1993-08.org.debian:01:{host}",
                "multipath": True, "os_type": "linux", "platform": "x86_64",
                "mountpoint": "/dev/vdb", **more}

    def group(self, connector):
        return connector["initiator"]

    def own_ports(self, connector):
        return {connector["initiator"]}

    def targets_told(self, info, _connector):
        pairs = set(zip(info["target_portals"], info["target_iqns"], strict=True))
        check(pairs == self.xms.portals(), f"portals {pairs}")
        check((info["target_portal"], info["target_iqn"]) in pairs, f"{info}")
        check(info["target_luns"] == [info["target_lun"]] * len(pairs), f"{info}")


class FibreChannel(Fabric):
    """Two ports a host, in a group with the host's name; targets that are up, for each port."""

    driver_volume_type = "fibre_channel"
    keys = {"initiator_target_map", "target_discovered", "target_lun", "target_wwn"}
    up = {"21000024ff57b236", "21000024ff57b255"}

    def connector(self, host, **more):
        """What os-brick says of a host; the port names follow from the host's name."""
        tail = f"{sum(ord(c) * 131 ** n for n, c in enumerate(host)) % 16**8:08x}"
        return {"host": host, "ip": "192.0.2.7", "wwpns": [f"2100001b{tail}", f"2101001b{tail}"],
                "wwnns": [f"2000001b{tail}", f"2001001b{tail}"], "multipath": True,
                "os_type": "linux", "platform": "x86_64", "mountpoint": "/dev/vdb", **more}

    def group(self, connector):
        return connector["host"]

    def own_ports(self, connector):
        return {":".join(w[n:n + 2] for n in range(0, 16, 2)) for w in connector["wwpns"]}

    def targets_told(self, info, connector):
        check(set(info["target_wwn"]) == self.up, f"targets {info['target_wwn']}")
        reach = {port: set(targets) for port, targets in info["initiator_target_map"].items()}
        wanted = {port: self.up for port in connector["wwpns"]}
        check(reach == wanted, f"initiator_target_map {reach}, not {wanted}")


def fabrics_of(lab):
    """{backend: its fabric} of the lab."""
    kinds = {"xtremio-iscsi": Iscsi, "xtremio-fc": FibreChannel}
    return {backend: kinds[backend](lab, backend) for backend in BACKENDS}
