"""Plays cinder-api and cinder-scheduler with Cinder's own classes: publisher.py CINDER_CONF

Runs in the services' Python environment. Reads one JSON object a line from standard input and
answers each, in any order, with one line on standard output that repeats its `key`. Commands:

    prepare   rows, quota and worker row of a volume, as cinder-api leaves them
    prepare_snapshot  row and quota of a snapshot
    create    host chosen and `create_volume` cast, as cinder-scheduler does
    delete    status `deleting` and `delete_volume` cast, as cinder-api does
    forget    the rows as after create or delete, but no message, as a broker loses it that restarts
    call      get_capabilities, accept_transfer, create_volume or delete_volume as a call
    extend, snapshot, delete_snapshot    the casts of copies.py
    attach, detach    the calls of attaching.py, and what the API writes around them
    heard     what the scheduler's side was told so far; late replies
    stop      the end

A `create_volume` that the host gives back is scheduled to the same host again, until its attempts
are used up, which ends the volume in error as the scheduler does.
"""

import json
import logging
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import oslo_messaging
from attaching import AttachCommands
from cinder import context as cinder_context
from cinder import objects, quota, rpc, service
from cinder.common import config  # noqa: F401  registers the options
from cinder.db import api as db
from cinder.message import api as message_api
from cinder.message import message_field
from cinder.objects import base, fields
from cinder.scheduler import rpcapi as scheduler_rpcapi
from cinder.volume import rpcapi as volume_rpcapi
from copies import CopyCommands
from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_serialization import jsonutils
from oslo_utils import timeutils

PATIENCE = 120
MAX_ATTEMPTS = 3
DELETABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")


def patiently(step):
    """Runs a step, which may be repeated, until the database lets it through."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return step()
        except db_exception.DBError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


class LateReplies(logging.Handler):
    """Counts replies that no caller waits for (any more): oslo.messaging only logs them."""

    def __init__(self):
        super().__init__()
        self.seen = 0

    def emit(self, record):
        if "No calling threads waiting" in record.getMessage():
            self.seen += 1


class Scheduler:
    """The endpoint on topic `cinder-scheduler`: reports are counted, volumes scheduled again."""

    target = oslo_messaging.Target(version="3.12")

    def __init__(self, publisher):
        self.publisher, self.given_back, self.reports = publisher, [], 0

    def update_service_capabilities(self, context, **_):
        self.reports += 1

    def notify_service_capabilities(self, context, **_):
        self.reports += 1

    def create_volume(self, context, volume, snapshot_id=None, image_id=None, request_spec=None,
                      filter_properties=None, backup_id=None):
        """A volume host did not manage to create the volume."""
        properties = filter_properties or {}
        retry = properties.get("retry", {})
        self.given_back.append({"id": volume.id, "attempt": retry.get("num_attempts")})
        retry["num_attempts"] = retry.get("num_attempts", 0) + 1
        retry.pop("exc", None)
        if retry["num_attempts"] > MAX_ATTEMPTS:
            patiently(lambda: self.give_up(context, volume))
            return
        host = retry["backends"][-1]
        for key in ("hosts", "backends"):
            retry[key].append(host)
        properties["retry"] = retry
        self.publisher.send_create(context, volume, host, request_spec, properties)

    @staticmethod
    def give_up(context, volume):
        """As the scheduler ends a volume that no backend took."""
        message_api.API().create(
            context, message_field.Action.SCHEDULE_ALLOCATE_VOLUME, resource_uuid=volume.id
        )
        volume.set_worker()
        volume.status = "error"
        volume.save()
        volume.unset_worker()


class Publisher(CopyCommands, AttachCommands):
    """The commands, each of which returns what its answer says."""

    patiently = staticmethod(patiently)

    def __init__(self, user, project):
        self.context = cinder_context.RequestContext(user, project, is_admin=False, roles=["member"])
        self.admin = cinder_context.get_admin_context()
        self.api, self.scheduler_api = volume_rpcapi.VolumeAPI(), scheduler_rpcapi.SchedulerAPI()
        self.scheduler, self.late = Scheduler(self), LateReplies()
        self.become_scheduler()
        logging.getLogger("oslo_messaging._drivers.amqpdriver").addHandler(self.late)
        self.type = objects.VolumeType.get_by_name_or_id(self.admin, "__DEFAULT__")
        self.server = oslo_messaging.get_rpc_server(
            rpc.TRANSPORT,
            oslo_messaging.Target(topic="cinder-scheduler", server="chaos", version="3.12"),
            [self.scheduler],
            executor="threading",
            serializer=rpc.RequestContextSerializer(base.CinderObjectSerializer()),
        )
        self.server.start()

    def become_scheduler(self):
        """A service row: a scheduler claims the worker rows of what it sends on by its id."""
        row = objects.Service(
            self.admin, host="chaos", binary="cinder-scheduler", topic="cinder-scheduler",
            report_count=0, disabled=False, rpc_current_version="3.12",
            object_current_version=base.OBJ_VERSIONS.get_current(),
        )
        row.create()
        service.Service.service_id = row.id

    def prepare(self, ident, size, snapshot_id=None, source_volid=None):
        """Row, quota and worker row, with no host yet: nobody takes notice of it before `create`."""
        values = {
            "size": size,
            "user_id": self.context.user_id,
            "project_id": self.context.project_id,
            "status": "creating",
            "attach_status": fields.VolumeAttachStatus.DETACHED,
            "display_name": f"chaos-{ident[:8]}",
            "availability_zone": "nova",
            "volume_type_id": self.type.id,
            "multiattach": False,
            "bootable": False,
            "snapshot_id": snapshot_id,
            "source_volid": source_volid,
        }
        wanted = {"volumes": 1, "gigabytes": size}
        quota.QUOTAS.add_volume_type_opts(self.context, wanted, self.type.id)
        reserved = quota.QUOTAS.reserve(self.context, **wanted)
        # the object's own create() would choose the id; here the seed does
        db.volume_create(self.context, {"id": ident, **values})
        volume = objects.Volume.get_by_id(self.context, ident)
        quota.QUOTAS.commit(self.context, reserved)
        volume.create_worker()
        return {}

    def request(self, volume, host):
        """(request_spec, filter_properties) as the scheduler sends them to the first host."""
        properties = objects.VolumeProperties(
            size=volume.size, user_id=volume.user_id, project_id=volume.project_id,
            status="creating", attach_status=volume.attach_status,
            display_name=volume.display_name, volume_type_id=volume.volume_type_id,
            availability_zone=volume.availability_zone, multiattach=False,
            snapshot_id=volume.snapshot_id, source_volid=volume.source_volid,
        )
        spec = objects.RequestSpec(
            volume=volume, volume_id=volume.id, volume_type=self.type,
            volume_properties=properties, image_id=None, snapshot_id=volume.snapshot_id,
            source_volid=volume.source_volid,
            consistencygroup_id=None, cgsnapshot_id=None, group_id=None, backup_id=None,
        )
        filters = {
            "retry": {"num_attempts": 1, "hosts": [host], "backends": [host]},
            "request_spec": jsonutils.to_primitive(spec),
            "config_options": {},
            "volume_type": self.type,
            "resource_type": self.type,
            "size": volume.size,
            "availability_zone": volume.availability_zone,
            "user_id": volume.user_id,
            "metadata": None,
            "qos_specs": None,
        }
        return spec, filters

    def send_create(self, context, volume, host, spec, filters, send=None):
        """Last steps of the scheduler: worker row claimed, the host into the row, then the cast."""

        def choose():
            volume.set_worker()
            volume.host, volume.scheduled_at = host, timeutils.utcnow()
            volume.save()

        patiently(choose)
        (send or self.api.create_volume)(context, volume, spec, filters, allow_reschedule=True)

    def load(self, ident, host):
        """A volume with the request for it, from the rows."""
        volume = objects.Volume.get_by_id(self.context, ident)
        return volume, *self.request(volume, host)

    def create(self, ident, host):
        volume, spec, filters = patiently(lambda: self.load(ident, host))
        self.send_create(self.context, volume, host, spec, filters)
        return {"confirmed": True}

    def forget(self, ident, host=None):
        """All that `create` (where a host is given) or `delete` does, less the message itself."""
        volume = patiently(lambda: objects.Volume.get_by_id(self.context, ident))
        if host:
            self.send_create(self.context, volume, host, None, None, lambda *_, **__: None)
        else:
            patiently(lambda: self.mark_deleting(ident))
        return {"confirmed": True}

    def mark_deleting(self, ident):
        """The row as cinder-api leaves it before the cast, or None where it refuses."""
        volume = objects.Volume.get_by_id(self.context, ident)
        if volume.status != "deleting":
            values = {"status": "deleting", "terminated_at": timeutils.utcnow()}
            if not volume.conditional_update(values, {"status": DELETABLE}):
                return None
        volume.create_worker()
        return volume

    def delete(self, ident):
        volume = patiently(lambda: self.mark_deleting(ident))
        if volume is None:
            return {"refused": True}
        patiently(lambda: self.api.delete_volume(self.context, volume))
        return {"confirmed": True}

    def call(self, method, timeout, ident=None, host=None):
        """One call that waits `timeout` seconds, which is also how long its message lives."""
        if ident:
            volume = patiently(lambda: objects.Volume.get_by_id(self.context, ident))
            host = host or volume.host
        cctxt = self.api._get_cctxt(host, timeout=timeout)
        if method == "get_capabilities":
            answer = cctxt.call(self.context, method, discover=False)
        elif method == "accept_transfer":
            answer = cctxt.call(
                self.context.elevated(), method, volume_id=ident, no_snapshots=False,
                new_user=self.context.user_id, new_project=self.context.project_id,
            )
        elif method == "delete_volume":
            volume = patiently(lambda: self.mark_deleting(ident))
            answer = cctxt.call(
                self.context, method, volume=volume, unmanage_only=False, cascade=False
            )
        else:
            volume, spec, filters = patiently(lambda: self.load(ident, host))

            def send(context, volume, spec, filters, allow_reschedule):
                cctxt.call(
                    context, method, volume=volume, request_spec=spec,
                    filter_properties=filters, allow_reschedule=allow_reschedule,
                )

            answer = self.send_create(self.context, volume, host, spec, filters, send)
        return {"replied": True, "answer": str(answer)[:80]}

    def heard(self):
        return {
            "given_back": list(self.scheduler.given_back),
            "reports": self.scheduler.reports,
            "late_replies": self.late.seen,
        }


def answer_one(publisher, asked, say):
    """Runs one command and says how it ended; its failure is an answer, too."""
    key, name = asked.pop("key"), asked.pop("do")
    try:
        found = getattr(publisher, name)(**asked)
    except oslo_messaging.MessagingTimeout:
        found = {"timed_out": True}
    except Exception as why:  # whatever a service answers is recorded
        traceback.print_exc(file=sys.stderr)
        kind = getattr(why, "exc_type", type(why).__name__)
        found = {"failed": kind, "text": str(why)[:300]}
    say({"key": key, **found})


def main():
    """Reads commands until `stop` or the end of input."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    cfg.CONF(["--config-file", sys.argv[1]], project="cinder")
    objects.register_all()
    rpc.init(cfg.CONF)
    publisher = Publisher("c4a05" + "0" * 27, "c4a05" + "1" * 27)
    lock = threading.Lock()

    def say(line):
        with lock:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()

    say({"key": "ready"})
    # calls wait for their replies: they must not keep casts from being sent
    with ThreadPoolExecutor(6) as casts, ThreadPoolExecutor(32) as calls:
        for line in sys.stdin:
            asked = json.loads(line)
            if asked["do"] == "stop":
                break
            pool = calls if asked["do"] in ("call", "attach", "detach", "heard") else casts
            pool.submit(answer_one, publisher, asked, say)
    publisher.server.stop()
    publisher.server.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
