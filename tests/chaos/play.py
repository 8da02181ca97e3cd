"""One part being played: its world, its host, its publisher, its events, its end."""

import time

import checker
import facts
from asker import Asker
from mix import Mixer
from process import LabError, wait_until
from relay import Relay
from stage import pool_hosts
from supervised import Host

CALL_TIMEOUT = 60
# Python's host leaves rows as they are for good: no use in watching them for long
# ours waits 45 s after a lost line for what other hosts could not send meanwhile
UNCHANGED = {"ours": 75, "python": 15}


class Play:
    """What a part's script works with. A context: everything is ended on exit."""

    def __init__(self, stage, binary, kind, part, rng):
        self.stage, self.xms, self.binary = stage, stage.xms, binary
        self.kind, self.part, self.rng = kind, part, rng
        self.name = f"{kind}-{part.name}"
        self.relays, self.notes, self.host, self.began = {}, {}, None, time.monotonic()
        self.free, self.kept, self.given_up = [], [], set()
        self.mixer = Mixer(self)
        stage.begin(self.name, part.options)
        extra = None
        if part.relays:
            self.relays = {
                "broker": Relay(stage.rabbit.port),
                "database": Relay(stage.mariadb.port),
                "array": Relay(stage.xms.port),
            }
            extra = stage.settings.lines(self.relays)
        self.asker = Asker(stage, self.name)
        self.host = Host(stage, binary, kind, self.name, extra)

    def __enter__(self):
        try:
            self.asker.start()
            self.host.start()
            self.asker.ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.asker.stop()
        self.host.close()
        for relay in self.relays.values():
            relay.close()
        self.stage.end()

    def since(self):
        """Seconds since the part began."""
        return time.monotonic() - self.began

    # ---- asking

    def any_host(self):
        return self.rng.choice(pool_hosts())

    def baseline(self, count, keep=0, mix=0):
        """Volumes made before anything goes wrong: `free` to be deleted, `keep` to stay.

        With `mix` also so many that grow, are copied and attached, with what that needs.
        """
        made = self.asker.prepare(self.rng, count + keep)
        self.asker.wait([
            self.asker.ask("create", ident, "baseline", host=self.any_host()) for ident, _ in made
        ])
        idents = [ident for ident, _ in made]
        self.until_available(idents, 90)
        self.free, self.kept = self.free + idents[:count], self.kept + idents[count:]
        self.mixer.stock_up(mix)

    def until_available(self, idents, seconds):
        """Waits for volumes; what never gets there is left to the checker."""
        wanted = set(idents)

        def there():
            self.host.tend()
            return wanted <= {r[0] for r in facts.rows(self.stage)["volume"] if r[1] == "available"}

        wait_until(f"{len(wanted)} volumes available", there, seconds, every=0.3)

    def traffic(self, creates, deletes, calls=0, tag="burst", **more):
        """Prepares rows and returns so many shuffled requests, each a function to call."""
        made = self.asker.prepare(self.rng, creates)
        gone = [self.free.pop() for _ in range(min(deletes, len(self.free)))]
        requests = [self.create(ident, tag, **more) for ident, _ in made]
        requests += [self.delete(ident, tag, **more) for ident in gone]
        requests += [self.call(tag) for _ in range(calls)]
        requests += self.mixer.requests(tag)
        self.rng.shuffle(requests)
        return requests

    def create(self, ident, tag, **more):
        host = self.any_host()
        return lambda: self.asker.ask("create", ident, tag, host=host, **more)

    def delete(self, ident, tag, **more):
        return lambda: self.asker.ask("delete", ident, tag, **more)

    def call(self, tag):
        """A call that changes nothing: its reply is what counts."""
        may = {"may_time_out": self.part.calls_may_time_out, "timeout": CALL_TIMEOUT}
        if self.kept and self.rng.random() < 0.5:
            ident = self.rng.choice(self.kept)
            return lambda: self.asker.ask("call", ident, tag, method="accept_transfer", **may)
        host = self.any_host()
        return lambda: self.asker.ask("call", None, tag, method="get_capabilities", host=host, **may)

    def spread(self, requests, seconds, start=0.0):
        """Events: the requests at random moments of a stretch of time."""
        moments = sorted(self.rng.uniform(start, start + seconds) for _ in requests)
        return list(zip(moments, requests, strict=True))

    def moments(self, count, seconds, gap, start=1.0):
        """Random moments, at least `gap` apart, of a stretch of time."""
        slack = seconds - start - gap * (count - 1)
        offsets = sorted(self.rng.uniform(0, max(slack, 0)) for _ in range(count))
        return [start + offset + gap * n for n, offset in enumerate(offsets)]

    # ---- playing

    def play(self, events):
        """Runs (seconds, function) in the order of their moments, tending the host meanwhile."""
        began = time.monotonic()
        for moment, event in sorted(events, key=lambda e: e[0]):
            while (left := began + moment - time.monotonic()) > 0:
                self.host.tend()
                time.sleep(min(left, 0.1))
            event()

    def until(self, what, condition, seconds):
        """Waits for a condition, tending the host; whether it came."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.notes.setdefault("not seen", []).append(what)
                return False
            self.host.tend()
            time.sleep(0.02)
        return True

    def under_way(self, keys):
        """How many of the volumes that these requests are about are not where they should get."""
        status = {row[0]: row[1] for row in facts.rows(self.stage)["volume"]}
        idents = {self.asker.asked[key]["id"] for key in keys}
        return sum(status.get(ident) in facts.IN_PROGRESS for ident in idents)

    def settle(self, seconds=None):
        """Waits until nothing is under way, or nothing changes any more, or it takes too long."""
        began = changed = time.monotonic()
        limit, before, quiet = seconds or self.part.settle, None, 0
        while True:
            self.host.tend()
            now = self._look()
            if now != before:
                before, changed, quiet = now, time.monotonic(), 0
            elif now and not self.asker.unanswered():
                # what an earlier settling has given up is not waited for again
                quiet += not now[1] and facts.under_way(now[0]) <= self.given_up
            if quiet >= 3 or time.monotonic() - began > limit:
                break
            if time.monotonic() - changed > UNCHANGED[self.kind] and not self.asker.unanswered():
                break
            time.sleep(0.4)
        self.given_up = facts.under_way(now[0]) if now else self.given_up
        self.notes["settled after"] = round(time.monotonic() - began, 1)

    def _look(self):
        """Everything that changes while work is done, None while it cannot be seen."""
        try:
            return facts.rows(self.stage), self.stage.queued(), facts.array(self.stage)
        except LabError:
            return None

    def result(self):
        """Facts and verdict of the end of the part."""
        heard = self.asker.heard()
        asked, seen = self.asker.record(), facts.collect(self.stage)
        found = checker.verdict(seen, asked, heard, self.part.recovery_allowed)
        info = checker.information(seen, asked, heard)
        if self.host.ended_by_itself:
            self.notes["ended by itself"] = self.host.ended_by_itself
        if self.host.stop_seconds:
            self.notes["seconds of stops"] = self.host.stop_seconds
        return {
            "seconds": round(self.since(), 1), **found, "information": info, "notes": self.notes,
            "facts": {**seen, "notifications": len(seen["notifications"])},
            "asked": asked, "heard": heard,
        }
