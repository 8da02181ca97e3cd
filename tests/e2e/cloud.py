"""The cloud as its users see it: the openstack client, the REST API, and the rows behind."""

import json
import os
import time
import urllib.error
import urllib.request

from control_plane import REGION, log_in
from process import run, wait_until
from settings import ADMIN_PASSWORD, PASSWORD
from steps import Failed, check

# db sync leaves one row of its own, by which Cinder tells whether dates have microseconds
WORKERS = "SELECT resource_type, resource_id, status FROM workers WHERE resource_type <> 'SENTINEL'"
FINAL_FAULTS = ("error", "error_deleting", "error_extending")


class Cloud:
    """One project's view; `user` is also the name of the project."""

    def __init__(self, plane, client_venv, user="admin"):
        self.plane, self.client_venv, self.user = plane, client_venv, user
        self.password = ADMIN_PASSWORD if user == "admin" else PASSWORD
        self.auth_url = plane.settings.auth_url
        self.url = plane.settings.url("cinder") + "/v3"
        self._token = None

    def openstack(self, *arguments):
        """Runs the openstack client; what it prints as JSON, or None if it prints nothing."""
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("OS_")},
            "OS_AUTH_URL": self.auth_url,
            "OS_IDENTITY_API_VERSION": "3",
            "OS_USERNAME": self.user,
            "OS_PASSWORD": self.password,
            "OS_PROJECT_NAME": self.user,
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
            "OS_REGION_NAME": REGION,
            "OS_VOLUME_API_VERSION": "3.70",
            "PYTHONWARNINGS": "ignore",
        }
        out = run(
            [f"{self.client_venv}/bin/openstack", *arguments],
            f"openstack {' '.join(arguments)}", seconds=120, env=env,
        )
        return json.loads(out) if out.strip()[:1] in ("{", "[") else out.strip() or None

    def rest(self, method, path, body=None):
        """One call of the volume API: (status, decoded body)."""
        if self._token is None:
            self._token = log_in(self.auth_url, self.user, self.password, self.user)
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "X-Auth-Token": self._token,
                "Content-Type": "application/json",
                "OpenStack-API-Version": "volume 3.70",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text, status = answer.read(), answer.status
        except urllib.error.HTTPError as refusal:
            text, status = refusal.read(), refusal.code
        return status, json.loads(text) if text[:1] in (b"{", b"[") else None

    def expect(self, status, method, path, body=None):
        """A call that must be answered with this status; its body."""
        seen, answer = self.rest(method, path, body)
        check(seen == status, f"{method} {path}: status {seen}, not {status}: {answer}")
        return answer

    def create(self, name, size, **fields):
        """Asks for a volume and returns its id, without waiting."""
        body = {"volume": {"name": name, "size": size, **fields}}
        return self.expect(202, "POST", "/volumes", body)["volume"]["id"]

    def show(self, kind, ident):
        """A `volume` or `snapshot` as a dict, None when it is gone."""
        status, answer = self.rest("GET", f"/{kind}s/{ident}")
        check(status in (200, 404), f"GET {kind} {ident}: status {status}: {answer}")
        return answer[kind] if status == 200 else None

    def wait(self, kind, ident, status, seconds=120):
        """Waits for a status (None: gone); a final fault on the way fails with its message."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.show(kind, ident)
            now = found and found["status"]
            if now == status:
                return found
            late = time.monotonic() > deadline
            if late or now in FINAL_FAULTS or (now is None and status is not None):
                raise Failed(
                    f"{kind} {ident} is '{now}', not '{status}'"
                    f"{f' after {seconds} s' if late else ''}; messages: {self.messages(ident)}"
                )
            time.sleep(0.2)

    def wait_any(self, kind, ident, statuses, seconds=120):
        """Waits for one of some statuses, faults among them; the object."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.show(kind, ident)
            if found and found["status"] in statuses:
                return found
            if time.monotonic() > deadline:
                now = found and found["status"]
                raise Failed(f"{kind} {ident} is '{now}' after {seconds} s, not {statuses}")
            time.sleep(0.2)

    def messages(self, resource):
        """User messages about one resource."""
        answer = self.expect(200, "GET", f"/messages?resource_uuid={resource}")
        return [m["user_message"] for m in answer["messages"]]


def nothing_left(lab, seconds=60):
    """Fails unless rows, quotas and array become empty: the last steps follow the status."""
    deadline = time.monotonic() + seconds
    while found := leftovers(lab.plane) + [
        f"{kind} on the array: {name}"
        for kind in ("volumes", "lun-maps", "snapshot-sets")
        for name in lab.xms.objects(kind)
    ]:
        check(time.monotonic() < deadline, "left over:\n" + "\n".join(found))
        time.sleep(0.2)


def no_worker_row(plane):
    """Waits until no workers row is left: it goes just after the final status."""
    wait_until("an empty workers table", lambda: plane.sql(WORKERS) == [], 60)


def work_files(plane):
    """Files with bytes of images where volume hosts work on them, as lines of text."""
    folder = plane.folder("cinder") / "conversion"
    return [f"work file: {p}" for p in folder.rglob("*") if p.is_file() and p.stat().st_size]


def leftovers(plane):
    """Everything in the rows that should not outlive the last volume, as lines of text."""
    queries = {
        "live volume": "SELECT id, status FROM volumes WHERE deleted = 0",
        "live snapshot": "SELECT id, status FROM snapshots WHERE deleted = 0",
        "live attachment": "SELECT id, volume_id FROM volume_attachment WHERE deleted = 0",
        "image property": "SELECT volume_id, snapshot_id FROM volume_glance_metadata WHERE deleted = 0",
        "worker row": WORKERS,
        "live transfer": "SELECT id, volume_id FROM transfers WHERE deleted = 0",
        "live reservation": "SELECT project_id, resource, delta FROM reservations WHERE deleted = 0",
        "quota usage": "SELECT project_id, resource, in_use, reserved FROM quota_usages "
        "WHERE deleted = 0 AND (in_use <> 0 OR reserved <> 0)",
    }
    return [
        f"{what}: {' '.join(row)}" for what, query in queries.items() for row in plane.sql(query)
    ]
