"""The publisher's commands about growth and snapshots, as cinder-api and cinder-scheduler send them."""

from cinder import objects, quota
from cinder.db import api as db


class CopyCommands:
    """Mixed into the publisher; `patiently` repeats what the database does not let through."""

    def prepare_snapshot(self, ident, volume):
        """Row and quota of a snapshot; the API makes no worker row, the host does."""
        source = objects.Volume.get_by_id(self.context, volume)
        wanted = {"snapshots": 1, "gigabytes": source.size}
        quota.QUOTAS.add_volume_type_opts(self.context, wanted, source.volume_type_id)
        reserved = quota.QUOTAS.reserve(self.context, **wanted)
        # the object's own create() would choose the id; here the seed does
        db.snapshot_create(self.context, {
            "id": ident, "volume_id": volume, "user_id": self.context.user_id,
            "project_id": self.context.project_id, "status": "creating", "progress": "0%",
            "volume_size": source.size, "display_name": f"chaos-{ident[:8]}",
            "volume_type_id": source.volume_type_id, "metadata": {},
        })
        quota.QUOTAS.commit(self.context, reserved)
        return {}

    def load_snapshot(self, ident):
        return objects.Snapshot.get_by_id(self.context, ident)

    def snapshot(self, ident):
        """The scheduler's cast to the host of the volume."""
        snapshot = self.patiently(lambda: self.load_snapshot(ident))
        self.api.create_snapshot(self.context, snapshot.volume, snapshot)
        return {"confirmed": True}

    def delete_snapshot(self, ident):
        """Status `deleting` where the API lets it, then the cast."""
        snapshot = self.patiently(lambda: self.load_snapshot(ident))
        taken = self.patiently(lambda: snapshot.conditional_update(
            {"status": "deleting"}, {"status": ("available", "error")}))
        if not taken:
            return {"refused": True}
        self.api.delete_snapshot(self.context, snapshot, False)
        return {"confirmed": True}

    def extend(self, ident, size):
        """Status `extending`, the growth reserved, then the scheduler's cast."""
        volume = self.patiently(lambda: objects.Volume.get_by_id(self.context, ident))
        values = {"status": "extending", "previous_status": volume.status}
        if not self.patiently(
            lambda: volume.conditional_update(values, {"status": ("available", "in-use")})
        ):
            return {"refused": True}
        wanted = {"gigabytes": size - volume.size}
        quota.QUOTAS.add_volume_type_opts(self.context, wanted, volume.volume_type_id)
        reserved = self.patiently(
            lambda: quota.QUOTAS.reserve(self.context, project_id=volume.project_id, **wanted))
        self.api.extend_volume(self.context, volume, size, reserved)
        return {"confirmed": True}
