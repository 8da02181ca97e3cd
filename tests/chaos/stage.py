"""What every part plays on: servers, Cinder's schema, the array and a cinder.conf.

No keystone and no API: a publisher with Cinder's own classes takes their place. Servers and
schema are made once in a run; each part gets a virtual host of its own, empty tables, an empty
array and a fresh state folder.
"""

import json
import os
import urllib.request
from pathlib import Path

from process import LabError, run
from settings import BACKENDS, HOST, PASSWORD, Settings, ini

EMPTIED = (
    "volumes", "volume_metadata", "volume_admin_metadata", "volume_attachment", "snapshots",
    "quota_usages", "reservations", "messages", "services",
)


def pool_hosts():
    """`host@backend#pool` of each backend, as a scheduler learns them from the reports."""
    return [f"{HOST}@{backend}#{backend}" for backend in BACKENDS]


class ChaosSettings(Settings):
    """cinder.conf without keystone and glance, with quick heartbeats."""

    def __init__(self, plane):
        self.plane = plane

    def cinder(self):
        state = self.plane.state_path
        common = {
            "DEFAULT": {
                "debug": "true",
                "host": HOST,
                "my_ip": "127.0.0.1",
                "transport_url": self.transport(),
                "state_path": state,
                "enabled_backends": ",".join(BACKENDS),
                "quota_volumes": 100000,
                "quota_gigabytes": 1000000,
                "quota_snapshots": 100000,
                "report_interval": 2,
                "service_down_time": 10,
                "periodic_interval": 10,
                "backend_stats_polling_interval": 10,
                "executor_thread_pool_size": 16,
            },
            "database": {"connection": self.database("cinder")},
            "coordination": {"backend_url": f"file://{state}"},
            "oslo_concurrency": {"lock_path": state / "locks"},
            "oslo_messaging_notifications": {"driver": "messagingv2"},
            "key_manager": {"fixed_key": "5a" * 32},
        }
        for section, keys in self.plane.options.items():
            common.setdefault(section, {}).update(keys)
        return ini(common)

    def lines(self, relays):
        """What a host gets in addition so that its lines go through relays."""
        port = {name: relay.port for name, relay in relays.items()}
        database = (
            f"mysql+pymysql://openstack:{PASSWORD}@127.0.0.1:{port['database']}/cinder?charset=utf8"
        )
        return ini({
            "DEFAULT": {"transport_url": self.transport(port["broker"])},
            "database": {"connection": database},
            "oslo_messaging_rabbit": {"heartbeat_timeout_threshold": 9},
        }) + self.backends(self.plane.xms, port["array"], xms_call_timeout=4)


class Stage:
    """Looks to `VolumeHost` like a control plane; `begin` gives a part its own world."""

    def __init__(self, services, xms, venv):
        self.services, self.xms, self.venv = services, xms, Path(venv)
        self.rabbit, self.mariadb = services["rabbit"], services["mariadb"]
        self.etc = services.state.folder("etc")
        (self.etc / "cinder").mkdir(exist_ok=True)
        self.settings = ChaosSettings(self)
        self.options, self.vhost, self.state_path = {}, "none", self.etc

    @property
    def cinder_conf(self):
        return self.etc / "cinder" / "cinder.conf"

    def make_schema(self):
        """Cinder's schema, by its own migrations."""
        # what a server has confirmed and then forgets is nobody's fault here
        self.mariadb.keep_commits()
        self.mariadb.query(
            "CREATE DATABASE cinder CHARACTER SET utf8mb3;"
            f"GRANT ALL ON cinder.* TO openstack@127.0.0.1 IDENTIFIED BY '{PASSWORD}';"
            # where a session that provokes deadlocks makes itself heavier than its victims
            "CREATE DATABASE chaos; CREATE TABLE chaos.weight (id INT AUTO_INCREMENT PRIMARY KEY);"
        )
        self.cinder_conf.write_text(self.settings.cinder())
        run(
            [self.venv / "bin/cinder-manage", "--config-file", self.cinder_conf, "db", "sync"],
            "cinder-manage db sync",
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )

    def begin(self, name, options):
        """A world of its own for a part; `options` go into everybody's cinder.conf."""
        self.vhost, self.options = f"chaos-{name}", options
        self.state_path = self.services.state.folder(f"state-{name}")
        self.cinder_conf.write_text(self.settings.cinder())
        self.rabbit_api("PUT", f"vhosts/{self.vhost}")
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self.rabbit_api("PUT", f"permissions/{self.vhost}/guest", everything)
        emptied = "".join(f"DELETE FROM {table};" for table in EMPTIED)
        self.sql(
            f"SET FOREIGN_KEY_CHECKS=0; {emptied}"
            "DELETE FROM workers WHERE resource_type <> 'SENTINEL';"
        )
        self.xms.ask("POST", "/reset")

    def end(self):
        """Takes the virtual host away with all that waits in it."""
        try:
            self.rabbit_api("DELETE", f"vhosts/{self.vhost}")
        except OSError:  # the broker is down: the next start finds an unused one
            pass

    def sql(self, query):
        """Rows of the statements on the cinder schema, as lists of text."""
        return self.mariadb.query(query, "cinder")

    def queued(self):
        """Messages that the broker holds for volume hosts and scheduler, or None: not to be had."""
        try:
            queues = self.rabbit_api("GET", f"queues/{self.vhost}")
        except OSError:
            return None
        return sum(
            queue.get("messages", 0) for queue in queues
            if not queue["name"].startswith(("notifications", "reply_"))
        )

    def notifications(self):
        """Event types and volume ids that wait in the queue of notifications."""
        path = f"queues/{self.vhost}/notifications.info/get"
        body = {"count": 20000, "ackmode": "ack_requeue_true", "encoding": "auto"}
        try:
            waiting = self.rabbit_api("POST", path, body)
        except OSError:
            return []
        told = [json.loads(json.loads(w["payload"])["oslo.message"]) for w in waiting]
        return [[t["event_type"], t["payload"].get("volume_id")] for t in told]

    def rabbit_api(self, method, path, body=None):
        """One call of the management API."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.rabbit.api_port}/api/{path}",
            method=method,
            data=None if method == "GET" else json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json", "Authorization": self.rabbit.login},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def kill_points(binary):
    """The names that the worker lists, none where it does not know the subcommand."""
    try:
        out = run([binary, "kill-points"], "kill-points", seconds=20)
    except LabError:
        return []
    return [line.strip() for line in out.splitlines() if line.strip()]
