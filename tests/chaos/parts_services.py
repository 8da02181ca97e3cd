"""Parts in which a service misbehaves at exact points, and parts about exact points of ours."""

import json
import subprocess
from pathlib import Path

from databases import PASSWORD as ROOT_PASSWORD
from parts import part
from process import Process
from stage import kill_points

HERE = Path(__file__).resolve().parent
EXPIRED_AFTER = 90
FULL = "full"


def fault(action, method, times, name=None):
    """A fault of the simulated array on requests about volumes."""
    matching = {"method": method, "type": "volumes"}
    if name:
        matching["name"] = name
    return {"match": matching, "action": action, "times": times}


def refused_create(play, tag, times, may_fail=False):
    """A create that the array refuses so many times: given back to the scheduler each time."""
    (ident, _), = play.asker.prepare(play.rng, 1)
    play.xms.ask("POST", "/faults", [fault(FULL, "POST", times, ident)])
    return play.create(ident, tag, may_fail=may_fail)


def refused_delete(play, tag):
    """A delete that the array refuses once: an error, or done where a repeat gets through."""
    ident = play.free.pop()
    play.xms.ask("POST", "/faults", [fault(FULL, "DELETE", 1, ident)])
    return play.delete(ident, tag, may_fail=True)


def forgotten(play, tag):
    """A create and a delete whose messages a broker has lost: continued, or failed visibly."""
    (ident, _), = play.asker.prepare(play.rng, 1)
    return [play.create(ident, tag, may_fail=True, forget=True),
            play.delete(play.free.pop(), tag, may_fail=True, forget=True)]


@part("kill-points", "our host ends itself at each of its named points", needs_kill_points=True,
      # the next point must not come before what has lost its message is ended
      options={"DEFAULT": {"lost_command_grace": 10}}, limit=2400, settle=60)
def each_kill_point(play):
    for name in kill_points(play.binary):
        play.xms.slow(0)
        play.baseline(8, keep=0 if play.kept else 2, mix=0 if play.kept else 14)
        play.xms.slow(60)
        # so that points of failures are passed, and those of the recovery of what has no message
        requests = forgotten(play, name)
        requests += [refused_create(play, name, 1), refused_create(play, name, 3, may_fail=True)]
        requests += [refused_delete(play, name), *play.traffic(6, 6, calls=2, tag=name)]
        play.host.kill()
        play.host.again(kill_point=name)
        play.play([(0.0, request) for request in requests])
        died = play.until(f"death at {name}", play.host.ended, 12)
        play.notes.setdefault("passed" if died else "not passed", []).append(name)
        play.host.kill_and_restart()
        # longer than a call waits for its reply
        play.settle(75)
        play.xms.ask("DELETE", "/faults")


@part("database", "MariaDB restarted, and transactions deadlocked during a burst of deletes",
      limit=300, settle=90)
def database(play):
    play.xms.slow(100)
    play.baseline(50, mix=14)
    mariadb = play.stage.mariadb

    def kill():
        mariadb.kill()
        mariadb.start()
        mariadb.wait()

    events = play.spread(play.traffic(30, 15), 14)
    events += [(play.rng.uniform(1, 3), mariadb.restart), (play.rng.uniform(7, 9), kill)]
    play.play(events)
    play.settle()
    before = deadlocks(play.stage)
    # into the server's log, to see whose transactions it ended
    play.stage.sql("SET GLOBAL innodb_print_all_deadlocks = ON")
    # made before: Cinder's quota code only logs a commit of its own that loses to a deadlock
    events = play.spread(play.traffic(10, 35, tag="deadlocks"), 10)
    locker = Process(
        "locker",
        [play.stage.venv / "bin/python", HERE / "locker.py", "127.0.0.1", mariadb.port, "root",
         ROOT_PASSWORD],
        play.stage.services.state.logs / f"{play.name}-locker.log",
    )
    locker.start(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        play.play(events)
        out, _ = locker.child.communicate(timeout=20)
        play.notes["locker"] = json.loads(out)
    finally:
        locker.kill()
    play.notes["deadlocks"] = deadlocks(play.stage) - before


def deadlocks(stage):
    """How many deadlocks the server has broken."""
    rows = stage.sql("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
    return int(rows[0][1]) if rows else 0


@part("xms", "the array's replies lost after they were applied, cut short, busy, late; and a SIGKILL",
      limit=300, settle=90)
def xms(play):
    play.xms.slow(80)
    play.baseline(30, mix=14)
    requests = play.traffic(40, 30, calls=4)
    requests += [refused_create(play, "refused", 1), refused_create(play, "refused", 2),
                 refused_create(play, "refused", 3, may_fail=True)]
    actions = ["reset_after", "truncate", "busy", {"delay_ms": 1500}]
    methods = ["POST", "DELETE", "PUT"]
    events = play.spread(requests, 16)
    for moment in play.moments(20, 16, 0.3, start=0.2):
        one = fault(play.rng.choice(actions), play.rng.choice(methods), play.rng.randint(1, 2))
        events.append((moment, lambda one=one: play.xms.ask("POST", "/faults", [one])))
    events.append((play.rng.uniform(5, 11), play.host.kill_and_restart))
    play.play(events)
    play.settle()
    # those for requests that never came, as PUT, must not meet what is asked later
    play.notes["faults left"] = len(play.xms.faults())
    play.xms.ask("DELETE", "/faults")


@part("call", "create and delete as calls; host killed when the array has changed; the message expires",
      relays=True, limit=420, settle=60, calls_may_time_out=True)
def call(play):
    play.xms.slow(0)
    play.baseline(2)
    (new, _), = play.asker.prepare(play.rng, 1)
    old = play.free.pop()
    # both changes are on their way to the array for so long that the line can be taken mute
    play.xms.ask("POST", "/faults", [fault({"delay_ms": 2500}, m, 1) for m in ("POST", "DELETE")])
    before = {method: seen(play, method) for method in ("POST", "DELETE")}
    either = {"timeout": 5, "may_fail": True, "may_time_out": True}
    play.asker.ask("call", new, "call", host=play.any_host(), method="create_volume", **either)
    play.asker.ask("call", old, "call", method="delete_volume", **either)
    play.until("both on their way", lambda: all(seen(play, m) > n for m, n in before.items()), 20)
    play.relays["array"].stall()
    play.until("both applied", lambda: new in (now := play.xms.volumes()) and old not in now, 10)
    play.host.kill()
    play.relays["array"].restore()
    play.play([(EXPIRED_AFTER, play.host.again)])


def seen(play, method):
    """How many such requests about volumes have come to the array; it counts before it serves."""
    return play.xms.ask("GET", "/stats")["by_type"].get(f"{method} volumes", 0)
