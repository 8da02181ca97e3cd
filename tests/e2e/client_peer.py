"""python-cinderclient at the other end of a pipe: one JSON object a line, asked and answered.

Asked `{"version": "3.54", "call": "attachments.create", "args": [...], "kwargs": {...}}`; answered
`{"answer": ...}`, or `{"refused": STATUS, "why": TEXT}` where the API refused. It sends a service
token beside the user's, as Nova does: cinder-api lets nobody else take a server's disk away.
Runs in the clients' Python environment; who logs in where comes as JSON in the first line.
"""

import json
import sys

from cinderclient import client, exceptions
from keystoneauth1 import service_token, session
from keystoneauth1.identity import v3


def login(who, url):
    """A keystone login of one user in one project."""
    return v3.Password(
        auth_url=url, username=who["user"], password=who["password"],
        project_name=who["project"], user_domain_id="default", project_domain_id="default",
    )


def plain(found):
    """An answer of cinderclient as JSON can carry it."""
    if isinstance(found, tuple):  # (response, body) of an action
        return plain(found[1])
    if hasattr(found, "to_dict"):
        return found.to_dict()
    if isinstance(found, list):
        return [plain(one) for one in found]
    return found if isinstance(found, (dict, str, int, float, bool)) else None


def main():
    """Answers until its input ends."""
    config = json.loads(sys.stdin.readline())
    both = service_token.ServiceTokenAuthWrapper(
        user_auth=login(config, config["auth_url"]),
        service_auth=login(config["service"], config["auth_url"]),
    )
    clients, way = {}, session.Session(auth=both)
    for line in sys.stdin:
        asked = json.loads(line)
        version = asked["version"]
        if version not in clients:
            clients[version] = client.Client(version, session=way)
        found = clients[version]
        for part in asked["call"].split("."):
            found = getattr(found, part)
        try:
            answer = {"answer": plain(found(*asked["args"], **asked["kwargs"]))}
        except exceptions.ClientException as refusal:
            answer = {"refused": refusal.code, "why": str(refusal)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
