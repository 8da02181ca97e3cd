"""The parts of the chaos run: what is asked while what goes wrong."""

from dataclasses import dataclass, field
from typing import Callable

PARTS = {}


@dataclass
class Part:
    """One scenario; `script` takes the Play. Seconds: `limit` in all, `settle` after the script."""

    name: str
    script: Callable
    title: str
    limit: int = 240
    settle: int = 60
    options: dict = field(default_factory=dict)
    relays: bool = False
    recovery_allowed: bool = False
    calls_may_time_out: bool = False
    needs_kill_points: bool = False


def part(name, title, **more):
    """Decorator: enters a script into the list."""

    def enter(script):
        PARTS[name] = Part(name, script, title, **more)
        return script

    return enter


@part("calm", "nothing goes wrong: what is asked and counted is right by itself")
def calm(play):
    play.xms.slow(50)
    play.baseline(6, keep=2, mix=12)
    for tag in ("first", "second"):
        play.play(play.spread(play.traffic(6, 3, calls=4, tag=tag), 5))
        play.settle()


@part("kill-random", "SIGKILL at five random moments of creates, deletes and calls, started again at once")
def kill_random(play):
    play.xms.slow(250)
    play.baseline(20, keep=4, mix=24)
    burst = play.traffic(60, 0)
    mix = play.traffic(20, 20, calls=12, tag="mix")
    events = [(0.0, request) for request in burst[:30]] + play.spread(burst[30:] + mix, 24)
    events += [(moment, play.host.kill_and_restart) for moment in play.moments(5, 26, 4)]
    play.play(events)


@part("sigterm", "SIGTERM twice under load, started again", limit=420, settle=60)
def sigterm(play):
    play.xms.slow(250)
    play.baseline(16, keep=4, mix=12)

    def restart():
        play.notes.setdefault("exit statuses", []).append(play.host.terminate())
        play.host.again()

    for tag in ("first stop", "second stop"):
        burst = [(0.0, request) for request in play.traffic(24, 8, calls=4, tag=tag)]
        before = play.host.beats()
        play.play([*burst, (play.rng.uniform(0.7, 2.0), restart)])
        # a stop of what has not come up yet would show nothing
        play.until("heartbeats after the stop", lambda b=before: play.host.beats() > b + 1, 60)


@part("cut", "lines to broker, database and array cut or mute at random times", relays=True, limit=300,
      settle=90)
def cut(play):
    play.xms.slow(200)
    play.baseline(16, keep=4, mix=12)
    events = play.spread(play.traffic(40, 16, calls=8), 30)
    for moment in play.moments(6, 30, 4.5):
        name = play.rng.choice(sorted(play.relays))
        relay, length = play.relays[name], play.rng.uniform(0.5, 3)
        down = relay.stall if play.rng.random() < 0.4 else relay.cut
        events += [(moment, down), (moment + length, relay.restore)]
        play.notes.setdefault("cuts", []).append(f"{moment:.1f} s {down.__name__} {name} {length:.1f} s")
    play.play(events)


def restart_broker(play):
    """A burst that is mostly still queued when the broker goes: once killed, once stopped."""
    play.xms.slow(500)
    play.baseline(20, mix=12)
    rabbit = play.stage.rabbit

    def kill():
        rabbit.kill()
        rabbit.start()
        rabbit.wait()

    for tag, restart in (("kill", kill), ("stop", rabbit.restart)):
        keys = [request() for request in play.traffic(40, 10, tag=f"{tag} of the broker")]
        # the rest is sent into the outage
        enough = play.rng.randint(30, 45)
        play.until(f"{enough} casts confirmed", lambda: play.asker.answered(keys) >= enough, 30)
        play.notes[f"confirmed and under way at the {tag}"] = (
            play.asker.answered(keys) - len(keys) + play.under_way(keys)
        )
        restart()
        play.asker.wait(keys)


@part("broker-quorum", "broker killed and restarted, quorum queues with most of a burst in them",
      options={"oslo_messaging_rabbit": {"rabbit_quorum_queue": "true"},
               "DEFAULT": {"executor_thread_pool_size": 4}}, limit=300, settle=90)
def broker_quorum(play):
    restart_broker(play)


@part("broker-default", "the same with the default transient queues, which lose what was queued",
      # rows that only the grace time ends (snapshots, growth) are waited for too
      options={"DEFAULT": {"executor_thread_pool_size": 4, "lost_command_grace": 30}}, limit=400,
      settle=180, recovery_allowed=True, calls_may_time_out=True)
def broker_default(play):
    restart_broker(play)
