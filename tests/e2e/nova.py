"""Nova's external events, as far as a volume host sees them. Tokens are judged by the real keystone."""

import json
import threading
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/v2.1/os-server-external-events"


class Nova:
    """Answers for the servers it knows; in `events` what it was told, in order."""

    def __init__(self, port, auth_url):
        self.auth_url, self.servers, self.events = auth_url, set(), []
        handler = type("Handler", (_Handler,), {"nova": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", port), handler)

    def start(self):
        """Listens until `kill`."""
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def kill(self):
        self.http.shutdown()
        self.http.server_close()

    def boot(self):
        """The id of a server that is known from now on."""
        server = str(uuid.uuid4())
        self.servers.add(server)
        return server

    def told(self, volume):
        """The events about a volume: (name, server)."""
        return [(e["name"], e["server_uuid"]) for e in self.events if e["tag"] == volume]

    def admits(self, token):
        """Whether keystone knows the token, with the role that Nova's policy asks for."""
        headers = {"X-Auth-Token": token or "", "X-Subject-Token": token or ""}
        request = urllib.request.Request(self.auth_url + "/auth/tokens", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                roles = json.load(answer)["token"].get("roles", [])
        except urllib.error.HTTPError:
            return False
        return "service" in {role["name"] for role in roles}


class _Handler(BaseHTTPRequestHandler):
    nova = None

    def log_message(self, *_):
        pass

    def do_GET(self):
        # a client that looks for versions goes by the catalog then
        self._answer(404, {})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != PATH:
            return self._answer(404, {})
        if not self.nova.admits(self.headers["X-Auth-Token"]):
            return self._answer(401, {})
        version = self.headers["OpenStack-API-Version"] or ""
        if version.split() != ["compute", "2.51"]:
            return self._answer(400, {"message": f"volume-extended in {version!r}"})
        known = [e for e in body["events"] if e["server_uuid"] in self.nova.servers]
        if not known:
            return self._answer(404, {"message": "none of the servers is known"})
        self.nova.events += known
        events = [{**e, "code": 200 if e in known else 404, "status": "completed"}
                  for e in body["events"]]
        return self._answer(200 if len(known) == len(events) else 207, {"events": events})

    def _answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
