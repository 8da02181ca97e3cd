"""What Tempest needs beside the control plane: backends of one protocol, images, a catalog entry."""

import json
import os
import urllib.request

from control_plane import REGION, Keystone, log_in
from process import wait_until
from settings import ADMIN_PASSWORD, BACKENDS, Settings

ISCSI, FC = BACKENDS.values()
PROTOCOLS = {"iscsi": ("iSCSI", ISCSI), "fc": ("FC", FC)}
IMAGE_BYTES = 8 << 20
# Below keystone, which answers 404: Tempest asks for the security groups of each project that it
# takes away, and is content to hear that there are none.
NO_NETWORK = "/there-is-no-network-service"


def settings_for(protocol):
    """The configuration of a cloud with two backends of one protocol on one array."""

    class TwoBackends(Settings):
        drivers = dict.fromkeys(("first", "second"), PROTOCOLS[protocol][1])
        # Cinder's own, but for a first report that does not take long
        periods = {"report_interval": 10, "service_down_time": 60}
        glance_api_servers = True

    return TwoBackends


def wait_for_pools(cloud):
    """Waits until the scheduler knows every backend: volumes asked for before end in error."""
    wanted = set(cloud.plane.settings.drivers)

    def known():
        answer = cloud.expect(200, "GET", "/scheduler-stats/get_pools")
        return {pool["name"].partition("@")[2].partition("#")[0] for pool in answer["pools"]} >= wanted

    wait_until("pools of all backends", known, 120)


def add_network_entry(plane):
    """Enters a network service that is not there."""
    keystone = Keystone(plane.settings.auth_url)
    entry = keystone.make("service", name="none", type="network")
    keystone.make("endpoint", service_id=entry, interface="public", region_id=REGION,
                  url=plane.settings.url("keystone") + NO_NETWORK)


def add_image(plane, name):
    """Uploads a public raw image; its id."""
    url = plane.settings.url("glance") + "/v2/images"
    token = log_in(plane.settings.auth_url, "admin", ADMIN_PASSWORD, "admin")

    def call(method, path, kind, body):
        request = urllib.request.Request(url + path, method=method, data=body, headers={
            "X-Auth-Token": token, "Content-Type": kind,
        })
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read()

    fields = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public"}
    ident = json.loads(call("POST", "", "application/json", json.dumps(fields).encode()))["id"]
    call("PUT", f"/{ident}/file", "application/octet-stream", os.urandom(IMAGE_BYTES))
    return ident


def tempest_conf(plane, protocol, folder, images):
    """tempest.conf as sections: what this cloud has, and nothing that it has not."""
    return {
        "DEFAULT": {"log_file": plane.log("tempest"), "debug": "true"},
        "oslo_concurrency": {"lock_path": folder / "locks"},
        "auth": {
            "use_dynamic_credentials": "true",
            "create_isolated_networks": "false",
            "admin_username": "admin",
            "admin_password": ADMIN_PASSWORD,
            "admin_project_name": "admin",
            "admin_domain_name": "Default",
        },
        "identity": {"uri_v3": plane.settings.auth_url, "auth_version": "v3", "region": REGION},
        "service_available": {
            "cinder": "true",
            "glance": "true",
            "nova": "false",
            # without it whole classes are skipped that only would like a default network
            "neutron": "true",
            "swift": "false",
            "horizon": "false",
        },
        "compute": {"image_ref": images[0], "image_ref_alt": images[1]},
        "validation": {"run_validation": "false"},
        "volume": {
            "catalog_type": "block-storage",
            "min_microversion": "3.0",
            "max_microversion": "latest",
            # a machine that does other things besides must not look like a broken cloud
            "build_timeout": 300,
            "storage_protocol": PROTOCOLS[protocol][0],
            "vendor_name": "Dell EMC",
            "backend_names": ",".join(plane.settings.drivers),
            # an array object that is let go of is renamed to this
            "manage_volume_ref": "source-name, volume-%s-unmanged",
            "manage_snapshot_ref": "source-name, snapshot-%s-unmanged",
        },
        "volume-feature-enabled": {
            "multi_backend": "true",
            "manage_volume": "true",
            "manage_snapshot": "true",
            "extend_volume_with_snapshot": "true",
            "backup": "true",
            # moves bytes on the volume host: this array's driver has no revert of its own
            "volume_revert": "false",
            # a snapshot can go while a volume made from it stays
            "enable_volume_image_dep_tests": "true",
            "consistency_group": "false",
        },
    }
