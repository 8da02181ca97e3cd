"""The publisher's commands about attachments: what cinder-api and Nova do around the host's calls.

`attach` and `detach` take one of two ways: attachments (`old` false), or the calls from before
them. A call that fails or has no reply is followed by what Nova does then: the attachment is
deleted, which the API does without the host as long as its row is `reserved`.
"""

import oslo_messaging
from cinder import objects
from cinder.db import api as db

TRIES = 3


class AttachCommands:
    """Mixed into the publisher."""

    def ask_host(self, volume, timeout, version, method, /, **arguments):
        """A call to the volume's host that is waited for so many seconds."""
        cctxt = self.api._get_cctxt(volume.host, version, timeout=timeout)
        return cctxt.call(self.context, method, **arguments)

    def load_volume(self, ident):
        return self.patiently(lambda: objects.Volume.get_by_id(self.context, ident))

    def attach(self, ident, connector, timeout, old=False):
        """Reserved, mapped, completed; after a failure everything is taken back."""
        volume = self.load_volume(ident)
        status = "attaching" if old else "reserved"
        if not self.patiently(
            lambda: volume.conditional_update({"status": status}, {"status": "available"})
        ):
            return {"refused": True}
        way = self.attach_old if old else self.attach_new
        way(volume, connector, timeout)
        return {"replied": True}

    def attach_new(self, volume, connector, timeout):
        values = {"volume_id": volume.id, "volume_host": volume.host, "attach_status": "reserved"}
        made = self.patiently(lambda: db.volume_attach(self.admin, values))["id"]
        try:
            info = self.ask_host(volume, timeout, "3.9", "attachment_update", vref=volume,
                                 connector=connector, attachment_id=made)
        except Exception:
            self.drop(volume.id, made, timeout)
            raise
        attachment = self.load_attachment(made)
        attachment.connection_info = info
        attachment.attach_status = "attached"
        self.patiently(attachment.save)
        volume = self.load_volume(volume.id)
        volume.update({"status": "in-use", "attach_status": "attached"})
        self.patiently(volume.save)

    def load_attachment(self, ident):
        return self.patiently(lambda: objects.VolumeAttachment.get_by_id(self.context, ident))

    def drop(self, ident, attachment, timeout):
        """As the API deletes an attachment; asked again by the user where the host said nothing."""
        for attempt in range(TRIES):
            volume, row = self.load_volume(ident), self.load_attachment(attachment)
            try:
                if row.attach_status != "reserved":
                    self.ask_host(volume, timeout, "3.9", "attachment_delete",
                                  attachment_id=attachment, vref=volume)
                break
            except oslo_messaging.MessagingTimeout:
                if attempt + 1 == TRIES:
                    raise
        volume.volume_attachment  # noqa: B018  loaded here, so that finish_detach finds it
        self.patiently(lambda: volume.finish_detach(attachment))

    def attach_old(self, volume, connector, timeout):
        try:
            self.ask_host(volume, timeout, "3.0", "initialize_connection",
                          connector=connector, volume=volume)
            self.ask_host(volume, timeout, "3.3", "attach_volume", volume_id=volume.id,
                          instance_uuid=None, host_name=connector["host"],
                          mountpoint="/dev/vdb", mode="rw", volume=volume)
        except Exception:
            self.ask_host(volume, timeout, "3.0", "terminate_connection", volume_id=volume.id,
                          connector=connector, force=False)
            self.patiently(lambda: volume.conditional_update(
                {"status": "available"}, {"status": "attaching"}))
            raise

    def detach(self, ident, connector, timeout, old=False):
        """Taken off its host; without a reply the user asks again."""
        volume = self.load_volume(ident)
        held = self.patiently(
            lambda: objects.VolumeAttachmentList.get_all_by_volume_id(self.context, ident))
        if volume.status != "in-use" or len(held) != 1:
            return {"refused": True}
        if not old:
            self.drop(ident, held[0].id, timeout)
            return {"replied": True}
        self.patiently(lambda: volume.conditional_update(
            {"status": "detaching"}, {"status": "in-use"}))
        for attempt in range(TRIES):
            try:
                self.ask_host(volume, timeout, "3.0", "terminate_connection", volume_id=ident,
                              connector=connector, force=False)
                self.ask_host(volume, timeout, "3.4", "detach_volume", volume_id=ident,
                              attachment_id=held[0].id, volume=volume)
                return {"replied": True}
            except oslo_messaging.MessagingTimeout:
                if attempt + 1 == TRIES:
                    self.patiently(lambda: volume.conditional_update(
                        {"status": "in-use"}, {"status": "detaching"}))
                    raise
        return {}
