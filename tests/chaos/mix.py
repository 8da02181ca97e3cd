"""Growth, snapshots, copies and attachments among the traffic of a part."""

import uuid

import facts
from stage import pool_hosts

CALL_TIMEOUT = 60
HOSTS = 3
AT_REST = ("extend", "attach", "attach_old", "snapshot", "clone")


class Mixer:
    """The volumes of a part that more is asked of than to be made and deleted.

    A volume or snapshot gets one command in a burst, of those that the API would let through in
    the state where the burst finds it: so commands follow each other only when one has ended.
    What is being copied is left alone: the API would let it be deleted, and which of the two comes
    first is anybody's guess after a death.
    """

    def __init__(self, play):
        self.play, self.rng = play, play.rng
        self.stock, self.snapshots, self.connected, self.copies = {}, {}, {}, {}
        self.waiting = []

    def stock_up(self, count):
        """So many volumes; half of them attached, every other with a snapshot.

        The first attachments of each host come one by one: Python's driver fails where two make
        the host's initiator at once, and the comparison is about faults from outside.
        """
        if not count:
            return
        made = self.play.asker.prepare(self.rng, count)
        for ident, _ in made:
            self.stock[ident] = pool_hosts()[len(self.stock) % len(pool_hosts())]
        asker = self.play.asker
        asker.wait([asker.ask("create", i, "baseline", host=self.stock[i]) for i, _ in made])
        self.play.until_available(self.stock, 90)
        first = []
        for number, ident in enumerate(list(self.stock)[: count // 2]):
            # every host on every backend
            connector = self.connector(number // len(pool_hosts()) % HOSTS)
            first.append(self.attach(ident, "baseline", number % 4 > 1, connector)())
            asker.wait(first)
        for ident in list(self.stock)[1::2]:
            first.append(self.snapshot(ident, "baseline")())
        asker.wait(first)

        def at_rest():
            self.play.host.tend()
            found = facts.rows(self.play.stage)["snapshot"]
            return {r[0] for r in found if r[1] == "available"} >= set(self.snapshots)

        self.play.until("snapshots of the baseline", at_rest, 60)

    def requests(self, tag):
        """One request for each volume and snapshot that is at rest."""
        if not self.stock:
            return []
        found = facts.rows(self.play.stage)
        volumes = {row[0]: (row[1], int(row[2])) for row in found["volume"] if row[3] == "0"}
        usable = [row[0] for row in found["snapshot"] if row[1] == "available" and row[3] == "0"]
        asked, waiting = [], set(self.waiting)
        copied = waiting | {source for source, made in self.copies.items()
                  if any(volumes.get(ident, ("",))[0] == "creating" for ident in made)}
        for number, ident in enumerate(self.stock):
            status, size = volumes.get(ident, ("gone", 0))
            if ident in copied:
                continue
            if status == "in-use":
                asked.append(self.detach(ident, tag))
            elif status == "available":
                asked.append(self.one(AT_REST[(number + self.rng.randint(0, 4)) % 5], ident, size, tag))
        for ident in [i for i in self.snapshots if i in usable and i not in copied]:
            if self.rng.random() < 0.5:
                asked.append(self.ask("delete_snapshot", ident, tag))
            else:
                volume, size = self.snapshots[ident]
                asked.append(self.copy(volume, size, tag, snapshot_id=ident))
        return asked

    def one(self, kind, ident, size, tag):
        """A command for a volume that is available."""
        if kind == "extend":
            return self.ask("extend", ident, tag, size=size + self.rng.choice((1, 2)))
        if kind.startswith("attach"):
            return self.attach(ident, tag, kind == "attach_old")
        if kind == "snapshot":
            return self.snapshot(ident, tag)
        # as large as its source, or larger
        return self.copy(ident, size + self.rng.choice((0, 0, 2)), tag, source_volid=ident)

    def ask(self, kind, ident, tag, source=None, **more):
        """A request to be made later; until then nothing else is asked of what it is about."""
        about = [ident, source]
        self.waiting += about

        def make():
            for one in about:
                self.waiting.remove(one)
            return self.play.asker.ask(kind, ident, tag, **more)

        return make

    def snapshot(self, volume, tag):
        sizes = {row[0]: int(row[2]) for row in facts.rows(self.play.stage)["volume"]}
        ident = self.play.asker.prepare_one(self.rng, "prepare_snapshot", volume=volume)
        self.snapshots[ident] = (volume, sizes[volume])
        return self.ask("snapshot", ident, tag)

    def copy(self, source, size, tag, **origin):
        """A new volume on the backend of its source."""
        ident = self.play.asker.prepare_one(self.rng, size=size, **origin)
        for source_id in origin.values():
            self.copies.setdefault(source_id, []).append(ident)
        return self.ask("create", ident, tag, next(iter(origin.values())), host=self.stock[source])

    def connector(self, number):
        """One of a few hosts, so that groups are shared."""
        return {"host": f"compute-{number}", "ip": f"192.0.2.{number + 1}", "multipath": False,
                "wwpns": [f"500a0b800000000{number}"], "wwnns": [f"500a0b900000000{number}"],
                "initiator": f"iqn.1994-05.com.redhat:chaos{number}", "os_type": "linux",
                "platform": "x86_64", "do_local_attach": False,
                "system uuid": str(uuid.UUID(int=number))}

    def attach(self, ident, tag, old, connector=None):
        connector = connector or self.connector(self.rng.randrange(HOSTS))
        self.connected[ident] = (connector, old)
        return self.cycle("attach", ident, tag)

    def detach(self, ident, tag):
        return self.cycle("detach", ident, tag)

    def cycle(self, kind, ident, tag):
        connector, old = self.connected[ident]
        return self.ask(kind, ident, tag, connector=connector, old=old, timeout=CALL_TIMEOUT,
                        may_time_out=self.play.part.calls_may_time_out)
