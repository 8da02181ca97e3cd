"""Python's cinder-volume or cinder-backup on a machine whose kernel has no initiator.

    brick.py cinder-volume|cinder-backup [ARGUMENT...]

Only the host's side of os-brick is replaced: where it would look for the disk that a LUN number
leads to, it takes the file which the simulated array keeps for the volume that it shows to this
host's initiator group at that number. What this host says of itself, and every request to the
array, is as it is with a kernel. CVX_XMS_ADMIN names the simulator's admin port.
"""

import importlib
import json
import os
import sys
import urllib.request

# the module makes eventlet's patches, which must come before anything else
PROGRAM = sys.argv[1]
command = importlib.import_module(f"cinder.cmd.{PROGRAM.removeprefix('cinder-')}")

from os_brick.initiator.connectors import fibre_channel, iscsi, nvmeof  # noqa: E402

INITIATOR = "iqn.1993-08.org.debian:01:python-host"
WWPNS = ["2100001bfade0001", "2101001bfade0001"]


def ask(path):
    """One answer of the simulator's admin port."""
    with urllib.request.urlopen(os.environ["CVX_XMS_ADMIN"] + path, timeout=30) as answer:
        return json.load(answer)


def disk(ports, connection):
    """The file of the volume that an initiator group with these ports sees at a LUN."""
    lun = connection["target_lun"]
    for cluster in ask("/state")["clusters"]:
        groups = {i["ig-id"][1] for i in cluster["initiators"]
                  if i["port-address"].replace(":", "") in {p.replace(":", "") for p in ports}}
        for found in cluster["lun-maps"]:
            if found["lun"] == lun and found["ig-name"] in groups:
                return ask("/luns")["files"][cluster["name"]][found["vol-name"]]
    raise OSError(f"the array shows nothing at LUN {lun} to {ports}")


def replace(kind, ports, properties):
    """Gives a class of connectors these properties and disks that are files."""
    sizes = {}

    def connect_volume(_self, connection):
        path = disk(ports, connection)
        sizes[path] = os.path.getsize(path)
        return {"type": "block", "path": path}

    def disconnect_volume(_self, connection, device_info=None, *_args, **_kwargs):
        path = (device_info or {}).get("path") or disk(ports, connection)
        # qemu-img makes a file as long as its content, which it could not do to a device
        if path in sizes and os.path.getsize(path) < sizes[path]:
            os.truncate(path, sizes[path])

    kind.connect_volume, kind.disconnect_volume = connect_volume, disconnect_volume
    kind.get_connector_properties = staticmethod(lambda *_args, **_kwargs: dict(properties))


replace(iscsi.ISCSIConnector, [INITIATOR], {"initiator": INITIATOR})
replace(fibre_channel.FibreChannelConnector, WWPNS,
        {"wwpns": WWPNS, "wwnns": ["20" + wwpn[2:] for wwpn in WWPNS]})
# asks the kernel by commands that this machine need not have
nvmeof.NVMeOFConnector.get_connector_properties = staticmethod(lambda *_args, **_kwargs: {})

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    command.main()
