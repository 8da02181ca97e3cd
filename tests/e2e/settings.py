"""The configuration files of the control plane, as an operator would write them."""

PASSWORD = "lab-service"
ADMIN_PASSWORD = "lab-admin"
HOST = "first-light"
CLUSTER = "xio1"
# by which the array knows the volume host
INITIATOR = "iqn.1993-08.org.debian:01:volume-host"
BACKENDS = {
    "xtremio-iscsi": "cinder.volume.drivers.dell_emc.xtremio.XtremIOISCSIDriver",
    "xtremio-fc": "cinder.volume.drivers.dell_emc.xtremio.XtremIOFCDriver",
}


def ini(sections):
    """{section: {key: value}} as the text of an oslo.config file."""
    return "\n".join(
        "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in keys.items()), ""])
        for name, keys in sections.items()
    )


class Settings:
    """Paths, ports and file contents; `plane` gives ports, folders and addresses."""

    # {backend section: volume_driver}
    drivers = BACKENDS
    # short enough for steps that wait for heartbeats and reports
    periods = {
        "report_interval": 3,
        "service_down_time": 15,
        "periodic_interval": 10,
        "backend_stats_polling_interval": 10,
    }

    # where volume hosts find Glance: this list in cinder.conf, or the catalog that requests bring
    glance_api_servers = False

    def __init__(self, plane):
        self.plane = plane
        self.auth_url = f"http://127.0.0.1:{plane.ports['keystone']}/v3"

    def url(self, service):
        """Address of an API of this control plane."""
        return f"http://127.0.0.1:{self.plane.ports[service]}"

    def database(self, schema):
        """SQLAlchemy URL of one schema."""
        port = self.plane.mariadb.port
        return f"mysql+pymysql://openstack:{PASSWORD}@127.0.0.1:{port}/{schema}?charset=utf8"

    def transport(self, port=None):
        """transport_url of the vhost, also through another port (a relay)."""
        return f"rabbit://guest:guest@127.0.0.1:{port or self.plane.rabbit.port}/{self.plane.vhost}"

    def memcached(self):
        return f"127.0.0.1:{self.plane.ports['memcached']}"

    def service_login(self, user):
        """Options by which a service logs in to keystone."""
        return {
            "auth_url": self.auth_url,
            "auth_type": "password",
            "project_domain_id": "default",
            "user_domain_id": "default",
            "project_name": "service",
            "username": user,
            "password": PASSWORD,
        }

    def authtoken(self, user):
        """[keystone_authtoken]: without memcached each request would cost a keystone call."""
        return {
            **self.service_login(user),
            "www_authenticate_uri": self.auth_url,
            "memcached_servers": self.memcached(),
            "service_token_roles": "service",
            "service_token_roles_required": "true",
        }

    def keystone(self):
        state = self.plane.folder("keystone")
        return ini({
            "DEFAULT": {"log_file": self.plane.log("keystone")},
            "database": {"connection": self.database("keystone")},
            "cache": {
                "enabled": "true",
                "backend": "dogpile.cache.memcached",
                "memcache_servers": self.memcached(),
            },
            "fernet_tokens": {"key_repository": state / "fernet"},
            "fernet_receipts": {"key_repository": state / "fernet"},
            "credential": {"key_repository": state / "credential"},
            "identity": {"password_hash_rounds": 4},
        })

    def glance(self):
        state = self.plane.folder("glance")
        return ini({
            "DEFAULT": {
                "log_file": self.plane.log("glance"),
                "bind_host": "127.0.0.1",
                "bind_port": self.plane.ports["glance"],
                "enabled_backends": "file:file",
                "worker_self_reference_url": self.url("glance"),
                "image_cache_dir": state / "cache",
            },
            "database": {"connection": self.database("glance")},
            "glance_store": {"default_backend": "file"},
            "file": {"filesystem_store_datadir": state / "images"},
            "os_glance_staging_store": {"filesystem_store_datadir": state / "staging"},
            "os_glance_tasks_store": {"filesystem_store_datadir": state / "tasks"},
            "paste_deploy": {"flavor": "keystone"},
            "oslo_concurrency": {"lock_path": state},
            # hostile images have to come as far as the volume host
            "image_format": {"require_image_format_match": "false"},
            "keystone_authtoken": self.authtoken("glance"),
        })

    def cinder(self):
        """cinder.conf as API, scheduler and any volume host read it."""
        state, etc = self.plane.folder("cinder"), self.plane.etc / "cinder"
        return ini({
            "DEFAULT": {
                "debug": "true",
                "host": HOST,
                "my_ip": "127.0.0.1",
                "auth_strategy": "keystone",
                "transport_url": self.transport(),
                "api_paste_config": etc / "api-paste.ini",
                "resource_query_filters_file": etc / "resource_filters.json",
                "rootwrap_config": etc / "rootwrap.conf",
                "state_path": state,
                **({"glance_api_servers": self.url("glance")} if self.glance_api_servers else {}),
                # images of volumes that are in use
                "enable_force_upload": "true",
                "backup_driver": "cinder.backup.drivers.posix.PosixBackupDriver",
                "backup_posix_path": state / "backups",
                "backup_compression_algorithm": "zstd",
                # it holds so much in memory
                "backup_file_size": 64 << 20,
                "enabled_backends": ",".join(self.drivers),
                "quota_volumes": 100,
                # the last one keeps a create that failed from the backend where it did
                "scheduler_default_filters": "AvailabilityZoneFilter,CapacityFilter,"
                "CapabilitiesFilter,IgnoreAttemptedHostsFilter",
                **self.periods,
            },
            "database": {"connection": self.database("cinder")},
            "coordination": {"backend_url": f"file://{state}"},
            "oslo_concurrency": {"lock_path": state / "locks"},
            "oslo_messaging_notifications": {"driver": "messagingv2"},
            "key_manager": {"fixed_key": "5a" * 32},
            "keystone_authtoken": self.authtoken("cinder"),
            "nova": self.service_login("cinder"),
            "service_user": {"send_service_user_token": "true", **self.service_login("cinder")},
        })

    def data_path(self, xms):
        """What our worker is told of reaching the bytes of volumes; Python's ignores it."""
        if not xms.luns:
            return {}
        return {"image_data_path": "userspace", "iscsi_initiator_name": INITIATOR}

    def backends(self, xms, port=None, **more):
        """The backend sections on one simulated array, also through a relay's port."""
        common = {
            # the Python driver stays uninitialized without it; ours accepts it
            "enable_unsupported_driver": "true",
            # the Python driver has no port option: what is here goes into its URLs as it is
            "san_ip": f"127.0.0.1:{port or xms.port}",
            "san_login": xms.user,
            "san_password": xms.password,
            "xtremio_cluster_name": CLUSTER,
            "driver_ssl_cert_verify": "true",
            "driver_ssl_cert_path": xms.ca,
        }
        return ini({
            name: {"volume_driver": driver, "volume_backend_name": name, **common, **more}
            for name, driver in self.drivers.items()
        })
