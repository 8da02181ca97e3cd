"""keystone, glance-api, cinder-api and cinder-scheduler on servers of this run alone."""

import grp
import json
import os
import pwd
import shutil
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nova import Nova
from process import Process, answers, free_port, run, wait_until
from settings import ADMIN_PASSWORD, PASSWORD, Settings

HERE = Path(__file__).resolve().parent
REGION = "RegionOne"
# (catalog type, name, path below the service's address)
CATALOG = {
    "cinder": [("block-storage", "cinder", "/v3"), ("volumev3", "cinderv3", "/v3/%(project_id)s")],
    "glance": [("image", "glance", "")],
    "nova": [("compute", "nova", "/v2.1")],
}


class ControlPlane:
    """A context: everything answers on entry, all processes have ended on exit.

    `settings` writes the configuration: a class like `Settings`, or it with backends of its own.
    glance-api is always there: openstack client looks for it before it makes a volume.
    """

    def __init__(self, services, venv, settings=Settings):
        self.services, self.venv = services, Path(venv)
        self.rabbit, self.mariadb = services["rabbit"], services["mariadb"]
        self.vhost = "openstack"
        self.etc = services.state.folder("etc")
        self.ports = {n: free_port() for n in ("keystone", "glance", "cinder", "nova", "memcached")}
        self.settings = settings(self)
        self.processes = []

    def folder(self, name):
        return self.services.state.folder(name)

    def log(self, name):
        return self.services.state.logs / f"{name}.log"

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.kill()

    def _start(self):
        self._write_files()
        rights = "".join(
            f"CREATE DATABASE {schema} CHARACTER SET utf8mb3;"
            f"GRANT ALL ON {schema}.* TO openstack@127.0.0.1 IDENTIFIED BY '{PASSWORD}';"
            for schema in ("keystone", "glance", "cinder")
        )
        self.mariadb.query(rights)
        self.rabbit_api("PUT", f"vhosts/{self.vhost}")
        self.rabbit_api(
            "PUT",
            f"permissions/{self.vhost}/guest",
            {"configure": ".*", "write": ".*", "read": ".*"},
        )
        user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        memcached = self._process(
            "memcached",
            ["memcached", "-u", user, "-l", "127.0.0.1", "-p", self.ports["memcached"], "-U", "0"],
        )
        # each schema takes seconds of CPU and none needs another: two cores, side by side
        with ThreadPoolExecutor(3) as pool:
            cinder = pool.submit(self._manage, "cinder", "db", "sync")
            glance = pool.submit(self._manage, "glance", "db_sync")
            self._prepare_keystone()
            wait_until("memcached", lambda: answers(self.ports["memcached"]), 20, memcached)
            keystone = self._api("keystone", 8)
            self._wait_http("keystone", "/v3", keystone)
            self._fill_keystone()
            self.nova = Nova(self.ports["nova"], self.settings.auth_url).start()
            self.processes.append(self.nova)
            glance.result()
            glance = self._api("glance", 4)
            cinder.result()
            cinder = self._api("cinder", 16)
            scheduler = self._process(
                "cinder-scheduler",
                [self.venv / "bin/cinder-scheduler", "--config-file", self.cinder_conf,
                 "--log-file", self.log("cinder-scheduler")],
            )
            self._wait_http("glance", "/versions", glance)
            self._wait_http("cinder", "/", cinder)
            wait_until("cinder-scheduler's service row", self._scheduler_row, 180, scheduler)

    @property
    def cinder_conf(self):
        return self.etc / "cinder" / "cinder.conf"

    def _write_files(self):
        files = {
            "keystone/keystone.conf": self.settings.keystone(),
            "glance/glance-api.conf": self.settings.glance(),
            "cinder/cinder.conf": self.settings.cinder(),
        }
        for name, text in files.items():
            path = self.etc / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        for name in ("images", "staging", "tasks", "cache"):
            self.folder(f"glance/{name}")
        shutil.copy(self.venv / "etc/glance/glance-api-paste.ini", self.etc / "glance")
        for name in ("api-paste.ini", "resource_filters.json"):
            shutil.copy(self.venv / "etc/cinder" / name, self.etc / "cinder")
        rootwrap = (self.venv / "etc/cinder/rootwrap.conf").read_text().splitlines()
        own = {
            "filters_path": f"{self.venv}/etc/cinder/rootwrap.d,{self.venv}/etc/os-brick/rootwrap.d",
            "exec_dirs": f"{self.venv}/bin,/sbin,/usr/sbin,/bin,/usr/bin",
        }
        lines = [f"{k}={own[k]}" if (k := line.partition("=")[0]) in own else line for line in rootwrap]
        (self.etc / "cinder/rootwrap.conf").write_text("\n".join(lines) + "\n")

    def _process(self, name, command, env=None):
        process = Process(name, command, self.services.state.logs / f"{name}.out", env=env)
        self.processes.append(process)
        return process.start()

    def _api(self, name, threads):
        return self._process(
            name,
            [self.venv / "bin/gunicorn", "-b", f"127.0.0.1:{self.ports[name]}", "-w", "1",
             "--threads", threads, "--timeout", "600", "--worker-tmp-dir", self.folder("gunicorn"),
             "--no-control-socket", "--access-logfile", self.log(f"{name}-access"), f"wsgi:{name}()"],
            env={"CVX_ETC": str(self.etc), "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore",
                 "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def _manage(self, service, *arguments):
        conf = {"glance": "glance-api"}.get(service, service)
        return run(
            [self.venv / f"bin/{service}-manage", "--config-file",
             self.etc / service / f"{conf}.conf", *arguments],
            f"{service}-manage {' '.join(arguments[:2])}",
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )

    def sudo(self):
        """A folder with a `sudo` that serves root, for programs that never ask who they are."""
        folder = self.folder("bin")
        if os.getuid() == 0 and not shutil.which("sudo"):
            script = folder / "sudo"
            script.write_text('#!/bin/sh\nexec "$@"\n')
            script.chmod(0o755)
        return folder

    def cinder_manage(self, *arguments):
        """Runs cinder-manage on this cloud."""
        return self._manage("cinder", *arguments)

    def _prepare_keystone(self):
        me = ["--keystone-user", pwd.getpwuid(os.getuid()).pw_name,
              "--keystone-group", grp.getgrgid(os.getgid()).gr_name]
        self._manage("keystone", "db_sync")
        for keys in ("fernet", "credential"):
            self.folder(f"keystone/{keys}").chmod(0o700)
            self._manage("keystone", f"{keys}_setup", *me)
        url = self.settings.auth_url
        self._manage(
            "keystone", "bootstrap", "--bootstrap-password", ADMIN_PASSWORD,
            "--bootstrap-region-id", REGION, "--bootstrap-public-url", url,
            "--bootstrap-internal-url", url, "--bootstrap-admin-url", url,
        )

    def _fill_keystone(self):
        """Service users, catalog, and a second project that volumes can be given to."""
        keystone = Keystone(self.settings.auth_url)
        service = keystone.make("project", name="service", domain_id="default")
        roles = {role["name"]: role["id"] for role in keystone.call("GET", "/roles")["roles"]}
        for name in ("cinder", "glance"):
            user = keystone.make("user", name=name, password=PASSWORD, domain_id="default")
            for role in ("admin", "service"):
                keystone.grant(service, user, roles[role])
        for name in ("receiver", "refused"):
            project = keystone.make("project", name=name, domain_id="default")
            user = keystone.make("user", name=name, password=PASSWORD, domain_id="default")
            keystone.grant(project, user, roles["member"])
        for api, entries in CATALOG.items():
            for kind, name, path in entries:
                entry = keystone.make("service", name=name, type=kind)
                keystone.make("endpoint", service_id=entry, interface="public", region_id=REGION,
                              url=self.settings.url(api) + path)

    def _wait_http(self, name, path, process):
        def ready():
            try:
                urllib.request.urlopen(self.settings.url(name) + path, timeout=30).close()
                return True
            except urllib.error.HTTPError as answer:
                return answer.code < 500
            except OSError:
                return False

        wait_until(f"{name} API", ready, 300, process)

    def _scheduler_row(self):
        return self.sql("SELECT id FROM services WHERE `binary` = 'cinder-scheduler'")

    def sql(self, query):
        """Rows of a query on the cinder schema, as lists of text."""
        return self.mariadb.query(query, "cinder")

    def notifications(self):
        """All that wait in the queue of notifications, decoded; they stay there."""
        waiting = self.rabbit_api(
            "POST", f"queues/{self.vhost}/notifications.info/get",
            {"count": 10000, "ackmode": "ack_requeue_true", "encoding": "auto"},
        )
        return [json.loads(json.loads(w["payload"])["oslo.message"]) for w in waiting]

    def hear_notifications(self, *idents):
        """What an oslo.messaging listener hears about volumes until each of them is deleted."""
        out = run(
            [self.venv / "bin/python", HERE / "listener.py", self.cinder_conf, *idents],
            "oslo.messaging's notification listener", seconds=60,
            env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def rabbit_api(self, method, path, body=None):
        """One call of the management API; the answer to a GET or POST."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.rabbit.api_port}/api/{path}",
            method=method,
            data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json", "Authorization": self.rabbit.login},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None


class Keystone:
    """The few identity calls that set a cloud up, as its admin."""

    def __init__(self, auth_url):
        self.url = auth_url
        self.token = log_in(auth_url, "admin", ADMIN_PASSWORD, "admin")

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "X-Auth-Token": self.token},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def make(self, kind, **fields):
        """Creates one thing and returns its id."""
        return self.call("POST", f"/{kind}s", {kind: fields})[kind]["id"]

    def grant(self, project, user, role):
        self.call("PUT", f"/projects/{project}/users/{user}/roles/{role}")


def log_in(auth_url, user, password, project):
    """A token for one project."""
    body = {"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": user, "password": password, "domain": {"id": "default"}}}},
        "scope": {"project": {"name": project, "domain": {"id": "default"}}},
    }}
    request = urllib.request.Request(
        auth_url + "/auth/tokens",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers["X-Subject-Token"]
